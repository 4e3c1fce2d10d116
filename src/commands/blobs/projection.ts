// A select list, or the list of RETURNING, that is columns of cache.blobs and convert_from(value, 'UTF8'): made here, from entries,
// without a PostgreSQL. Any other list is undefined.

import { type Fields, fieldsIf, listOf, unwrap, wordsOf } from '../../sql/index.ts'
import { type BlobRow, blobColumns } from '../../virtual/index.ts'
import { utf8Text } from '../function-columns.ts'
import type { CommandContext, ResultColumn } from '../own-statement.ts'
import type { BlobNames } from './blob-names.ts'
import { treeValue } from './tree-value.ts'

interface ProjectedColumn extends ResultColumn {
  /** Whether it is made from the value. */
  readonly readsValue: boolean
  value(blob: BlobRow): unknown
}

export interface Projection {
  readonly columns: readonly ProjectedColumn[]
  /** Whether entries are needed with their values. */
  readonly readsValue: boolean
  /** Whether it shows times, whose text depends on TimeZone, DateStyle and IntervalStyle, and bytes: on bytea_output. */
  readonly hasTimes: boolean
  readonly hasBytes: boolean
}

const columnsByName: ReadonlyMap<string, ProjectedColumn> = new Map(
  blobColumns.map(({ name, type, value }) => [name, { name, type, value, readsValue: name === 'value' }]),
)

export const isBlobColumn = (name: string): boolean => columnsByName.has(name)

export function readProjection(targets: unknown, names: BlobNames): Projection | undefined {
  const columns: ProjectedColumn[] = []
  for (const target of listOf(targets)) {
    const found = projected(fieldsIf('ResTarget', target), names)
    if (found === undefined) return undefined
    columns.push(...found)
  }
  return {
    columns,
    readsValue: columns.some((column) => column.readsValue),
    hasTimes: columns.some(({ type }) => type === 'timestamptz' || type === 'interval'),
    hasBytes: columns.some(({ type }) => type === 'bytea'),
  }
}

/** True if it can be rendered here, as far as settings matter. */
export function isPlain(projection: Projection, plain: CommandContext['plain']): boolean {
  return (plain.times || !projection.hasTimes) && (plain.bytes || !projection.hasBytes)
}

function projected(target: Fields | undefined, names: BlobNames): readonly ProjectedColumn[] | undefined {
  const node = unwrap(target?.val)
  if (node?.type === 'ColumnRef' && fieldsIf('A_Star', listOf(node.fields.fields).at(-1)) !== undefined) {
    return names.isOurs(wordsOf(node.fields.fields)) ? [...columnsByName.values()] : undefined
  }
  const column = node?.type === 'FuncCall' ? decoded(node.fields, names) : plainColumn(target?.val, names)
  if (column === undefined) return undefined
  return [typeof target?.name === 'string' ? { ...column, name: target.name } : column]
}

function plainColumn(node: unknown, names: BlobNames): ProjectedColumn | undefined {
  const name = names.columnOf(node)
  return name === undefined ? undefined : columnsByName.get(name)
}

const plainCall = new Set(['funcname', 'args', 'funcformat', 'location'])

/** convert_from(value, 'UTF8') */
function decoded(fields: Fields, names: BlobNames): ProjectedColumn | undefined {
  const words = wordsOf(fields.funcname)
  const isCalled = words.at(-1) === 'convert_from' && (words.length === 1 || words[0] === 'pg_catalog')
  const [value, encoding] = listOf(fields.args)
  if (!isCalled || Object.keys(fields).some((field) => !plainCall.has(field))) return undefined
  if (names.columnOf(value) !== 'value') return undefined
  const name = treeValue(encoding)
  if (name?.kind !== 'constant' || name.type !== undefined || !/^utf-?8$/i.test(name.text ?? '')) return undefined
  return { name: 'convert_from', type: 'text', readsValue: true, value: (blob) => utf8Text(blob.value) }
}
