// Is this statement one over cache.blobs that is done here? Read from its parse tree, once per text.

import { type Fields, type ParseTree, type Statement, unwrap, walk } from '../../sql/index.ts'
import { namesContents } from '../../virtual/index.ts'
import type { OwnCommand } from '../own-statement.ts'
import { type Dml, dmlCommand } from './blob-dml.ts'
import { BlobNames, isBlobs } from './blob-names.ts'
import { copyCommand } from './copy-in.ts'
import { pointCommand } from './point-read.ts'
import { readDelete } from './read-delete.ts'
import { readInsert } from './read-insert.ts'
import { readUpdate } from './read-update.ts'
import { notSupported } from './written-columns.ts'

/** Undefined for what is no change of it and no read by key: a query like any other over the virtual schema. */
export function readBlobStatement(
  text: string,
  tree: ParseTree,
  statement: Statement,
  schemaName: string,
): OwnCommand | undefined {
  if (tree.stmts.length !== 1) return undefined
  const node = unwrap(tree.stmts[0]?.stmt)
  if (node === undefined) return undefined
  const isTarget = isBlobs(node.fields.relation, schemaName)
  switch (node.type) {
    case 'SelectStmt':
      return pointCommand(text, node.fields, statement, schemaName)
    case 'InsertStmt':
      return isTarget ? dmlCommand(dmlOf(readInsert(node.fields), node.fields, text, tree, statement)) : undefined
    case 'UpdateStmt':
      return isTarget ? dmlCommand(dmlOf(readUpdate(node.fields), node.fields, text, tree, statement)) : undefined
    case 'DeleteStmt':
      return isTarget ? dmlCommand(dmlOf(readDelete(node.fields), node.fields, text, tree, statement)) : undefined
    case 'CopyStmt':
      return isTarget && statement.kind === 'copy_in' ? copyCommand(text, node.fields) : undefined
    case 'MergeStmt':
      if (isTarget) throw notSupported('MERGE into this relation', 'Put with INSERT … ON CONFLICT DO UPDATE.')
      return undefined
    default:
      return undefined
  }
}

function dmlOf(read: Dml['statement'], fields: Fields, text: string, tree: ParseTree, statement: Statement): Dml {
  const names = new BlobNames(fields.relation as Fields)
  const conflict = fields.onConflictClause as Fields | undefined
  return {
    statement: read,
    text,
    alias: names.alias,
    parameterCount: statement.parameterCount,
    relations: statement.virtualRelations,
    readsBlobs: countBlobs(fields, String((fields.relation as Fields).schemaname)) > 1,
    readsValue: namesContents(tree),
    readsOrigin: statement.usesOtherRelations || callsElsewhere(statement),
    conflictAt: conflict === undefined ? undefined : Number(conflict.location ?? 0),
  }
}

function countBlobs(fields: Fields, schemaName: string): number {
  let count = 0
  walk({ InsertStmt: fields }, ({ type, fields: inner }) => {
    if (type === 'RangeVar' && isBlobs(inner, schemaName)) count++
  })
  return count
}

/** Functions, operators and types of users are at the origin. */
function callsElsewhere({ names }: Statement): boolean {
  const isElsewhere = ({ schema }: { readonly schema: string | undefined }): boolean =>
    schema !== undefined && schema !== 'pg_catalog'
  return names.userTypes.length > 0 || names.functions.some(isElsewhere) || names.operators.some(isElsewhere)
}
