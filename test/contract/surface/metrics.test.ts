// Who may look at what, and that looking changes nothing: /metrics, `cache.*` by role, statistics read over and over.

import http from 'node:http'
import { expect, it } from 'vitest'
import { openLarder } from '../../support/larder.ts'
import { useSurface } from '../../support/surface.ts'
import { errorFieldsOf, errorOf, type WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int); insert into item values (1, 10);
    grant select on item to public; create role plain login; create role cache_monitor; create role cache_admin;
    create role watcher login in role cache_monitor; create role keeper login in role cache_admin`,
  settings: { metrics_listen: '127.0.0.1:0', result_l2_delay: '1h' },
})

async function got(path: string, method = 'GET'): Promise<{ status: number | undefined; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port: surface.larder.metricsPort, path, method, agent: false },
      (response) => {
        let text = ''
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode, type: response.headers['content-type'] ?? '', text }),
        )
      },
    )
    request.on('error', reject).end()
  })
}

async function sample(name: string): Promise<number> {
  const line = (await got('/metrics')).text.split('\n').find((each) => each.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1))
}

async function sqlstateOf(client: WireClient, text: string): Promise<string | undefined> {
  const error = errorOf(await client.query(text))
  return error === undefined ? undefined : errorFieldsOf(error).get('C')
}

it('Prometheus reads the counters of cache.stats under their names, and those of namespaces (G-9, MET-5)', async () => {
  const client = await surface.session()
  for (let times = 0; times < 3; times++) await client.query('select price from item where id = 1')
  const { result_hits: hits } = await surface.stats('result_hits')
  expect(hits).toBeGreaterThan(0)
  expect(await sample('larder_result_hits_total')).toBe(hits)
  expect(await sample('larder_sessions')).toBeGreaterThan(0)
  await client.query('create cache namespace shop')
  await client.query("insert into cache.blobs (namespace, key, value) values ('shop', 'a', 'hello')")
  await client.query("select value from cache.blobs where namespace = 'shop' and key = 'a'")
  expect(await sample('larder_by_namespace_hits_total{namespace="shop"}')).toBe(1)
  expect((await got('/metrics')).type).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect([(await got('/')).status, (await got('/metrics', 'POST')).status]).toEqual([404, 405])
})

it('an address in use is an event, and the server serves all the same (MET-9)', async () => {
  const address = `127.0.0.1:${surface.larder.metricsPort}`
  const other = await openLarder({
    upstream: surface.origin.url,
    settings: { metrics_listen: address },
  })
  try {
    const client = await other.connect()
    const { rows } = await client.query("select severity, subject from cache.events where event = 'metrics_not_served'")
    expect(rows).toEqual([{ severity: 'error', subject: address }])
  } finally {
    await other.close()
  }
})

it('a monitor sees metadata and counters, an admin also contents and may change; others neither (G-10)', async () => {
  const admin = await surface.session()
  await admin.query("create cache namespace closed with (readers = 'keeper', writers = 'keeper')")
  await admin.query("insert into cache.blobs (namespace, key, value) values ('closed', 'k', 'hush')")
  const values = async (client: WireClient) =>
    client.rows("select key, value from cache.blobs where namespace = 'closed'")
  const [plain, watcher, keeper] = await Promise.all(
    ['plain', 'watcher', 'keeper'].map((user) => surface.session('', user)),
  )
  if (plain === undefined || watcher === undefined || keeper === undefined) throw new Error('three sessions')
  expect(await plain.rows('select count(*) from cache.stats')).toEqual([['0']])
  expect(await watcher.rows('select count(*) from cache.stats')).toEqual([['1']])
  expect(await watcher.rows("select entries from cache.namespaces where name = 'closed'")).toHaveLength(1)
  expect(await plain.rows("select entries from cache.namespaces where name = 'closed'")).toEqual([])
  expect([await values(plain), await values(watcher)]).toEqual([[], [['k', null]]])
  expect(await values(keeper)).toEqual([['k', '\\x68757368']])
  for (const [client, expected] of [
    [plain, '42501'],
    [watcher, '42501'],
    [keeper, undefined],
  ] as const) {
    for (const change of [
      'flush all caches',
      "alter system set cache.events_max = '900'",
      'select cache.reset_stats()',
    ]) {
      expect(await sqlstateOf(client, change), change).toBe(expected)
    }
  }
  await keeper.query('alter system reset cache.events_max')
})

it('reading statistics hits nothing, makes no entry and moves no counter of a cache (MET-8)', async () => {
  const client = await surface.session()
  await client.query('select price from item where id = 1')
  const names = await client.rows(
    "select column_name from information_schema.columns where table_schema = 'cache' and table_name = 'stats'",
  )
  const counted = names
    .map(([name]) => String(name))
    .filter((name) => /^(result|plan|l1|l2|blob|promotion|synopsis|compress|namespace|invalidated)_/.test(name))
    // A statement about them is a statement: its text is looked up as any, and the second tier writes when it likes.
    .filter(
      (name) =>
        !/_(p50|p99|max)$|^plan_|^result_passes$|^l2_(commits|commit_records|pages_written|pages_freed|free_pages|file_bytes|queue_depth)$/.test(
          name,
        ),
    )
  expect(counted.length).toBeGreaterThan(50)
  const before = await surface.stats(...counted)
  for (const relation of [
    'stats',
    'blobs',
    'namespaces',
    'results',
    'entries',
    'caches',
    'l2',
    'pages',
    'synopsis',
    'promotion',
    'compression',
    'tags',
    'sweeps',
  ]) {
    await client.query(`select * from cache.${relation}`)
    await client.query(`select count(*) from cache.${relation}`)
  }
  await got('/metrics')
  expect(await surface.stats(...counted)).toEqual(before)
})
