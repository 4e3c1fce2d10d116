// Statements over the virtual schema, run by the PostgreSQL behind it, over both protocols.

import { afterAll, describe, expect, it } from 'vitest'
import { VirtualSession, type VirtualSources } from '../../../src/virtual/index.ts'
import { openSystemDatabase } from '../../support/system-database.ts'
import { runBatch, runSimple } from '../../support/virtual-runner.ts'
import { resultRow, sourcesWith, viewerWith } from '../../support/virtual-sources.ts'
import {
  bind,
  close,
  describe as describeFrame,
  execute,
  fieldsOf,
  parse,
  query,
  valuesOf,
} from '../../support/wire-client.ts'

const system = openSystemDatabase()
const sessions: VirtualSession[] = []

function open(
  sources: Partial<VirtualSources> = {},
  rowCountMax = 1000,
  prepare?: () => Promise<VirtualSources>,
): VirtualSession {
  const session = new VirtualSession({
    ...(prepare === undefined ? {} : { prepare }),
    database: system.database,
    sources: sourcesWith({ results: () => numbered(3), ...sources }),
    rowCountMax: () => rowCountMax,
  })
  sessions.push(session)
  return session
}

function* numbered(count: number) {
  for (let index = 0; index < count; index++) yield resultRow({ key: `k${index}`, hits: index })
}

afterAll(async () => {
  for (const session of sessions) session.close()
  await system.close()
})

describe('the simple protocol', () => {
  it('answers with description, rows and tag, and nothing else', async () => {
    const answer = await runSimple(open(), 'SELECT key, hits FROM cache.results ORDER BY hits DESC LIMIT 2')
    expect(answer).toMatchObject({
      types: 'TDDC',
      rows: [
        ['k2', '2'],
        ['k1', '1'],
      ],
      tags: ['SELECT 2'],
      failed: false,
    })
  })

  it('gives every column the type it is said to have', async () => {
    const answer = await runSimple(open(), 'SELECT * FROM cache.results LIMIT 1')
    const fields = fieldsOf(answer.frames[0] as never)
    expect(fields.map(({ name }) => name)).toEqual([
      ...[
        'key',
        'fingerprint',
        'statement',
        'parameters',
        'role',
        'database',
        'relations',
        'epochs',
        'tags',
        'rows',
        'bytes',
      ],
      ...['tier', 'state', 'hits', 'saved_ms', 'created_at', 'expires_at'],
    ])
    expect(fields.map(({ typeOid }) => typeOid)).toEqual([
      25, 25, 25, 1009, 25, 25, 1028, 1016, 1009, 20, 20, 25, 25, 20, 701, 1184, 1184,
    ])
    expect(answer.rows[0]).toEqual([
      'k0',
      'q_0000000000000001',
      'select 42',
      '{7,NULL}',
      'alice',
      'app',
      '{16384,4000000000}',
      '{1,2}',
      '{"a\\"b","c\\\\d"}',
      '1',
      '100',
      'l1',
      'fresh',
      '0',
      '1.5',
      '2024-01-31 12:00:00+00',
      null,
    ])
  })

  it('runs several statements in order, up to the first error', async () => {
    const answer = await runSimple(
      open(),
      "SELECT count(*) FROM cache.results; SELECT 'a;b' -- ;\n; SELECT 1/0; SELECT 4",
    )
    expect(answer).toMatchObject({ types: 'TDCTDCE', rows: [['3'], ['a;b']], failed: true })
    expect(answer.error?.get('C')).toBe('22012')
  })

  it('keeps positions in errors true', async () => {
    const answer = await runSimple(open(), "SELECT 'é'; SELECT nope FROM cache.results")
    expect(answer.error?.get('P')).toBe('20')
  })

  it('answers an empty query as such', async () => {
    expect((await runSimple(open(), ' -- nothing')).types).toBe('I')
  })

  it('joins, groups and sorts', async () => {
    const sql = `WITH r AS (SELECT verdict, count(*) AS n FROM cache.reasons GROUP BY 1)
      SELECT r.verdict, s.uptime FROM r CROSS JOIN cache.stats s WHERE n > 10 ORDER BY 1 LIMIT 1`
    expect((await runSimple(open(), sql)).rows).toEqual([['bypass', '00:00:00']])
  })

  it('copies out', async () => {
    const answer = await runSimple(open(), 'COPY (SELECT key FROM cache.results ORDER BY 1) TO STDOUT')
    expect(answer).toMatchObject({ types: 'HdddcC', tags: ['COPY 3'] })
  })

  it('explains', async () => {
    const answer = await runSimple(open(), 'EXPLAIN (COSTS off) SELECT * FROM cache.results')
    expect(answer.rows).toEqual([['Seq Scan on results']])
  })
})

describe('the extended protocol', () => {
  it('answers each frame with its own', async () => {
    const answer = await runBatch(open(), [
      parse('', 'SELECT key FROM cache.results WHERE hits >= $1 ORDER BY 1'),
      describeFrame('S'),
      bind({ values: ['1'] }),
      describeFrame('P'),
      execute(),
      close('S'),
    ])
    expect(answer).toMatchObject({ types: '1tT2TDDC3', rows: [['k1'], ['k2']] })
  })

  it('describes before there are rows, and copies none for it', async () => {
    let asked = 0
    const session = open({
      results() {
        asked++
        return []
      },
    })
    const prepared = await runBatch(session, [
      parse('s', 'SELECT * FROM cache.results WHERE key = $1'),
      describeFrame('S', 's'),
    ])
    expect(prepared.types).toBe('1tT')
    expect(asked).toBe(0)
    await runBatch(session, [bind({ statement: 's', values: ['x'] }), execute()], { relations: ['results'] })
    expect(asked).toBe(1)
  })

  it('keeps statements across batches, the unnamed one too, and looks anew each time', async () => {
    let count = 1
    const session = open({ results: () => numbered(count) })
    await runBatch(session, [
      parse('s', 'SELECT count(*) FROM cache.results'),
      parse('', 'SELECT max(hits) FROM cache.results'),
    ])
    const again = () =>
      runBatch(session, [bind({ statement: 's' }), execute(), bind(), execute()], { relations: ['results'] })
    expect((await again()).rows).toEqual([['1'], ['0']])
    count = 5
    await runSimple(session, 'SELECT 1 FROM cache.stats')
    expect((await again()).rows).toEqual([['5'], ['4']])
  })

  it('limits rows of a portal within a batch', async () => {
    const answer = await runBatch(open(), [
      parse('', 'SELECT key FROM cache.results ORDER BY 1'),
      bind({ portal: 'p' }),
      execute('p', 2),
      execute('p', 2),
    ])
    expect(answer).toMatchObject({ types: '12DDsDC', rows: [['k0'], ['k1'], ['k2']], tags: ['SELECT 1'] })
  })

  it('takes and gives binary values', async () => {
    const eight = Buffer.alloc(8)
    eight.writeBigInt64BE(2n)
    const answer = await runBatch(open(), [
      parse('', 'SELECT hits, saved_ms FROM cache.results WHERE hits = $1', [20]),
      bind({ values: [eight], resultFormats: [1] }),
      execute(),
    ])
    const row = answer.frames.find(({ type }) => type === 'D')
    expect(valuesOf(row as never).map((value) => value?.toString('hex'))).toEqual([
      '0000000000000002',
      '3ff8000000000000',
    ])
  })

  it('skips to the end of the batch after an error', async () => {
    const session = open()
    const answer = await runBatch(session, [
      parse('a', 'SELECT nope FROM cache.results'),
      bind({ statement: 'a' }),
      execute(),
    ])
    expect(answer).toMatchObject({ types: 'E', failed: true })
    expect((await runSimple(session, 'SELECT 1')).rows).toEqual([['1']])
  })

  it('says 26000 for a statement nobody prepared', async () => {
    const answer = await runBatch(open(), [bind({ statement: 'nobody' })])
    expect(answer.error?.get('C')).toBe('26000')
  })
})

describe('the session', () => {
  it('mirrors the settings of the client, and no ParameterStatus tells', async () => {
    const session = open()
    const settings = new Map([
      ['DateStyle', 'SQL, DMY'],
      ['TimeZone', 'Europe/Berlin'],
      ['work_mem', 'nonsense'],
      ['cache.result_ttl', '7s'],
    ])
    const sql = "SELECT created_at, current_setting('cache.result_ttl') FROM cache.results LIMIT 1"
    const answer = await runSimple(session, sql, { settings })
    expect(answer).toMatchObject({ types: 'TDC', rows: [['31/01/2024 13:00:00 CET', '7s']] })
    const later = new Map([
      ['DateStyle', 'ISO, MDY'],
      ['TimeZone', 'UTC'],
    ])
    expect((await runSimple(session, sql, { settings: later })).rows[0]?.[0]).toBe('2024-01-31 12:00:00+00')
  })

  it('takes a setting PostgreSQL does not like as if it had not been given', async () => {
    const settings = new Map([['TimeZone', 'Nowhere/Land']])
    expect((await runSimple(open(), 'SELECT 1', { settings })).rows).toEqual([['1']])
  })

  it('has the role and the login of the client', async () => {
    const session = open()
    const sql = 'SELECT current_user, session_user, current_database() FROM cache.stats'
    const viewer = { role: 'Bob "the" builder', loginRole: 'alice' }
    expect((await runSimple(session, sql, { viewer })).rows).toEqual([['Bob "the" builder', 'alice', 'larder']])
    const other = { role: 'carol', loginRole: 'carol' }
    expect((await runSimple(session, sql, { viewer: other })).rows).toEqual([['carol', 'carol', 'larder']])
  })

  it('gives roles that cannot be made here a stand-in', async () => {
    const sql = 'SELECT session_user, count(*) FROM cache.reasons'
    for (const name of ['pg_monitor', 'larder_system']) {
      const { rows } = await runSimple(open(), sql, { viewer: { role: name, loginRole: name } })
      expect(rows[0]?.[0]).toBe('larder_guest')
    }
  })

  it('becomes any role from any login, in circles too', async () => {
    const sql = 'SELECT current_user, count(*) FROM cache.reasons'
    for (const [loginRole, role] of [
      ['dora', 'emil'],
      ['emil', 'dora'],
      ['dora', 'pg_monitor'],
      ['pg_monitor', 'dora'],
    ] as const) {
      const { rows, error } = await runSimple(open(), sql, { viewer: { loginRole, role } })
      expect(error).toBeUndefined()
      expect(rows[0]?.[0]).toBe(role === 'pg_monitor' ? 'larder_guest' : role)
    }
  })

  it('ends a statement on one cancel that comes before it has begun, and nothing behind it', async () => {
    let gather: () => void = () => undefined
    const gathered = new Promise<void>((resolve) => (gather = resolve))
    let isHeld = false
    const session = open({}, 1000, async () => {
      if (isHeld) await gathered
      return sourcesWith({})
    })
    // It is connected already: there is something to cancel.
    await runSimple(session, 'select 1')
    isHeld = true
    const running = runSimple(session, 'select pg_sleep(60)')
    await new Promise((resolve) => setImmediate(resolve))
    session.cancel()
    // PostgreSQL forgets a request that comes before the statement; this one has come when later ones have been served.
    for (let turn = 0; turn < 5; turn++) expect((await runSimple(open(), 'select 1')).rows).toEqual([['1']])
    gather()
    expect((await running).error?.get('C')).toBe('57014')
    for (let turn = 0; turn < 20; turn++) expect((await runSimple(session, 'select 2')).rows).toEqual([['2']])
  })

  it('ends a statement on cancel, and goes on', async () => {
    const session = open()
    const running = runSimple(session, 'SELECT pg_sleep(60) FROM cache.stats')
    session.cancel()
    const answer = await running
    expect(answer.error?.get('C')).toBe('57014')
    expect((await runSimple(session, 'SELECT 1')).rows).toEqual([['1']])
  })

  it('ends a statement at statement_timeout', async () => {
    const settings = new Map([['statement_timeout', '50ms']])
    const answer = await runSimple(open(), 'SELECT pg_sleep(60) FROM cache.stats', { settings })
    expect(answer.error?.get('C')).toBe('57014')
  })

  it('refuses more rows than virtual_rows_max', async () => {
    const answer = await runSimple(open({}, 2), 'SELECT * FROM cache.results')
    expect(answer.error?.get('C')).toBe('54000')
    expect(answer.failed).toBe(true)
  })

  it('reads no further while the client does not', async () => {
    const session = open()
    let inFlight = 0
    let most = 0
    let bytes = 0
    const request = {
      simple: true,
      frames: query("SELECT repeat('x', 1000) FROM generate_series(1, 20000)"),
      relations: [],
      viewer: viewerWith(),
      settings: new Map<string, string>(),
    }
    await session.run(request, async (chunk) => {
      inFlight += chunk.length
      bytes += chunk.length
      most = Math.max(most, inFlight)
      await new Promise((resolve) => setImmediate(resolve))
      inFlight -= chunk.length
    })
    expect(bytes).toBeGreaterThan(20_000_000)
    expect(most).toBeLessThan(1_000_000)
  })

  it('reports names that are not here, if they may be elsewhere', async () => {
    for (const sql of [
      'SELECT my_function(1) FROM cache.stats',
      'SELECT 1::my_type FROM cache.stats',
      'SELECT * FROM mine',
    ]) {
      const answer = await runSimple(open(), sql, { mayBeElsewhere: true })
      expect(answer).toMatchObject({ types: '', unresolved: true, failed: true })
      expect((await runSimple(open(), sql)).unresolved).toBe(false)
    }
    const divided = await runSimple(open(), 'SELECT 1/0 FROM cache.stats', { mayBeElsewhere: true })
    expect(divided).toMatchObject({ types: 'E', unresolved: false })
  })

  it('answers a statement of ours under its own tag, with no position in errors', async () => {
    const shown = await runSimple(open(), 'SELECT * FROM cache.results', { tag: 'SHOW' })
    expect(shown.tags).toEqual(['SHOW'])
    const failed = await runSimple(open(), 'SELECT nope FROM cache.results', { tag: 'SHOW' })
    expect(failed.error?.get('C')).toBe('42703')
    expect(failed.error?.has('P')).toBe(false)
  })
})
