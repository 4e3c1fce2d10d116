// Reads of a hot standby (R10): who is answered there, with what, and that nothing that goes wrong there is told to a client.

import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
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
  nextId,
  openSession,
  openStage,
  stateOf,
  streaming,
  verdictOf,
  warm,
  world,
} from '../../support/standby-stage.ts'
import { openStandby } from '../../support/streaming-standby.ts'
import {
  bind,
  cancelRequest,
  describe as describeMessage,
  execute,
  parse,
  rowsOf,
  sync,
  type WireClient,
} from '../../support/wire-client.ts'

afterEach(cleanUp)

/** The standby has answered as many, and thrown away as many, as this says more than before. */
async function countsOf(client: WireClient) {
  const names = ['standby_answers', 'standby_too_old', 'standby_too_new', 'standby_failures']
  const [row] = await client.rows(`select ${names.join(', ')} from cache.stats`)
  return Object.fromEntries(names.map((name, index) => [name.slice(8), Number(row?.[index])])) as Record<
    'answers' | 'too_old' | 'too_new' | 'failures',
    number
  >
}

describe.each(await availableVersions())('PostgreSQL %i', (version) => {
  describe('a hot standby', () => {
    it('answers a read that nobody has asked for, and the answer is kept', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      const asked = another()
      expect(await reader.rows(asked)).toEqual([['0']])
      expect(reader.parameters.get('cache.last')).toMatch(/^standby;reason=cold;age_ms=\d+;consistency=session$/)
      const log = await readFile(join(all.standby.server.directory, 'postgres.log'), 'utf8')
      expect(log).toContain(asked)
      expect(await reader.rows(asked)).toEqual([['0']])
      expect(verdictOf(reader)).toBe('hit')
      const told = "select verdict, reason from cache.decisions where verdict = 'standby' limit 1"
      expect(await reader.rows(told)).toEqual([['standby', 'cold']])
      expect(await reader.rows(`explain (cache, analyze) ${another()}`)).toContainEqual([
        expect.stringMatching(/verdict=standby reason=cold/),
      ])
      expect((await countsOf(reader)).answers).toBeGreaterThan(1)
      expect(await stateOf(reader)).toEqual([['physical', 'streaming', '']])
      const place =
        "select position <= origin_lsn, lag >= '0', lag_bytes >= 0 from cache.feed where name = 'read_origin'"
      expect(await reader.rows(place)).toEqual([['t', 't', 't']])
    })

    it('is foreseen by EXPLAIN (CACHE), which reads nothing', async () => {
      const all = await openStage(version, { settings: { floor_wait: '50ms' } })
      const reader = await openSession(all)
      const foreseen = async (sql: string) => String((await reader.rows(`explain (cache) ${sql}`))[0])
      expect(await foreseen(another())).toMatch(/verdict=miss reason=cold/)
      await warm(reader)
      const asked = another()
      await expect.poll(() => foreseen(asked), { interval: 5 }).toMatch(/verdict=standby reason=cold/)
      expect(await foreseen(`/*+ cache(refresh) */ ${asked}`)).toMatch(/verdict=miss/)
      expect(await foreseen(another((id) => `select n from loose where id = ${id}`))).toMatch(/verdict=miss/)
      expect(await foreseen('select n, now() from item')).toMatch(/verdict=bypass/)
      const log = await readFile(join(all.standby.server.directory, 'postgres.log'), 'utf8')
      expect(log).not.toContain(asked)
      await all.standby.pause()
      await all.stranger.query('update item set n = 1')
      // Learnt from the origin: what the standby has is too old for this session.
      await reader.rows('select n, pg_backend_pid() from other')
      await expect.poll(() => foreseen(asked), { interval: 5 }).toMatch(/verdict=miss reason=cold/)
      await all.standby.resume()
      await all.standby.caughtUp()
      await expect.poll(() => foreseen(asked), { interval: 5 }).toMatch(/verdict=standby reason=cold/)
      await reader.rows('set search_path = public')
      expect(await foreseen(asked)).toMatch(/verdict=miss/)
    })

    it('answers extended messages, of parameters in text and binary', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      const client = await all.larder.connect()
      const isAnswered = async (ask: () => Promise<unknown>) => {
        const before = await countsOf(reader)
        await ask()
        return (await countsOf(reader)).answers - before.answers
      }
      const named = async () => {
        const { rows } = await client.query({
          ...{ name: 'by id', text: 'select n from item where id = $1' },
          values: [nextId()],
        })
        expect(rows).toEqual([{ n: 0 }])
      }
      await expect.poll(() => isAnswered(named), { interval: 5, timeout: 10_000 }).toBe(1)
      const binary = async () => {
        const value = Buffer.alloc(4)
        value.writeInt32BE(nextId())
        const messages = [parse('', 'select n from item where id = $1::int', [23]), bind({ values: [value] })]
        const group = Buffer.concat([...messages, describeMessage('P'), execute(), sync()])
        expect(rowsOf(await reader.exchange(group))).toEqual([['0']])
      }
      await expect.poll(() => isAnswered(binary), { interval: 5, timeout: 10_000 }).toBe(1)
      const told = "select count(*) from cache.decisions where verdict = 'standby' and entry is null and rows = 1"
      expect(Number((await reader.rows(told))[0]?.[0])).toBeGreaterThan(2)
    })

    it('is not asked what is cheap, what is to be refreshed, and what is in no log', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      await reader.rows(`/*+ cache(refresh) */ ${another()}`)
      for (let turn = 0; turn < 3; turn++) {
        await reader.rows(another((id) => `select n from loose where id = ${id}`))
        expect(verdictOf(reader)).toBe('miss')
      }
      await reader.rows("alter system set cache.read_origin_cost_min = '1min'")
      await reader.rows(another())
      expect(verdictOf(reader)).toBe('miss')
    })

    it('that has not come far enough leaves the read to the origin', async () => {
      const all = await openStage(version, { settings: { floor_wait: '1ms' } })
      const [reader, writer] = [await openSession(all), await openSession(all)]
      await warm(reader)
      await all.standby.pause()
      await writer.rows('update item set n = 1')
      const before = await countsOf(reader)
      expect(await reader.rows(another())).toEqual([['1']])
      expect(verdictOf(reader)).toBe('miss')
      expect((await countsOf(reader)).too_old).toBeGreaterThan(before.too_old)
      await all.standby.resume()
      await all.standby.caughtUp()
      await warm(reader)
      expect(await reader.rows(another())).toEqual([['1']])
    })

    it('is not asked for what is older than the session knows', async () => {
      const all = await openStage(version, { settings: { floor_wait: '1ms' } })
      const reader = await openSession(all)
      await warm(reader)
      await all.standby.pause()
      await all.stranger.query('with w as (update other set n = 1) update item set n = 1')
      // Learnt from the origin, in a statement that is not for a cache.
      expect(await reader.rows('select n, pg_backend_pid() > 0 from other')).toEqual([['1', 't']])
      expect(await reader.rows(another())).toEqual([['1']])
      expect(verdictOf(reader)).toBe('miss')
      // A session that has seen nothing may be told what was.
      await all.standby.resume()
    })

    it('is strict where the session is', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await reader.rows("set cache.consistency = 'strict'")
      await warm(reader)
      await all.standby.pause()
      await all.stranger.query('update item set n = 1')
      await reader.rows("set cache.floor_wait = '20ms'")
      expect(await reader.rows(another())).toEqual([['1']])
      expect(verdictOf(reader)).toBe('miss')
      await all.standby.resume()
      await reader.rows("set cache.floor_wait = '20s'")
      await warm(reader)
      expect(await reader.rows(another())).toEqual([['1']])
      expect(verdictOf(reader)).toBe('standby')
    })

    it('that applies its log late is read as late as it is, and never behind what was acknowledged', async () => {
      const all = await openStage(version, { standbyParameters: { recovery_min_apply_delay: '25ms' } })
      const [reader, writer] = [await openSession(all), await openSession(all)]
      await warm(reader)
      const before = await countsOf(reader)
      for (let n = 1; n <= 20; n++) {
        const id = nextId()
        await writer.rows(`update item set n = ${n} where id = ${id}`)
        expect(await reader.rows(`select n from item where id = ${id}`)).toEqual([[String(n)]])
      }
      expect((await countsOf(reader)).answers).toBeGreaterThan(before.answers)
    })

    it('that shows a commit before the origin does is held back until it does', async () => {
      const all = await openStage(version)
      const slow = await SlowStandby.open(all.origin, 0)
      cleanups.push(() => slow.close())
      const reader = await openSession(all)
      await reader.rows("set cache.floor_wait = '20s'")
      await warm(reader)
      slow.hold()
      const writing = all.stranger.query('update item set n = 1')
      const admin = await all.standby.connect()
      await expect
        .poll(async () => (await admin.query('select max(n) from item')).rows, { interval: 5 })
        .toEqual([{ max: 1 }])
      await reader.rows("set cache.floor_wait = '30ms'")
      expect(await reader.rows(another())).toEqual([['0']])
      expect(verdictOf(reader)).toBe('miss')
      expect((await countsOf(reader)).too_new).toBe(1)
      await reader.rows("set cache.floor_wait = '20s'")
      const asked = another()
      let isTold = false
      const reading = reader.rows(asked).finally(() => {
        isTold = true
      })
      const log = join(all.standby.server.directory, 'postgres.log')
      await expect.poll(async () => (await readFile(log, 'utf8')).includes(asked), { interval: 5 }).toBe(true)
      expect(isTold).toBe(false)
      slow.release()
      expect(await reading).toEqual([['1']])
      expect(verdictOf(reader)).toBe('standby')
      await writing
    })

    it('that knows a relation before the origin does says nothing of it', async () => {
      const all = await openStage(version, { schema: 'create schema mine', settings: { floor_wait: '30ms' } })
      const slow = await SlowStandby.open(all.origin, 0)
      cleanups.push(() => slow.close())
      const reader = await openSession(all, 'postgres', { search_path: 'mine, public' })
      await warm(reader)
      slow.hold()
      // No row: a stream of changes tells nothing of it.
      const making = all.stranger.query('create table mine.item (id int, n int)')
      const admin = await all.standby.connect()
      await expect
        .poll(async () => (await admin.query("select to_regclass('mine.item') as o")).rows[0].o)
        .not.toBe(null)
      const before = await countsOf(reader)
      expect(await reader.rows(another())).toEqual([['0']])
      expect(verdictOf(reader)).toBe('miss')
      expect((await countsOf(reader)).too_new).toBe(before.too_new + 1)
      slow.release()
      await making
    })
  })

  describe('a standby that fails', () => {
    it('with an error leaves the read to the origin', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      const { reading, pid, admin } = await blockedAtStandby(all, reader)
      await admin.query(`select pg_cancel_backend(${pid})`)
      await all.stranger.query('rollback')
      expect(await reading).toEqual([['0']])
      expect(verdictOf(reader)).toBe('miss')
      expect((await countsOf(reader)).failures).toBeGreaterThan(0)
      await warm(reader)
    })

    it('and is gone in the middle leaves the read to the origin', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      const { reading } = await blockedAtStandby(all, reader)
      await all.standby.kill()
      await all.stranger.query('rollback')
      expect(await reading).toEqual([['0']])
      expect(verdictOf(reader)).toBe('miss')
      await expect.poll(() => stateOf(reader).then(([row]) => row?.[1])).toBe('lost')
      await reader.rows(another())
      expect(verdictOf(reader)).toBe('miss')
    })

    it('is given up when the client cancels', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      const { reading, admin } = await blockedAtStandby(all, reader)
      const refused = reading.catch((error: unknown) => String(error))
      connect(all.larder.port, all.larder.host).resume().end(cancelRequest(reader.backendKey))
      expect(await refused).toContain('canceling statement due to user request')
      await all.stranger.query('rollback')
      const left = "select count(*)::int as n from pg_stat_activity where application_name = 'larder read'"
      await expect.poll(async () => (await admin.query(left)).rows[0].n, { interval: 5 }).toBe(0)
      await warm(reader)
    })

    it('because it was promoted is read no more', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      const admin = await all.standby.connect()
      await admin.query('select pg_promote()')
      await admin.query('update item set n = 7')
      for (let turn = 0; turn < 20; turn++) {
        expect(await reader.rows(another())).toEqual([['0']])
        expect(verdictOf(reader)).toBe('miss')
      }
      await expect.poll(() => stateOf(reader)).toEqual([['physical', 'refused', 'it is no standby, or no longer one']])
    })

    it.each([
      ['the origin itself', false, /no standby/],
      ['a standby of another system', true, /another system/],
    ] as const)('because it is %s is never read', async (_, isOther, reason) => {
      const other = isOther ? await openTestPostgres({ version, ownSystem: true }) : undefined
      if (other !== undefined) cleanups.push(() => other.close())
      const standby = other && (await openStandby(other))
      if (standby !== undefined) cleanups.push(() => standby.close())
      const origin = await openTestPostgres({ version })
      cleanups.push(() => origin.close())
      const admin = await origin.connect()
      await admin.query(world)
      if (other !== undefined) await (await other.connect()).query(world)
      const larder = await openLarder({
        upstream: origin.url,
        settings: { feed: 'auto', read_origin_cost_min: '0', read_origin: standby?.url() ?? origin.url },
      })
      cleanups.push(() => larder.close())
      const reader = await openSession({ larder })
      await streaming(reader)
      const isSaid = async (): Promise<string> => {
        expect(await reader.rows(another())).toEqual([['0']])
        expect(verdictOf(reader)).toBe('miss')
        return String((await stateOf(reader))[0]?.[2])
      }
      await expect.poll(isSaid, { interval: 5, timeout: 10_000 }).toMatch(reason)
    })

    it('to let its user read as others is never read', async () => {
      const all = await openStage(version, {
        schema: 'create role watcher login',
        readOrigin: (standby) => standby.url('watcher'),
      })
      const reader = await openSession(all)
      await streaming(reader)
      await expect.poll(() => stateOf(reader).then(([row]) => row?.[2])).toMatch(/no superuser/)
      for (let turn = 0; turn < 5; turn++) {
        await reader.rows(another())
        expect(verdictOf(reader)).toBe('miss')
      }
    })
  })

  describe('who reads at a standby', () => {
    const roles = `create role alice login; create role bob login; grant select on item to alice, bob;
    create schema mine; grant usage on schema mine to public; create table mine.item (id int, n int);
    insert into mine.item select g, 5 from generate_series(1, 20000) g; grant select on mine.item to bob;
    alter role bob set search_path = mine, public; alter role bob set app.tenant = 'b';
    alter role alice set timezone = 'Asia/Tokyo';
    create table owned (id int, tenant text, n int); grant select on owned to alice, bob;
    insert into owned select g, t, ascii(t) from generate_series(1, 20000) g, unnest(array['alice', 'bob']) t;
    alter table owned enable row level security; create policy own on owned using (tenant = current_user);
    create table secret (id int, n int)`

    it('sees what its role sees there, with the settings of its login', async () => {
      const all = await openStage(version, { schema: roles })
      const [alice, bob] = [await openSession(all, 'alice'), await openSession(all, 'bob')]
      await warm(alice)
      await warm(bob)
      expect(await alice.rows(another())).toEqual([['0']])
      expect(await bob.rows(another())).toEqual([['5']])
      expect([verdictOf(alice), verdictOf(bob)]).toEqual(['standby', 'standby'])
      const owned = (id: number) => `select n, tenant from owned where id = ${id}`
      await warm(alice, owned)
      await warm(bob, owned)
      expect(await alice.rows(another(owned))).toEqual([['97', 'alice']])
      expect(await bob.rows(another(owned))).toEqual([['98', 'bob']])
      const zone = (id: number) => `select ('2020-01-01 00:00:00+00'::timestamptz)::text, n from item where id = ${id}`
      await warm(alice, zone)
      expect(await alice.rows(another(zone))).toEqual([['2020-01-01 09:00:00+09', '0']])
      expect([verdictOf(alice), verdictOf(bob)]).toEqual(['standby', 'standby'])
    })

    it('is refused what its role is refused', async () => {
      const all = await openStage(version, { schema: roles })
      const alice = await openSession(all, 'alice')
      await warm(alice)
      const [admin] = [await openSession(all)]
      await warm(admin, (id) => `select n from secret where id = ${id}`)
      await expect(alice.rows(another((id) => `select n from secret where id = ${id}`))).rejects.toThrow(
        /permission denied for table secret/,
      )
      await all.stranger.query('revoke select on item from alice')
      await expect.poll(() => alice.rows(another()).catch(String), { interval: 5 }).toMatch(/permission denied/)
    })

    it('and has set something else is answered by the origin', async () => {
      const all = await openStage(version, { schema: roles })
      const alice = await openSession(all, 'alice')
      await warm(alice)
      await all.stranger.query('grant select on mine.item to alice')
      await alice.rows('set search_path = mine')
      for (let turn = 0; turn < 5; turn++) {
        expect(await alice.rows(another())).toEqual([['5']])
        expect(verdictOf(alice)).toBe('miss')
      }
      const admin = await openSession(all)
      await warm(admin)
      await admin.rows('set role bob')
      for (let turn = 0; turn < 5; turn++) {
        await admin.rows(another())
        expect(verdictOf(admin)).toBe('miss')
      }
      await admin.rows('reset role')
      await admin.rows('create temporary table item (id int, n int)')
      expect(await admin.rows(another())).toEqual([])
    })

    it('and began with settings has them there', async () => {
      const all = await openStage(version, { schema: roles })
      const options = '-c extra_float_digits=0 -c search_path=mine'
      const reader = await openSession(all, 'postgres', { DateStyle: 'German', options })
      const day = (id: number) => `select '2020-01-31'::date::text, 0.1::float8 + 0.2, n from item where id = ${id}`
      await warm(reader, day)
      expect(await reader.rows(another(day))).toEqual([['31.01.2020', '0.3', '5']])
      expect(verdictOf(reader)).toBe('standby')
    })

    it.skipIf(version < 16)('is not told who reads for it', async () => {
      const all = await openStage(version)
      const reader = await openSession(all)
      await warm(reader)
      const who = (id: number) => `select system_user is null, n from item where id = ${id}`
      for (let turn = 0; turn < 5; turn++) {
        await reader.rows(another(who))
        expect(verdictOf(reader)).toBe('miss')
      }
    })

    it('never hears of the password, nor does anybody else', async () => {
      const all = await openStage(version, {
        hba: 'local all postgres trust\nlocal replication all trust\nlocal all all scram-sha-256\n',
        schema: "create role keeper superuser login password 'geheim'",
        readOrigin: (standby) => standby.url('keeper', 'geheim'),
      })
      const reader = await openSession(all)
      await warm(reader)
      const shown = [
        await reader.rows('show cache.read_origin'),
        await reader.rows('select * from cache.settings'),
        await reader.rows('select * from cache.feed'),
        await reader.rows('select * from cache.events'),
      ]
      await all.standby.kill()
      await expect.poll(() => stateOf(reader).then(([row]) => row?.[1])).toBe('lost')
      shown.push(await reader.rows('select * from cache.events'), await stateOf(reader))
      expect(JSON.stringify(shown)).toContain('keeper')
      expect(JSON.stringify(shown)).not.toContain('geheim')
    })
  })
})
