// SHOW CACHES and SHOW CACHE relation: the SELECT each stands for, run by the PostgreSQL behind the virtual schema.

import { afterAll, describe, expect, it } from 'vitest'
import { recognise } from '../../../src/commands/index.ts'
import { type QueryRow, VirtualSession } from '../../../src/virtual/index.ts'
import { openSystemDatabase } from '../../support/system-database.ts'
import { runBatch, runSimple } from '../../support/virtual-runner.ts'
import { resultRow, sourcesWith } from '../../support/virtual-sources.ts'
import { bind, execute, fieldsOf, parse } from '../../support/wire-client.ts'

const query = (fingerprint: string, hits: number, database = 'app'): QueryRow => ({
  fingerprint,
  database,
  queryId: 1n,
  statement: `select ${fingerprint}`,
  kind: 'read',
  supported: true,
  reason: undefined,
  cache: undefined,
  calls: hits + 1,
  hits,
  misses: 1,
  bypasses: 0,
  rows: 0,
  hitUs: undefined,
  missUs: undefined,
  originUs: undefined,
  p50Us: undefined,
  p99Us: undefined,
  projectedHitRatio: undefined,
  savedMs: 0,
  firstAtMs: 0,
  lastAtMs: 0,
  roles: [],
})

const system = openSystemDatabase()
const session = new VirtualSession({
  database: system.database,
  sources: sourcesWith({
    queries: () => [query('q_a', 3), query('q_b', 1), query("q_'", 0), query('q_c', 9, 'other')],
    results: () => [resultRow({ fingerprint: 'q_a', storedBytes: 7 })],
  }),
  rowCountMax: () => 1000,
})

afterAll(async () => {
  session.close()
  await system.close()
})

const settings = new Map([['cache.result_ttl', '30s']])

function selectOf(text: string) {
  const statement = recognise(text, { schemaName: 'cache' })
  if (statement?.kind !== 'select') throw new Error(`no SELECT: ${text}`)
  return statement
}

async function show(text: string) {
  const statement = selectOf(text)
  return runSimple(session, statement.text, { relations: statement.relations, tag: statement.tag, settings })
}

describe('SHOW CACHES', () => {
  it("shows those of the session's database, under the names clients of ReadySet know", async () => {
    const answer = await show('SHOW CACHES')
    expect(fieldsOf(answer.frames[0] as never).map(({ name }) => name)).toEqual([
      ...['query id', 'cache name', 'query text', 'fallback behavior', 'count', 'entries', 'bytes', 'hits', 'misses'],
      ...['hit_ratio', 'saved_ms', 'ttl', 'enabled'],
    ])
    expect(answer.rows.map(([id]) => id)).toEqual(["q_'", 'q_a', 'q_b'])
    expect(answer.rows[1]).toEqual([
      ...['q_a', 'q_a', 'select q_a', 'fallback allowed', '4', '1', '7', '3', '1', '0.75', '0', '00:00:30', 't'],
    ])
    expect(answer.tags).toEqual(['SHOW'])
  })

  it.each([
    ["SHOW CACHES LIKE 'q_''%'", ["q_'"]],
    ['SHOW CACHES WHERE hits > 0 AND query_text LIKE $$%q%$$ -- all', ['q_a', 'q_b']],
    ['SHOW CACHES WHERE (hits > 0 OR cache_name = $$x$$) LIMIT 1', ['q_a']],
    ["SHOW CACHES LIKE 'q\\_%' WHERE enabled LIMIT 2", ["q_'", 'q_a']],
  ])('%s', async (text, ids) => {
    const answer = await show(text)
    expect(answer.error?.get('M')).toBeUndefined()
    expect(answer.rows.map(([id]) => id)).toEqual(ids)
  })

  it('takes parameters', async () => {
    const { text, relations, parameterCount, tag } = selectOf('SHOW CACHES LIKE $1 WHERE hits > $2 LIMIT $3')
    expect(parameterCount).toBe(3)
    const frames = [parse('', text), bind({ values: ['q%', '0', '1'] }), execute()]
    const answer = await runBatch(session, frames, { relations, tag })
    expect(answer).toMatchObject({ types: '12DC', tags: ['SHOW'] })
    expect(answer.rows[0]?.[0]).toBe('q_a')
  })

  it('says what PostgreSQL says about the condition, without a position in a text the client did not send', async () => {
    const answer = await show('SHOW CACHES WHERE nope > 1')
    expect(answer.error?.get('C')).toBe('42703')
    expect(answer.error?.has('P')).toBe(false)
  })

  it.each([
    'SHOW CACHES WHERE true) UNION SELECT (1',
    'SHOW CACHES WHERE (true',
    'SHOW CACHES WHERE 1 = 1 LIMIT 1 OFFSET 1',
  ])('is one condition and no more: %s', async (text) => {
    const refused = await show(text).then(
      (answer) => answer.error?.get('C'),
      (error: { sqlstate: string }) => error.sqlstate,
    )
    expect(refused).toBe('42601')
  })
})

describe('SHOW CACHE relation', () => {
  it.each([
    ["SHOW CACHE settings LIKE 'result\\_ttl'", [['result_ttl']]],
    ["SHOW CACHE reasons WHERE code = 'cold'", [['miss']]],
    ['SHOW CACHE results', [['00ff']]],
    ['SHOW CACHE last_statement', []],
  ])('%s', async (text, firsts) => {
    expect((await show(text)).rows.map(([first]) => [first])).toEqual(firsts)
  })
})
