// INSERT INTO cache.blobs, read from the parse tree.

import { conditions, ServerError } from '../../errors/index.ts'
import { type Fields, fieldsIf, listOf, unwrap, wordsOf } from '../../sql/index.ts'
import { blobColumns } from '../../virtual/index.ts'
import type { Value } from '../statement-reader.ts'
import { isAssignable } from './assignable.ts'
import { BlobNames } from './blob-names.ts'
import { type Projection, readProjection } from './projection.ts'
import { columnWords, treeValue } from './tree-value.ts'
import {
  checkColumns,
  generatedColumn,
  isWritten,
  keyColumnSet,
  notSupported,
  type WrittenColumn,
  writtenColumns,
} from './written-columns.ts'

/** Values by column; a column that is not there takes its default. */
export type PutValues = ReadonlyMap<WrittenColumn, Value>

export interface InsertStatement {
  readonly verb: 'INSERT'
  readonly columns: readonly string[]
  /** Undefined where PostgreSQL has to make the rows: expressions, or a query. */
  readonly rows: readonly PutValues[] | undefined
  readonly conflict: 'error' | 'nothing' | ConflictUpdate
  readonly returning: Returning
}

/** What is stored where an entry is there already: the new row, with these columns instead. */
export interface ConflictUpdate {
  readonly set: PutValues
  /** Added to the version that is there. */
  readonly increment: number | undefined
  readonly when: VersionTest | undefined
}

/** What the version that is there has to be; `excluded` is that of the new row. */
interface VersionTest {
  readonly operator: '=' | '<'
  readonly value: Value | 'excluded'
}

/** none: rows are not asked for. A projection is made here, any other list by PostgreSQL. */
export type Returning = 'none' | Projection | 'other'

export function readInsert(fields: Fields): InsertStatement {
  const names = new BlobNames(fields.relation as Fields)
  if (fields.withClause !== undefined) throw notSupported('WITH before an INSERT into this relation')
  if (fields.override !== undefined && fields.override !== 'OVERRIDING_NOT_SET') throw notSupported('OVERRIDING')
  const source = unwrap(fields.selectStmt)
  const lists = listOf(source?.fields.valuesLists)
  const columns = columnsOf(fields, lists)
  checkColumns(columns)
  return {
    verb: 'INSERT',
    columns,
    rows: lists.length === 0 && source !== undefined ? undefined : rowsOf(columns, lists),
    conflict: conflictOf(fields.onConflictClause as Fields | undefined, names),
    returning: returningOf(fields, names),
  }
}

export function returningOf(fields: Fields, names: BlobNames): Returning {
  const clause = fields.returningClause as Fields | undefined
  if (clause === undefined) return 'none'
  return listOf(clause.options).length > 0 ? 'other' : (readProjection(clause.exprs, names) ?? 'other')
}

/** Those named, or as many of the relation's as the first row has. */
function columnsOf(fields: Fields, lists: readonly unknown[]): readonly string[] {
  const named = listOf(fields.cols).map((item) => String(fieldsIf('ResTarget', item)?.name))
  if (named.length > 0) return named
  const all = blobColumns.map(({ name }) => name)
  return lists.length === 0 ? all : all.slice(0, listOf(lists[0]).length)
}

/** Undefined as soon as one value is not a constant or a parameter. DEFAULT VALUES is one empty row. */
function rowsOf(columns: readonly string[], lists: readonly unknown[]): PutValues[] | undefined {
  if (lists.length === 0) return [new Map()]
  const rows: PutValues[] = []
  for (const list of lists) {
    const items = listOf(list)
    if (items.length > columns.length) throw mismatch('expressions', 'target columns')
    if (items.length < columns.length) throw mismatch('target columns', 'expressions')
    rows.push(new Map())
    for (const [index, item] of items.entries()) {
      if (unwrap(item)?.type === 'SetToDefault') continue
      const name = columns[index] as string
      if (!isWritten(name)) throw generatedColumn(name, 'INSERT')
      const value = treeValue(item)
      if (value === undefined || !isAssignable(value, writtenColumns[name])) return undefined
      ;(rows.at(-1) as Map<WrittenColumn, Value>).set(name, value)
    }
  }
  return rows
}

function mismatch(more: string, less: string): ServerError {
  return new ServerError(conditions.syntaxError, [`INSERT has more ${more} than ${less}`])
}

function conflictOf(clause: Fields | undefined, names: BlobNames): InsertStatement['conflict'] {
  if (clause === undefined) return 'error'
  checkInference(clause)
  if (clause.action === 'ONCONFLICT_NOTHING') return 'nothing'
  const set = new Map<WrittenColumn, Value>()
  let increment: number | undefined
  const targets = listOf(clause.targetList).map((item) => fieldsIf('ResTarget', item) ?? {})
  checkColumns(targets.map(({ name }) => String(name)))
  for (const { name, val } of targets) {
    const column = settable(String(name))
    const words = columnWords(val)
    if (words?.length === 2 && words[0] === 'excluded' && words[1] === column) continue
    if (column === 'version') increment = incrementOf(val, names)
    if (column === 'version' && increment !== undefined) continue
    const value = treeValue(val)
    if (value === undefined || !isAssignable(value, writtenColumns[column])) throw notFromRow()
    set.set(column, value)
  }
  if (!targets.some(({ name }) => name === 'value')) {
    throw notSupported('ON CONFLICT DO UPDATE that does not set value', 'Change other columns alone with UPDATE.')
  }
  return { set, increment, when: testOf(clause.whereClause, names) }
}

export function settable(name: string): WrittenColumn {
  if (name === 'namespace' || name === 'key') throw keyColumnSet(name)
  if (!isWritten(name)) throw generatedColumn(name, 'UPDATE')
  return name
}

function notFromRow(): ServerError {
  return notSupported(
    'this expression in ON CONFLICT DO UPDATE',
    'A column is set to excluded.column, to a constant or a parameter; version also to blobs.version + n.',
  )
}

/** The conflict that is meant can only be that of the primary key. */
function checkInference({ infer, action }: Fields): void {
  const { indexElems, conname, whereClause } = (infer ?? {}) as Fields
  if (infer === undefined && action === 'ONCONFLICT_NOTHING') return
  if (conname === 'blobs_pkey') return
  if (conname !== undefined) throw new ServerError(conditions.undefinedConstraint, [String(conname), 'blobs'])
  const named = listOf(indexElems).map((item) => fieldsIf('IndexElem', item)?.name)
  const isKey = new Set(named).size === 2 && named.includes('namespace') && named.includes('key')
  if (!isKey || whereClause !== undefined) throw new ServerError(conditions.noSuchConflictTarget)
}

/** `blobs.version + 1` */
export function incrementOf(node: unknown, names: BlobNames): number | undefined {
  const fields = fieldsIf('A_Expr', node)
  if (fields === undefined || fields.kind !== 'AEXPR_OP' || wordsOf(fields.name).join('.') !== '+') return undefined
  if (names.columnOf(fields.lexpr) !== 'version') return undefined
  const by = treeValue(fields.rexpr)
  const isCount = by?.kind === 'constant' && !by.isString && /^[1-9]\d{0,8}$/.test(by.text ?? '')
  return isCount ? Number(by.text) : undefined
}

function testOf(where: unknown, names: BlobNames): VersionTest | undefined {
  if (where === undefined) return undefined
  const fields = fieldsIf('A_Expr', where)
  const operator = wordsOf(fields?.name).join('.')
  if (fields?.kind === 'AEXPR_OP' && (operator === '=' || operator === '<')) {
    const words = columnWords(fields.lexpr) ?? []
    // A bare name might be the new row's column as well.
    if (words.length === 1 && words[0] === 'version') throw new ServerError(conditions.ambiguousColumn, ['version'])
    if (names.columnOf(fields.lexpr) === 'version') {
      if (columnWords(fields.rexpr)?.join('.') === 'excluded.version') return { operator, value: 'excluded' }
      const value = treeValue(fields.rexpr)
      if (value !== undefined && isAssignable(value, 'int8')) return { operator, value }
    }
  }
  throw notSupported(
    'this condition of ON CONFLICT DO UPDATE',
    `It may be WHERE ${names.alias}.version = value, or ${names.alias}.version < excluded.version.`,
  )
}
