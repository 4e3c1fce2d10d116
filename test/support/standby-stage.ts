// A server, a standby that streams from it, and Larder that may read it: what tests of reads of a standby share.

import type pg from 'pg'
import { expect } from 'vitest'
import { openLarder, type TestLarder } from './larder.ts'
import { openTestPostgres, type TestPostgres, type TestPostgresOptions, type TestVersion } from './postgres.ts'
import { openStandby, type StreamingStandby } from './streaming-standby.ts'
import { WireClient } from './wire-client.ts'

export const cleanups: (() => Promise<unknown> | unknown)[] = []

export async function cleanUp(): Promise<void> {
  for (const clean of cleanups.splice(0).reverse()) await clean()
}

export interface Stage {
  readonly origin: TestPostgres
  readonly standby: StreamingStandby
  readonly larder: TestLarder
  readonly stranger: pg.Client
}

interface StageOptions {
  readonly hba?: string
  readonly settings?: Record<string, string>
  readonly schema?: string
  readonly standbyParameters?: TestPostgresOptions['parameters']
  readonly readOrigin?: (standby: StreamingStandby) => string
}

export const world = `create table item (id int primary key, n int); insert into item select g, 0 from generate_series(1, 20000) g;
  create table other (n int); insert into other values (0);
  create unlogged table loose (id int, n int); insert into loose values (1, 1), (2, 2)`

export async function openStage(version: TestVersion, options: StageOptions = {}): Promise<Stage> {
  const { hba } = options
  const origin = await openTestPostgres({ version, ...(hba && { hba }) })
  cleanups.push(() => origin.close())
  const stranger = await origin.connect()
  await stranger.query(world)
  if (options.schema !== undefined) await stranger.query(options.schema)
  const standby = await openStandby(origin, { log_statement: 'all', ...options.standbyParameters })
  cleanups.push(() => standby.close())
  const larder = await openLarder({
    upstream: origin.url,
    settings: {
      ...{ result_ttl: '1h', feed: 'auto', floor_wait: '5s', read_origin_cost_min: '0' },
      read_origin: options.readOrigin?.(standby) ?? standby.url(),
      ...options.settings,
    },
  })
  cleanups.push(() => larder.close())
  return { origin, standby, larder, stranger }
}

export async function openSession(
  { larder }: Pick<Stage, 'larder'>,
  user = 'postgres',
  parameters = {},
  database = 'postgres',
): Promise<WireClient> {
  const { host, port } = larder
  const client = await WireClient.connect({ host, port, user, database, parameters })
  cleanups.push(() => client.destroy())
  await client.rows("set cache.response_signal = 'parameter'")
  return client
}

export const verdictOf = (client: WireClient) => (client.parameters.get('cache.last') ?? '').split(';')[0]

export async function streaming(client: WireClient): Promise<void> {
  const state = "select state from cache.feed where name = 'postgres'"
  await expect.poll(() => client.rows(state), { timeout: 10_000, interval: 10 }).toEqual([['streaming']])
}

let lastId = 0
export const nextId = () => ++lastId
/** A statement of a shape that is known, that nobody has asked for. */
export const another = (sql = (id: number) => `select n from item where id = ${id}`) => sql(nextId())

/** Reads until the standby has answered one. */
export async function warm(client: WireClient, sql?: (id: number) => string): Promise<void> {
  const verdict = async () => {
    await client.rows(another(sql))
    return verdictOf(client)
  }
  await expect.poll(verdict, { timeout: 10_000, interval: 5 }).toBe('standby')
}

export const stateOf = (client: WireClient) =>
  client.rows("select kind, state, coalesce(last_error, '') from cache.feed where name = 'read_origin'")

/** A read of the standby waits there for a lock of a stranger's. */
export async function blockedAtStandby(all: Stage, reader: WireClient) {
  await all.stranger.query('begin; lock table item in access exclusive mode')
  // Locks are in the log, which is flushed by who commits.
  const other = await all.origin.connect()
  await other.query('update other set n = n')
  await other.end()
  const admin = await all.standby.connect()
  const locked = async () =>
    (await admin.query("select 1 from pg_locks where relation = 'item'::regclass and mode = 'AccessExclusiveLock'"))
      .rowCount
  await expect.poll(locked, { interval: 5 }).toBe(1)
  const reading = reader.rows(another())
  const waiting = "select pid from pg_stat_activity where application_name = 'larder read' and wait_event_type = 'Lock'"
  let pid = 0
  await expect
    .poll(
      async () => {
        pid = (await admin.query(waiting)).rows[0]?.pid ?? 0
        return pid
      },
      { interval: 5 },
    )
    .not.toBe(0)
  return { reading, pid, admin }
}
