// Reads of a hot standby (R10) against what would make them wrong, or late: names that change hands, servers that change places, servers that
// say nothing any more.

import { readFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres } from '../../support/postgres.ts'
import { SlowStandby } from '../../support/slow-standby.ts'
import {
  another,
  blockedAtStandby,
  cleanUp,
  cleanups,
  openSession,
  openStage,
  type Stage,
  stateOf,
  streaming,
  verdictOf,
  warm,
  world,
} from '../../support/standby-stage.ts'
import { openStandby, type StreamingStandby } from '../../support/streaming-standby.ts'
import { cancelRequest } from '../../support/wire-client.ts'

afterEach(cleanUp)

/** In a database of its own, the table that everybody reads. */
async function fillDatabase({ origin, stranger }: Stage, name: string, n: number): Promise<void> {
  await stranger.query(`create database ${name}`)
  const there = await origin.connect({ database: name })
  await there.query(`create table item (id int primary key, n int)`)
  await there.query(`insert into item select g, ${n} from generate_series(1, 20000) g`)
  await there.end()
}

describe.each(await availableVersions())('PostgreSQL %i', (version) => {
  describe('a connection to the standby', () => {
    it('reads no database that has lost its name', async () => {
      const all = await openStage(version)
      await fillDatabase(all, 'shop', 1)
      await fillDatabase(all, 'shop_next', 2)
      const reader = await openSession(all, 'postgres', {}, 'shop')
      await warm(reader)
      expect(await reader.rows(another())).toEqual([['1']])
      reader.destroy()
      const rename = async () => {
        await all.stranger.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'shop'")
        const renaming = all.stranger.query('alter database shop rename to shop_before')
        return await renaming.then(() => 'done', String)
      }
      await expect.poll(rename, { interval: 1, timeout: 10_000 }).toBe('done')
      await all.stranger.query('alter database shop_next rename to shop')
      const again = await openSession(all, 'postgres', {}, 'shop')
      const read = async () => {
        expect(await again.rows(another())).toEqual([['2']])
        return verdictOf(again)
      }
      await expect.poll(read, { interval: 5, timeout: 10_000 }).toBe('standby')
    })

    it('reads as no role that was dropped, and made again under its name', async () => {
      const schema = `create table owned (id int, n int); insert into owned select g, 7 from generate_series(1, 20000) g;
      alter table owned enable row level security; grant select on owned to public;
      create role alice login; create policy own on owned to alice using (true)`
      const all = await openStage(version, { schema })
      const owned = (id: number) => `select n from owned where id = ${id}`
      const alice = await openSession(all, 'alice')
      await warm(alice, owned)
      alice.destroy()
      await all.stranger.query(`drop policy own on owned; drop role alice;
      create role alice login; create policy own on owned to alice using (true)`)
      const again = await openSession(all, 'alice')
      const read = async () => {
        expect(await again.rows(another(owned))).toEqual([['7']])
        return verdictOf(again)
      }
      await expect.poll(read, { interval: 5, timeout: 10_000 }).toBe('standby')
    })

    it('is not judged by another standby that has taken the place of its own', async () => {
      const sockets = new Set<Socket>()
      let now: StreamingStandby | undefined
      const relay = createServer((client) => {
        const { host, port } = (now as StreamingStandby).server.target
        const server = connect(`${host}/.s.PGSQL.${port}`)
        for (const [one, other] of [
          [client, server],
          [server, client],
        ] as const) {
          one.on('error', () => other.destroy()).pipe(other)
          sockets.add(one)
        }
      })
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
      cleanups.push(() => {
        for (const socket of sockets) socket.destroy()
        relay.close()
      })
      const all = await openStage(version, {
        readOrigin: (standby) => {
          now = standby
          const address = relay.address() as { port: number }
          return `postgres://postgres@127.0.0.1:${address.port}/postgres?sslmode=disable`
        },
      })
      const other = await openStandby(all.origin)
      cleanups.push(() => other.close())
      const reader = await openSession(all)
      await warm(reader)
      const { reading, admin } = await blockedAtStandby(all, reader)
      now = other
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'larder standby'",
      )
      const there = await other.connect()
      const watching = "select count(*)::int as n from pg_stat_activity where application_name = 'larder standby'"
      await expect.poll(async () => (await there.query(watching)).rows[0].n, { interval: 5, timeout: 10_000 }).toBe(1)
      const watcher = await openSession(all)
      await expect.poll(() => stateOf(watcher).then(([row]) => row?.[1]), { interval: 5 }).toBe('streaming')
      await all.stranger.query('rollback')
      expect(await reading).toEqual([['0']])
      expect(verdictOf(reader)).toBe('miss')
      await warm(reader)
    })
  })

  describe('a standby of a server that was promoted', () => {
    it('is read no more, however far its log has come', async () => {
      const origin = await openTestPostgres({ version })
      cleanups.push(() => origin.close())
      const stranger = await origin.connect()
      await stranger.query(world)
      const promoted = await openStandby(origin)
      cleanups.push(() => promoted.close())
      const there = await promoted.connect()
      await promoted.caughtUp()
      await there.query('select pg_promote()')
      // Positions of its own, beyond any that the origin will have.
      await there.query("select pg_logical_emit_message(true, '', repeat('x', 5000000)); update item set n = 7")
      // The origin gives away more ids than there: nothing that is shown there seems to be yet to come.
      for (let count = 0; count < 20; count++) await stranger.query('select pg_current_xact_id()')
      const standby = await openStandby(promoted)
      cleanups.push(() => standby.close())
      const settings = { result_ttl: '1h', feed: 'auto', read_origin_cost_min: '0', read_origin: standby.url() }
      const larder = await openLarder({ upstream: origin.url, settings })
      cleanups.push(() => larder.close())
      const reader = await openSession({ larder })
      await streaming(reader)
      const isSaid = async () => {
        expect(await reader.rows(another())).toEqual([['0']])
        expect(verdictOf(reader)).toBe('miss')
        return String((await stateOf(reader))[0]?.[2])
      }
      await expect.poll(isSaid, { interval: 5, timeout: 10_000 }).toBe('it is on timeline 2, the origin on 1')
      const thrownAway = async () => Number((await reader.rows('select standby_too_new from cache.stats'))[0]?.[0])
      const before = await thrownAway()
      // Now and then a read finds out whether it is still so; the others do not pay for it.
      for (let turn = 0; turn < 30; turn++) await reader.rows(another())
      expect((await thrownAway()) - before).toBeLessThan(30)
    })
  })

  describe('a read of the standby', () => {
    it('that is in the way of its log is left to the origin', async () => {
      const all = await openStage(version, {
        standbyParameters: { max_standby_streaming_delay: '0', log_min_messages: 'error' },
      })
      const joined = (id: number) => `select item.n from item, other where id = ${id}`
      const reader = await openSession(all)
      await warm(reader, joined)
      const [admin, other] = [await all.standby.connect(), await all.origin.connect()]
      // Locks are in the log, which is flushed by who commits.
      const flush = (name: string) => other.query(`create table ${name} ()`)
      await all.stranger.query('begin; lock table other in access exclusive mode')
      await flush('one')
      const locked = "select 1 from pg_locks where relation = 'other'::regclass and mode = 'AccessExclusiveLock'"
      await expect.poll(async () => (await admin.query(locked)).rowCount, { interval: 5 }).toBe(1)
      const reading = reader.rows(another(joined))
      const waiting =
        "select 1 from pg_stat_activity where application_name = 'larder read' and wait_event_type = 'Lock'"
      await expect.poll(async () => (await admin.query(waiting)).rowCount, { interval: 5 }).toBe(1)
      await all.stranger.query('lock table item in access exclusive mode')
      await flush('two')
      const log = join(all.standby.server.directory, 'postgres.log')
      const said = async () =>
        (await readFile(log, 'utf8')).includes('canceling statement due to conflict with recovery')
      await expect.poll(said, { interval: 5, timeout: 10_000 }).toBe(true)
      await all.stranger.query('rollback')
      expect(await reading).toEqual([['0']])
      expect(verdictOf(reader)).toBe('miss')
      await warm(reader, joined)
    })

    it('ends when the client cancels, while the origin does not show what it may have shown', async () => {
      const all = await openStage(version, { settings: { floor_wait: '1min' } })
      const slow = await SlowStandby.open(all.origin, 0)
      cleanups.push(() => slow.close())
      const reader = await openSession(all)
      await warm(reader)
      slow.hold()
      const writing = all.stranger.query('update item set n = 1')
      const admin = await all.standby.connect()
      const most = async () => (await admin.query('select max(n) from item')).rows
      await expect.poll(most, { interval: 5 }).toEqual([{ max: 1 }])
      const asked = another()
      const refused = reader.rows(asked).catch(String)
      const log = join(all.standby.server.directory, 'postgres.log')
      await expect.poll(async () => (await readFile(log, 'utf8')).includes(asked), { interval: 5 }).toBe(true)
      connect(all.larder.port, all.larder.host).resume().end(cancelRequest(reader.backendKey))
      expect(await refused).toContain('canceling statement due to user request')
      slow.release()
      await writing
      await warm(reader)
    })

    it('is left to the origin when the standby says nothing any more', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      const thaw = await all.standby.freeze()
      try {
        for (let turn = 0; turn < 3; turn++) {
          expect(await reader.rows(another())).toEqual([['0']])
          expect(verdictOf(reader)).toBe('miss')
        }
      } finally {
        thaw()
      }
      await warm(reader)
    })
  })
})
