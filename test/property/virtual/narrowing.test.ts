// A statement answers the same whether all rows were copied for it or only those its text says it can use.
//
// Random statements over two relations with NULLs, joined in every way, run twice in PostgreSQL itself: once over all rows
// and once over the narrowed. Under a LIMIT without order any rows are right: then their number must be the same and each
// must be one of the answer without LIMIT.

import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { openParser } from '../../../src/sql/index.ts'
import { type BoundParameter, narrowingOf, VirtualSession } from '../../../src/virtual/index.ts'
import { openSystemDatabase } from '../../support/system-database.ts'
import { runBatch } from '../../support/virtual-runner.ts'
import { resultRow, sourcesWith } from '../../support/virtual-sources.ts'
import { bind, execute, parse } from '../../support/wire-client.ts'

const { seed } = Random.fromEnvironment()
const parser = await openParser()
const system = openSystemDatabase()

const names = ['a', 'ab', 'b', 'A', 'ä', 'a%', '']
const sources = sourcesWith({
  results: () =>
    names.flatMap((key, index) =>
      [0, 1].map((copy) => resultRow({ key, hits: index, rowCount: copy, role: names[(index + copy) % 3] as string })),
    ),
  relations: () =>
    [0, 1, 2, 3, 4_000_000_000].map((oid, index) => ({
      ...{ oid, name: index % 2 === 0 ? undefined : (names[index] as string), epoch: index, proof: 'ttl' as const },
      ...{ feed: undefined, lagMs: undefined, dependents: 0, lastChangeAtMs: undefined, lastChangeLsn: undefined },
    })),
})
const session = new VirtualSession({ database: system.database, sources, rowCountMax: () => 1000 })

afterAll(async () => {
  session.close()
  await system.close()
})

const word = fc.constantFrom(...names, 'nobody')
const literal = word.map((value) => `'${value}'`)
const number = fc.integer({ min: -1, max: 5 }).map(String)

/** Conditions on a text column and on a number, each with `$1` (text) or `$2` (number) now and then. */
function comparison(textColumn: string, numberColumn: string): fc.Arbitrary<string> {
  return fc.oneof(
    fc.oneof(literal, fc.constantFrom('NULL', '$1')).map((value) => `${textColumn} = ${value}`),
    literal.map((value) => `${value} = ${textColumn}`),
    fc
      .array(fc.oneof(literal, fc.constantFrom('NULL', '$1')), { minLength: 1, maxLength: 3 })
      .map((list) => `${textColumn} IN (${list})`),
    fc.array(word, { maxLength: 3 }).map((list) => `${textColumn} = ANY ('{${list.map((item) => `"${item}"`)}}')`),
    fc.array(literal, { minLength: 1, maxLength: 3 }).map((list) => `${textColumn} = ANY (ARRAY[${list}])`),
    fc.constantFrom('a%', 'a_', 'a\\%', '%', 'ab', '_', 'ä%', '%b').map((value) => `${textColumn} LIKE '${value}'`),
    fc.oneof(number, fc.constantFrom('NULL', '$2', "'2'")).map((value) => `${numberColumn} = ${value}`),
    fc.array(number, { minLength: 1, maxLength: 3 }).map((list) => `${numberColumn} IN (${list})`),
    fc.constantFrom(
      `${textColumn} IS NULL`,
      `${numberColumn} > 1`,
      `${textColumn} <> 'a'`,
      `lower(${textColumn}) = 'a'`,
    ),
  )
}

function conditions(inner: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .array(
      fc.oneof(
        { weight: 6, arbitrary: inner },
        { weight: 1, arbitrary: fc.tuple(inner, inner).map(([a, b]) => `(${a} OR ${b})`) },
        { weight: 1, arbitrary: inner.map((a) => `NOT (${a})`) },
        { weight: 1, arbitrary: fc.tuple(inner, inner).map(([a, b]) => `(${a} AND ${b})`) },
      ),
      { maxLength: 3 },
    )
    .map((all) => (all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`))
}

const ofResults = comparison('r.key', 'r.hits')
const ofBoth = fc.oneof(ofResults, comparison('x.name', 'x.oid'))
const join = fc.constantFrom('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN')
const on = fc.constantFrom('x.oid::text = r.hits::text', 'x.name = r.key', 'x.epoch = r.hits')

const single = conditions(ofResults).map((where) => `SELECT r.key, r.hits, r.rows FROM cache.results r${where}`)
const unnamed = conditions(comparison('key', 'hits')).map(
  (where) => `SELECT key, hits, rows FROM cache.results${where}`,
)
const joined = fc
  .tuple(join, on, conditions(ofBoth))
  .map(
    ([how, where, and]) =>
      `SELECT r.key, x.name, x.oid FROM cache.results r ${how} cache.relations x ON ${where}${and}`,
  )
const bare = fc
  .tuple(join, on, conditions(fc.oneof(comparison('key', 'hits'), comparison('name', 'oid'))))
  .map(([how, where, and]) => `SELECT key, name, oid FROM cache.results r ${how} cache.relations x ON ${where}${and}`)
const merged = fc
  .tuple(join, fc.constantFrom('USING (key)', 'USING (key, rows)'), conditions(comparison('key', 'a.hits')))
  .map(([how, using, and]) => `SELECT key, a.hits, b.rows FROM cache.results a ${how} cache.results b ${using}${and}`)
const nested = fc
  .tuple(conditions(ofResults), conditions(comparison('x.name', 'x.oid')), fc.constantFrom('EXISTS', 'NOT EXISTS'))
  .map(
    ([where, inner, how]) =>
      `SELECT r.key, r.rows FROM cache.results r${where || ' WHERE true'} AND ${how} (SELECT 1 FROM cache.relations x${inner || ' WHERE true'} AND x.epoch = r.rows)`,
  )
const twice = fc
  .tuple(single, unnamed, fc.constantFrom('UNION ALL', 'EXCEPT', 'INTERSECT'))
  .map(([a, b, how]) => `${a} ${how} ${b}`)
const counted = conditions(ofResults).map((where) => `SELECT count(*), max(r.key) FROM cache.results r${where}`)
const statement = fc.oneof(single, unnamed, joined, bare, merged, nested, twice, counted)

// A negative number is no OID, and an error only where some row is compared with it.
const value = fc.record({ text: word, number: fc.nat(5) })

async function rowsOf(sql: string, values: { text: string; number: number }, narrowed: boolean) {
  const { tree } = parser.parse(sql)
  if (tree === undefined) throw new Error(`unreadable: ${sql}`)
  // Both are named, so that every statement has both and each has its type.
  const bound = [values.text, String(values.number)]
  const parameters: BoundParameter[] = bound.map((text, index) => ({
    type: index === 0 ? 25 : 20,
    isBinary: false,
    bytes: Buffer.from(text),
  }))
  const wanted = narrowed ? narrowingOf(tree, 'cache').wanted(parameters) : undefined
  const frames = [parse('', sql, [25, 20]), bind({ values: bound }), execute()]
  const answer = await runBatch(session, frames, { relations: ['results', 'relations'], wanted })
  if (answer.failed) throw new Error(`${sql}: ${answer.error?.get('M')}`)
  return answer.rows.map((row) => JSON.stringify(row)).sort()
}

it('answers the same (SQL-26)', async () => {
  await fc.assert(
    fc.asyncProperty(statement, value, async (sql, values) => {
      expect(await rowsOf(sql, values, true), sql).toEqual(await rowsOf(sql, values, false))
    }),
    { seed, numRuns: 600 },
  )
})

it('answers as many rows under LIMIT, and none that is not there (SQL-26)', async () => {
  const limit = fc.tuple(fc.nat(4), fc.nat(3)).map(([count, offset]) => ` LIMIT ${count} OFFSET ${offset}`)
  await fc.assert(
    fc.asyncProperty(fc.oneof(single, unnamed, joined, counted), limit, value, async (sql, bound, values) => {
      const all = await rowsOf(sql, values, false)
      const some = await rowsOf(sql + bound, values, true)
      expect(some.length, sql + bound).toBe((await rowsOf(sql + bound, values, false)).length)
      for (const row of some) expect(all, sql + bound).toContain(row)
    }),
    { seed, numRuns: 300 },
  )
})
