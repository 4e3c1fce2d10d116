// Which questions about the catalogue are about the virtual schema.

import { beforeEach, describe, expect, it } from 'vitest'
import { analyse, openParser } from '../../../src/sql/index.ts'
import { CatalogueRouter } from '../../../src/virtual/index.ts'
import { int16, int32, message } from '../../support/wire-client.ts'

const parser = await openParser()
let router: CatalogueRouter

beforeEach(() => {
  router = new CatalogueRouter('cache')
})

const route = (text: string) => router.route(text, analyse(parser, text, { virtualSchema: 'cache' }))
const row = (first: string): Buffer => message('D', int16(1), int32(first.length), Buffer.from(first))

const byName = `SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname OPERATOR(pg_catalog.~) '^(cache)$' COLLATE pg_catalog.default ORDER BY 2, 3`

describe('a look-up', () => {
  it.each([
    byName,
    "SELECT 1 FROM pg_catalog.pg_class c, pg_catalog.pg_namespace n WHERE n.nspname = 'cache' AND c.relname LIKE 'st%'",
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'cache' AND table_name = 'stats'",
    "SELECT column_name FROM information_schema.columns WHERE (table_schema) IN ('cache')",
    "SELECT * FROM pg_tables WHERE schemaname = 'cache'",
    "SELECT * FROM pg_namespace WHERE nspname LIKE 'cache'",
  ])('names the schema by a constant: %s', (text) => {
    expect(route(text)).toBe('look-up')
  })

  it.each([
    "SELECT oid FROM pg_catalog.pg_class WHERE relname OPERATOR(pg_catalog.~) '^(cache)$'",
    "SELECT * FROM information_schema.columns WHERE table_schema IN ('cache', 'public')",
    "SELECT * FROM information_schema.columns WHERE table_schema IN ('public', 'cache')",
    "SELECT * FROM pg_namespace WHERE nspname <> 'cache'",
    "SELECT * FROM pg_namespace WHERE nspname = 'public'",
    'SELECT * FROM pg_namespace',
    "SELECT * FROM item WHERE schema_name = 'cache'",
    "SELECT * FROM pg_class, item WHERE nspname = 'cache'",
    "SELECT * FROM cache.stats, pg_namespace WHERE nspname = 'cache'",
    "DELETE FROM pg_namespace WHERE nspname = 'cache'",
    "SELECT 'cache' FROM pg_class",
    "SELECT current_schema() = 'cache'",
  ])('is not: %s', (text) => {
    expect(route(text)).toBe('origin')
  })
})

describe('a follow-up', () => {
  const byOid = "SELECT relkind FROM pg_catalog.pg_class WHERE oid = '16390'"

  it('names an OID that a look-up brought', () => {
    expect(route(byOid)).toBe('origin')
    expect(route(byName)).toBe('look-up')
    router.watch(row('16390'))
    expect(route(byOid)).toBe('follow-up')
    expect(route("SELECT pg_catalog.pg_relation_is_publishable('16390') FROM pg_catalog.pg_class")).toBe('follow-up')
    expect(route('SELECT attname FROM pg_attribute WHERE attrelid = 16390')).toBe('follow-up')
  })

  it("is forgotten when the origin's catalogue is asked", () => {
    route(byName)
    router.watch(row('16390'))
    expect(route("SELECT oid FROM pg_class WHERE relname = 'item'")).toBe('origin')
    expect(route(byOid)).toBe('origin')
  })

  it('is not forgotten over statements that are not about a catalogue', () => {
    route(byName)
    router.watch(row('16390'))
    expect(route('SELECT * FROM item WHERE id = 16390')).toBe('origin')
    expect(route(byOid)).toBe('follow-up')
  })

  it('is never a word', () => {
    router.watch(row('stats'))
    expect(route("SELECT oid FROM pg_class WHERE relname = 'stats'")).toBe('origin')
  })
})
