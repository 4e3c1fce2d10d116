// CALL and DO may commit inside, so their locks cannot be asked for: everything is held back meanwhile, and void when they are done
// (origins.md 4.3, R3 opaque).

import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { bind, errorOf, execute, parse, sync, WireClient } from '../../support/wire-client.ts'

const tables = ['item', 'other'] as const

describe.each(await availableVersions())('PostgreSQL %i', (version) => {
  let origin: TestPostgres
  let larder: TestLarder
  let straight: pg.Client
  let reader: WireClient
  let writer: WireClient

  const verdict = async (table: string) => {
    const [row] = await reader.rows(`select n from ${table}`)
    return `${row?.[0]} ${(reader.parameters.get('cache.last') ?? '').replace(/;reason=(\w+).*|;.*/, ' $1').trim()}`
  }
  const warm = async () => {
    for (const table of tables) await expect.poll(() => verdict(table), { interval: 2 }).toMatch(/ hit$/)
  }
  const counts = async (): Promise<{ captures: number; everything: number }> => {
    const [row] = await reader.rows('select lock_captures, epoch_bumps_global from cache.stats')
    return { captures: Number(row?.[0]), everything: Number(row?.[1]) }
  }

  beforeAll(async () => {
    origin = await openTestPostgres({ version })
    straight = await origin.connect()
    await straight.query(`create table item (n int); insert into item values (0); create table other (n int); insert into other values (0);
      create table gate (n int); insert into gate values (0);
      create procedure steps(fails bool) language plpgsql as $$ begin
        update item set n = n + 1; commit; perform n from gate for update; update other set n = n + 1; commit;
        if fails then raise 'after two commits'; end if; end $$`)
    larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h' } })
    const { host, port } = larder
    const parameters = { options: '-c cache.response_signal=parameter' }
    const open = () => WireClient.connect({ host, port, user: 'postgres', database: 'postgres', parameters })
    reader = await open()
    writer = await open()
  })
  beforeEach(warm)
  afterAll(async () => {
    reader?.destroy()
    writer?.destroy()
    await larder?.close()
    await origin?.close()
  })

  const doBlock =
    'do $$ begin update item set n = n + 1; commit; perform n from gate for update; update other set n = n + 1; end $$'
  const extended = (text: string) => Buffer.concat([parse('', text), bind(), execute(''), sync()])
  const ways: readonly (readonly [string, (client: WireClient) => Promise<unknown>])[] = [
    ['CALL', (client) => client.query('call steps(false)')],
    ['CALL as extended messages', (client) => client.exchange(extended('call steps(false)'))],
    ['DO', (client) => client.query(doBlock)],
    ['DO as extended messages', (client) => client.exchange(extended(doBlock))],
    ['CALL that fails behind its commits', (client) => client.query('call steps(true)')],
  ]

  it.each(ways)(
    '%s: what it commits inside is seen at once, and everything is void at its end (R3)',
    async (_, run) => {
      const [itemBefore, otherBefore] = [(await verdict('item')).split(' ')[0], (await verdict('other')).split(' ')[0]]
      const before = await counts()
      await straight.query('begin; select n from gate for update')
      const done = run(writer)
      // The first of its transactions is committed, and the second waits.
      const waiting = 'select count(*)::int as n from pg_locks where not granted'
      await expect.poll(async () => (await straight.query(waiting)).rows[0].n, { interval: 5 }).toBe(1)
      expect(await verdict('item')).toBe(`${Number(itemBefore) + 1} miss suspended`)
      expect(await verdict('item')).toBe(`${Number(itemBefore) + 1} miss suspended`)
      expect(await verdict('other')).toBe(`${otherBefore} miss suspended`)
      await straight.query('commit')
      await done
      const after = await counts()
      expect(after.everything).toBeGreaterThan(before.everything)
      expect(await verdict('other')).toMatch(new RegExp(`^${Number(otherBefore) + 1} miss`))
      await warm()
      expect([await verdict('item'), await verdict('other')]).toEqual([
        `${Number(itemBefore) + 1} hit`,
        `${Number(otherBefore) + 1} hit`,
      ])
    },
  )

  it('a question of ours does not ride along: it would keep CALL from committing (R3)', async () => {
    const { captures } = await counts()
    for (const [, run] of ways) {
      const answer = (await run(writer)) as { frames: readonly { type: string }[] }
      expect(answer.frames.filter(({ type }) => type === 'D')).toEqual([])
    }
    expect((await counts()).captures).toBe(captures)
    expect(errorOf(await writer.query('call steps(false)'))).toBeUndefined()
  })

  it('in a block, where neither may commit, COMMIT asks what they wrote (R3)', async () => {
    await writer.query('begin')
    await writer.query('do $$ begin update other set n = n + 1; end $$')
    expect(await verdict('other')).toMatch(/ hit$/)
    await writer.query('commit')
    expect(await verdict('item')).toMatch(/ hit$/)
    expect(await verdict('other')).toMatch(/ miss /)
  })
})
