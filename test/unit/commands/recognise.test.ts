// Whose statement is it? First words decide; what is ours is never forwarded, and what only looks like it always is.

import { describe, expect, it } from 'vitest'
import { recognise } from '../../../src/commands/index.ts'
import { ServerError } from '../../../src/errors/index.ts'

const ours = (text: string) => recognise(text, { schemaName: 'cache' })

function refused(text: string, hasDialect = false): ServerError {
  try {
    recognise(text, { schemaName: 'cache', hasDialect })
  } catch (error) {
    if (error instanceof ServerError) return error
    throw error
  }
  throw new Error(`not refused: ${text}`)
}

describe('ours', () => {
  it.each([
    ['SHOW CACHES', 'SHOW'],
    ['show caches', 'SHOW'],
    ['/* a */ Show -- b\n /* c /* d */ */ CACHES ;', 'SHOW'],
    ['SHOW CACHE stats', 'SHOW'],
    ['EXPLAIN LAST STATEMENT', 'EXPLAIN'],
    ['EXPLAIN (CACHE) SELECT 1', 'EXPLAIN'],
    ['explain (analyze, cache, format json) (select 1)', 'EXPLAIN'],
    ['EXPLAIN (CACHE on, BUFFERS) VALUES (1)', 'EXPLAIN'],
    ['FLUSH ALL CACHES', 'FLUSH ALL CACHES'],
    ['FLUSH CACHE PLANS', 'FLUSH CACHE'],
    ['FLUSH CACHE a, "B c", \'d\'', 'FLUSH CACHE'],
    ['INVALIDATE CACHE RELATION app.orders, "Odd"', 'INVALIDATE CACHE'],
    ['INVALIDATE CACHE TABLE orders', 'INVALIDATE CACHE'],
    ["INVALIDATE CACHE TAG 'a', $1", 'INVALIDATE CACHE'],
    ["SET cache.result_ttl = '10s'", 'SET'],
    ['SET LOCAL cache.consistency TO session', 'SET'],
    ['SET SESSION cache.result_cache = off', 'SET'],
    ['set "cache".result_ttl to default', 'SET'],
    ['RESET cache.result_ttl', 'RESET'],
    ['SHOW cache.result_ttl', 'SHOW'],
    ["ALTER SYSTEM SET cache.result_ttl = '1min'", 'ALTER SYSTEM'],
    ['ALTER SYSTEM RESET cache.result_ttl', 'ALTER SYSTEM'],
    ["SELECT set_config('cache.result_ttl', '5s', false)", 'SELECT'],
    ["select pg_catalog.current_setting('cache.result_ttl', true) as ttl", 'SELECT'],
    ['SELECT cache.version()', 'SELECT'],
    ['SELECT * FROM cache.flush(everything => true)', 'SELECT'],
    ["CALL cache.invalidate(relations := '{a,b}')", 'CALL'],
    ['CALL cache.reset_stats()', 'CALL'],
  ])('%s', (text, tag) => {
    expect(ours(text)?.tag).toBe(tag)
  })
})

describe("the origin's", () => {
  it.each([
    'SELECT 1',
    'SELECT * FROM cache.stats',
    'SELECT "cache"."key" FROM "cache"',
    'SELECT cache.key FROM cache',
    "SELECT 'FLUSH ALL CACHES'",
    '-- FLUSH ALL CACHES',
    '',
    'SHOW work_mem',
    'SHOW ALL',
    'SET work_mem = 1',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
    'SET LOCAL work_mem = 1',
    'RESET ALL',
    'DISCARD ALL',
    'ALTER SYSTEM RESET ALL',
    'ALTER SYSTEM SET work_mem = 1',
    'ALTER TABLE cache ADD COLUMN x int',
    'CREATE TABLE cache (x int)',
    'DROP TABLE cache',
    'COMMENT ON TABLE cache IS NULL',
    'EXPLAIN SELECT 1',
    'EXPLAIN (ANALYZE, BUFFERS) SELECT 1',
    'EXPLAIN ANALYZE SELECT cache FROM t',
    'EXPLAIN (SELECT 1)',
    'LISTEN changes',
    "SELECT set_config('work_mem', '1MB', false)",
    "SELECT current_setting('cache.result_ttl'), 1",
    'CALL app.flush()',
    'SELECT cache_version()',
  ])('%s', (text) => {
    expect(ours(text)).toBeUndefined()
  })
})

describe('ours, but not to be read', () => {
  it.each([
    ['FLUSH', 'syntax error at end of input', 6, 'Expected CACHE or ALL CACHES.'],
    ['FLUSH TABLES', 'syntax error at or near "TABLES"', 7, 'Expected CACHE or ALL CACHES.'],
    ['BACKUP x', 'syntax error at or near "x"', 8, 'Expected CACHE.'],
    ['INVALIDATE CACHE', 'syntax error at end of input', 17, 'Expected RELATION, TABLE, TAG, DEPENDENCY or NAMESPACE.'],
    ['INVALIDATE CACHE RELATION a MARK', 'syntax error at end of input', 33, 'Expected STALE.'],
    ['/* é */ FLUSH ALL x', 'syntax error at or near "x"', 19, 'Expected CACHES.'],
    ['SET cache.result_ttl 1', 'syntax error at or near "1"', 22, 'Expected TO or =.'],
    [
      'SHOW CACHES ORDER BY 1',
      'syntax error at or near "ORDER"',
      13,
      'Expected LIKE, WHERE, LIMIT or the end of the statement.',
    ],
    [
      'EXPLAIN (CACHE) INSERT INTO t VALUES (1)',
      'syntax error at or near "INSERT"',
      17,
      'Expected SELECT, WITH, VALUES or TABLE.',
    ],
    [
      'INVALIDATE CACHE KEY 1',
      'INVALIDATE CACHE KEY needs a namespace',
      undefined,
      'Expected INVALIDATE CACHE NAMESPACE name KEY.',
    ],
  ])('%s', (text, message, position, hint) => {
    expect(refused(text)).toMatchObject({ sqlstate: '42601', message, position, hint })
  })

  it.each([
    'WARM CACHE ALL',
    'CREATE CACHE FROM SELECT 1',
    'CREATE SHALLOW CACHE a FROM SELECT 1',
    'ALTER CACHE a SET (ttl = 1)',
    'DROP CACHE a',
    'DROP ALL CACHES',
    'DROP ALL PROXIED QUERIES',
    'COMMENT ON CACHE a IS NULL',
    'EXPLAIN CREATE CACHE FROM SELECT 1',
    'INVALIDATE CACHE RELATION a MARK STALE',
    'SHOW CACHE schedules',
    'SHOW CACHE KEY INPUTS FOR SELECT 1',
    'SHOW PROXIED QUERIES',
    'SHOW POOLS',
    'PAUSE',
    'LISTEN cache_invalidation',
    'SELECT cache.warm()',
  ])('%s comes with a later release', (text) => {
    expect(refused(text)).toMatchObject({ sqlstate: '0A000', detail: 'It comes with a later release.' })
  })

  it('says which relation or function there is not', () => {
    expect(refused('SHOW CACHE nope')).toMatchObject({ sqlstate: '42P01', position: 12 })
    expect(refused('SELECT cache.nope()')).toMatchObject({ sqlstate: '42883' })
    expect(refused('CALL cache.version(1)')).toMatchObject({ sqlstate: '42883', hint: 'It is cache.version().' })
    expect(refused('SELECT * FROM cache.flush(nope => 1)')).toMatchObject({ sqlstate: '42883' })
    expect(refused('SELECT cache.flush(everything => x)')).toMatchObject({ sqlstate: '0A000' })
  })

  it('42601 for what a namespace has no word for', () => {
    expect(refused('INVALIDATE CACHE NAMESPACE a RELATION b')).toMatchObject({ sqlstate: '42601' })
  })
})

describe('backups and jobs (SQL-22, SQL-23)', () => {
  it.each([
    ['BACKUP CACHE', 'BACKUP'],
    ["backup cache to 'file:///x' with (detached, encryption_passphrase = $1)", 'BACKUP'],
    ['BACKUP CACHE NAMESPACE a, "b c"', 'BACKUP'],
    ["RESTORE CACHE FROM LATEST IN 'x'", 'RESTORE'],
    ["RESTORE CACHE NAMESPACE a, 'b' AS c FROM LATEST IN 'x'", 'RESTORE'],
    ['RESTORE CACHE FROM $1 IN $2 WITH (verify_only = off)', 'RESTORE'],
    ["SHOW BACKUPS IN 'x'", 'SHOW'],
    ["SHOW BACKUP FILES FROM LATEST IN 'x' WITH (check_files)", 'SHOW'],
    ["DROP BACKUP 'a' IN 'x'", 'DROP BACKUP'],
    ['SHOW JOBS', 'SHOW'],
    ['SHOW JOBS WHEN COMPLETE 1, $1', 'SHOW'],
    ['SHOW JOB 1', 'SHOW'],
    ['CANCEL JOB 1', 'CANCEL JOB'],
  ])('%s is ours', (text, tag) => {
    expect(ours(text)?.tag).toBe(tag)
  })

  it.each([
    ["BACKUP CACHE INTO LATEST IN 'x'", '0A000'],
    ["RESTORE CACHE NAMESPACE FROM LATEST IN 'x'", '42601'],
    ["RESTORE CACHE NAMESPACE a AS FROM 'a' IN 'x'", '42601'],
    ["RESTORE CACHE FROM 'a'", '42601'],
    ['SHOW BACKUPS', '42601'],
    ["BACKUP CACHE 'x'", '42601'],
    ["BACKUP CACHE TO 'x' WITH (check_files)", '22023'],
    ["BACKUP CACHE TO 'x' WITH (detached = 'maybe')", '22023'],
  ])('%s is refused (%s)', (text, sqlstate) => {
    expect(refused(text)).toMatchObject({ sqlstate })
  })
})

describe('a dialect that has some of our words', () => {
  it('keeps short forms and verbs without CACHE', () => {
    for (const text of ['SHOW JOBS', 'BACKUP DATABASE x', 'RESTORE TABLE x', 'CANCEL JOB 1', 'PAUSE']) {
      expect(recognise(text, { schemaName: 'cache', hasDialect: true })).toBeUndefined()
    }
  })

  it('does not keep those with CACHE as second word', () => {
    expect(refused('WARM CACHE', true)).toMatchObject({ sqlstate: '0A000' })
    const options = { schemaName: 'cache', hasDialect: true }
    expect(recognise("BACKUP CACHE INTO 'file:///x'", options)?.tag).toBe('BACKUP')
    expect(recognise("SHOW CACHE BACKUPS IN 'file:///x'", options)?.tag).toBe('SHOW')
    expect(recognise('CANCEL CACHE JOB 1', options)?.tag).toBe('CANCEL JOB')
    expect(recognise('FLUSH CACHE PLANS', { schemaName: 'cache', hasDialect: true })?.tag).toBe('FLUSH CACHE')
  })
})

describe('another name for the virtual schema', () => {
  it('stands before dots; the word CACHE stays', () => {
    const options = { schemaName: 'larder' }
    expect(recognise('SET larder.result_ttl = 1', options)?.tag).toBe('SET')
    expect(recognise('SET cache.result_ttl = 1', options)).toBeUndefined()
    expect(recognise('FLUSH ALL CACHES', options)?.tag).toBe('FLUSH ALL CACHES')
    expect(recognise('SHOW CACHE stats', options)).toMatchObject({
      text: 'SELECT * FROM "larder"."stats" AS shown ORDER BY 1',
    })
  })
})

describe("a schema of that name that is somebody else's (SQL-12)", () => {
  const taken = (text: string) => recognise(text, { schemaName: 'cache', schemaTaken: true })?.tag

  it.each([
    ['SHOW CACHES', 'SHOW'],
    ['FLUSH ALL CACHES', 'FLUSH ALL CACHES'],
    ['EXPLAIN LAST STATEMENT', 'EXPLAIN'],
    ['SET LOCAL cache.RESULT_TTL = 1', 'SET'],
    ['RESET cache.result_cache', 'RESET'],
    ['SHOW cache.result_cache', 'SHOW'],
    ["ALTER SYSTEM SET cache.result_ttl = '1s'", 'ALTER SYSTEM'],
    ["SELECT current_setting('cache.result_ttl')", 'SELECT'],
  ])('leaves us %s', (text, tag) => {
    expect(taken(text)).toBe(tag)
  })

  it.each([
    'SET cache.theirs = 1',
    'SET SESSION cache.theirs TO DEFAULT',
    'RESET cache.theirs',
    'SHOW cache.theirs',
    'ALTER SYSTEM RESET cache.theirs',
    "SELECT set_config('cache.theirs', 'x', true)",
    'SELECT cache.version()',
    'CALL cache.flush()',
  ])('keeps %s', (text) => {
    expect(taken(text)).toBeUndefined()
  })
})

it('reads a text of a megabyte of comments in no time', () => {
  const startedAt = performance.now()
  expect(ours(`${'/**/'.repeat(250_000)}x`)).toBeUndefined()
  expect(performance.now() - startedAt).toBeLessThan(2000)
})
