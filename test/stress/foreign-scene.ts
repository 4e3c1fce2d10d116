// A stage with strangers: a Larder that listens to the feed of its origin, where commits may be held back from being visible.
//
// `closeScenes` belongs into an `afterEach`: whatever scenes were opened, and what was to be undone in them, end there.

import { expect } from 'vitest'
import { frameIs, type Gate, type RelayedConnection } from '../support/delaying-relay.ts'
import { openTestPostgres } from '../support/postgres.ts'
import { SlowStandby } from '../support/slow-standby.ts'
import { openStandby, type StreamingStandby } from '../support/streaming-standby.ts'
import type { WireClient } from '../support/wire-client.ts'
import { Stage, single } from './stage.ts'

export interface Scene {
  readonly stage: Stage
  readonly standby: SlowStandby
  /** Two sessions through Larder, and one past it. */
  readonly reader: WireClient
  readonly writer: WireClient
  readonly stranger: WireClient
  readonly replica: StreamingStandby | undefined
}

export const price = 'select price from item where id = 1'

const cleanups: (() => Promise<unknown>)[] = []

interface SceneOptions {
  /** A hot standby is there to be read. */
  readonly isReplicated?: boolean
}

/** `schema` is made before anybody looks. */
export async function openScene(
  schema: readonly string[],
  brokenRules: readonly string[],
  { isReplicated = false }: SceneOptions = {},
): Promise<Scene> {
  const origin = await openTestPostgres()
  cleanups.push(() => origin.close())
  const admin = await origin.connect()
  for (const statement of schema) await admin.query(statement)
  await admin.end()
  const replica = isReplicated ? await openStandby(origin) : undefined
  if (replica !== undefined) cleanups.push(() => replica.close())
  const standby = await SlowStandby.open(origin, 0)
  cleanups.push(() => standby.close())
  const settings = { feed: 'auto', ...(replica && { read_origin: replica.url(), read_origin_cost_min: '0' }) }
  const stage = await Stage.open({ origin, database: 'postgres', brokenRules, settings })
  cleanups.push(() => stage.close())
  const [reader, writer] = [await stage.session('reader'), await stage.session('writer')]
  const stranger = await stage.straight()
  await untilStreaming(reader, 1)
  return { stage, standby, reader, writer, stranger, replica }
}

export async function closeScenes(): Promise<void> {
  for (const clean of cleanups.splice(0).reverse()) await clean()
}

/** For the `times`th time. */
export async function untilStreaming(reader: WireClient, times: number): Promise<void> {
  const began = "select state = 'streaming', gaps from cache.feed where name = 'postgres'"
  await expect.poll(() => reader.rows(began), { timeout: 10_000, interval: 5 }).toEqual([['t', String(times - 1)]])
}

export async function verdictOf(reader: WireClient, sql: string): Promise<string | null | undefined> {
  await single(reader, sql)
  return single(reader, 'select verdict from cache.last_statement')
}

/** It is answered from memory. */
export async function untilKept(reader: WireClient, sql = price): Promise<void> {
  await expect.poll(() => verdictOf(reader, sql), { interval: 2, timeout: 10_000 }).toBe('hit')
}

/** What strangers have committed is known to be visible. */
export async function settled({ reader, stranger }: Scene): Promise<void> {
  const flushed = await single(stranger, 'select pg_current_wal_flush_lsn()')
  const isSettled = `select position >= '${flushed}' from cache.feed where name = 'postgres'`
  await expect.poll(() => reader.rows(isSettled), { interval: 5, timeout: 10_000 }).toEqual([['t']])
}

/** Does it, and waits until the feed has told of one more transaction. */
export async function heardOf({ reader }: Scene, act: () => void): Promise<void> {
  const count = Number(await single(reader, 'select feed_transactions from cache.stats'))
  act()
  const heard = `select feed_transactions > ${count} from cache.stats`
  await expect.poll(() => reader.rows(heard), { interval: 2, timeout: 10_000 }).toEqual([['t']])
}

/** What the feed tells is kept back, at the end at the latest let go. */
export async function holdFeed({ stage }: Scene): Promise<Gate> {
  const gate = (await stage.relay.connection('larder feed')).holdFrom('origin', frameIs.type('d'))
  cleanups.push(async () => gate.release())
  return gate
}

/** The connection on which the feed asks: where the log ends, what is visible. The other one streams. */
export function askingSide({ stage }: Scene): RelayedConnection {
  const found = stage.relay.connections.find((each) => each.applicationName === 'larder feed' && !each.closed)
  if (found === undefined) throw new Error('the feed has no connection')
  return found
}
