// The schema of the system database: an unlogged table per virtual relation, commented, and always empty once
// committed; and the signatures of the functions.
//
// Its version is a hash of its text. A cluster whose version differs belongs to another release and is made anew.

import { createHash } from 'node:crypto'
import { functionsDdl } from './own-functions.ts'
import { quoteIdentifier, quoteLiteral } from './quoting.ts'
import { virtualTables } from './tables/index.ts'
import type { VirtualTable } from './virtual-table.ts'

interface SystemSchema {
  /** Statements that make it, to be run as the superuser in a new database. */
  readonly ddl: string
  readonly version: string
}

export function systemSchema(schemaName: string): SystemSchema {
  const schema = quoteIdentifier(schemaName)
  const ddl = [
    `CREATE SCHEMA ${schema};`,
    `COMMENT ON SCHEMA ${schema} IS 'what Larder knows about itself';`,
    ...virtualTables.map((table) => tableDdl(schema, table)),
    functionsDdl(schemaName),
    `GRANT USAGE ON SCHEMA ${schema} TO PUBLIC;`,
    // Sessions copy their own rows in and never commit them; their transactions are read-only from then on.
    `GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ${schema} TO PUBLIC;`,
    // What a change of blobs comes to is worked out on a copy, in a transaction that is always rolled back.
    `GRANT UPDATE, DELETE ON ${schema}.blobs TO PUBLIC;`,
  ].join('\n')
  return { ddl, version: createHash('sha256').update(ddl).digest('hex').slice(0, 16) }
}

function tableDdl(schema: string, table: VirtualTable): string {
  const name = `${schema}.${quoteIdentifier(table.name)}`
  const columns = table.columns.map((column) => `${quoteIdentifier(column.name)} pg_catalog.${column.type}`)
  return [
    `CREATE UNLOGGED TABLE ${name} (${columns.join(', ')});`,
    `COMMENT ON TABLE ${name} IS ${quoteLiteral(table.summary)};`,
    ...table.columns.map(
      (column) => `COMMENT ON COLUMN ${name}.${quoteIdentifier(column.name)} IS ${quoteLiteral(column.summary)};`,
    ),
  ].join('\n')
}
