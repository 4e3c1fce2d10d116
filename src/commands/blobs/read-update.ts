// UPDATE cache.blobs, read from the parse tree.

import { type Fields, fieldsIf, listOf, unwrap } from '../../sql/index.ts'
import type { Value } from '../statement-reader.ts'
import { isAssignable } from './assignable.ts'
import { BlobNames } from './blob-names.ts'
import { type Condition, readCondition } from './condition.ts'
import { incrementOf, type PutValues, type Returning, returningOf, settable } from './read-insert.ts'
import { treeValue } from './tree-value.ts'
import { checkColumns, notSupported, type WrittenColumn, writtenColumns } from './written-columns.ts'

export interface UpdateStatement {
  readonly verb: 'UPDATE'
  /** The columns it sets. */
  readonly columns: readonly WrittenColumn[]
  /** Undefined where PostgreSQL has to work them out; a column that is set to DEFAULT is not in it. */
  readonly set: PutValues | undefined
  /** Added to the version that is there. */
  readonly increment: number | undefined
  readonly condition: Condition
  /** True if the condition is all that its WHERE says. */
  readonly isWhole: boolean
  readonly returning: Returning
}

/** What a touch can change; every other column is part of what was put. */
export const touchedColumns: ReadonlySet<WrittenColumn> = new Set([
  'ttl',
  'expires_at',
  'idle_ttl',
  'tags',
  'dependencies',
  'priority',
])

export function readUpdate(fields: Fields): UpdateStatement {
  const names = new BlobNames(fields.relation as Fields)
  if (fields.withClause !== undefined) throw notSupported('WITH before an UPDATE of this relation')
  if (listOf(fields.fromClause).length > 0) throw notSupported('UPDATE … FROM over this relation')
  const targets = listOf(fields.targetList).map((item) => fieldsIf('ResTarget', item) ?? {})
  checkColumns(targets.map(({ name }) => String(name)))
  const columns = targets.map(({ name }) => settable(String(name)))
  const { condition, isWhole } = readCondition(fields.whereClause, names)
  const { set, increment } = assignments(targets, columns, names)
  return { verb: 'UPDATE', columns, set, increment, condition, isWhole, returning: returningOf(fields, names) }
}

function assignments(
  targets: readonly Fields[],
  columns: readonly WrittenColumn[],
  names: BlobNames,
): { set: PutValues | undefined; increment: number | undefined } {
  const set = new Map<WrittenColumn, Value>()
  let increment: number | undefined
  for (const [index, { val }] of targets.entries()) {
    const column = columns[index] as WrittenColumn
    if (unwrap(val)?.type === 'SetToDefault') continue
    if (column === 'version') increment = incrementOf(val, names)
    if (column === 'version' && increment !== undefined) continue
    const value = treeValue(val)
    if (value === undefined || !isAssignable(value, writtenColumns[column]))
      return { set: undefined, increment: undefined }
    set.set(column, value)
  }
  return { set, increment }
}
