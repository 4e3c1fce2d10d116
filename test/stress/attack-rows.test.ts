// Plays against precision in rows: what hides an answer from some rows is never missed, whatever becomes of the feed meanwhile.

import { afterEach, describe, expect, it } from 'vitest'
import { frameIs } from '../support/delaying-relay.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { SlowStandby } from '../support/slow-standby.ts'
import { bind, execute, parse, rowsOf, sync, type WireClient } from '../support/wire-client.ts'
import { run, Stage, single } from './stage.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Scene {
  readonly origin: TestPostgres
  readonly stage: Stage
  readonly reader: WireClient
  readonly writer: WireClient
  readonly stranger: WireClient
}

const price = 'select price from item where id = 1'
const state = "select state from cache.feed where name = 'postgres'"

async function scene(settings: Record<string, string> = {}): Promise<Scene> {
  const origin = await openTestPostgres()
  cleanups.push(() => origin.close())
  const stage = await Stage.open({ origin, database: 'postgres', settings: { feed: 'auto', ...settings } })
  cleanups.push(() => stage.close())
  const stranger = await stage.straight()
  await run(stranger, 'create table item (id int primary key, price int)', 'insert into item values (1, 10), (2, 10)')
  const [reader, writer] = [await stage.session('reader'), await stage.session('writer')]
  await expect.poll(() => single(reader, state), { timeout: 10_000, interval: 5 }).toBe('streaming')
  return { origin, stage, reader, writer, stranger }
}

async function verdict(session: WireClient, sql: string): Promise<string | null | undefined> {
  await single(session, sql)
  return single(session, 'select verdict from cache.last_statement')
}

/** Changes of the table are told in rows. */
async function inRows({ stage, reader, stranger }: Scene): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await expect.poll(() => verdict(reader, price), { interval: 1 }).toBe('hit')
    await run(stranger, 'update item set price = price where id = 2')
    await stage.larder.fence()
  }
  await expect.poll(() => verdict(reader, price), { interval: 1 }).toBe('hit')
}

describe('a write that the feed told of before the stream was lost', () => {
  it.each(['session', 'bounded', 'eventual'])('is seen once it is acknowledged, at level %s', async (level) => {
    const all = await scene()
    const { origin, reader, writer, stranger } = all
    await run(reader, `set cache.consistency = '${level}'`)
    await inRows(all)
    const standby = await SlowStandby.open(origin, 0)
    cleanups.push(() => standby.close())
    await run(writer, 'update item set price = 11 where id = 1')
    await inRows(all)
    const before = await single(reader, 'select feed_transactions from cache.stats')
    standby.hold()
    const writing = run(writer, 'update item set price = 12 where id = 1')
    const heard = `select feed_transactions > ${before} from cache.stats`
    await expect.poll(() => single(reader, heard), { interval: 2 }).toBe('t')
    const walsender = "backend_type = 'walsender' and application_name = 'larder feed'"
    await run(stranger, `select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${walsender}`)
    await expect.poll(() => single(reader, state), { interval: 2 }).not.toBe('streaming')
    const fills = 'select result_fills from cache.stats'
    const kept = await single(reader, fills)
    expect(await single(reader, price)).toBe('11')
    expect(await single(reader, fills)).not.toBe(kept)
    standby.release()
    await writing
    expect(await single(reader, price)).toBe('12')
  })
})

describe('who waited for a fill that did not come', () => {
  it('gets no older one that came meanwhile', async () => {
    const all = await scene()
    const { stage, reader, stranger } = all
    const other = 'select price from item where id = 2'
    await inRows(all)
    const [early, late] = [await stage.session('early'), await stage.session('late')]
    await run(late, 'set cache.result_coalesce_wait = 0')
    await run(reader, "set cache.result_coalesce_wait = '1s'", 'set cache.floor_wait = 0')
    for (const session of [early, late, reader]) await single(session, price)
    const deaf = (await stage.relay.connection('larder feed')).holdFrom('origin', frameIs.type('d'))
    const gates = [(await stage.relay.connection('early')).holdFrom('origin', frameIs.type('D'))]
    const reading = [single(early, other)]
    await gates[0]?.reached
    await run(stranger, 'update item set price = 13')
    // By what is not kept: the session knows now.
    expect(await single(reader, 'select price from item where id = 2 and random() < 2')).toBe('13')
    gates.push((await stage.relay.connection('late')).holdFrom('origin', frameIs.type('D')))
    reading.push(single(late, other))
    await gates[1]?.reached
    const joining = single(reader, other)
    const admin = await stage.session('admin')
    const isBusy = "select state = 'active' from cache.sessions where application_name = 'reader'"
    await expect.poll(() => single(admin, isBusy), { interval: 2 }).toBe('t')
    gates[0]?.release()
    expect(await reading[0]).toBe('10')
    expect(await joining).toBe('13')
    gates[1]?.release()
    deaf.release()
    await Promise.all(reading)
  })
})

describe('reads of one group', () => {
  const journal = 'select n from journal'
  const change = 'with w as (update journal set n = 13) update item set price = 13'

  /** The answers to a group whose one answer was kept before a change of both, and whose other behind it. */
  async function played(reads: readonly string[], ...said: string[]): Promise<unknown> {
    const all = await scene()
    const { stage, reader, stranger } = all
    await run(stranger, 'create table journal (n int)', 'insert into journal values (10)')
    const other = await stage.session('other')
    for (const session of [reader, other]) await run(session, ...said)
    await single(other, journal)
    await inRows(all)
    await run(stranger, 'update journal set n = 11')
    await stage.larder.fence()
    await run(reader, 'set cache.floor_wait = 0')
    await expect.poll(() => verdict(reader, price), { interval: 20 }).toBe('hit')
    const deaf = (await stage.relay.connection('larder feed')).holdFrom('origin', frameIs.type('d'))
    await run(stranger, change)
    expect(await single(other, journal)).toBe('13')
    const steps = reads.flatMap((sql, at) => [parse('', sql), bind({ portal: `p${at}` }), execute(`p${at}`)])
    const answer = rowsOf(await reader.exchange(Buffer.concat([...steps, sync()])))
    deaf.release()
    return answer
  }

  it('know what those before them have told', async () => {
    expect(await played([journal, price])).toEqual([['13'], ['13']])
  })

  it('are of one snapshot where transactions are', async () => {
    const snapshot = "set default_transaction_isolation = 'repeatable read'"
    expect(await played([price, journal], snapshot)).toEqual([['13'], ['13']])
  })
})
