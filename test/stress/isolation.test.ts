// Isolation is the origin's: interleavings of two and three sessions answer the same straight and through Larder, with reads of blocks
// left to the origin and with reads of blocks answered from memory (RRC-17).
//
//   SEED=…        the same interleavings again
//   --long        (npm run stress -- --long isolation) all of them

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { openLarder, type TestLarder } from '../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { WireClient } from '../support/wire-client.ts'
import { type Order, ordersOf, type Place, play, type Spec } from './isolation.ts'

const isLong = process.env.STRESS_LONG === '1'
const ordersMax = isLong ? 5000 : 5
const random = Random.fromEnvironment()

const world = [
  'delete from child',
  'delete from item',
  "insert into item values (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'a')",
]

const read = 'select v from item where id = 1'
const both = 'select id, v from item order by id'
const sum = "select sum(v) from item where kind = 'a'"

const specs: readonly Spec[] = [
  {
    name: 'a lost update',
    setup: world,
    sessions: {
      a: ['begin', read, 'update item set v = v + 1 where id = 1', 'commit'],
      b: ['begin', read, 'update item set v = v + 100 where id = 1', 'commit', read],
    },
  },
  {
    name: 'a skewed read',
    setup: world,
    sessions: {
      a: ['begin', read, 'select v from item where id = 2', read, 'commit'],
      b: ['begin', 'update item set v = 11 where id = 1', 'update item set v = 22 where id = 2', 'commit'],
    },
  },
  {
    name: 'a skewed write that each allows itself',
    setup: world,
    sessions: {
      a: ['begin', sum, 'update item set v = 0 where id = 1', 'commit'],
      b: ['begin', sum, 'update item set v = 0 where id = 3', 'commit', sum],
    },
  },
  {
    name: 'a skewed write that serializable refuses',
    setup: world,
    sessions: {
      a: ['begin isolation level serializable', sum, 'update item set v = 0 where id = 1', 'commit'],
      b: ['begin isolation level serializable', sum, 'update item set v = 0 where id = 3', 'commit'],
    },
  },
  {
    name: 'one snapshot beside another',
    setup: world,
    sessions: {
      a: ['begin isolation level repeatable read', both, both, 'update item set v = 1 where id = 1', 'rollback'],
      b: [both, 'update item set v = 12 where id = 1', both],
    },
  },
  {
    name: 'phantoms, with savepoints',
    setup: world,
    sessions: {
      a: ['begin', sum, 'savepoint s', sum, 'rollback to s', sum, 'commit'],
      b: [
        'begin',
        "insert into item values (4, 40, 'a')",
        'savepoint s',
        'delete from item where id = 1',
        'rollback to s',
        'commit',
      ],
    },
  },
  {
    name: 'locks of rows',
    setup: world,
    sessions: {
      a: [
        'begin',
        read,
        'select v from item where id = 1 for update',
        read,
        'update item set v = v * 2 where id = 1',
        'commit',
      ],
      b: ['update item set v = v + 5 where id = 1', read],
      // Who waits for the same row beside b would get it before or after b: PostgreSQL does not say.
      c: [read, 'select v from item where id = 2 for share', read],
    },
  },
  {
    name: 'foreign keys',
    setup: world,
    sessions: {
      a: ['begin', 'insert into child values (1, 3)', 'select count(*) from child', 'commit'],
      b: [
        'begin',
        'select count(*) from child',
        'delete from item where id = 3',
        'select count(*) from child',
        'rollback',
      ],
    },
  },
  {
    name: 'one key, twice',
    setup: world,
    sessions: {
      a: ['begin', both, "insert into item values (9, 90, 'x')", both, 'rollback'],
      b: ["insert into item values (9, 91, 'y') on conflict (id) do update set v = excluded.v", both],
      c: [both, 'delete from item where id = 9', both],
    },
  },
  {
    name: 'reads that say nothing of a table that is emptied',
    setup: world,
    showsTableLocks: true,
    sessions: {
      a: ['begin', 'select count(*) from child', 'select count(*) from child', 'commit'],
      b: ['begin', 'truncate child', 'select count(*) from child', 'rollback', 'select count(*) from child'],
    },
  },
]

let origin: TestPostgres
let larder: TestLarder
let observer: WireClient
let through: WireClient

beforeAll(async () => {
  origin = await openTestPostgres()
  larder = await openLarder({ upstream: origin.url, settings: { result_ttl: '1h' } })
  observer = await straight('observer')
  await observer.rows('create table item (id int primary key, v int, kind text)')
  await observer.rows('create table child (id int primary key, item int references item on delete restrict)')
  through = await connect('preparer')
})

afterAll(async () => {
  observer?.destroy()
  through?.destroy()
  await larder?.close()
  await origin?.close()
})

async function straight(name: string): Promise<WireClient> {
  const { host, port } = origin.target
  return WireClient.connect({
    host,
    port,
    user: 'postgres',
    database: 'postgres',
    parameters: { application_name: name },
  })
}

async function connect(name: string, options = ''): Promise<WireClient> {
  const { host, port } = larder
  const parameters = { application_name: name, options }
  return WireClient.connect({ host, port, user: 'postgres', database: 'postgres', parameters })
}

async function hits(): Promise<number> {
  return Number((await through.rows('select result_hits from cache.stats'))[0]?.[0])
}

/** All reads of a spec are in memory when it begins. */
async function warm(spec: Spec): Promise<void> {
  const reads = new Set(
    Object.values(spec.sessions)
      .flat()
      .filter((sql) => /^select/.test(sql) && !/ for /.test(sql)),
  )
  for (const sql of reads) for (let times = 0; times < 2; times++) await through.rows(sql)
}

const places = (inTransaction: string): Place => ({
  get observer() {
    return observer
  },
  connect: (name) => connect(name, `-c cache.result_in_transaction=${inTransaction}`),
  async prepare(spec) {
    for (const sql of spec.setup) await through.rows(sql)
    await warm(spec)
  },
})

const origins: Place = {
  get observer() {
    return observer
  },
  connect: straight,
  async prepare({ setup }) {
    for (const sql of setup) await observer.rows(sql)
  },
}

describe.each(specs)('$name', (spec) => {
  const ways = spec.showsTableLocks ? ['never'] : ['never', 'until_write']
  it.each(ways)('answers the same with reads of blocks from memory: %s (RRC-17)', async (way) => {
    const before = await hits()
    const orders: Order[] = ordersOf(spec, ordersMax, (below) => random.int(below))
    for (const order of orders) {
      const expected = await play(origins, spec, order)
      expect(await play(places(way), spec, order), order.join(' ')).toEqual(expected)
    }
    const perRun = ((await hits()) - before) / orders.length
    // Two of the warming are hits for certain; with reads of blocks there are more.
    expect(perRun).toBeGreaterThan(0)
  })
})
