// What our statements do, with actions that only note what they were asked.

import { describe, expect, it } from 'vitest'
import { recognise } from '../../../src/commands/index.ts'
import { contextWith, execute } from '../../support/command-context.ts'
import { viewerWith } from '../../support/virtual-sources.ts'

const nobody = viewerWith({ isAdmin: false, isMonitor: false, canRead: false, memberOf: () => false })
const reader = viewerWith({ isAdmin: false, isMonitor: false })

describe('FLUSH', () => {
  it('answers a row per name', async () => {
    const context = contextWith()
    const result = await execute('FLUSH CACHE a, "B c"', context)
    expect(context.noted).toEqual(['flushCache a in app', 'flushCache B c in app'])
    expect(result.columns.map(({ name }) => name)).toEqual([
      'kind',
      'name',
      'existed',
      'generation_before',
      'generation_after',
      'entries',
    ])
    expect(result.rows).toEqual([
      ['cache', 'a', true, 1, 2, 3],
      ['cache', 'B c', true, 1, 2, 3],
    ])
    expect(result).toMatchObject({ tag: 'FLUSH CACHE', notices: [] })
  })

  it('empties everything, or forgets plans', async () => {
    const context = contextWith()
    expect((await execute('FLUSH ALL CACHES', context)).tag).toBe('FLUSH ALL CACHES')
    await execute('FLUSH CACHE PLANS', context)
    await execute('CALL cache.flush(everything => true)', context)
    await execute("SELECT * FROM cache.flush(ARRAY['x'])", context)
    expect(context.noted).toEqual(['flushAll', 'flushPlans', 'flushAll', 'flushCache x in app'])
  })

  it('says which cache or namespace there is not', async () => {
    await expect(execute('FLUSH CACHE nope')).rejects.toMatchObject({
      sqlstate: '42704',
      message: 'cache "nope" does not exist',
    })
    await expect(execute('FLUSH CACHE NAMESPACE n')).rejects.toMatchObject({ sqlstate: '42704' })
    expect((await execute('FLUSH CACHE NAMESPACE ALL')).rows).toEqual([])
  })

  it('takes effect at once inside a transaction block, and says so', async () => {
    const context = contextWith()
    context.settings.begin()
    const { notices } = await execute('FLUSH ALL CACHES', context)
    expect(notices).toMatchObject([{ severity: 'NOTICE' }])
  })

  it('is for admins', async () => {
    const context = contextWith({ viewer: reader })
    await expect(execute('FLUSH ALL CACHES', context)).rejects.toMatchObject({
      sqlstate: '42501',
      message: 'permission denied for FLUSH ALL CACHES',
      hint: 'A member of role "cache_admin" may.',
    })
    await expect(execute('SELECT cache.flush()', context)).rejects.toMatchObject({ sqlstate: '42501' })
    expect(context.noted).toEqual([])
  })
})

describe('INVALIDATE', () => {
  it('answers a row per subject', async () => {
    const context = contextWith({ viewer: reader })
    const result = await execute('INVALIDATE CACHE RELATION App.orders, "Odd.name"', context)
    expect(context.noted).toEqual(['invalidateRelation app orders', 'invalidateRelation - Odd.name'])
    expect(result.rows).toEqual([
      ['relation', 'orders', 2, false],
      ['relation', 'Odd.name', 2, false],
    ])
  })

  it('takes tags as constants or parameters', async () => {
    const context = contextWith()
    await execute("INVALIDATE CACHE TAG $1, E'a\\'b'", context, ['x'])
    expect(context.noted).toEqual(['invalidateResults tag x', "invalidateResults tag a'b"])
    await expect(execute("INVALIDATE CACHE TAG ''")).rejects.toMatchObject({ sqlstate: '42602' })
    await expect(execute('INVALIDATE CACHE TAG $1')).rejects.toMatchObject({ sqlstate: '42P02' })
  })

  it('is a function too', async () => {
    const context = contextWith()
    const { tag, rows, columns } = await execute(
      'SELECT * FROM cache.invalidate(tags => $2, relations => $1) AS gone',
      context,
      ['{app.a,"\\"B c\\""}', '{t}'],
    )
    expect(context.noted).toEqual(['invalidateRelation app a', 'invalidateRelation - B c', 'invalidateResults tag t'])
    expect([tag, rows.length, columns.length]).toEqual(['SELECT 3', 3, 4])
    const statement = recognise('SELECT cache.invalidate(tags => $2, relations => $1)', { schemaName: 'cache' })
    expect(statement).toMatchObject({ parameterCount: 2, parameterTypes: [1009, 1009] })
    await expect(execute("SELECT cache.invalidate(relations => '{a b}')")).rejects.toMatchObject({ sqlstate: '42602' })
    await expect(execute("SELECT cache.invalidate(keys => '{a}')")).rejects.toMatchObject({ sqlstate: '22023' })
  })

  it('is not for everybody', async () => {
    const context = contextWith({ viewer: nobody })
    await expect(execute('INVALIDATE CACHE RELATION a', context)).rejects.toMatchObject({
      sqlstate: '42501',
      hint: 'A member of role "cache_read" may.',
    })
  })
})

describe('settings', () => {
  it('are set, shown and reset', async () => {
    const context = contextWith({ viewer: nobody })
    expect(await execute("SET cache.result_ttl = '10s'", context)).toMatchObject({ tag: 'SET', rows: [], columns: [] })
    const shown = await execute('SHOW cache.result_ttl', context)
    expect(shown).toMatchObject({ tag: 'SHOW', columns: [{ name: 'cache.result_ttl', type: 'text' }], rows: [['10s']] })
    await execute('SET cache.result_ttl TO DEFAULT', context)
    expect((await execute('SHOW cache.result_ttl', context)).rows).toEqual([['30s']])
    await execute('SET cache.result_cache = OFF', context)
    expect(context.settings.current.resultCache).toBe('off')
    await execute('RESET cache.result_cache', context)
    expect(context.settings.current.resultCache).toBe('on')
  })

  it('SET LOCAL outside a transaction warns as PostgreSQL does', async () => {
    const { notices } = await execute('SET LOCAL cache.result_ttl = 1000')
    expect(notices).toEqual([
      { severity: 'WARNING', sqlstate: '25P01', message: 'SET LOCAL can only be used in transaction blocks' },
    ])
  })

  it('SET LOCAL lasts as long as its transaction', async () => {
    const context = contextWith()
    context.settings.begin()
    await execute("SET LOCAL cache.result_ttl = '1s'", context)
    expect((await execute('SHOW cache.result_ttl', context)).rows).toEqual([['1s']])
    context.settings.commit()
    expect((await execute('SHOW cache.result_ttl', context)).rows).toEqual([['30s']])
  })

  it('refuse what PostgreSQL would refuse', async () => {
    await expect(execute('SET cache.nope = 1')).rejects.toMatchObject({ sqlstate: '42704' })
    await expect(execute('SET cache.result_cache = maybe')).rejects.toMatchObject({ sqlstate: '22023' })
    await expect(execute("SET cache.l1_bytes_max = '1GB'")).rejects.toMatchObject({ sqlstate: '55P02' })
    await expect(execute('SHOW cache.nope')).rejects.toMatchObject({ sqlstate: '42704' })
  })

  it('have two functions', async () => {
    const context = contextWith()
    const set = await execute("SELECT set_config('cache.result_ttl', $1, false) AS ttl", context, ['5s'])
    expect(set).toMatchObject({ tag: 'SELECT 1', columns: [{ name: 'ttl' }], rows: [['5s']] })
    const shown = await execute("SELECT current_setting('Cache.Result_TTL')", context)
    expect(shown).toMatchObject({ columns: [{ name: 'current_setting' }], rows: [['5s']] })
    expect((await execute("SELECT current_setting('cache.nope', true)", context)).rows).toEqual([[null]])
    await expect(execute("SELECT current_setting('cache.nope')", context)).rejects.toMatchObject({ sqlstate: '42704' })
  })

  it('of the system are for admins', async () => {
    const context = contextWith({ viewer: reader })
    await expect(execute("ALTER SYSTEM SET cache.result_ttl = '1s'", context)).rejects.toMatchObject({
      sqlstate: '42501',
      hint: 'A member of role "cache_admin" may.',
    })
    await expect(execute('ALTER SYSTEM RESET cache.nope')).rejects.toMatchObject({ sqlstate: '42704' })
  })
})

describe('functions', () => {
  it('answer a column of their own name', async () => {
    expect(await execute('SELECT cache.version()')).toMatchObject({
      tag: 'SELECT 1',
      columns: [{ name: 'version', type: 'text' }],
      rows: [['larder 0.1.0']],
    })
    expect(await execute('SELECT * FROM cache.version() v')).toMatchObject({ columns: [{ name: 'v' }] })
    expect(await execute('CALL cache.version()')).toMatchObject({ tag: 'CALL', rows: [['larder 0.1.0']] })
  })

  it('answer nothing when there is nothing to say', async () => {
    const context = contextWith()
    expect(await execute('CALL cache.reset_stats()', context)).toMatchObject({ tag: 'CALL', columns: [], rows: [] })
    expect(await execute('SELECT cache.reload()', context)).toMatchObject({
      tag: 'SELECT 1',
      columns: [{ name: 'reload', type: 'void' }],
      rows: [['']],
    })
    expect(context.noted).toEqual(['resetStats', 'reload'])
  })

  it('of several columns are a record in the select list', async () => {
    expect(await execute('SELECT cache.check()')).toMatchObject({
      columns: [{ name: 'check', type: 'record' }],
      rows: [[['error', 'entry', 'ff', 'charge differs']]],
    })
    expect(await execute('SELECT * FROM cache.check()')).toMatchObject({
      rows: [['error', 'entry', 'ff', 'charge differs']],
    })
  })

  it('need what they need', async () => {
    const context = contextWith({ viewer: reader })
    await expect(execute('SELECT * FROM cache.check()', context)).rejects.toMatchObject({
      sqlstate: '42501',
      hint: 'A member of role "cache_monitor" or "pg_monitor" may.',
    })
  })
})
