// Answers in L2 over the wire: what outlives its place in memory, a stop and a kill, and what must not.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Command } from '../support/command.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'

let origin: TestPostgres
let foreign: pg.Client
let directory: string
let commands: Command[]
let clients: pg.Client[]

beforeAll(async () => {
  origin = await openTestPostgres()
  foreign = await reconnect()
  // Whatever takes a transaction id of its own accord would be a change.
  await foreign.query('alter system set autovacuum = off')
  await foreign.query('select pg_reload_conf()')
  await foreign.query(
    'create role l2_one login; create role l2_two login; create role l2_three login; create role l2_four login',
  )
})

afterAll(async () => {
  await foreign?.end()
  await origin?.close()
})

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'larder-results-'))
  chmodSync(directory, 0o711)
  commands = []
  clients = []
  await foreign.query('drop table if exists kept; create table kept (id int primary key, v text)')
  await foreign.query(
    `insert into kept select n, 'v' || n from generate_series(1, 500) n; grant select on kept to public`,
  )
})

afterEach(async () => {
  for (const client of clients) await client.end().catch(() => undefined)
  for (const command of commands) await command.end()
  rmSync(directory, { recursive: true, force: true })
})

interface Server {
  readonly command: Command
  readonly client: pg.Client
  connect(user?: string): Promise<pg.Client>
}

async function start(...more: string[]): Promise<Server> {
  const args = ['serve', '--listen', '127.0.0.1:0', '--upstream', origin.url, '--data-dir', join(directory, 'data')]
  const command = Command.run([
    ...args,
    '--result-ttl',
    '1h',
    '--result-l2-delay',
    '0',
    '--l2-read-timeout',
    '20s',
    ...more,
  ])
  commands.push(command)
  const [, host, port, user, database] = await command.prints(/psql -h (\S+) -p (\d+) -U (\S+) -d (\S+)\n/)
  const connect = async (as = user) => {
    const client = new pg.Client({ host, port: Number(port), user: as, database } as pg.ClientConfig)
    client.on('error', () => undefined)
    clients.push(client)
    await client.connect()
    return client
  }
  return { command, client: await connect(), connect }
}

async function stop({ command }: Server, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  command.signal(signal)
  await command.exit
}

/** As soon as the origin takes connections. */
async function reconnect(): Promise<pg.Client> {
  for (;;) {
    const client = new pg.Client(origin.url)
    client.on('error', () => undefined)
    try {
      await client.connect()
      return client
    } catch {
      // It is recovering.
    }
  }
}

const read = 'select v from kept where id = $1'

async function ask(client: pg.Client, id: number): Promise<{ v: string | undefined; verdict: string }> {
  const { rows } = await client.query<{ v: string }>(read, [id])
  const { rows: last } = await client.query<{ verdict: string }>('select verdict from cache.last_statement')
  return { v: rows[0]?.v, verdict: last[0]?.verdict ?? '' }
}

async function until(client: pg.Client, question: string): Promise<void> {
  for (;;) {
    const { rows } = await client.query({ text: question, rowMode: 'array' })
    if (rows[0]?.[0] === true) return
  }
}

/** Until what was put, and what proves it, is on disk. */
async function untilKept(client: pg.Client, puts: number): Promise<void> {
  await until(client, `select l2_puts >= ${puts} from cache.stats`)
  await until(client, `select proof = 'unmoved' from cache.l2`)
  await client.query(`select cache.put('settled', 'k', 'v', durable => true)`)
}

it('L2-30 nothing comes back when the origin fell: it may have lost commits that answers had seen', async () => {
  const first = await start()
  for (const _ of ['fill', 'hit']) await ask(first.client, 8)
  await untilKept(first.client, 1)
  await stop(first, 'SIGTERM')
  const { rows } = await foreign.query<{ pid: number }>('select pg_backend_pid() as pid')
  // The victim's connection ends before the postmaster knows, and until it does it lets sessions in that will fall too.
  const witness = await reconnect()
  const ended = new Promise((resolve) => witness.once('end', resolve))
  process.kill(rows[0]?.pid as number, 'SIGKILL')
  await ended
  foreign = await reconnect()
  const second = await start()
  expect(await ask(second.client, 8)).toEqual({ v: 'v8', verdict: 'miss' })
})

it('L2-30 RRC-21 the last client to leave writes and goes at once: what it had read is served after an orderly stop', async () => {
  await foreign.query('create table if not exists written (n int); grant all on written to public')
  const first = await start()
  for (const _ of ['fill', 'hit']) await ask(first.client, 9)
  await untilKept(first.client, 1)
  const last = await first.connect()
  await first.client.end()
  await last.query('insert into written values (1)')
  await last.end()
  await stop(first, 'SIGTERM')
  const second = await start()
  expect(await ask(second.client, 9)).toEqual({ v: 'v9', verdict: 'hit' })
})

it('L1-13 L2-30 an answer too large for memory is served after a stop, whole', async () => {
  const large = ['--l1-admit-bytes-max', '64kB', '--result-bytes-max', '64MB']
  const question = `select id, repeat('x', 10000) as v from kept order by id`
  const digest = async ({ client }: Server) => JSON.stringify((await client.query(question)).rows)
  const verdict = async ({ client }: Server) =>
    (await client.query('select verdict from cache.last_statement')).rows[0].verdict
  const first = await start(...large)
  const expected = await digest(first)
  await until(first.client, 'select l2_puts >= 6 from cache.stats')
  expect((await digest(first)) === expected).toBe(true)
  expect(await verdict(first)).toBe('hit')
  await until(first.client, `select proof = 'unmoved' from cache.l2`)
  await stop(first, 'SIGTERM')
  const second = await start(...large)
  expect((await digest(second)) === expected).toBe(true)
  expect(await verdict(second)).toBe('hit')
})

describe.each(['SIGTERM', 'SIGKILL'] as const)('after %s', (signal) => {
  it('L2-30 RRC-9 RRC-21 an answer is served again when nothing was written at the origin, to the roles that had it', async () => {
    const first = await start()
    for (const role of ['l2_one', 'l2_two', 'l2_three']) {
      const client = await first.connect(role)
      expect(await ask(client, 7)).toEqual({ v: 'v7', verdict: 'miss' })
      expect(await ask(client, 7)).toEqual({ v: 'v7', verdict: 'hit' })
    }
    await untilKept(first.client, 3)
    await stop(first, signal)

    const second = await start()
    for (const role of ['l2_one', 'l2_two', 'l2_three']) {
      expect(await ask(await second.connect(role), 7)).toEqual({ v: 'v7', verdict: 'hit' })
    }
    expect(await ask(await second.connect('l2_four'), 7)).toEqual({ v: 'v7', verdict: 'miss' })
  })

  it('L2-30 RRC-10 nothing is served that was stored before a change made while the server was down', async () => {
    const first = await start()
    for (const id of [1, 2]) for (const _ of ['fill', 'hit']) await ask(first.client, id)
    await untilKept(first.client, 2)
    await stop(first, signal)
    await foreign.query(`update kept set v = 'new' where id = 1`)

    const second = await start()
    expect(await ask(second.client, 1)).toEqual({ v: 'new', verdict: 'miss' })
    expect(await ask(second.client, 2)).toEqual({ v: 'v2', verdict: 'miss' })
  })

  it('L2-30 a transaction that was open when the server ended is a change when it commits', async () => {
    const writer = new pg.Client(origin.url)
    writer.on('error', () => undefined)
    await writer.connect()
    const first = await start()
    for (const _ of ['fill', 'hit']) await ask(first.client, 3)
    await untilKept(first.client, 1)
    await writer.query('begin')
    await writer.query(`update kept set v = 'late' where id = 3`)
    // The origin is asked where it stands while the transaction runs.
    for (const _ of ['fill', 'hit']) await ask(await first.connect(), 4)
    await stop(first, signal)
    await writer.query('commit')
    await writer.end()

    const second = await start()
    expect((await ask(second.client, 3)).v).toBe('late')
  })

  it('RRC-18 L2-30 what was written through the server is not served as it was before, nor what was flushed', async () => {
    const first = await start()
    for (const id of [1, 2]) for (const _ of ['fill', 'hit']) await ask(first.client, id)
    await untilKept(first.client, 2)
    await first.client.query(`update kept set v = 'mine' where id = 1`)
    for (const _ of ['fill', 'hit']) await ask(first.client, 1)
    await stop(first, signal)
    const second = await start()
    expect((await ask(second.client, 1)).v).toBe('mine')
    expect((await ask(second.client, 2)).v).toBe('v2')
    for (const _ of ['fill', 'hit']) await ask(second.client, 2)
    await second.client.query('flush all caches')
    await stop(second, signal)

    const third = await start()
    expect(await ask(third.client, 2)).toEqual({ v: 'v2', verdict: 'miss' })
  })

  it('L2-30 what a fall of the origin empties without a word is not kept', async () => {
    await foreign.query('alter table kept set unlogged')
    const first = await start()
    for (const _ of ['fill', 'hit']) await ask(first.client, 5)
    await until(first.client, `select proof = 'unmoved' from cache.l2`)
    await stop(first, signal)
    const second = await start()
    expect(await ask(second.client, 5)).toEqual({ v: 'v5', verdict: 'miss' })
  })
})

it('L1-34 G-5 what carried an invalidated tag does not come back, the rest does', async () => {
  const first = await start()
  const tagged = (id: number) => `select v from kept where id = ${id} /*+ cache(tags=t${id}) */`
  for (const id of [1, 2]) for (const _ of ['fill', 'hit']) await first.client.query(tagged(id))
  await untilKept(first.client, 2)
  await first.client.query(`invalidate cache tag 't1'`)
  await stop(first, 'SIGKILL')
  const second = await start()
  const verdicts: unknown[] = []
  for (const id of [1, 2]) {
    await second.client.query(tagged(id))
    verdicts.push((await second.client.query('select verdict from cache.last_statement')).rows[0])
  }
  expect(verdicts).toEqual([{ verdict: 'miss' }, { verdict: 'hit' }])
  const { rows } = await second.client.query(`select tags from cache.results where tags <> '{}'`)
  expect(rows).toContainEqual({ tags: ['t2'] })
})

it('L2-30 after a restart a write through the server reaches what came back, over any number of restarts', async () => {
  for (const round of [1, 2, 3]) {
    const server = await start()
    await ask(server.client, 9)
    expect((await ask(server.client, 9)).verdict).toBe('hit')
    const before = (await ask(server.client, 9)).v
    await stop(server, 'SIGTERM')
    const again = await start()
    expect(await ask(again.client, 9)).toEqual({ v: before, verdict: 'hit' })
    await again.client.query(`update kept set v = 'round ${round}' where id = 9`)
    expect(await ask(again.client, 9)).toEqual({ v: `round ${round}`, verdict: 'miss' })
    await stop(again, 'SIGTERM')
  }
})

it('RRC-21 an answer that had to make room is found in L2, and its bytes are those of the origin', async () => {
  const { client } = await start('--result-entries-max', '20')
  const told = new Map<number, string | undefined>()
  for (let id = 1; id <= 100; id++) {
    for (const _ of ['fill', 'hit']) await client.query(read, [id])
    told.set(id, (await ask(client, id)).v)
  }
  let hits = 0
  for (let id = 1; id <= 100; id++) {
    const { v, verdict } = await ask(client, id)
    expect(v).toBe(told.get(id))
    if (verdict === 'hit') hits++
  }
  expect(hits).toBeGreaterThan(60)
  await client.query(`update kept set v = 'other' where id <= 50`)
  for (let id = 1; id <= 100; id++) expect((await ask(client, id)).v).toBe(id <= 50 ? 'other' : `v${id}`)
})

it('L2-30 result_l2 off keeps nothing', async () => {
  const first = await start('--result-l2', 'off')
  for (const _ of ['fill', 'hit']) await ask(first.client, 6)
  await stop(first, 'SIGTERM')
  const second = await start('--result-l2', 'off')
  expect(await ask(second.client, 6)).toEqual({ v: 'v6', verdict: 'miss' })
})
