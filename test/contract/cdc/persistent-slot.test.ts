// A slot that outlives its connection: what breaks off goes on where it was, and nothing is left at the origin that nobody needs.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { scratch } from '../../support/templates.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Stage {
  readonly origin: TestPostgres
  readonly stranger: pg.Client
  readonly larder: TestLarder
  readonly client: pg.Client
  hits(): Promise<number>
  slots(): Promise<unknown[]>
  becomes(state: string): Promise<void>
  events(): Promise<string[]>
}

const name = 'larder_keep_0123456789ab'

async function directoryWith(slot: string): Promise<string> {
  const directory = await mkdtemp(join(scratch, 'larder-test-slot-'))
  closers.push(() => rm(directory, { recursive: true, force: true }))
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'feed-slot'), slot)
  return directory
}

async function openOrigin(version: 18 | 15): Promise<{ origin: TestPostgres; stranger: pg.Client }> {
  const origin = await openTestPostgres({
    version,
    parameters: { wal_level: 'logical', max_slot_wal_keep_size: '1MB' },
  })
  closers.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query(`create table item (id int primary key, n int); insert into item values (1, 0);
    create table shelf (id int primary key, n int); insert into shelf values (1, 0)`)
  return { origin, stranger }
}

async function stage(version: 18 | 15, settings: Record<string, string> = {}): Promise<Stage> {
  const { origin, stranger } = await openOrigin(version)
  const larder = await openLarder({
    upstream: origin.url,
    settings: { result_ttl: '1h', feed: 'auto', feed_slot: 'persistent', ddl_poll: '1s', ...settings },
  })
  closers.push(() => larder.close())
  const client = await larder.connect()
  const stateOf = async () => (await client.query('select state from cache.feed')).rows[0]?.state
  const becomes = async (state: string) => {
    await expect.poll(stateOf, { interval: 10, timeout: 30_000 }).toBe(state)
  }
  await becomes('streaming')
  return {
    ...{ origin, stranger, larder, client, becomes },
    hits: async () => Number((await client.query('select result_hits from cache.stats')).rows[0].result_hits),
    slots: async () =>
      (await stranger.query("select temporary from pg_replication_slots where slot_name like 'larder%'")).rows,
    events: async () =>
      (await client.query("select event from cache.events where event like 'feed_%' order by at")).rows.map(
        ({ event }) => event,
      ),
  }
}

const item = 'select n from item where id = 1'
const shelf = 'select n from shelf where id = 1'
const value = async (client: pg.Client, text: string) => (await client.query(text)).rows[0].n
const walsender = "select active_pid as pid from pg_replication_slots where slot_name like 'larder%'"

describe.each(await availableVersions())('before PostgreSQL %i', (version) => {
  it('a stream that breaks off goes on where it was: what others wrote meanwhile is heard of, and nothing else is void (R9)', async () => {
    const { stranger, client, larder, hits, slots, becomes } = await stage(version)
    expect(await slots()).toEqual([{ temporary: false }])
    await client.query("set cache.consistency = 'eventual'")
    const gaps = async () => Number((await client.query('select feed_gaps from cache.stats')).rows[0].feed_gaps)
    /** True if what nobody changed is still served. */
    const breaksOff = async (turn: number) => {
      await client.query(shelf)
      await client.query(item)
      await larder.fence()
      const before = await gaps()
      const [{ pid }] = (await stranger.query(walsender)).rows
      await stranger.query('select pg_terminate_backend($1, 5000)', [pid])
      await stranger.query('update item set n = $1', [turn])
      await expect.poll(gaps, { interval: 10, timeout: 10_000 }).toBe(before + 1)
      await becomes('streaming')
      await larder.fence()
      expect(await value(client, item)).toBe(turn)
      const hitsBefore = await hits()
      expect(await value(client, shelf)).toBe(0)
      return (await hits()) === hitsBefore + 1
    }
    // Where something that writes ran meanwhile, of the origin's own too, everything is void.
    let turn = 1
    while (!(await breaksOff(turn)) && turn < 6) turn++
    expect(turn).toBeLessThan(6)
    expect(await slots()).toEqual([{ temporary: false }])
  })

  it('one that was dropped by somebody else is made anew, and everything before is void', async () => {
    const { stranger, client, larder, slots, events, becomes } = await stage(version)
    expect(await value(client, item)).toBe(0)
    await larder.fence()
    await stranger.query(`do $$ declare s record; begin select slot_name, active_pid into s from pg_replication_slots;
      perform pg_terminate_backend(s.active_pid, 5000); perform pg_drop_replication_slot(s.slot_name); update item set n = 6; end $$`)
    await expect.poll(events, { interval: 10, timeout: 10_000 }).toContain('feed_slot_lost')
    await becomes('streaming')
    expect(await value(client, item)).toBe(6)
    expect(await slots()).toEqual([{ temporary: false }])
  })

  it('one whose log the origin has removed is made anew, and everything before is void', async () => {
    const { origin, stranger, client, larder, slots, events, becomes } = await stage(version)
    expect(await value(client, item)).toBe(0)
    await larder.fence()
    const long = await origin.connect()
    await long.query('begin; insert into shelf values (2)')
    for (let turn = 0; turn < 4; turn++) {
      await stranger.query('insert into shelf values ($1, 1)', [turn + 10])
      await stranger.query('select pg_switch_wal()')
    }
    await stranger.query('update item set n = 7')
    await stranger.query('checkpoint')
    await expect.poll(events, { interval: 10, timeout: 10_000 }).toContain('feed_gap')
    await long.query('rollback')
    await becomes('streaming')
    expect(await value(client, item)).toBe(7)
    expect(await slots()).toEqual([{ temporary: false }])
  })

  it('one that costs more log than it may is dropped, and that is told', async () => {
    const { origin, stranger, client, slots, becomes, events } = await stage(version, {
      feed_retained_bytes_max: '1MB',
    })
    await stranger.query("alter system set max_slot_wal_keep_size = '-1'")
    await stranger.query('select pg_reload_conf()')
    const long = await origin.connect()
    await long.query('begin; insert into shelf values (2)')
    await stranger.query('insert into item select g, g from generate_series(2, 40000) g')
    await stranger.query('checkpoint')
    await becomes('refused')
    const { rows } = await client.query('select slot, last_error from cache.feed')
    expect(rows[0].last_error).toMatch(/kept \d+ bytes of its log for the feed/)
    expect(await events()).toContain('feed_refused')
    await expect.poll(slots, { interval: 10 }).toEqual([])
    await long.end()
  })

  it('none is left behind: at the end, after another setting, or where somebody else is', async () => {
    const { stranger, origin } = await openOrigin(version)
    const slots = async () => (await stranger.query('select slot_name from pg_replication_slots')).rowCount
    const directory = await directoryWith(name)
    const open = async (feedSlot: string, data_dir: string) => {
      const settings = { feed: 'auto', feed_slot: feedSlot, data_dir }
      const larder = await openLarder({ upstream: origin.url, settings })
      const client = await larder.connect()
      const feed = async () => (await client.query('select state, last_error from cache.feed')).rows[0]
      return { larder, feed }
    }
    const states = { interval: 10, timeout: 20_000 }
    await stranger.query(`select pg_create_logical_replication_slot('${name}_7', 'test_decoding')`)
    const temporary = await open('temporary', directory)
    await expect.poll(async () => (await temporary.feed()).state, states).toBe('streaming')
    expect((await stranger.query('select from pg_replication_slots where not temporary')).rowCount).toBe(0)
    await temporary.larder.close()
    const first = await open('persistent', directory)
    await expect.poll(async () => (await first.feed()).state, states).toBe('streaming')
    const second = await open('persistent', await directoryWith(name))
    await expect
      .poll(async () => (await second.feed()).last_error, states)
      .toMatch(/is in use by process \d+: another Larder/)
    expect((await first.feed()).state).toBe('streaming')
    await second.larder.close()
    expect(await slots()).toBe(1)
    await first.larder.close()
    expect(await slots()).toBe(0)
  })
})
