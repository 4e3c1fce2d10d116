// Clients and connections that go away in the middle of a write: whatever became of it, nobody reads what was before, and nothing is
// left behind - no session, no backend, no suspension, no fill that others wait for.

import { beforeEach, describe, expect, it } from 'vitest'
import { frameIs } from '../support/delaying-relay.ts'
import * as w from '../support/wire-client.ts'
import { extended, group, useArena, verdictTo, warm } from './arena.ts'
import { single } from './stage.ts'

const arena = useArena({
  relayed: true,
  // What one play leaves behind shall hurt the next.
  shared: true,
  schema: `create table dpar (id int, v int) partition by list (id);
    create table dp1 partition of dpar for values in (1); create table dp2 partition of dpar for values in (2);
    insert into dpar values (1, 1), (2, 2)`,
})

beforeEach(async () => {
  const { writer } = arena
  for (const [gid] of await writer.rows('select gid from pg_prepared_xacts')) {
    await writer.rows(`rollback prepared '${gid}'`)
  }
  for (const sql of ['delete from t where id = 3', 'update t set v = 0']) await writer.rows(sql)
})

const sum = 'select sum(v) from t where id = 1'
const update = 'update t set v = v + 1 where id = 1'
const leaver = 'leaver'

interface Write {
  readonly title: string
  /** Said and answered before. */
  readonly before?: readonly string[]
  readonly bytes: Buffer
}

const writes: readonly Write[] = [
  { title: 'a simple query', bytes: w.query(update) },
  { title: 'extended messages', bytes: group(extended(update)) },
  { title: 'a COMMIT', before: ['begin', update], bytes: w.query('commit') },
  { title: 'a string with a block', bytes: w.query(`begin; ${update}; commit`) },
  { title: 'a function', bytes: w.query('select bump()') },
  { title: 'a DO that commits', bytes: w.query(`do $$ begin ${update}; commit; end $$`) },
  {
    title: 'an Execute with a limit',
    bytes: group(w.parse('', `${update} returning v`), w.bind(), w.execute('', 1)),
  },
  { title: 'messages with a Flush', bytes: group(extended(update), w.flush()) },
  { title: 'an EXECUTE', before: [`prepare p as ${update}`], bytes: w.query('execute p') },
  {
    title: 'a COPY',
    bytes: Buffer.concat([w.query('copy t from stdin'), w.copyData('3\t77\n'), w.copyDone()]),
  },
  {
    title: 'a COMMIT PREPARED',
    before: ['begin', update, "prepare transaction 'x1'"],
    bytes: w.query("commit prepared 'x1'"),
  },
]

const goodbyes: Readonly<Record<string, (client: w.WireClient) => unknown>> = {
  'cuts the connection': (client) => client.destroy(),
  'says goodbye': (client) => client.send(w.terminate()),
  'closes its half': (client) => client.end(),
}

const answers = (frame: w.Frame): boolean => 'CGs'.includes(frame.type)
const messages = (frame: w.Frame): boolean => 'QPSE'.includes(frame.type)

/** A reader that has the answer in memory, and a session about to write. */
async function readerAndLeaver({ before = [] }: { before?: readonly string[] }): Promise<w.WireClient[]> {
  const session = await arena.connect('postgres', { application_name: leaver })
  await warm(arena.reader, sum)
  for (const statement of before) await session.rows(statement)
  await session.query('select random()')
  return [arena.reader, session]
}

async function untilGone(watcher: w.WireClient, name: string): Promise<void> {
  const backends = `select pid from pg_stat_activity where application_name = '${name}'`
  while ((await watcher.rows(backends)).length > 0);
}

/** Once the origin has done with it, the reader sees what is there, and has it from memory again. */
async function expectTruthAndNothingLeft(reader: w.WireClient): Promise<void> {
  await untilGone(await arena.straight(), leaver)
  const truth = await arena.truth(sum)
  for (let round = 0; round < 3; round++) expect(JSON.stringify(await reader.rows(sum)), verdictTo(reader)).toBe(truth)
  expect(await warm(reader, sum)).toBe(truth)
  expect(await single(reader, `select count(*) from cache.sessions where application_name = '${leaver}'`)).toBe('0')
}

for (const [goodbye, leave] of Object.entries(goodbyes)) {
  describe(`a client ${goodbye}`, () => {
    it.each(writes)('as soon as it has sent $title', async (write) => {
      const [reader, client] = (await readerAndLeaver(write)) as [w.WireClient, w.WireClient]
      client.send(write.bytes)
      leave(client)
      await expectTruthAndNothingLeft(reader)
    })

    it.each(writes)('while the origin answers $title', async (write) => {
      const [reader, client] = (await readerAndLeaver(write)) as [w.WireClient, w.WireClient]
      const gate = (await arena.relay.connection(leaver)).holdFrom('origin', answers)
      client.send(write.bytes)
      await gate.reached
      leave(client)
      // By now Larder has heard that it went: these come after it, in the same process.
      for (let round = 0; round < 3; round++) await reader.rows('select 1')
      gate.release()
      await expectTruthAndNothingLeft(reader)
    })
  })
}

describe('the connection to the origin is lost', () => {
  it.each(writes)('on both sides before $title has arrived', async (write) => {
    const [reader, client] = (await readerAndLeaver(write)) as [w.WireClient, w.WireClient]
    const connection = await arena.relay.connection(leaver)
    const gate = connection.holdFrom('larder', messages)
    client.send(write.bytes)
    await gate.reached
    connection.cut()
    await client.whenClosed()
    await expectTruthAndNothingLeft(reader)
  })

  it.each(writes)('on both sides before the answer to $title has', async (write) => {
    const [reader, client] = (await readerAndLeaver(write)) as [w.WireClient, w.WireClient]
    const connection = await arena.relay.connection(leaver)
    const gate = connection.holdFrom('origin', answers)
    client.send(write.bytes)
    await gate.reached
    connection.cut()
    await client.whenClosed()
    await expectTruthAndNothingLeft(reader)
  })

  it.each(writes)('on our side, and $title arrives later', async (write) => {
    const [reader, client] = (await readerAndLeaver(write)) as [w.WireClient, w.WireClient]
    const connection = await arena.relay.connection(leaver)
    const gate = connection.holdFrom('larder', messages)
    client.send(write.bytes)
    await gate.reached
    connection.cutFromLarder()
    await client.whenClosed()
    expect(await reader.rows(sum), verdictTo(reader)).toEqual([['0']])
    gate.release()
    await expectTruthAndNothingLeft(reader)
  })

  it.each(writes)('because the backend is terminated that has answered $title', async (write) => {
    const [reader, client] = (await readerAndLeaver(write)) as [w.WireClient, w.WireClient]
    const gate = (await arena.relay.connection(leaver)).holdFrom('origin', answers)
    client.send(write.bytes)
    await gate.reached
    const watcher = await arena.straight()
    await watcher.rows(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${leaver}'`)
    await untilGone(watcher, leaver)
    gate.release()
    await client.whenClosed()
    await expectTruthAndNothingLeft(reader)
  })
})

describe('a statement is canceled', () => {
  it('in the second half of a DETACH CONCURRENTLY, of which the first is there to stay', async () => {
    const { reader } = arena
    const read = 'select sum(v) from dpar'
    await warm(reader, read)
    const blocker = await arena.straight()
    for (const sql of ['begin isolation level repeatable read', 'select * from dpar']) await blocker.rows(sql)
    const client = await arena.connect()
    await client.rows("set statement_timeout = '300ms'")
    const { frames } = await client.query('alter table dpar detach partition dp2 concurrently')
    expect(w.sqlstateOf(frames.find(({ type }) => type === 'E') as w.Frame)).toBe('57014')
    expect(JSON.stringify(await reader.rows(read)), verdictTo(reader)).toBe(await arena.truth(read))
  })

  it('while the locks of a block are asked for, and the block is undone or done as the reader sees', async () => {
    const { reader, writer } = arena
    for (const ms of [1, 2, 3, 5, 8, 15]) {
      for (let round = 0; round < 5; round++) {
        await warm(reader, sum)
        await writer.rows(`set statement_timeout = '${ms}ms'`)
        for (const sql of ['begin', update, 'select count(*) from generate_series(1, 3000)', 'commit']) {
          await writer.query(sql)
        }
        // The limit holds for these too, so they may need another go.
        for (const sql of ['rollback', 'set statement_timeout = 0']) {
          while (w.errorOf(await writer.query(sql)) !== undefined);
        }
        expect(JSON.stringify(await reader.rows(sum)), verdictTo(reader)).toBe(await arena.truth(sum))
      }
    }
  })

  it('at any moment of a write, and the reader sees what came of it', async () => {
    const { reader, writer, larder } = arena
    for (let round = 0; round < 60; round++) {
      await warm(reader, sum)
      writer.send(w.query(round % 2 === 0 ? `begin; ${update}; commit; select 1` : update))
      const canceler = await w.WireClient.open(larder.host, larder.port)
      canceler.send(w.cancelRequest(writer.backendKey))
      await writer.receiveBatch()
      await canceler.whenClosed()
      expect(JSON.stringify(await reader.rows(sum)), verdictTo(reader)).toBe(await arena.truth(sum))
    }
    await warm(reader, sum)
  })
})

it('a reader that goes takes its fill along: others ask for themselves', async () => {
  const { reader } = arena
  await reader.rows("set cache.result_coalesce_wait = '1h'")
  const read = (word: string) => `select v, '${word}' from t where id = 1`
  await warm(reader, read('a'))
  const client = await arena.connect('postgres', { application_name: leaver })
  await client.rows(read('b'))
  const gate = (await arena.relay.connection(leaver)).holdFrom('origin', frameIs.type('D'))
  client.send(w.query(read('c')))
  await gate.reached
  const waiting = reader.rows(read('c'))
  client.destroy()
  expect(await waiting).toEqual([['0', 'c']])
  expect(await reader.rows(read('c'))).toEqual([['0', 'c']])
})
