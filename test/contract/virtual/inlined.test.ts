// Statements that mix virtual relations with the origin's: the origin answers, with the rows in the text.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { analyse, openParser, type Parser } from '../../../src/sql/index.ts'
import { planVirtual } from '../../../src/virtual/index.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { resultRow, sourcesWith, viewerWith } from '../../support/virtual-sources.ts'

const parser: Parser = await openParser()
const odd = 'x\'y\\z é 😀 $rows$ "q" \u0001'

function planOf(sql: string) {
  const statement = analyse(parser, sql, { virtualSchema: 'cache' })
  return planVirtual(sql, statement, { parser, schemaName: 'cache', admin: false })
}

function inlined(sql: string, rowCountMax = 1000): string {
  const plan = planOf(sql)
  if (plan.kind === 'refused') throw plan.error
  if (plan.kind !== 'inline') throw new Error(`${plan.kind}: ${sql}`)
  const results = () => [
    resultRow({ key: 'a', hits: 1, relations: [1259] }),
    resultRow({ key: odd, hits: 2, tags: [odd] }),
  ]
  return plan.inlined.render(sourcesWith({ results }), viewerWith(), rowCountMax).text
}

describe.each(await availableVersions())('at PostgreSQL %i', (version) => {
  let origin: TestPostgres
  let client: pg.Client

  beforeAll(async () => {
    origin = await openTestPostgres({ version })
    client = await origin.connect()
    await client.query("CREATE TABLE item (id int, key text); INSERT INTO item VALUES (1, 'a'), (2, 'b')")
  })

  afterAll(async () => origin?.close())

  const rows = async (sql: string, values: unknown[] = []): Promise<unknown[][]> =>
    (await client.query({ text: inlined(sql), values, rowMode: 'array' })).rows

  it.each([
    ['SELECT i.id, r.hits FROM item i JOIN cache.results r USING (key)', [[1, '1']]],
    ['SELECT id, results.hits FROM cache.results, item WHERE results.key = item.key', [[1, '1']]],
    ['SELECT id, cache.results.hits FROM cache.results, item WHERE cache.results.key = item.key', [[1, '1']]],
    ['SELECT cache . "results" . key FROM "cache" /* c */ . results, item WHERE id = 1 ORDER BY 1 LIMIT 1', [['a']]],
    ['SELECT relname FROM pg_class c, cache.results r WHERE c.oid = ANY (r.relations) AND r.hits = 1', [['pg_class']]],
    ["SELECT 'é😀', id FROM item WHERE key IN (SELECT key FROM cache.results)", [['é😀', 1]]],
    ['WITH r AS (SELECT * FROM cache.results) SELECT id FROM item, r WHERE r.key = item.key', [[1]]],
    [
      'WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n, cache.stats WHERE i < 3) SELECT max(i), count(*) FROM n, item',
      [[3, '6']],
    ],
    ['(SELECT key FROM item) INTERSECT (SELECT key FROM cache.results)', [['a']]],
    ['SELECT count(*) FROM (TABLE cache.results UNION ALL TABLE cache.results) r, item', [['8']]],
    [
      'SELECT count(*) FROM item LEFT JOIN LATERAL (SELECT FROM cache.results r WHERE r.key = item.key) x ON true',
      [['2']],
    ],
    ['SELECT (results).hits FROM cache.results, item WHERE id = 1 ORDER BY 1', [['1'], ['2']]],
    ['SELECT uptime FROM cache.stats, item WHERE id = 1', [[{}]]],
    ["SELECT options->>'x', declared FROM cache.caches, item", []],
    ['SELECT public.item.id FROM item, cache.results r WHERE r.hits = 2 AND id = 2 -- done', [[2]]],
  ])('%s', async (sql, expected) => {
    expect(JSON.parse(JSON.stringify(await rows(sql)))).toEqual(expected)
  })

  it('carries every value unharmed', async () => {
    const sql =
      'SELECT r.key, r.tags, r.created_at, r.parameters, r.saved_ms, r.expires_at FROM cache.results r, item WHERE id = 1 AND hits = 2'
    expect(await rows(sql)).toEqual([[odd, [odd], new Date('2024-01-31T12:00:00Z'), ['7', null], 1.5, null]])
    await client.query('SET standard_conforming_strings = off')
    expect(await rows(sql)).toHaveLength(1)
    await client.query('RESET standard_conforming_strings')
  })

  it('keeps parameters where they are', async () => {
    expect(
      await rows('SELECT $2::int, r.hits FROM cache.results r, item WHERE r.key = $1 AND id = 1', ['a', 7]),
    ).toEqual([[7, '1']])
  })

  it('feeds writes, and all that reads inside another statement', async () => {
    await client.query(inlined('CREATE TABLE copied AS SELECT key, hits FROM cache.results'))
    await client.query(inlined('INSERT INTO item SELECT hits + 10, key FROM cache.results'))
    await client.query(inlined('UPDATE item SET key = r.key FROM cache.results r WHERE r.hits = item.id - 10'))
    await client.query(inlined('DELETE FROM item USING cache.results r WHERE r.hits = item.id - 10'))
    await client.query(inlined('EXPLAIN SELECT * FROM item, cache.results'))
    expect(await rows('SELECT c.hits FROM copied c, cache.stats')).toEqual([['1'], ['2']])
    await client.query('DROP TABLE copied')
  })

  it('leaves a user column of the same words alone', async () => {
    await client.query('CREATE TEMP TABLE cache (results int); INSERT INTO cache VALUES (5)')
    expect(await rows('SELECT cache.results, r.hits FROM cache, cache.results r WHERE r.hits = 2')).toEqual([[5, '2']])
    await client.query('DROP TABLE pg_temp.cache')
  })
})

describe('what cannot take rows', () => {
  it.each([
    'SELECT * FROM ONLY cache.results, item',
    'SELECT * FROM cache.results TABLESAMPLE system (1), item',
    'SELECT * FROM larder.cache.results, item',
  ])('is refused: %s', (sql) => {
    expect(planOf(sql)).toMatchObject({ kind: 'refused', error: { sqlstate: '0A000' } })
  })

  it('is a relation there is not: it is left as it stands, and the origin says so', () => {
    expect(inlined('SELECT * FROM cache.nope, item')).toBe('SELECT * FROM cache.nope, item')
  })

  it('is more rows than virtual_inline_rows_max', () => {
    expect(() => inlined('SELECT * FROM cache.results, item', 1)).toThrow(/more than 1 rows/)
  })
})
