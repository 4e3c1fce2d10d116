import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SessionSettings, SettingsStore } from '../../../src/config/index.ts'

/** A data directory that does not exist: nothing here writes. */
const store = SettingsStore.open({ flags: new Map([['data_dir', join('nowhere', 'at-all')]]) })

const open = (startup: Record<string, string> = {}): SessionSettings =>
  new SessionSettings(store, new Map(Object.entries(startup)))

describe('a session', () => {
  it('has the values of the server until it sets its own', () => {
    const session = open()
    expect(session.current).toBe(store.snapshot)
    session.set('result_ttl', '5s')
    expect(session.current.resultTtl).toBe(5000)
    expect(Object.isFrozen(session.current)).toBe(true)
    expect(session.show('RESULT_TTL')).toBe('5s')
    expect(open().current.resultTtl).toBe(30_000)
  })

  it('gives the same object until something changes', () => {
    const session = open()
    session.set('result_ttl', '5s')
    expect(session.current).toBe(session.current)
  })

  it('goes back to what it started with on RESET and RESET ALL', () => {
    const session = open({ result_ttl: '7s' })
    session.set('result_ttl', '5s')
    session.set('result_cache', 'off')
    session.reset('result_ttl')
    expect(session.current).toMatchObject({ resultTtl: 7000, resultCache: 'off' })
    session.resetAll()
    expect(session.current).toMatchObject({ resultTtl: 7000, resultCache: 'on' })
  })

  it('shows settings of the whole server too', () => {
    expect(open().show('l1_bytes_max')).toBe('256MB')
  })

  it('names the source of each value', () => {
    const session = open({ result_ttl: '7s' })
    session.set('result_cache', 'off')
    session.begin()
    session.set('response_signal', 'notice', { local: true })
    const sources = Object.fromEntries(session.rows().map((row) => [row.name, [row.value, row.source]]))
    expect(sources).toMatchObject({
      result_ttl: ['7s', 'startup'],
      result_cache: ['off', 'session'],
      response_signal: ['notice', 'transaction'],
      consistency: ['session', 'default'],
    })
  })

  it.each([
    ['resutl_ttl', '5s', { sqlstate: '42704', hint: 'Perhaps you meant "cache.result_ttl".' }],
    ['result_ttl', 'soon', { sqlstate: '22023' }],
    ['consistency', 'loose', { sqlstate: '22023' }],
    [
      'l1_bytes_max',
      '1GB',
      { sqlstate: '55P02', hint: expect.stringContaining('ALTER SYSTEM SET cache.l1_bytes_max') },
    ],
  ])('refuses SET %s = %s and keeps what it had', (name, value, expected) => {
    const session = open()
    const before = session.current
    expect(() => session.set(name, value)).toThrow(expect.objectContaining(expected))
    expect(session.current).toBe(before)
    expect(() => open({ [name]: value })).toThrow(expect.objectContaining(expected))
  })
})

describe('in a transaction', () => {
  const ttl = (session: SessionSettings): number => session.current.resultTtl

  it('SET lasts when it commits and is undone when it rolls back', () => {
    const session = open()
    session.begin()
    session.set('result_ttl', '5s')
    session.commit()
    expect(ttl(session)).toBe(5000)
    session.begin()
    session.set('result_ttl', '6s')
    session.rollback()
    expect(ttl(session)).toBe(5000)
  })

  it('SET LOCAL ends with it, either way', () => {
    const session = open()
    for (const end of ['commit', 'rollback'] as const) {
      session.begin()
      session.set('result_ttl', '5s', { local: true })
      expect(ttl(session)).toBe(5000)
      session[end]()
      expect(ttl(session)).toBe(30_000)
    }
  })

  it('SET after SET LOCAL replaces it, and SET before shows again at its end', () => {
    const session = open()
    session.begin()
    session.set('result_ttl', '5s', { local: true })
    session.set('result_ttl', '6s')
    expect(ttl(session)).toBe(6000)
    session.set('result_ttl', '7s', { local: true })
    expect(ttl(session)).toBe(7000)
    session.commit()
    expect(ttl(session)).toBe(6000)
  })

  it('SET LOCAL TO DEFAULT hides the value of the session until the end', () => {
    const session = open()
    session.set('result_ttl', '5s')
    session.begin()
    session.set('result_ttl', undefined, { local: true })
    expect(ttl(session)).toBe(30_000)
    session.commit()
    expect(ttl(session)).toBe(5000)
  })

  it('RESET and RESET ALL are undone when it rolls back', () => {
    const session = open()
    session.set('result_ttl', '5s')
    session.begin()
    session.reset('result_ttl')
    expect(ttl(session)).toBe(30_000)
    session.rollback()
    expect(ttl(session)).toBe(5000)
    session.begin()
    session.resetAll()
    session.rollback()
    expect(ttl(session)).toBe(5000)
  })

  it('outside of one SET LOCAL checks its value and changes nothing', () => {
    const session = open()
    session.set('result_ttl', '5s', { local: true })
    expect(ttl(session)).toBe(30_000)
    expect(() => session.set('result_ttl', 'soon', { local: true })).toThrow('soon')
    expect(session.inTransaction).toBe(false)
  })

  it('ROLLBACK TO undoes both kinds, and leaves the savepoint', () => {
    const session = open()
    session.begin()
    session.set('result_ttl', '5s')
    session.savepoint('a')
    session.set('result_ttl', '6s')
    session.set('result_cache', 'off', { local: true })
    session.rollbackTo('a')
    expect(session.current).toMatchObject({ resultTtl: 5000, resultCache: 'on' })
    session.set('result_ttl', '7s')
    session.rollbackTo('a')
    session.commit()
    expect(ttl(session)).toBe(5000)
  })

  it('RELEASE keeps what was set, until the transaction decides', () => {
    const session = open()
    session.begin()
    session.savepoint('a')
    session.set('result_ttl', '6s')
    session.set('result_cache', 'off', { local: true })
    session.releaseSavepoint('a')
    expect(session.current).toMatchObject({ resultTtl: 6000, resultCache: 'off' })
    session.commit()
    expect(session.current).toMatchObject({ resultTtl: 6000, resultCache: 'on' })
  })

  it('the latest of two savepoints of one name is meant, and releasing it uncovers the first', () => {
    const session = open()
    session.begin()
    session.savepoint('a')
    session.set('result_ttl', '5s')
    session.savepoint('a')
    session.set('result_ttl', '6s')
    session.rollbackTo('a')
    expect(ttl(session)).toBe(5000)
    session.releaseSavepoint('a')
    session.rollbackTo('a')
    expect(ttl(session)).toBe(30_000)
  })

  it('a savepoint nobody made is 3B001', () => {
    const session = open()
    session.begin()
    expect(() => session.rollbackTo('a')).toThrow(expect.objectContaining({ sqlstate: '3B001' }))
    expect(() => session.releaseSavepoint('a')).toThrow(expect.objectContaining({ sqlstate: '3B001' }))
  })
})

it('a change of the server reaches sessions that did not set the value themselves', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'larder-session-'))
  try {
    const live = SettingsStore.open({ flags: new Map([['data_dir', directory]]) })
    const own = new SessionSettings(live)
    const other = new SessionSettings(live)
    own.set('result_ttl', '5s')
    await live.setSystem('result_ttl', '9s')
    await live.setSystem('response_signal', 'notice')
    expect(own.current).toMatchObject({ resultTtl: 5000, responseSignal: 'notice' })
    expect(other.current).toBe(live.snapshot)
    own.reset('result_ttl')
    expect(own.current.resultTtl).toBe(9000)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

describe('SQL-7: several statements in one text', () => {
  it('are a transaction, but no block', () => {
    const session = open()
    session.beginImplicit()
    expect([session.inTransaction, session.inBlock]).toEqual([true, false])
    session.set('result_ttl', '5s', { local: true })
    session.set('result_cache', 'off')
    session.endImplicit(true)
    expect(session.current).toMatchObject({ resultTtl: 30_000, resultCache: 'off' })
    session.beginImplicit()
    session.set('result_cache', 'on')
    session.endImplicit(false)
    expect(session.current.resultCache).toBe('off')
  })

  it('become a block by a BEGIN among them, with what they have set', () => {
    const session = open()
    session.beginImplicit()
    session.set('result_ttl', '5s')
    session.begin()
    session.endImplicit(true)
    expect(session.inBlock).toBe(true)
    session.rollback()
    expect([session.inTransaction, session.current.resultTtl]).toEqual([false, 30_000])
  })

  it('change nothing about a block that is open', () => {
    const session = open()
    session.begin()
    session.beginImplicit()
    session.set('result_ttl', '5s')
    session.endImplicit(false)
    expect([session.inBlock, session.current.resultTtl]).toEqual([true, 5000])
  })
})
