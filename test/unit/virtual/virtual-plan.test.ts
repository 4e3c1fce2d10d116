// What happens to a statement that names the virtual schema.

import { describe, expect, it } from 'vitest'
import { analyse, openParser } from '../../../src/sql/index.ts'
import { planVirtual } from '../../../src/virtual/index.ts'

const parser = await openParser()

function planOf(text: string, admin = false) {
  const statement = analyse(parser, text, { virtualSchema: 'cache' })
  return planVirtual(text, statement, { parser, schemaName: 'cache', admin })
}

const refusal = (text: string, admin = false) => {
  const plan = planOf(text, admin)
  return plan.kind === 'refused' ? plan.error : plan
}

describe('the system database runs', () => {
  it.each([
    ['SELECT * FROM cache.stats', ['stats']],
    ['TABLE cache.reasons', ['reasons']],
    ['SELECT count(*), max(hits), now(), left(key, 3) FROM cache.results WHERE tags && ARRAY[$1]', ['results']],
    [
      'WITH r AS (SELECT * FROM cache.results) SELECT * FROM r JOIN cache.relations o ON o.oid = ANY (r.relations)',
      ['relations', 'results'],
    ],
    ['EXPLAIN ANALYZE SELECT * FROM cache.stats', ['stats']],
    ['COPY (SELECT * FROM cache.stats) TO STDOUT', ['stats']],
    ['COPY cache.stats TO STDOUT WITH CSV', ['stats']],
    ['SELECT * FROM cache.results r, generate_series(1, 2) WHERE r.hits::text ~ pg_catalog.lower($1)', ['results']],
  ])('%s', (text, relations) => {
    const plan = planOf(text)
    expect(plan.kind === 'system' && [...plan.relations].sort()).toEqual(relations)
  })
})

describe('the origin runs, with the rows', () => {
  it.each([
    'SELECT * FROM cache.nope',
    'SELECT * FROM cache.stats, item',
    'SELECT * FROM cache.relations r JOIN pg_class c USING (oid)',
    'SELECT app.f(hits) FROM cache.results',
    'SELECT hits::app.t FROM cache.results',
    'INSERT INTO item SELECT hits FROM cache.results',
    'UPDATE item SET n = hits FROM cache.results',
    'CREATE TABLE copied AS SELECT * FROM cache.results',
    'CREATE TEMP TABLE copied AS SELECT * FROM cache.results',
    'SELECT * INTO copied FROM cache.results',
    'EXPLAIN ANALYZE INSERT INTO item SELECT hits FROM cache.results',
    'DECLARE c CURSOR FOR SELECT * FROM cache.stats',
    'DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT * FROM cache.results JOIN item ON true',
  ])('%s', (text) => {
    expect(planOf(text).kind).toBe('inline')
  })
})

it('the origin runs what the system database did not know', () => {
  const text = 'SELECT my_function(hits) FROM cache.results'
  const statement = analyse(parser, text, { virtualSchema: 'cache' })
  const options = { parser, schemaName: 'cache', admin: false }
  expect(planVirtual(text, statement, options).kind).toBe('system')
  expect(planVirtual(text, statement, { ...options, elsewhere: true }).kind).toBe('inline')
})

describe('is refused', () => {
  it.each([
    ["INSERT INTO cache.settings (name) VALUES ('x')", '25006', /Change a setting with SET cache.name/],
    ['UPDATE cache.stats SET result_hits = 0', '25006', /CALL cache.reset_stats/],
    ['DELETE FROM cache.results', '25006', /FLUSH ALL CACHES/],
    ['DELETE FROM cache.results USING item WHERE id = hits', '25006', /FLUSH/],
    ['MERGE INTO cache.plans p USING item i ON true WHEN MATCHED THEN DELETE', '25006', /FLUSH CACHE PLANS/],
    ['EXPLAIN ANALYZE DELETE FROM cache.results', '25006', /FLUSH/],
    ['WITH d AS (DELETE FROM cache.results RETURNING *) SELECT * FROM d', '25006', /FLUSH/],
    ['WITH d AS (DELETE FROM item RETURNING *) INSERT INTO cache.events SELECT FROM d', '25006', /only be read/],
    ['COPY cache.results FROM STDIN', '25006', /FLUSH/],
    ['COPY cache.settings (name) FROM STDIN WITH CSV', '25006', /SET cache.name/],
    ["COPY cache.results FROM '/tmp/x'", '25006', /FLUSH/],
    ["COPY cache.results FROM PROGRAM 'true'", '25006', /FLUSH/],
    ['EXPLAIN DELETE FROM cache.results', '25006', /FLUSH/],
    ['EXPLAIN UPDATE cache.relations SET epoch = 1', '25006', /INVALIDATE CACHE RELATION/],
    ['TRUNCATE cache.results', '0A000', /FLUSH ALL CACHES/],
    ['TRUNCATE item, cache.plans', '0A000', /FLUSH CACHE PLANS/],
    ['TRUNCATE ONLY cache.stats CASCADE', '0A000', /reset_stats/],
    ['CREATE SCHEMA cache', '42939', /virtual_schema/],
    ['CREATE TABLE cache.mine (i int)', '0A000', /cannot be made/],
    ['CREATE VIEW cache.mine AS SELECT 1', '0A000', /cannot be made/],
    ['CREATE VIEW mine AS SELECT * FROM cache.stats', '0A000', /cannot be made/],
    ['CREATE INDEX ON cache.stats (since)', '0A000', /cannot be made/],
    ['ALTER TABLE cache.stats ADD COLUMN x int', '0A000', /cannot be made/],
    ['DROP TABLE cache.stats', '0A000', /cannot be made/],
    ['DROP SCHEMA cache', '0A000', /cannot be made/],
    ['GRANT SELECT ON cache.stats TO bob', '0A000', /cannot be made/],
    ['CREATE TABLE cache.mine AS SELECT 1', '0A000', /cannot be made/],
    ['LOCK cache.stats', '0A000', undefined],
    ["COPY cache.stats TO '/tmp/x'", '0A000', undefined],
    ['SELECT cache.version() || $1', '0A000', /stands alone/],
    ['SELECT cache.nope()', '42883', undefined],
  ])('%s: %s (SQL-28)', (text, sqlstate, hint) => {
    const error = refusal(text)
    expect(error).toMatchObject({ sqlstate })
    if (hint !== undefined) expect((error as { hint?: string }).hint).toMatch(hint)
  })

  it.each([
    'SELECT * FROM cache.schedules',
    "INSERT INTO cache.schedules (name) VALUES ('a')",
    'SELECT * FROM cache.evictions, item',
    "COMMENT ON MATERIALIZED VIEW cache.v IS 'mine'",
    'SELECT cache.warm() FROM item',
  ])('until a later release: %s', (text) => {
    expect(refusal(text)).toMatchObject({ sqlstate: '0A000', detail: 'It comes with a later release.' })
  })
})

describe('in an admin database', () => {
  it.each([
    'SELECT 1',
    'SELECT version()',
    'SELECT * FROM pg_catalog.pg_class',
    'SELECT * FROM information_schema.tables',
    'SHOW server_version',
    "SELECT c.relname FROM pg_class c WHERE c.oid = 'cache.stats'::regclass",
  ])('the system database runs %s', (text) => {
    expect(planOf(text, true)).toMatchObject({ kind: 'system', relations: [] })
  })

  it('joins the catalogue with ours', () => {
    const text = 'SELECT * FROM cache.stats, pg_class'
    expect(planOf(text, true)).toMatchObject({ kind: 'system', relations: ['stats'] })
  })

  it.each(['BEGIN', 'COMMIT', "SET TimeZone = 'UTC'", 'RESET ALL', 'DISCARD ALL', 'DEALLOCATE ALL', ''])(
    'the session answers %j',
    (text) => {
      expect(planOf(text, true)).toEqual({ kind: 'session' })
    },
  )

  it.each([
    'SELECT * FROM item',
    'SELECT * FROM cache.stats, item',
    'CREATE TABLE t (i int)',
    'INSERT INTO item VALUES (1)',
    'VACUUM',
    'DECLARE c CURSOR FOR SELECT * FROM cache.stats',
    'LISTEN x',
    'LOCK pg_class',
    'DO $$ $$',
  ])('is refused: %s', (text) => {
    expect(refusal(text, true)).toMatchObject({
      sqlstate: '0A000',
      hint: expect.stringMatching(/database of the origin/),
    })
  })

  it('says what is wrong with what cannot be read', () => {
    expect(refusal('SELEC 1', true)).toMatchObject({ sqlstate: '42601', position: 1 })
  })
})
