// Views that follow changes, from outside: beside REFRESH of PostgreSQL, a table that triggers keep, and the query itself.
//
//   orders      100,000 of 10,000 customers, grouped by customer
//   REFRESH     one row is updated, then PostgreSQL's own materialized view of the same query is refreshed
//   triggers    as pg_ivm does it, in the simplest form that is right: a table of groups, kept by a trigger for each row
//   the query   one row is updated, then the query is asked through Larder: of the origin, and with a view that follows
//   a storm     200 views with `on change` on one table that is written to all the time, beside hits on another

import { setTimeout as sleep } from 'node:timers/promises'
import { Session } from './session.mjs'

const orderCount = 100_000
const customerCount = 10_000
const stormViews = 200
const grouped = 'select customer_id, count(*), sum(total) from bench.orders group by customer_id order by customer_id'

const schema = [
  'drop materialized view if exists bench.by_customer',
  'drop table if exists bench.orders, bench.kept, bench.kept_orders, bench.busy',
  'create table bench.orders (id int primary key, customer_id int not null, total numeric(12,2) not null)',
  `insert into bench.orders select g, g % ${customerCount}, g % 1000 / 7.0 from generate_series(1, ${orderCount}) g`,
  `create materialized view bench.by_customer as ${grouped}`,
  'create table bench.kept_orders (like bench.orders including all)',
  'insert into bench.kept_orders select * from bench.orders',
  'create table bench.kept (customer_id int primary key, n bigint, total numeric)',
  'insert into bench.kept select customer_id, count(*), sum(total) from bench.kept_orders group by 1',
  `create or replace function bench.keep() returns trigger language plpgsql as $$ begin
     update bench.kept set n = n - 1, total = total - old.total where customer_id = old.customer_id;
     insert into bench.kept values (new.customer_id, 1, new.total)
       on conflict (customer_id) do update set n = kept.n + 1, total = kept.total + excluded.total;
     return null; end $$`,
  'create trigger keep after update on bench.kept_orders for each row execute function bench.keep()',
  'create table bench.busy (id int primary key, g int, n int)',
  'insert into bench.busy select g, g % 50, g from generate_series(1, 20000) g',
  'vacuum (analyze) bench.orders, bench.kept_orders, bench.kept, bench.busy',
]

const changeOf = (table) => {
  const id = 1 + Math.floor(Math.random() * orderCount)
  return `update bench.${table} set total = total + 1 where id = ${id}`
}

async function timed(work) {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function median(count, measure) {
  const times = []
  for (let round = 0; round < count; round++) times.push(await measure())
  return quantile(times, 0.5)
}

function quantile(times, q) {
  const sorted = [...times].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
}

async function open(context) {
  const origin = await Session.open(context.origin.address)
  for (const text of schema) await origin.rows(text)
  const larder = await context.startLarder(['--result-ttl', '1h', '--feed', 'auto', '--floor-wait', '1s'])
  const client = await Session.open(larder.address)
  for (;;) {
    const [row] = await client.rows('select state, last_error from cache.feed')
    if (row?.[0] === 'streaming') break
    if (row?.[0] === 'refused') throw new Error(`no feed: ${row[1]}`)
    await sleep(20)
  }
  return { origin, larder, client }
}

const line = (about, measure, larder, otherLabel, other, ratio, target) => ({
  ...{ scenario: 'views', about, measure, larder, otherLabel, other, ratio, spread: undefined, target },
})

/** `operatorUs`: what one change takes in the operators, as just measured. */
export async function runLive(context, operatorUs) {
  const { origin, larder, client } = await open(context)
  const times = 4 * context.rounds
  try {
    const refresh = await median(times, async () => {
      await origin.rows(changeOf('orders'))
      return await timed(() => origin.rows('refresh materialized view bench.by_customer'))
    })
    const asked = async () => {
      await origin.rows(changeOf('orders'))
      return await timed(() => client.rows(grouped))
    }
    await client.rows("set cache.consistency = 'strict'")
    await client.rows(grouped)
    const query = await median(times, asked)
    const writes = () => median(20 * times, () => timed(() => origin.rows(changeOf('orders'))))
    const alone = await writes()
    await client.rows(`create materialized view cache.by_customer with (refresh = 'incremental') as ${grouped}`)
    await client.rows(grouped)
    const view = await median(times, asked)
    const followed = await writes()
    const hit = await median(times, () => timed(() => client.rows(grouped)))
    const triggered = await median(20 * times, () => timed(() => origin.rows(changeOf('kept_orders'))))
    const groups = `${customerCount.toLocaleString('en')} groups`
    const lines = [
      line(groups, 'us a change, operators', operatorUs, 'REFRESH', refresh * 1000, (refresh * 1000) / operatorUs, {
        min: 1000,
      }),
      line(groups, 'ms a read behind a change', view, 'the query', query, query / view, undefined),
      line(groups, 'ms a read behind none', hit, 'behind a change', view, view / hit, undefined),
      line(groups, 'ms a write, view follows', followed, 'no view', alone, followed / alone, undefined),
      line(groups, 'ms a write, view follows', followed, 'triggers', triggered, triggered / followed, undefined),
    ]
    context.show(lines)
    await client.rows('drop materialized view cache.by_customer')
    lines.push(...(await storm(context, larder, client)))
    context.show(lines)
    return lines
  } finally {
    await client.close()
    await origin.close()
    await larder.stop()
  }
}

/** Hits on a table that nobody writes to: quiet, beside writes to another, and beside 200 views that read that other. */
async function storm(context, larder, client) {
  const hits = async () => {
    const times = []
    await client.rows('select cache.reset_stats()')
    const untilMs = performance.now() + 2000 * context.rounds
    while (performance.now() < untilMs) times.push(await timed(() => client.rows('select count(*) from bench.kept')))
    const [[inside]] = await client.rows('select hit_us_p99 from cache.stats')
    return { outside: quantile(times, 0.99), inside: Number(inside) }
  }
  await client.rows("set cache.consistency = 'session'")
  await hits()
  const quiet = await hits()
  const beside = async (work) => {
    const writer = await Session.open(larder.address)
    let isOver = false
    const writing = (async () => {
      for (let id = 1; !isOver; id = (id % 20_000) + 1) {
        await writer.rows(`update bench.busy set n = n + 1 where id = ${id}`)
        await sleep(5)
      }
    })()
    const figure = await work()
    isOver = true
    await writing
    await writer.close()
    return figure
  }
  const written = await beside(hits)
  for (let at = 0; at < stormViews; at++)
    await client.rows(
      `create materialized view cache.v${at} as select g, count(*), sum(n + ${at}) from bench.busy group by g`,
    )
  const refreshed = async () => Number((await client.rows('select view_refreshes from cache.stats'))[0][0])
  const stormy = await beside(hits)
  const refreshes = await refreshed()
  const about = `${stormViews} views, ${refreshes} refreshes`
  for (let at = 0; at < stormViews; at++) await client.rows(`drop materialized view cache.v${at}`)
  return [
    // Whoever measures shares a core with the origin, and waits where that computes: so what Larder itself takes is told beside it.
    line(about, 'us a hit within, p99', stormy.inside, 'quiet', quiet.inside, stormy.inside / quiet.inside, { max: 2 }),
    line(about, 'ms a hit, p99', stormy.outside, 'quiet', quiet.outside, stormy.outside / quiet.outside, undefined),
    line(
      about,
      'ms a hit, p99',
      stormy.outside,
      'the writes alone',
      written.outside,
      stormy.outside / written.outside,
      undefined,
    ),
  ]
}

/** The rows are those of the origin, however they are kept. */
export async function checkLive(context) {
  const { origin, larder, client } = await open(context)
  try {
    await client.rows("set cache.consistency = 'strict'")
    await client.rows(`create materialized view cache.by_customer with (refresh = 'incremental') as ${grouped}`)
    await client.rows(grouped)
    for (let round = 0; round < 200; round++) {
      const table = round % 2 === 0 ? 'orders' : 'kept_orders'
      await (round % 3 === 0 ? client : origin).rows(changeOf(table))
    }
    const rewrites = async () => Number((await client.rows('select view_rewrites from cache.stats'))[0][0])
    const before = await rewrites()
    let [expected, asked] = ['', '']
    // The origin answers first, and again when it was heard of what was defined there.
    for (let round = 0; round < 50 && asked === expected; round++) {
      await origin.rows(changeOf('orders'))
      expected = JSON.stringify(await origin.rows(grouped))
      asked = JSON.stringify(await client.rows(grouped))
      if ((await rewrites()) > before) break
    }
    const named = JSON.stringify(await client.rows('select * from cache.by_customer order by customer_id'))
    const after = await rewrites()
    await context.check('views: what is answered without naming the view is what the origin answers', () => {
      if (asked !== expected) throw new Error('the rows differ')
      if (after === before) throw new Error('no view answered')
    })
    await context.check('views: what is read by name is what the origin answers', () => {
      if (named !== expected) throw new Error('the rows differ')
    })
    const kept = 'select customer_id, n, total from bench.kept order by customer_id'
    const grouping = grouped.replace('bench.orders', 'bench.kept_orders')
    const [byTriggers, anew] = [await origin.rows(kept), await origin.rows(grouping)].map((rows) =>
      JSON.stringify(rows),
    )
    await context.check('views: the table that triggers keep is right', () => {
      if (byTriggers !== anew) throw new Error('the rows differ')
    })
  } finally {
    await client.close()
    await origin.close()
    await larder.stop()
  }
}
