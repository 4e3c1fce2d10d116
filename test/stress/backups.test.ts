// Backups, restores, compactions, flushes and puts side by side in a server that is killed in the middle of them, over and over, on a real
// disk. After each kill: the store passes its check; every backup that is listed can be restored, and nothing of any other is left; what
// was flushed stays gone, whatever was restored since.
//
//   SEED=…        the same choices again, though not the same timing
//   --long        (npm run stress -- --long backups) forty kills instead of three; --rounds N for another number

import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { Command } from '../support/command.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'

const rounds = Number(process.env.ROUNDS || (process.env.STRESS_LONG === '1' ? 40 : 3))
/** Of all together, before a kill. */
const deedsMax = 600
/** Of backups and restores, which are rare among the others, before a kill. */
const archivesMin = 2
/** Backups that are not dropped. */
const keptCount = 2
/** There is no store while another takes its place, and no backup before the first. */
const refusals = ['55000', '42704']

const random = Random.fromEnvironment()
/** How often what was done. */
const tally = new Map<string, number>()
/** Keys that a flush took; keys that the next must take: what is still being put when it begins may come behind it. */
const gone = new Set<string>()
const there: string[] = []

let origin: TestPostgres
let directory: string
let target: string

beforeAll(async () => {
  origin = await openTestPostgres()
  directory = mkdtempSync(join(tmpdir(), 'larder-backups-'))
  chmodSync(directory, 0o711)
  target = `file://${directory}/backups`
})

afterAll(async () => {
  await origin?.close()
  rmSync(directory, { recursive: true, force: true })
})

class Server {
  readonly command: Command
  readonly #client: pg.ClientConfig

  private constructor(command: Command, client: pg.ClientConfig) {
    this.command = command
    this.#client = client
  }

  static async start(): Promise<Server> {
    const places = ['--data-dir', join(directory, 'data'), '--archive-allow', target, '--upstream', origin.url]
    const small = ['--l2-bytes-max', '24MB', '--l1-bytes-max', '2MB', '--l2-read-timeout', '20s']
    const command = Command.run(['serve', '--listen', '127.0.0.1:0', ...places, ...small])
    const [, host, port, user, database] = await command.prints(/psql -h (\S+) -p (\d+) -U (\S+) -d (\S+)\n/)
    return new Server(command, { host, port: Number(port), user, database } as pg.ClientConfig)
  }

  async connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#client)
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.command.signal(signal)
    await this.command.exit
  }
}

type Deed = (client: pg.Client, turn: number) => Promise<unknown>

const deeds: readonly (readonly [name: string, sessions: number, deed: Deed])[] = [
  ['put', 3, put],
  ['flush', 1, flush],
  ['invalidate', 1, (client, turn) => client.query(`invalidate cache tag 't${turn % 5}'`)],
  ['compact', 1, (client) => client.query('select * from cache.compact()')],
  ['archive', 1, archive],
]

let lastKey = 0

async function put(client: pg.Client): Promise<void> {
  const key = `key ${++lastKey}`
  const namespace = random.pick(['flushed', 'other'])
  const given = [
    namespace,
    key,
    random.bytes(random.pick([50, 5000, 300_000])),
    [`t${random.int(5)}`],
    random.chance(0.5),
  ]
  await client.query('select tier from cache.put($1, $2, $3, tags => $4, durable => $5)', given)
  if (namespace === 'flushed') there.push(key)
}

async function flush(client: pg.Client): Promise<void> {
  const before = there.splice(0)
  await client.query('flush cache namespace flushed')
  for (const key of before) gone.add(key)
}

async function archive(client: pg.Client, turn: number): Promise<void> {
  const doing = [
    `backup cache into '${target}'`,
    `restore cache from latest in '${target}'`,
    `backup cache namespace other into '${target}'`,
    `restore cache from latest in '${target}'`,
    `backup cache into '${target}'`,
    `restore cache namespace flushed as again from latest in '${target}'`,
    'drop cache namespace if exists again',
  ]
  await client.query(doing[turn % doing.length] as string)
}

/** Everything at once, until so much is done, backups among it; then the kill. */
async function play(server: Server, count: number): Promise<void> {
  let left = count
  const archivesBefore = tally.get('archive') ?? 0
  let isOver = false
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const repeat = async (name: string, deed: Deed): Promise<void> => {
    const client = await server.connect()
    for (let turn = 0; !isOver; turn++) {
      try {
        await deed(client, turn)
        tally.set(name, (tally.get(name) ?? 0) + 1)
      } catch (error) {
        const { code } = error as { code?: string }
        // The server is gone.
        if (code === undefined || code === 'ECONNRESET' || code === 'EPIPE') return
        if (!refusals.includes(code)) throw error
      }
      if (--left <= 0 && (tally.get('archive') ?? 0) >= archivesBefore + archivesMin) end()
    }
  }
  const runs = deeds.flatMap(([name, sessions, deed]) => Array.from({ length: sessions }, () => repeat(name, deed)))
  const failed = Promise.all(runs)
  await Promise.race([ended, failed])
  isOver = true
  await server.end('SIGKILL')
  await failed
}

async function inspect(server: Server): Promise<void> {
  const client = await server.connect()
  expect((await client.query('select * from cache.check()')).rows).toEqual([])
  const found = await client.query(`select key from cache.blobs where namespace = 'flushed'`)
  expect(found.rows.filter(({ key }) => gone.has(key))).toEqual([])
  await client.query(`backup cache into '${target}'`)
  const { rows } = await client.query(`show backups in '${target}'`)
  for (const { id } of rows) {
    const verified = await client.query(`restore cache from '${id}' in '${target}' with (verify_only)`)
    expect(verified.rows).toMatchObject([{ state: 'verified' }])
  }
  // What a killed one left is gone: the backup just now has taken it away, where it can tell, but for one that had not yet said whose it is.
  if (process.platform === 'linux') {
    const others = readdirSync(join(directory, 'backups'), { withFileTypes: true }).filter(
      ({ name }) => name !== 'LATEST' && !rows.some(({ id }) => id === name),
    )
    const left = others.flatMap((other) =>
      other.isDirectory() ? readdirSync(join(directory, 'backups', other.name)) : other.name,
    )
    expect(left.filter((name) => !name.startsWith('.writer.'))).toEqual([])
  }
  const stores = readdirSync(join(directory, 'data', 'l2')).filter((name) => /^(store|damaged)-/.test(name))
  expect(stores).toHaveLength(1)
  const oldest = rows.map(({ id }) => id as string).sort()
  for (const id of oldest.slice(0, -keptCount)) await client.query(`drop backup '${id}' in '${target}'`)
  await client.query('drop cache namespace if exists again')
  await client.end()
}

it('a kill in the middle of backups, restores and flushes costs neither the store nor a backup, and brings nothing back (ARC-8, ARC-10, ARC-11, L2-26)', async () => {
  for (let round = 0; round < rounds; round++) {
    const server = await Server.start()
    try {
      await inspect(server)
      await play(server, 100 + random.int(deedsMax - 100))
    } finally {
      await server.command.end()
    }
  }
  const last = await Server.start()
  try {
    await inspect(last)
    await last.end('SIGTERM')
  } finally {
    await last.command.end()
  }
  console.log(Object.fromEntries(tally))
}, 1_800_000)
