// The files of src/schema/ that are made from the virtual tables: rows as interfaces, columns as one text, and what Drizzle exports.

import { writtenColumns } from '../../src/commands/blobs/written-columns.ts'
import { type ColumnType, type VirtualTable, virtualTables } from '../../src/virtual/index.ts'

export interface SchemaFile {
  readonly path: string
  readonly text: string
}

const madeBy = 'Made by `npm run docs` from src/virtual/tables/; do not edit.'

/** What node-pg makes of a value, and what may be sent for one. */
const types: Readonly<Record<ColumnType, { readonly read: string; readonly sent: string }>> = {
  text: { read: 'string', sent: 'string' },
  bytea: { read: 'Buffer', sent: 'Uint8Array' },
  int8: { read: 'string', sent: 'string | number | bigint' },
  float8: { read: 'number', sent: 'number' },
  numeric: { read: 'string', sent: 'string | number' },
  bool: { read: 'boolean', sent: 'boolean' },
  timestamptz: { read: 'Date', sent: 'Date | string' },
  interval: { read: 'Interval', sent: 'Interval | string' },
  jsonb: { read: 'unknown', sent: 'Readonly<Record<string, unknown>> | string' },
  oid: { read: 'number', sent: 'number' },
  pg_lsn: { read: 'string', sent: 'string' },
  'text[]': { read: 'string[]', sent: 'readonly string[]' },
  'int8[]': { read: 'string[]', sent: 'readonly string[]' },
  'oid[]': { read: 'number[]', sent: 'readonly number[]' },
}

/** 23502 without them. */
const requiredColumns = ['namespace', 'key', 'value']

const isWritten = (table: VirtualTable, column: string): boolean =>
  table.name === 'blobs' && Object.hasOwn(writtenColumns, column)

const sorted = [...virtualTables].sort((a, b) => (a.name < b.name ? -1 : 1))

export const schemaFiles: readonly SchemaFile[] = [
  ...sorted.map((table) => ({ path: `src/schema/rows/${fileName(table)}.ts`, text: rowFile(table) })),
  { path: 'src/schema/rows/index.ts', text: rowsIndex() },
  { path: 'src/schema/relations.ts', text: relationsFile() },
  { path: 'src/schema/drizzle.ts', text: drizzleFile() },
]

function fileName({ name }: VirtualTable): string {
  return name.replaceAll('_', '-')
}

function pascal(name: string): string {
  return camel(name).replace(/^./, (first) => first.toUpperCase())
}

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

function rowFile(table: VirtualTable): string {
  const rows = table.columns.map(({ name, type, summary, isNullable }) => {
    const { read } = types[type]
    // Whatever jsonb reads as may be null already.
    return property(name, isNullable && read !== 'unknown' ? `${read} | null` : read, summary)
  })
  const lines = [
    `// A row of cache.${table.name}: ${table.summary}. ${madeBy}`,
    '',
    ...intervalImport(table),
    `export interface ${pascal(table.name)}Row {`,
    ...rows,
    '}',
    ...(table.name === 'blobs' ? ['', ...insertInterface(table)] : []),
  ]
  return `${lines.join('\n')}\n`
}

function property(name: string, type: string, summary: string): string {
  return `  /** ${summary} */\n  readonly ${name}: ${type}`
}

function intervalImport({ columns }: VirtualTable): string[] {
  return columns.some(({ type }) => type === 'interval') ? ["import type { Interval } from '../interval.ts'", ''] : []
}

function insertInterface(table: VirtualTable): string[] {
  const written = table.columns.filter(({ name }) => isWritten(table, name))
  return [
    '/** What INSERT takes; the rest is filled by the server. UPDATE takes all of it but namespace and key. */',
    'export interface BlobsInsert {',
    ...written.map(({ name, type }) =>
      requiredColumns.includes(name)
        ? `  readonly ${name}: ${types[type].sent}`
        : `  readonly ${name}?: ${types[type].sent} | null | undefined`,
    ),
    '}',
  ]
}

function rowsIndex(): string {
  const lines = [
    `// The rows of all relations of schema \`cache\`, by name. ${madeBy}`,
    '',
    ...sorted.map((table) => `import type { ${pascal(table.name)}Row } from './${fileName(table)}.ts'`),
    '',
    'export type {',
    ...['BlobsInsert', ...sorted.map((table) => `${pascal(table.name)}Row`)].sort().map((name) => `  ${name},`),
    '}',
    '',
    'export interface Rows {',
    ...sorted.map(({ name }) => `  readonly ${name}: ${pascal(name)}Row`),
    '}',
  ]
  return `${lines.join('\n').replace('{ BlobsRow } from', '{ BlobsInsert, BlobsRow } from')}\n`
}

function relationsFile(): string {
  const entries = sorted.map((table) => {
    const columns = table.columns.map(({ name, type, isNullable }) => {
      const isGenerated = table.name === 'blobs' && !isWritten(table, name)
      const isRequired = !isNullable || (table.name === 'blobs' && requiredColumns.includes(name))
      return `${name} ${type}${isRequired ? ' not null' : ''}${isGenerated ? ' generated' : ''}`
    })
    return `  ${table.name}: \`\n${wrapped(columns)}\`,`
  })
  const lines = [
    `// The columns of the relations of schema \`cache\`: name, type and what CREATE TABLE would say. ${madeBy}`,
    '',
    'export const relations = {',
    ...entries,
    '} as const',
    '',
    'export type RelationName = keyof typeof relations',
  ]
  return `${lines.join('\n')}\n`
}

/** Joined by commas, in lines of up to 120 characters. */
function wrapped(items: readonly string[]): string {
  const lines: string[] = []
  let line = '   '
  for (const [index, item] of items.entries()) {
    const piece = ` ${item}${index < items.length - 1 ? ',' : ''}`
    if (line.length + piece.length > 120) {
      lines.push(line)
      line = '   '
    }
    line += piece
  }
  return [...lines, line].join('\n')
}

function drizzleFile(): string {
  const views = sorted.filter(({ name }) => name !== 'blobs')
  const lines = [
    `// \`pglarder/schema/drizzle\`: the relations of schema \`cache\` for Drizzle, by any of its drivers. ${madeBy}`,
    '',
    "import { type Blobs, blobsTable, type View, view } from './drizzle-relations.ts'",
    '',
    `/** ${virtualTables.find(({ name }) => name === 'blobs')?.summary} */`,
    'export const blobs: Blobs = blobsTable',
    ...views.map(
      ({ name, summary }) => `/** ${summary} */\nexport const ${camel(name)}: View<'${name}'> = view('${name}')`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
