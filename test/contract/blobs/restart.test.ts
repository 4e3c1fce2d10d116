// What of the blob cache outlives the server: orderly stops and kills, seen over the wire.
//
//   ROUNDS=…   more kills in a row

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Command } from '../../support/command.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

let origin: TestPostgres
let directory: string
let commands: Command[]

const rounds = Number(process.env.ROUNDS ?? 2)

beforeAll(async () => {
  origin = await openTestPostgres()
})

afterAll(() => origin?.close())

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'larder-blobs-'))
  chmodSync(directory, 0o711)
  commands = []
})

afterEach(async () => {
  for (const command of commands) await command.end()
  rmSync(directory, { recursive: true, force: true })
})

interface Server {
  readonly command: Command
  readonly client: pg.Client
  connect(): Promise<pg.Client>
}

async function start(...more: string[]): Promise<Server> {
  const args = ['serve', '--listen', '127.0.0.1:0', '--upstream', origin.url, '--data-dir', join(directory, 'data')]
  // A busy machine is not to make a read a miss (L2-39): what is there is asked for here.
  const command = Command.run([...args, '--l2-read-timeout', '20s', ...more])
  commands.push(command)
  const [, host, port, user, database] = await command.prints(/psql -h (\S+) -p (\d+) -U (\S+) -d (\S+)\n/)
  const connect = async () => {
    const client = new pg.Client({ host, port: Number(port), user, database } as pg.ClientConfig)
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  return { command, client: await connect(), connect }
}

async function stop({ command }: Server, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  command.signal(signal)
  await command.exit
}

async function keys(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ key: string }>(`select key from cache.blobs where namespace = 'n' order by key`)
  return rows.map(({ key }) => key)
}

describe.each(['SIGTERM', 'SIGKILL'] as const)('after %s', (signal) => {
  it('L2-1 L2-3 L2-18 L2-22 what was put durably is there, what was invalidated is not, versions and labels go on', async () => {
    const first = await start()
    const { client } = first
    const put = 'select version from cache.put($1, $2, $3, tags => $4, version => $5, ttl => $6, durable => true)'
    await client.query(put, ['n', 'a', Buffer.from([0, 255]), ['t', 'u'], 5, null])
    await client.query(put, ['n', 'b', 'gone', ['t'], null, null])
    await client.query(put, ['n', 'c', 'gone too', ['x'], null, null])
    await client.query(put, ['m', 'd', 'flushed', [], null, '1 hour'])
    expect((await client.query(`delete from cache.blobs where namespace = 'n' and key = 'b'`)).rowCount).toBe(1)
    expect((await client.query(`invalidate cache tag 'x'`)).rows).toEqual([
      { kind: 'tag', subject: 'x', entries: '1', durable: true },
    ])
    await client.query('flush cache namespace m')
    await stop(first, signal)

    const second = await start()
    const again = second.client
    expect(await keys(again)).toEqual(['a'])
    const { rows } = await again.query(
      `select value, tags, version, state from cache.blobs where namespace = $1 and key = $2`,
      ['n', 'a'],
    )
    expect(rows).toEqual([{ value: Buffer.from([0, 255]), tags: ['t', 'u'], version: '5', state: 'fresh' }])
    await expect(again.query(put, ['n', 'a', 'x', [], 4, null])).rejects.toMatchObject({ code: '55000' })
    const set = `insert into cache.blobs (namespace, key, value) values ('n', 'a', $1) on conflict (namespace, key)
      do update set value = excluded.value where blobs.version = $2 returning version`
    expect((await again.query(set, [Buffer.from('x'), 4])).rows).toEqual([])
    expect((await again.query(set, [Buffer.from('x'), 5])).rows).toEqual([{ version: '6' }])
    expect((await again.query(`select state from cache.get('m', 'd')`)).rows).toEqual([{ state: 'absent' }])
    expect((await again.query(`delete from cache.blobs where tags && '{t}'`)).rowCount).toBe(0)
    expect((await again.query(`select name, generation from cache.namespaces order by name`)).rows).toEqual([
      { name: 'm', generation: '2' },
      { name: 'n', generation: '1' },
    ])
    await stop(second, 'SIGTERM')
  })
})

/** Puts and deletes keys of its own until the connection is lost; notes what the server has acknowledged. */
class Worker {
  readonly there = new Set<string>()
  readonly gone = new Set<string>()
  readonly #client: pg.Client
  readonly #name: string

  constructor(client: pg.Client, name: string) {
    this.#client = client
    this.#name = name
  }

  async run(acknowledged: () => void): Promise<void> {
    try {
      for (let step = 0; ; step++) {
        const key = `${this.#name}-${step}`
        await this.#client.query(`select tier from cache.put('n', $1, $1, durable => true)`, [key])
        this.there.add(key)
        acknowledged()
        if (step % 3 !== 2) continue
        const going = `${this.#name}-${step - 1}`
        // From here on nobody knows, until the answer comes.
        this.there.delete(going)
        await this.#client.query(`delete from cache.blobs where namespace = 'n' and key = $1`, [going])
        this.gone.add(going)
        acknowledged()
      }
    } catch {
      // The server is gone.
    }
  }
}

it(
  'L2-27 kills under load lose no durable put, and bring back nothing that was invalidated',
  async () => {
    const there = new Set<string>()
    const gone = new Set<string>()
    for (let round = 0; round <= rounds; round++) {
      const server = await start()
      const found = new Set(await keys(server.client))
      expect([...there].filter((key) => !found.has(key))).toEqual([])
      expect([...gone].filter((key) => found.has(key))).toEqual([])
      const { rows } = await server.client.query(`select * from cache.check()`)
      expect(rows).toEqual([])
      if (round === rounds) break

      let answers = 0
      const workers: Worker[] = []
      const runs: Promise<void>[] = []
      await new Promise<void>((resolve) => {
        for (let index = 0; index < 6; index++) {
          const client = server.connect()
          const worker = client.then((connected) => new Worker(connected, `key-${round}-${index}`))
          runs.push(
            worker.then((each) => {
              workers.push(each)
              return each.run(() => {
                if (++answers === 150) resolve()
              })
            }),
          )
        }
      })
      await stop(server, 'SIGKILL')
      await Promise.all(runs)
      for (const worker of workers) {
        for (const key of worker.there) there.add(key)
        for (const key of worker.gone) gone.add(key)
      }
    }
  },
  60_000 * (rounds + 1),
)
