// Which rows of a virtual relation are copied for a statement: those its text says it can use.

import { describe, expect, it } from 'vitest'
import { openParser } from '../../../src/sql/index.ts'
import {
  type BoundParameter,
  declaredTypes,
  findVirtualTable,
  narrowingOf,
  readBoundParameters,
  type VirtualSources,
  wantedByAll,
} from '../../../src/virtual/index.ts'
import { resultRow, sourcesWith, viewerWith } from '../../support/virtual-sources.ts'
import { bind } from '../../support/wire-client.ts'

const parser = await openParser()

const keys = ['a', 'ab', 'b', 'a%', 'ä', '']

function sources(): VirtualSources {
  return sourcesWith({
    results: () => keys.map((key, hits) => resultRow({ key, hits, fingerprint: `q_${key}` })),
    relations: () =>
      [16384, 4_000_000_000].map((oid, index) => ({
        ...{ oid, name: index === 0 ? 'public.item' : undefined, epoch: index, proof: 'ttl' as const, feed: undefined },
        ...{ lagMs: undefined, dependents: 0, lastChangeAtMs: undefined, lastChangeLsn: undefined },
      })),
  })
}

function wantedOf(sql: string, parameters: readonly BoundParameter[] = []) {
  const { tree } = parser.parse(sql)
  if (tree === undefined) throw new Error(`unreadable: ${sql}`)
  return narrowingOf(tree, 'cache').wanted(parameters)
}

/** Keys (or oids) of the rows that are copied; undefined for all of them. */
function copied(sql: string, parameters?: readonly BoundParameter[], relation = 'results', rowCountMax = 1000) {
  const wanted = wantedOf(sql, parameters).get(relation)
  if (wanted === undefined) return undefined
  const rows = findVirtualTable(relation)?.rows(sources(), viewerWith(), rowCountMax, wanted) ?? []
  return [...rows].map(([first]) => first)
}

const text = (value: string | null, type = 0, isBinary = false): BoundParameter => ({
  type,
  isBinary,
  bytes: value === null ? null : Buffer.from(value),
})

describe('rows are narrowed before they are copied (SQL-26)', () => {
  it.each([
    ["key = 'a'", ['a']],
    ["'a' = key", ['a']],
    ["results.key = 'a'", ['a']],
    ["key = 'nobody'", []],
    ["key = ''", ['']],
    ['key = NULL', []],
    ["key IN ('a', 'ab', NULL)", ['a', 'ab']],
    ["key = ANY (ARRAY['a', 'b'])", ['a', 'b']],
    ['key = ANY (\'{a,"a%",NULL}\')', ['a', 'a%']],
    ["key OPERATOR(pg_catalog.=) 'a'", ['a']],
    ["key LIKE 'a%'", ['a', 'ab', 'a%']],
    ["key LIKE 'a'", ['a']],
    ["key LIKE 'a\\%'", ['a', 'ab', 'a%']],
    ["key LIKE 'a_'", ['a', 'ab', 'a%']],
    ["key LIKE '%'", keys],
    ['hits = 2', ['b']],
    ["hits = ' +2 '", ['b']],
    ['hits IN (0, 1, 9999999999)', ['a', 'ab']],
    ["key LIKE 'a%' AND hits = 1", ['ab']],
    ["(key = 'a' AND (hits = 0 AND rows > 0))", ['a']],
    ["key = 'a' AND (hits = 1 OR hits = 2)", ['a']],
    ["key = 'a' AND lower(key) = 'a'", ['a']],
  ])('WHERE %s', (where, wanted) => {
    expect(copied(`SELECT * FROM cache.results WHERE ${where}`)).toEqual(wanted)
  })

  it.each([
    'key <> $$a$$',
    "key = 'a' OR hits = 1",
    "NOT key = 'a'",
    "key NOT IN ('a')",
    "key ILIKE 'a%'",
    "key NOT LIKE 'a%'",
    "key LIKE 'a!%' ESCAPE '!'",
    "key = 'a'::name",
    "key = 'a'::varchar(1)",
    'key = \'a\' COLLATE "C"',
    'key = role',
    'hits = 1.0',
    'hits = 1::int',
    'hits > 1',
    "hits = ANY ('{1,2}')",
    "key = ALL (ARRAY['a'])",
    "key IN (SELECT 'a')",
    'key = 5',
    "created_at = '2024-01-01'",
    "other.key = 'a'",
    'key = $1',
  ])('WHERE %s is left to PostgreSQL', (where) => {
    expect(copied(`SELECT * FROM cache.results WHERE ${where}`)).toBeUndefined()
  })

  it('in joins, sub-selects and unions, each place for itself', () => {
    expect(copied("SELECT * FROM cache.results r LEFT JOIN cache.relations x ON x.oid = 1 WHERE r.key = 'a'")).toEqual([
      'a',
    ])
    expect(copied("SELECT * FROM cache.results r JOIN cache.relations x ON true WHERE key = 'a'")).toEqual(['a'])
    expect(copied("SELECT * FROM item, cache.results WHERE key = 'a' AND id = 1")).toEqual(['a'])
    expect(copied("SELECT * FROM (cache.results r JOIN item ON true) AS j(hits, key) WHERE key = 'a'")).toBeUndefined()
    expect(copied("SELECT * FROM cache.results r, cache.results r2 WHERE r.key = 'a' AND r2.key = 'b'")).toEqual([
      'a',
      'b',
    ])
    expect(copied("SELECT * FROM cache.results r, cache.results r2 WHERE r.key = 'a'")).toBeUndefined()
    expect(copied("SELECT (SELECT hits FROM cache.results WHERE key = 'a')")).toEqual(['a'])
    expect(
      copied("SELECT 1 FROM cache.results WHERE key = 'a' UNION SELECT 2 FROM cache.results WHERE hits = 2"),
    ).toEqual(['a', 'b'])
    expect(copied("WITH r AS (SELECT * FROM cache.results WHERE key = 'a') SELECT * FROM r WHERE hits = 3")).toEqual([
      'a',
    ])
    expect(copied("SELECT * FROM cache.results AS r(hits, key) WHERE key = 'a'")).toBeUndefined()
    expect(copied("SELECT * FROM cache.results TABLESAMPLE system (1) WHERE key = 'a'")).toBeUndefined()
    expect(copied("EXPLAIN ANALYZE SELECT * FROM cache.results WHERE key = 'a'")).toEqual(['a'])
    expect(copied("COPY (SELECT * FROM cache.results WHERE key = 'a') TO STDOUT")).toEqual(['a'])
    expect(copied('COPY cache.results TO STDOUT')).toBeUndefined()
    expect(copied('TABLE cache.results')).toBeUndefined()
    expect(copied('SELECT * FROM cache.relations WHERE oid = 4000000000', [], 'relations')).toEqual([4_000_000_000])
    expect(copied("SELECT * FROM cache.relations WHERE name LIKE 'p%'", [], 'relations')).toEqual([16384])
  })

  it.each([
    ['SELECT * FROM cache.results LIMIT 2', 2],
    ['SELECT key, hits + 1 FROM cache.results LIMIT 2 OFFSET 1', 3],
    ['SELECT * FROM cache.results FETCH FIRST 2 ROWS ONLY', 2],
    ['TABLE cache.results LIMIT 1', 1],
    ['SELECT * FROM cache.results LIMIT 0', 0],
    ["SELECT * FROM cache.results WHERE key LIKE 'a%' LIMIT 2", 2],
    ['SELECT count(*) FROM (SELECT 1 FROM cache.results LIMIT 2) x', 2],
    ['SELECT * FROM (SELECT * FROM cache.results LIMIT 2) x ORDER BY hits', 2],
  ])('by %s', (sql, count) => {
    expect(copied(sql)).toHaveLength(count)
  })

  it.each([
    'SELECT * FROM cache.results LIMIT ALL',
    'SELECT * FROM cache.results ORDER BY hits LIMIT 2',
    'SELECT DISTINCT role FROM cache.results LIMIT 2',
    'SELECT role FROM cache.results GROUP BY role LIMIT 2',
    'SELECT count(*) FROM cache.results LIMIT 2',
    'SELECT unnest(tags) FROM cache.results LIMIT 2',
    'SELECT row_number() OVER () FROM cache.results LIMIT 2',
    'SELECT * FROM cache.results WHERE hits > 1 LIMIT 2',
    'SELECT * FROM cache.results r, cache.relations x LIMIT 2',
    'SELECT * FROM cache.results UNION ALL SELECT * FROM cache.results LIMIT 2',
    'SELECT * FROM cache.results ORDER BY hits FETCH FIRST 2 ROWS WITH TIES',
    'SELECT * FROM cache.results LIMIT 1 + 1',
    'SELECT * FROM cache.results LIMIT 2.5',
    'SELECT * FROM cache.results LIMIT -1',
  ])('not by the LIMIT of %s', (sql) => {
    expect(copied(sql)).toBeUndefined()
  })

  it('not by the LIMIT behind conditions that are only half of PostgreSQL', () => {
    expect(copied("SELECT * FROM cache.results WHERE key LIKE 'a_' LIMIT 1")).toEqual(['a', 'ab', 'a%'])
  })

  it('before they are counted against virtual_rows_max', () => {
    expect(copied("SELECT * FROM cache.results WHERE key = 'b'", [], 'results', 1)).toEqual(['b'])
    expect(copied('SELECT * FROM cache.results LIMIT 2', [], 'results', 2)).toHaveLength(2)
    expect(() => copied("SELECT * FROM cache.results WHERE key LIKE 'a%'", [], 'results', 2)).toThrow(
      /more than 2 rows/,
    )
  })
})

describe('parameters narrow where their value can be told (SQL-26)', () => {
  it.each<[string, BoundParameter[], unknown]>([
    ['key = $1', [text('a')], ['a']],
    ['key = $1', [text('a', 25)], ['a']],
    ['key = $1', [text('a', 1043, true)], ['a']],
    ['key = $1', [text(null)], []],
    ['key = $1', [text('a', 1042)], undefined],
    ['key = $1', [text('a', 19)], undefined],
    ['key = $1', [], undefined],
    ['key IN ($1, $2)', [text('a'), text('b')], ['a', 'b']],
    ['key IN ($1, $2)', [text('a'), text('b', 1042)], undefined],
    ['key LIKE $1', [text('a%')], ['a', 'ab', 'a%']],
    ['key LIKE $1', [text(null)], []],
    ['key = ANY ($1)', [text('{a,"b"}')], ['a', 'b']],
    ['key = ANY ($1)', [text('{a}', 1009)], ['a']],
    ['key = ANY ($1)', [text('{}')], []],
    ['key = ANY ($1)', [text('{{a},{b}}')], undefined],
    ['key = ANY ($1)', [text('{a, b}')], undefined],
    ['key = ANY ($1)', [text('[1:1]={a}')], undefined],
    ['key = ANY ($1)', [text('{a}', 1009, true)], undefined],
    ['key = $1::text', [text('a')], undefined],
    ['key = $1 AND length($1::bpchar) = 1', [text('a')], undefined],
    ['hits = $1', [text('2')], ['b']],
    ['hits = $1', [text('2', 23)], ['b']],
    ['hits = $1', [text('2', 1700)], undefined],
    ['hits = $1', [{ type: 0, isBinary: true, bytes: Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]) }], ['b']],
    ['hits = $1', [{ type: 23, isBinary: true, bytes: Buffer.from([0, 0, 0, 2]) }], ['b']],
    ['hits = $1', [{ type: 0, isBinary: true, bytes: Buffer.from([0, 0, 0, 2]) }], undefined],
    ['hits = $1', [text('two')], undefined],
  ])('WHERE %s with %o', (where, parameters, wanted) => {
    expect(copied(`SELECT * FROM cache.results WHERE ${where}`, parameters)).toEqual(wanted)
  })

  it('as LIMIT', () => {
    const sql = 'SELECT * FROM cache.results LIMIT $1 OFFSET $2'
    expect(copied(sql, [text('1'), text('1')])).toHaveLength(2)
    expect(copied(sql, [text('1'), text(null)])).toBeUndefined()
  })

  it('are read off the Bind as PostgreSQL reads it', () => {
    const bytes = bind({ portal: 'p', statement: 's', values: ['a', null, Buffer.from([1, 2])] })
    expect(readBoundParameters(bytes, [25])).toMatchObject([
      { type: 25, bytes: Buffer.from('a') },
      { type: 0, bytes: null },
      { type: 0, bytes: Buffer.from([1, 2]) },
    ])
    for (let length = 5; length < bytes.length - 4; length++) {
      const cut = readBoundParameters(bytes.subarray(0, length), [])
      if (cut !== undefined) expect(cut.length).toBeLessThanOrEqual(3)
    }
    expect(declaredTypes(Buffer.from([0, 2, 0, 0, 0, 25, 0, 0, 4, 19]))).toEqual([25, 1043])
  })
})

it('statements of one batch want their rows together', () => {
  const wanted = (sql: string) => ({ relations: ['results'], wanted: wantedOf(sql) })
  const one = wanted("SELECT * FROM cache.results WHERE key = 'a'")
  const two = wanted("SELECT * FROM cache.results WHERE key = 'b'")
  expect(wantedByAll([one, two]).get('results')).toHaveLength(2)
  expect(wantedByAll([one, wanted('SELECT * FROM cache.results')]).has('results')).toBe(false)
  expect(wantedByAll([one, { relations: ['stats'], wanted: new Map() }]).get('results')).toHaveLength(1)
})
