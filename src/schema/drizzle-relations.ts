// The relations of schema `cache` as Drizzle's objects. `blobs` is a table; the others are views that exist, so nobody can write to them by
// mistake and drizzle-kit leaves them alone.
//
// Columns are built from the one text that relations.ts has of them, and typed by what rows/ says. Drizzle's own types of columns give their
// values, except that int8 is a string as everywhere here, and duration is text.

import { sql } from 'drizzle-orm'
import {
  boolean,
  customType,
  doublePrecision,
  interval,
  jsonb,
  numeric,
  type PgColumn,
  type PgColumnBuilderBase,
  type PgTableWithColumns,
  type PgViewWithSelection,
  pgSchema,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import type { Interval } from './interval.ts'
import { type RelationName, relations } from './relations.ts'
import type { BlobsInsert, Rows } from './rows/index.ts'

/** An interval may be many shapes of object elsewhere; Drizzle has the driver leave it as text. */
type Value<T> = unknown extends T ? unknown : NonNullable<T> extends Interval ? string : NonNullable<T>

type Required = 'namespace' | 'key' | 'value'

/** `Written` are the columns that a statement may give a value; what it need not give has a default. */
type Columns<Table extends string, Row, Written> = {
  readonly [Name in keyof Row & string]: PgColumn<{
    name: Name
    tableName: Table
    dataType: 'custom'
    columnType: 'PgCustomColumn'
    data: Value<Row[Name]>
    driverParam: unknown
    notNull: null extends Row[Name] ? (Name extends 'value' ? true : false) : true
    hasDefault: Name extends Required ? false : true
    isPrimaryKey: false
    isAutoincrement: false
    hasRuntimeDefault: false
    enumValues: undefined
    baseColumn: never
    identity: undefined
    generated: Name extends Written ? undefined : { type: 'always' }
  }>
}

export type Blobs = PgTableWithColumns<{
  name: 'blobs'
  schema: 'cache'
  columns: Columns<'blobs', Rows['blobs'], keyof BlobsInsert>
  dialect: 'pg'
}>

export type View<Name extends RelationName> = PgViewWithSelection<Name, true, Columns<Name, Rows[Name], never>>

const bytea = customType<{ data: Buffer; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const int8 = customType<{ data: string }>({ dataType: () => 'bigint', fromDriver: String })
const oid = customType<{ data: number }>({ dataType: () => 'oid', fromDriver: Number })
const lsn = customType<{ data: string }>({ dataType: () => 'pg_lsn' })

const builders = {
  text: () => text(),
  bytea: () => bytea(),
  int8: () => int8(),
  float8: () => doublePrecision(),
  numeric: () => numeric(),
  bool: () => boolean(),
  timestamptz: () => timestamp({ withTimezone: true }),
  interval: () => interval(),
  jsonb: () => jsonb(),
  oid: () => oid(),
  pg_lsn: () => lsn(),
  'text[]': () => text().array(),
  'int8[]': () => int8().array(),
  'oid[]': () => oid().array(),
}

/** `name type [not null] [generated]` of each column, as builders. */
function columnsOf(name: RelationName): Record<string, PgColumnBuilderBase> {
  const columns: Record<string, PgColumnBuilderBase> = {}
  for (const definition of relations[name].split(',')) {
    const [column = '', type = '', ...marks] = definition.trim().split(/\s+/)
    const builder = builders[type as keyof typeof builders]()
    const whole = marks.includes('not') ? builder.notNull() : builder
    columns[column] = marks.includes('generated') ? whole.generatedAlwaysAs(sql`server`) : whole
  }
  return columns
}

const schema = pgSchema('cache')

export function view<Name extends RelationName>(name: Name): View<Name> {
  return schema.view(name, columnsOf(name)).existing() as unknown as View<Name>
}

export const blobsTable: Blobs = schema.table('blobs', columnsOf('blobs'), (table) => [
  primaryKey({ name: 'blobs_pkey', columns: [table.namespace as PgColumn, table.key as PgColumn] }),
]) as unknown as Blobs
