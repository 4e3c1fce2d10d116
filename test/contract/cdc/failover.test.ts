// What becomes of answers when the feed is lost for good, or is no longer where clients are (R9).

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { DelayingRelay } from '../../support/delaying-relay.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function openOrigin(version: 18 | 15): Promise<{ origin: TestPostgres; stranger: pg.Client }> {
  const origin = await openTestPostgres({ version, parameters: { wal_level: 'logical' } })
  closers.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query('create table item (id int primary key, n int); insert into item values (1, 0)')
  return { origin, stranger }
}

async function openFollowing(upstream: string, settings: Record<string, string> = {}): Promise<TestLarder> {
  const larder = await openLarder({ upstream, settings: { result_ttl: '1h', feed: 'auto', ...settings } })
  closers.push(() => larder.close())
  return larder
}

const stateOf = async (admin: pg.Client) => (await admin.query('select state from cache.feed')).rows[0]?.state
const becomes = (admin: pg.Client, state: string) =>
  expect.poll(() => stateOf(admin), { interval: 10, timeout: 30_000 }).toBe(state)
const ask = async (client: pg.Client) => (await client.query('select n from item where id = 1')).rows[0].n

describe.each(await availableVersions())('before PostgreSQL %i', (version) => {
  it('a feed that is lost and then refused leaves what a server without one gives, until it is allowed again (R9, R11)', async () => {
    const { origin, stranger } = await openOrigin(version)
    await stranger.query('create role app login replication; grant select, update on item to app')
    const larder = await openFollowing(origin.url.replace('postgres@', 'app@'), { ddl_poll: '100ms' })
    const reader = await larder.connect({ user: 'app', options: '-c cache.response_signal=notice' })
    const admin = await larder.connect()
    const notices: string[] = []
    reader.on('notice', ({ severity, message }) => notices.push(`${severity} ${message}`))
    await becomes(admin, 'streaming')
    expect(await ask(reader)).toBe(0)
    await stranger.query('alter role app noreplication')
    await stranger.query("select pg_terminate_backend(pid) from pg_stat_replication where usename = 'app'")
    await becomes(admin, 'refused')
    // What was kept before is void, whoever changed it meanwhile.
    await stranger.query('update item set n = 5')
    expect(await ask(reader)).toBe(5)
    const hits = async () => Number((await admin.query('select result_hits from cache.stats')).rows[0].result_hits)
    const before = await hits()
    await stranger.query('update item set n = 6')
    expect(await ask(reader)).toBe(5)
    expect(await hits()).toBe(before + 1)
    await reader.query('update item set n = n + 1')
    expect(await ask(reader)).toBe(7)
    const told = () => notices.filter((text) => text.includes('past this server'))
    expect(told().at(-1)).toBe('WARNING what is written past this server is not heard of from now on')
    const { rows } = await admin.query("select event from cache.events where event like 'feed_%' order by at")
    expect(rows.map(({ event }) => event)).toEqual(['feed_began', 'feed_gap', 'feed_refused'])
    await stranger.query('update item set n = 8')
    await stranger.query('alter role app replication')
    // Who looks at the catalogue may have begun only after that, and sees the next change.
    let count = 0
    const changed = async () => {
      await stranger.query(`create role sign_${count++}`)
      return stateOf(admin)
    }
    await expect.poll(changed, { interval: 300, timeout: 25_000 }).toBe('streaming')
    expect(await ask(reader)).toBe(8)
    await stranger.query('update item set n = 9')
    await larder.fence()
    expect(await ask(reader)).toBe(9)
  })

  it('a feed that stays at the server clients have left is begun again where they are, and all before it is void (R9)', async () => {
    const old = await openOrigin(version)
    const next = await openOrigin(version)
    await next.stranger.query('update item set n = 10')
    const relay = await DelayingRelay.open(old.origin.target)
    closers.push(() => relay.close())
    const larder = await openFollowing(`postgres://postgres@127.0.0.1:${relay.port}/postgres?sslmode=disable`)
    const stayed = await larder.connect()
    await becomes(stayed, 'streaming')
    expect(await ask(stayed)).toBe(0)
    relay.target = next.origin.target
    const moved = await larder.connect()
    expect(await ask(moved)).toBe(10)
    await expect
      .poll(
        () =>
          next.stranger
            .query("select from pg_stat_replication where application_name = 'larder feed'")
            .then(({ rowCount }) => rowCount),
        { interval: 10 },
      )
      .toBe(1)
    await becomes(moved, 'streaming')
    expect(await ask(moved)).toBe(10)
    await next.stranger.query('update item set n = 11')
    await larder.fence()
    // The one that stayed reads the old server's rows: they are nobody else's.
    await stayed.query('select n from item where id = 1 and n < 100')
    expect((await moved.query('select n from item where id = 1 and n < 100')).rows[0].n).toBe(11)
    expect(await ask(moved)).toBe(11)
    const { rows } = await moved.query("select detail from cache.events where event = 'feed_gap'")
    expect(rows.map(({ detail }) => detail)).toEqual([expect.stringMatching(/another server/)])
  })
})
