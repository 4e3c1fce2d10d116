// A CancelRequest that comes while Larder asks a question of its own, ahead of the client's statement: the statement ends with 57014 and has
// done nothing, the question and all that follows from it stay what they were.

import { connect } from 'node:net'
import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { DelayingRelay, frameIs } from '../../support/delaying-relay.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres } from '../../support/postgres.ts'
import {
  type Batch,
  bind,
  cancelRequest,
  errorOf,
  execute,
  parse,
  query,
  sqlstateOf,
  sync,
  WireClient,
} from '../../support/wire-client.ts'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Stage {
  readonly larder: TestLarder
  readonly relay: DelayingRelay
  readonly straight: pg.Client
  readonly bystander: WireClient
}

async function stage(): Promise<Stage> {
  const origin = await openTestPostgres()
  cleanups.push(() => origin.close())
  const straight = await origin.connect()
  await straight.query('create table item (id int primary key)')
  const relay = await DelayingRelay.open(origin.target)
  cleanups.push(() => relay.close())
  const upstream = `postgres://postgres@${relay.host}:${relay.port}/postgres?sslmode=disable`
  const larder = await openLarder({ upstream, settings: { result_ttl: '1h' } })
  cleanups.push(() => larder.close())
  // Whoever is the first client of a database is asked more than others are.
  return { larder, relay, straight, bystander: await join(larder, 'bystander') }
}

async function join({ host, port }: TestLarder, name: string): Promise<WireClient> {
  const client = await WireClient.connect({
    ...{ host, port, user: 'postgres', database: 'postgres' },
    parameters: { application_name: name },
  })
  cleanups.push(() => client.destroy())
  return client
}

/** Sends the messages, cancels while the first question ahead of them is under way, and gives the answers. */
async function cancelInQuestion(
  { larder, relay, bystander }: Stage,
  client: WireClient,
  messages: readonly Buffer[],
): Promise<Batch[]> {
  const cancels = async () => Number((await bystander.rows('select cancels from cache.stats'))[0]?.[0])
  const before = await cancels()
  const gate = (await relay.connection('asked')).holdFrom('origin', frameIs.type('Z'))
  client.send(Buffer.concat(messages))
  await gate.reached
  const connections = relay.connections.length
  connect(larder.port, larder.host).resume().end(cancelRequest(client.backendKey))
  await expect.poll(cancels, { interval: 2 }).toBe(before + 1)
  gate.release()
  const answers: Batch[] = []
  for (const _ of messages) answers.push(await client.receiveBatch())
  // The origin was not told.
  expect(relay.connections.length).toBe(connections)
  return answers
}

const sqlstates = (batches: readonly Batch[]) =>
  batches.map((batch) => {
    const error = errorOf(batch)
    return error === undefined ? 'done' : sqlstateOf(error)
  })

async function ids({ straight }: Stage): Promise<number[]> {
  return (await straight.query('select id from item order by id')).rows.map(({ id }) => id)
}

const group = (sql: string) => Buffer.concat([parse('', sql), bind(), execute(), sync()])

describe('a request to cancel that comes during a question of ours', () => {
  it.each([
    ['a simple query', (sql: string) => query(sql)],
    ['a group of extended messages', group],
  ])('ends %s, which has done nothing, and nothing behind it', async (_, message) => {
    const all = await stage()
    const client = await join(all.larder, 'asked')
    const first = message('insert into item values (1)')
    const second = message('insert into item values (2)')
    expect(sqlstates(await cancelInQuestion(all, client, [first, second]))).toEqual(['57014', 'done'])
    expect(await ids(all)).toEqual([2])
  })

  it('leaves the session as good as it was: reads are kept, and hidden by what it writes', async () => {
    const all = await stage()
    const client = await join(all.larder, 'asked')
    const read = 'select count(*) from item'
    expect(sqlstates(await cancelInQuestion(all, client, [query(read)]))).toEqual(['57014'])
    await client.rows(read)
    await client.rows(read)
    expect(await client.rows('select verdict from cache.last_statement')).toEqual([['hit']])
    await client.rows('insert into item values (5)')
    expect(await client.rows(read)).toEqual([['1']])
    const events = "select event from cache.events where event = 'locks_refused'"
    expect(await client.rows(events)).toEqual([])
  })

  it('ends BEGIN, and no block has begun', async () => {
    const all = await stage()
    const client = await join(all.larder, 'asked')
    expect(sqlstates(await cancelInQuestion(all, client, [query('begin')]))).toEqual(['57014'])
    await client.rows('insert into item values (7)')
    await client.rows('rollback')
    expect(await ids(all)).toEqual([7])
  })

  it('ends no other statement when it comes behind the end of its own', async () => {
    const all = await stage()
    const client = await join(all.larder, 'asked')
    await client.rows('insert into item values (1)')
    connect(all.larder.port, all.larder.host).resume().end(cancelRequest(client.backendKey))
    const cancels = () => all.bystander.rows('select cancels from cache.stats')
    await expect.poll(cancels, { interval: 2 }).toEqual([['1']])
    await client.rows('insert into item values (2)')
    expect(await ids(all)).toEqual([1, 2])
  })
})

describe('requests to cancel at any moment', () => {
  it('end a statement that has done nothing, or none', async () => {
    const all = await stage()
    const random = Random.fromEnvironment()
    const expected: number[] = []
    for (let client = await join(all.larder, 'asked'), id = 1; id <= 150; id++) {
      // A session that is new has most to ask.
      if (random.chance(0.2)) client = await join(all.larder, 'asked')
      const insert = `insert into item values (${id})`
      const [texts, isBlock] = random.pick([
        [[insert], false],
        [['begin', insert, 'commit'], true],
        [['set search_path = public', insert], false],
        [[`select count(*) from item where id < ${id}`, insert], false],
      ] as const)
      const message = random.pick([query, group])
      const canceling = cancelBehind(random.int(40), client, all.larder)
      const answers: string[] = []
      for (const text of texts) answers.push(...sqlstates([await client.exchange(message(text))]))
      await canceling
      expect(answers.filter((answer) => !['done', '57014', '25P02'].includes(answer))).toEqual([])
      const hasRun = isBlock ? answers.every((answer) => answer === 'done') : answers.at(-1) === 'done'
      // A block that was not begun, or not ended.
      if (isBlock && !hasRun) {
        await client.rows('rollback')
        if (answers[0] !== 'done' && answers[1] === 'done') expected.push(id)
      } else if (hasRun) expected.push(id)
    }
    expect(await ids(all)).toEqual(expected)
    expect(await all.bystander.rows("select event from cache.events where event = 'locks_refused'")).toEqual([])
  })
})

/** Sends the request when the event loop has gone round so often; resolves when it has been heard. */
async function cancelBehind(turns: number, client: WireClient, { host, port }: TestLarder): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  const socket = connect(port, host)
  const heard = new Promise((resolve) => socket.on('close', resolve))
  socket.resume().end(cancelRequest(client.backendKey))
  await heard
}
