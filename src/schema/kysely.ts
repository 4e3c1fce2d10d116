// `pglarder/schema/kysely`: the relations of schema `cache` for Kysely over node-pg. Types only.
//
//   const db = new Kysely<MyTables & LarderTables>({ … })
//   db.selectFrom('cache.blobs')                                  a name with its schema
//   new Kysely<CacheTables>({ … }).withSchema('cache')            names without

import type { ColumnType } from 'kysely'
import type { BlobsInsert, Rows } from './rows/index.ts'

/** What a statement can only read. */
type ReadOnly<Row> = { readonly [Name in keyof Row]: ColumnType<Row[Name], never, never> }

/** What identifies an entry is given once. */
type Key = 'namespace' | 'key'

type Updated<Name, Value> = Name extends Key ? never : Exclude<Value, undefined>

type Writable<Row, Insert> = {
  readonly [Name in keyof Row]: Name extends keyof Insert
    ? ColumnType<Row[Name], Insert[Name], Updated<Name, Insert[Name]>>
    : ColumnType<Row[Name], never, never>
}

/** By their names alone, for `withSchema('cache')`. */
export type CacheTables = {
  readonly [Name in keyof Rows]: Name extends 'blobs' ? Writable<Rows[Name], BlobsInsert> : ReadOnly<Rows[Name]>
}

/** By their names with the schema, to stand beside tables of yours. */
export type LarderTables = { readonly [Name in keyof CacheTables as `cache.${Name}`]: CacheTables[Name] }
