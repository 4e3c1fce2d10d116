// EXPLAIN (CACHE): what is asked, and how the answer reads.

import { describe, expect, it } from 'vitest'
import { recognise } from '../../../src/commands/index.ts'
import { contextWith, execute, explainedWith } from '../../support/command-context.ts'

describe('EXPLAIN (CACHE)', () => {
  it('asks about the query as it stands', async () => {
    const context = contextWith()
    await execute('EXPLAIN (CACHE) SELECT * FROM "T" WHERE id = 1 -- why', context)
    await execute('EXPLAIN (VERBOSE, CACHE, ANALYZE, BUFFERS off) VALUES ($2)', context, ['1', null])
    await execute('EXPLAIN (CACHE, ANALYZE false) VALUES ($1)', context)
    expect(context.explained).toEqual([
      {
        text: 'SELECT * FROM "T" WHERE id = 1 -- why',
        offset: 16,
        parameters: undefined,
        analyze: false,
        format: 'text',
        originOptions: [],
      },
      {
        text: 'VALUES ($2)',
        offset: 47,
        parameters: ['1', null],
        analyze: true,
        format: 'text',
        originOptions: ['VERBOSE', 'BUFFERS off'],
      },
      {
        text: 'VALUES ($1)',
        offset: 31,
        parameters: undefined,
        analyze: false,
        format: 'text',
        originOptions: [],
      },
    ])
  })

  it('keeps the comments around the query, which may hold its hints', async () => {
    const context = contextWith()
    await execute("EXPLAIN (CACHE) /*+ nocache */ SELECT 'é' /*cache='off'*/ ;", context)
    await execute('/* é */ EXPLAIN (CACHE)\n  SELECT 1; -- SELECT 2', context)
    expect(context.explained).toMatchObject([
      { text: "/*+ nocache */ SELECT 'é' /*cache='off'*/", offset: 16 },
      { text: 'SELECT 1', offset: 26 },
    ])
  })

  it('runs without values for its parameters unless it is to ANALYZE', () => {
    const optional = (text: string) => {
      const statement = recognise(text, { schemaName: 'cache' })
      return statement?.kind === 'command' && statement.parametersOptional
    }
    expect(optional('EXPLAIN (CACHE) SELECT $1')).toBe(true)
    expect(optional('EXPLAIN (CACHE, ANALYZE) SELECT $1')).toBe(false)
    expect(optional('EXPLAIN (CACHE, ANALYZE off) SELECT $1')).toBe(true)
  })

  it.each(['TIMING', 'WAL on', 'SERIALIZE text'])('refuses %s, which tells of an execution by the origin', (option) => {
    const text = `EXPLAIN (CACHE, ANALYZE, ${option}) SELECT 1`
    expect(() => recognise(text, { schemaName: 'cache' })).toThrow(
      expect.objectContaining({ sqlstate: '0A000', position: 26, hint: expect.stringMatching(/without CACHE/) }),
    )
  })

  it('shows what running it came to', async () => {
    const actual = { us: 12.3, rows: 2, bytes: 40, unstored: 'moved' }
    const explain = async () => explainedWith({ actual })
    const { rows } = await execute('EXPLAIN (CACHE, ANALYZE) SELECT 1', contextWith({ explain }))
    expect(rows).toContainEqual(['  Actual: time=12 us  rows=2  bytes=40  unstored=moved'])
    const json = await execute('EXPLAIN (CACHE, ANALYZE, FORMAT json) SELECT 1', contextWith({ explain }))
    const [[text]] = json.rows as [[string]]
    expect(JSON.parse(text)[0].Cache.Actual).toEqual({ 'Time us': 12, Rows: 2, Bytes: 40, Unstored: 'moved' })
  })

  it('counts the parameters of the query', () => {
    const statement = recognise('EXPLAIN (CACHE) SELECT $1, $3', { schemaName: 'cache' })
    expect(statement).toMatchObject({ parameterCount: 3 })
  })

  it('answers the node and the plan below it', async () => {
    const result = await execute('EXPLAIN (CACHE) SELECT 1')
    expect(result).toMatchObject({ tag: 'EXPLAIN', columns: [{ name: 'QUERY PLAN', type: 'text' }] })
    expect(result.rows.map(([line]) => line)).toEqual([
      'Cache  (verdict=miss reason=invalidated(app.orders))',
      '  Fingerprint: q_0123456789abcdef',
      '  Consistency: session',
      '  TTL: 30000 ms  (default)',
      '  Key Inputs: role, search_path',
      '  Relation: app.orders  (proof=own_writes)',
      '  Expected: hit=8 us  miss=250 us',
      '  ->  Seq Scan on orders',
      '        Filter: (id = 1)',
    ])
  })

  it('answers JSON with the keys Cache and Plan', async () => {
    const explain = async () => explainedWith({ entry: { ageMs: 5, tier: 'l1', bytes: 9 }, originPlan: undefined })
    const result = await execute('EXPLAIN (CACHE, FORMAT json) SELECT 1', contextWith({ explain }))
    expect(result.columns).toEqual([{ name: 'QUERY PLAN', type: 'json' }])
    const [[text]] = result.rows as [[string]]
    expect(JSON.parse(text)).toEqual([
      {
        Cache: expect.objectContaining({
          Verdict: 'miss',
          Argument: 'app.orders',
          Entry: { 'Age ms': 5, Tier: 'l1', Bytes: 9 },
        }),
        Plan: null,
      },
    ])
  })

  it('is a function too', async () => {
    const context = contextWith()
    const { columns, rows } = await execute("SELECT cache.explain('select $1', params => ARRAY['a'])", context)
    expect(context.explained).toMatchObject([{ text: 'select $1', parameters: ['a'], analyze: false, format: 'json' }])
    expect(columns).toEqual([{ name: 'explain', type: 'jsonb' }])
    expect(rows).toMatchObject([[{ Cache: { Verdict: 'miss' } }]])
  })

  it('refuses formats it does not have', () => {
    expect(() => recognise('EXPLAIN (CACHE, FORMAT yaml) SELECT 1', { schemaName: 'cache' })).toThrow(/yaml/)
  })
})
