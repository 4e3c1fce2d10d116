// Statements that a view answers which they do not name.

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres, type TestVersion } from '../../support/postgres.ts'
import { Generator } from '../../support/random-views.ts'
import {
  bind,
  describe as describeMessage,
  execute,
  parse,
  query,
  sync,
  WireClient,
} from '../../support/wire-client.ts'

const cleanups: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

class Stage {
  readonly origin: TestPostgres
  readonly larder: TestLarder
  /** A client of the origin. */
  readonly direct: pg.Client

  static async open(version: TestVersion, settings: Record<string, string> = {}): Promise<Stage> {
    const origin = await openTestPostgres({ version, parameters: { wal_level: 'logical', autovacuum: 'off' } })
    cleanups.push(() => origin.close())
    const direct = await origin.connect()
    await direct.query(`create table orders (id int primary key, customer text collate "C", amount numeric(12,2), at timestamptz, day date, weight float8);
      insert into orders select g, 'c' || g % 3, g, timestamptz '2020-01-01 00:00:00+02' + g * interval '5 hours', date '2020-01-01' + g, g / 3.0 from generate_series(1, 9) g;
      create table people (name text collate "C" primary key, region text collate "C");
      insert into people values ('c0', 'north'), ('c1', 'south'), ('c2', 'north');
      create role reader login; create role stranger login; grant select on orders, people to reader`)
    const larder = await openLarder({
      upstream: origin.url,
      settings: { feed: 'auto', floor_wait: '5s', result_ttl: '1h', ...settings },
    })
    cleanups.push(() => larder.close())
    const stage = new Stage(origin, larder, direct)
    const client = await stage.session()
    const state = "select state from cache.feed where name = 'postgres'"
    await expect.poll(() => client.rows(state), { timeout: 20_000, interval: 10 }).toEqual([['streaming']])
    return stage
  }

  constructor(origin: TestPostgres, larder: TestLarder, direct: pg.Client) {
    this.origin = origin
    this.larder = larder
    this.direct = direct
  }

  session(user = 'postgres', parameters: Record<string, string> = {}): Promise<WireClient> {
    const { host, port } = this.larder
    return this.#open({ host, port }, user, { options: '-c cache.response_signal=parameter', ...parameters })
  }

  straight(user = 'postgres', parameters: Record<string, string> = {}): Promise<WireClient> {
    const { host, port } = this.origin.target
    return this.#open({ host, port }, user, parameters)
  }

  async #open(at: { host: string; port: number }, user: string, parameters: Record<string, string>) {
    const client = await WireClient.connect({ ...at, user, database: 'postgres', parameters })
    cleanups.push(() => client.destroy())
    return client
  }
}

const verdictOf = (client: WireClient) => (client.parameters.get('cache.last') ?? '').split(';')[0]

/** What came before ReadyForQuery, without what the client was told of its verdict. */
async function answerOf(client: WireClient, message: Buffer): Promise<readonly string[]> {
  client.send(message)
  const { frames } = await client.receiveBatch()
  return frames.filter(({ type }) => type !== 'S' && type !== 'Z').map(({ bytes }) => bytes.toString('latin1'))
}

/**
 * Asks, and again when the origin answered because something was heard of its catalogue, until it is answered so. What is wrong with an
 * answer `ask` throws at once.
 */
async function untilAnswered(
  client: WireClient,
  admin: WireClient,
  verdict: RegExp,
  ask: () => Promise<unknown>,
): Promise<void> {
  for (const untilMs = performance.now() + 20_000; ; ) {
    await ask()
    if (verdict.test(verdictOf(client) ?? '')) return
    if (performance.now() > untilMs) expect(verdictOf(client)).toMatch(verdict)
    await admin.rows('invalidate cache relation orders, people')
  }
}

const extended = (text: string) => Buffer.concat([parse('', text), bind(), describeMessage('P'), execute(), sync()])

const byCustomer =
  'select customer, count(*), sum(amount) as total, avg(amount) from orders group by customer order by customer'

const statements = [
  byCustomer,
  "select id, customer, amount, day, weight from orders where amount > 2.5 and day < '2020-01-09' order by id",
  'select at, id from orders order by at desc limit 3',
  'select p.region, count(distinct o.customer), min(o.day), max(o.id) from orders o join people p on p.name = o.customer group by p.region having count(*) > 1 order by 1',
  "select o.id, p.* from orders o left join people p on p.name = o.customer and p.region = 'north' order by o.id",
  "select 'all', 1, count(*), bool_and(amount > 0) from orders",
  'with big as (select id, amount * 2 as twice from orders where amount > 3) select twice, id from big order by 2',
  'select distinct customer from orders order by customer',
  'select count(*) from orders where false',
]

describe.each(await availableVersions())(
  'PostgreSQL %i: statements that a view answers which they do not name',
  (version) => {
    it('have the bytes of the origin, description and all, whatever was changed by whom (MV-25)', async () => {
      const stage = await Stage.open(version)
      const client = await stage.session('reader')
      const [admin, straight] = [await stage.session(), await stage.straight('reader')]
      for (const [at, text] of statements.entries()) {
        // Two columns of the same name are none of a view.
        const names = text.includes("'all'") ? ' (kind, one, n, most)' : ''
        await admin.rows(`create materialized view cache.v${at}${names} with (refresh = 'incremental') as ${text}`)
        await client.rows(text)
        expect([text, verdictOf(client)]).toEqual([text, 'miss'])
      }
      const changes = [
        "update orders set amount = amount + 1.5, customer = 'c2' where id = 4",
        "insert into orders values (100, null, null, null, null, null), (101, 'c1', 7.25, '2020-01-01 00:00:00Z', '2020-01-03', 1e-7)",
        "delete from orders where id = 1; update people set region = 'south' where name = 'c0'",
        'delete from orders',
      ]
      await client.rows("set cache.consistency = 'strict'")
      for (const [turn, change] of changes.entries()) {
        await (turn % 2 === 0 ? admin.rows(change) : stage.direct.query(change))
        for (const text of statements)
          for (const message of [query, extended]) {
            const other = `/* ${message.name} */ ${text.replace(' from ', '\n  FROM ')}`
            await untilAnswered(client, admin, /^view$/, async () => {
              expect(await answerOf(client, message(other))).toEqual(await answerOf(straight, message(other)))
            })
          }
      }
      const [[count] = []] = await admin.rows('select view_rewrites from cache.stats')
      expect(Number(count)).toBe(2 * changes.length * statements.length)
    })

    it('go to the origin where the session prints or reads values in another way', async () => {
      const stage = await Stage.open(version)
      const [admin, writer] = [await stage.session(), await stage.session()]
      const text = 'select id, at, day, weight, at - day as since, customer from orders order by id'
      const plain = "select id, day from orders where day >= '2020-01-02' order by id"
      await admin
        .rows(`create materialized view cache.timed with (refresh = 'incremental') as ${text}`)
        .catch(() => undefined)
      await admin.rows(
        `create materialized view cache.timed with (refresh = 'incremental') as ${text.replace(' at - day as since,', '')}`,
      )
      await admin.rows(`create materialized view cache.plain with (refresh = 'incremental') as ${plain}`)
      const timed = text.replace(' at - day as since,', '')
      const expectedOf: [string, string, string][] = [
        ['', 'view', 'view'],
        ["set TimeZone = 'Asia/Tokyo'", 'miss', 'view'],
        ["set TimeZone = 'Etc/UTC'", 'view', 'view'],
        ["set DateStyle = 'SQL, DMY'", 'miss', 'miss'],
        ["set DateStyle = 'ISO, DMY'", 'view', 'view'],
        ["set IntervalStyle = 'iso_8601'", 'miss', 'miss'],
        ['set extra_float_digits = 0', 'miss', 'miss'],
        ['set extra_float_digits = 3', 'view', 'view'],
        ["set bytea_output = 'escape'", 'miss', 'miss'],
        ['set transform_null_equals = on', 'miss', 'miss'],
      ]
      for (const [setting, ...verdicts] of expectedOf) {
        const [client, straight] = [await stage.session(), await stage.straight()]
        if (setting !== '') for (const one of [client, straight]) await one.rows(setting)
        await client.rows("set cache.consistency = 'strict'")
        for (const [at, statement] of [timed, plain].entries()) {
          await client.rows(statement)
          await writer.rows('update orders set weight = weight + 0.1, day = day + 1 where id = 3')
          await untilAnswered(client, admin, new RegExp(`^${verdicts[at]}$`), async () => {
            expect(await answerOf(client, query(statement))).toEqual(await answerOf(straight, query(statement)))
          })
        }
      }
    })

    it('go to the origin where a name means another relation, and for who may not read it (MV-21)', async () => {
      const stage = await Stage.open(version)
      const admin = await stage.session()
      await admin.rows(
        `create materialized view cache.v with (refresh = 'incremental', readers = 'stranger') as ${byCustomer}`,
      )
      await stage.direct.query(`create schema other; create table other.orders (like orders); insert into other.orders values (1, 'else', 1);
      grant usage on schema other to reader; grant select on other.orders to reader`)
      const [reader, straight] = [await stage.session('reader'), await stage.straight('reader')]
      const both = async (statement: string) => {
        expect(await answerOf(reader, query(statement))).toEqual(await answerOf(straight, query(statement)))
        return verdictOf(reader)
      }
      const change = () => admin.rows('update orders set amount = amount + 1 where id = 2')
      const again = async (statement: string) => {
        await change()
        return await both(statement)
      }
      await reader.rows("set cache.consistency = 'strict'")
      expect(await both(byCustomer)).toBe('miss')
      await untilAnswered(reader, admin, /^view$/, () => again(byCustomer))
      for (const one of [reader, straight]) await one.rows('set search_path = other, public')
      await both(byCustomer)
      await stage.direct.query("insert into other.orders values (2, 'else', 2)")
      expect(await both(byCustomer)).toBe('miss')
      for (const one of [reader, straight]) await one.rows('reset search_path')
      await untilAnswered(reader, admin, /^view$/, () => again(byCustomer))
      // Who is no reader of the table is none of what is in it, reader of the view or not.
      const stranger = await stage.session('stranger')
      for (let times = 0; times < 2; times++) await expect(stranger.rows(byCustomer)).rejects.toThrow('42501')
      await admin.rows('revoke select on orders from reader')
      await change()
      await expect(reader.rows(byCustomer)).rejects.toThrow('42501')
      await admin.rows('grant select on orders to reader')
      await both(byCustomer)
      await untilAnswered(reader, admin, /^view$/, () => again(byCustomer))
      await stage.direct.query(
        'alter table orders enable row level security; create policy few on orders to reader using (id < 4)',
      )
      expect(await again(byCustomer)).not.toBe('view')
      expect(await again(byCustomer)).not.toBe('view')
    })

    it('follow what the session did: in a block, behind its own writes, and other constants', async () => {
      const stage = await Stage.open(version)
      const [client, straight] = [await stage.session(), await stage.straight()]
      const some = 'select count(*) from orders where id > 2'
      await client.rows(`create materialized view cache.v with (refresh = 'incremental') as ${some}`)
      await client.rows(some)
      await client.rows('delete from orders where id = 9')
      await untilAnswered(client, client, /^view$/, async () => expect(await client.rows(some)).toEqual([['6']]))
      expect([await client.rows(some), verdictOf(client)]).toEqual([[['6']], expect.stringMatching('hit|view')])
      await client.rows('delete from orders where id = 8')
      expect([await client.rows('select count(*) from orders where id > 3'), verdictOf(client)]).toEqual([
        [['4']],
        'miss',
      ])
      expect([await client.rows('select count(*) from orders where id > 2.0'), verdictOf(client)]).toEqual([
        [['5']],
        'miss',
      ])
      await client.rows('begin')
      await client.rows('delete from orders where id = 7')
      expect(await client.rows(some)).toEqual([['4']])
      await client.rows('rollback')
      expect(await client.rows(some)).toEqual([['5']])
      await client.rows('set cache.result_cache = off; insert into orders values (70)')
      expect([await client.rows(some), verdictOf(client)]).toEqual([[['6']], 'bypass'])
      await client.rows('reset cache.result_cache; drop materialized view cache.v; insert into orders values (71)')
      expect([await client.rows(some), verdictOf(client)]).toEqual([await straight.rows(some), 'miss'])
    })

    it('are foreseen and explained', async () => {
      const stage = await Stage.open(version)
      const client = await stage.session()
      const lines = async (options: string) =>
        (await client.rows(`explain (${options}) ${byCustomer}`)).map(([line]) => line)
      const head = async (options = 'cache') =>
        (await lines(options)).filter((line) => /^Cache|^ +View/.test(line ?? ''))
      await client.rows(`create materialized view cache.daily with (refresh = 'every 1d') as ${byCustomer}`)
      expect(await head()).toEqual([
        'Cache  (verdict=miss reason=cold)',
        expect.stringMatching('View: daily  .not asked: the origin has to'),
      ])
      await client.rows(byCustomer)
      await client.rows('delete from orders where id = 1')
      expect((await head())[1]).toMatch(/View: daily .*it does not follow changes: refresh = 'incremental' does/)
      await client.rows("alter materialized view cache.daily set (refresh = 'incremental')")
      await expect
        .poll(() => head())
        .toEqual([expect.stringContaining('verdict=view reason=invalidated'), '  View: daily'])
      expect(await head('cache, analyze')).toEqual([expect.stringContaining('verdict=view'), '  View: daily'])
      const [[json] = []] = await client.rows(`explain (cache, format json) ${byCustomer}`)
      expect(JSON.parse(json ?? '')[0]?.Cache ?? JSON.parse(json ?? '').Cache).toMatchObject({
        View: { Name: 'daily', Reason: null },
      })
      await client.rows("delete from orders where id = 2; set DateStyle = 'German'")
      await client.rows(byCustomer)
      expect((await head())[1]).toBe('  View: daily  (not asked: DateStyle is not ISO)')
      const [last] = await client.rows(
        "select verdict, reason, origin_us from cache.decisions where verdict = 'view' order by id desc limit 1",
      )
      expect(last).toEqual(['view', 'invalidated', null])
    })

    it('are right after random transactions from both sides, at every level', { timeout: 120_000 }, async () => {
      const random = Random.fromEnvironment()
      const stage = await Stage.open(version)
      const drawn = new Generator(random).case(8)
      await stage.direct.query(drawn.tables.flatMap(({ ddl }) => ddl).join(';'))
      for (const change of drawn.before) await stage.direct.query(change).catch(() => undefined)
      const [admin, client, straight] = [await stage.session(), await stage.session(), await stage.straight()]
      const followed: string[] = []
      for (const [at, text] of drawn.queries.entries())
        await admin.rows(`create materialized view cache.v${at} with (refresh = 'incremental') as ${text}`).then(
          () => followed.push(text),
          () => undefined,
        )
      for (const text of followed) await client.rows(text)
      for (let round = 0; round < 3; round++)
        for (const transaction of drawn.transactions) {
          const writer = random.chance(0.5) ? client : straight
          const isForeign = writer === straight
          await writer.rows('begin')
          for (const statement of transaction) {
            await writer.rows('savepoint one')
            await writer.rows(statement).catch(() => writer.rows('rollback to savepoint one'))
          }
          await writer.rows('commit').catch(() => undefined)
          // What others wrote is promised to `strict` alone.
          await client.rows(
            `set cache.consistency = '${isForeign ? 'strict' : random.pick(['session', 'eventual', 'strict'])}'`,
          )
          for (const text of followed) {
            const [got, expected] = [await client.rows(text), await straight.rows(text)]
            const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort()
            expect([text, sorted(got)]).toEqual([text, sorted(expected)])
          }
        }
      const [[answered] = []] = await admin.rows('select view_rewrites from cache.stats')
      expect(followed.length === 0 || Number(answered) > 0).toBe(true)
    })

    it('that gather more coarsely than a view are answered from what it has gathered', async () => {
      const stage = await Stage.open(version)
      const client = await stage.session('reader')
      const [admin, straight] = [await stage.session(), await stage.straight('reader')]
      await admin.rows(`create materialized view cache.sales (customer, day, n, total, mean, least, most, late, last) with (refresh = 'incremental') as
        select customer, day, count(*), sum(amount), avg(amount), min(amount), max(amount), max(at), count(distinct id) from orders group by customer, day`)
      const coarser = [
        'select customer, sum(amount), count(*) as n from orders group by customer order by customer',
        "select count(*), avg(amount), min(amount) from orders where customer in ('c1', 'c2')",
        "select customer, max(amount) from orders o where o.day > '2020-01-05' group by 1 having count(*) > 1 order by 2 desc, 1 limit 2",
        "select coalesce(customer, 'none') as who, count(distinct id), sum(amount) / count(*) as mean from orders group by 1 order by 1",
        'select count(*) from orders',
      ]
      await client.rows("set cache.consistency = 'strict'")
      for (const text of coarser) {
        await client.rows(text)
        expect([text, verdictOf(client)]).toEqual([text, 'miss'])
      }
      const changes = [
        "update orders set amount = amount + 1.5, customer = 'c2', day = '2021-02-03' where id = 4",
        "insert into orders values (100, null, null, null, null, null), (101, 'c1', 7.25, '2020-01-01 00:00:00Z', '2020-01-03', 1e-7)",
        'delete from orders where id < 5',
        'delete from orders',
      ]
      for (const [turn, change] of changes.entries()) {
        await (turn % 2 === 0 ? admin.rows(change) : stage.direct.query(change))
        for (const text of coarser)
          for (const message of [query, extended]) {
            const other = `/* ${message.name} */ ${text.replace('5', '6')}`
            // What names its rows is not touched by changes of others.
            await untilAnswered(client, admin, text.includes('o.day') ? /^(rollup|hit)$/ : /^rollup$/, async () => {
              expect(await answerOf(client, message(other))).toEqual(await answerOf(straight, message(other)))
            })
          }
      }
      const lines = async (text: string) => (await client.rows(`explain (cache) ${text}`)).map(([line]) => line)
      await admin.rows("insert into orders values (7, 'c7', 7, '2020-01-01 00:00:00Z', '2020-01-03', 7)")
      await expect
        .poll(() => lines('select count(*) from orders'))
        .toEqual(expect.arrayContaining([expect.stringContaining('verdict=rollup'), '  View: sales']))
      const finer = 'select weight, count(*) from orders group by weight'
      await client.rows(finer)
      expect(await lines(finer)).toEqual(
        expect.arrayContaining([expect.stringMatching(/View: sales .*column "weight", which is no key/)]),
      )
      // In another time zone the days of a timestamptz are others.
      for (const one of [client, straight]) await one.rows("set TimeZone = 'Asia/Tokyo'")
      const late = 'select max(at) from orders'
      await client.rows(late)
      await admin.rows('update orders set amount = 8 where id = 7')
      expect(await answerOf(client, query(late))).toEqual(await answerOf(straight, query(late)))
      expect(verdictOf(client)).toBe('miss')
    })
  },
)
