// A long mixture: rows written and read, blobs put and taken away, by clients that may be cut off, while the server is killed and
// stopped and the origin crashes. Nothing that was acknowledged is lost, and nobody reads what was before it. Every other blow falls in
// quiet times, when answers on disk can be proven and served again by the next server; the others in the middle of writes.
//
// Each row and each blob has one writer, which numbers what it does. A read may see any number from what was acknowledged when it began
// to what was begun when it ended. Rows only grow, so that what once was seen is acknowledged as well.
//
//   SEED=…        the same choices again, though not the same timing
//   --long        (npm run stress -- --long soak) forty blows instead of four; --rounds N for another number

import { afterEach, expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { type Blow, type Session, World } from './soak-world.ts'

const blowCount = Number(process.env.ROUNDS || (process.env.STRESS_LONG === '1' ? 40 : 4))
const writers = 3
/** How often a writer writes and does not read: tables that rest have hits, and those that do not have races. */
const writeShares = [0.5, 0.05, 0.01]
const rowsEach = 8
const blows: Blow[] = ['kill the server', 'kill the server', 'stop the server', 'crash the origin']
const blobsEach = 6

let world: World | undefined

afterEach(() => world?.close())

/** What was done to one thing, by number: number 0 is how it was at first. */
class Deeds {
  readonly gone = new Set<number>([0])
  begun = 0
  acknowledged = 0

  /** Fails if no number from `from` to what is begun by now fits what was read. */
  expectSeen(what: string, from: number, found: number | undefined): void {
    const fits = (number: number): boolean => (found === undefined ? this.gone.has(number) : found === number)
    for (let number = from; number <= this.begun; number++) if (fits(number)) return
    throw new Error(
      `${what}: ${found ?? 'nothing'} was read, and ${from} was acknowledged before (${this.begun} begun)`,
    )
  }
}

class Soak {
  readonly world: World
  readonly rows = Array.from({ length: writers * rowsEach }, () => new Deeds())
  readonly blobs = new Map<string, Deeds>()
  isOver = false
  answers = 0
  #generation = 0
  #isAwake: Promise<void> = Promise.resolve()
  #atAnswer: { readonly count: number; readonly resolve: () => void } | undefined

  constructor(inWorld: World) {
    this.world = inWorld
  }

  /** Resolves after so many more answers. */
  async untilAnswered(count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#atAnswer = { count: this.answers + count, resolve }
    })
  }

  /** Everybody rests while it runs; what was asked before is answered. */
  async during(quiet: () => Promise<void>): Promise<void> {
    let wake = (): void => undefined
    this.#isAwake = new Promise((resolve) => {
      wake = resolve
    })
    await quiet().finally(wake)
  }

  /** Goes on and on, in a new session when one is lost to a blow or was cut off. */
  async live(turn: (session: Session) => Promise<void>): Promise<void> {
    let session = await this.world.connect()
    while (!this.isOver) {
      await this.#isAwake
      try {
        await turn(session)
        this.answers++
        if (this.#atAnswer !== undefined && this.answers >= this.#atAnswer.count) this.#atAnswer.resolve()
      } catch (error) {
        const isExcused = session.openedAt !== this.world.blows || error instanceof CutOff
        if (error instanceof Violation || !isExcused) throw error
        await session.client.end().catch(() => undefined)
        session = await this.world.connect()
      }
    }
    await session.client.end().catch(() => undefined)
  }

  async write(random: Random, writer: number, session: Session): Promise<void> {
    if (!random.chance(writeShares[writer] as number)) return this.read(random, session)
    const id = random.int(rowsEach)
    const row = this.#row(writer, id)
    const number = ++row.begun
    // A write that was cut off may come late; it must not undo the next.
    const answer = session.client.query(`update soak_${writer} set v = $2 where id = $1 and v < $2`, [id, number])
    if (random.chance(0.05)) cutOff(session, answer)
    await answer
    row.acknowledged = Math.max(row.acknowledged, number)
  }

  async read(random: Random, { client }: Session): Promise<void> {
    const table = random.int(writers)
    const first = random.int(rowsEach)
    const last = random.chance(0.3) ? rowsEach - 1 : first
    const from = this.rows.map(({ acknowledged }) => acknowledged)
    const { rows } = await client.query<{ id: number; v: number }>(
      `select id, v from soak_${table} where id between $1 and $2 order by id`,
      [first, last],
    )
    if (rows.length !== last - first + 1) throw new Violation(`${rows.length} rows, not ${last - first + 1}`)
    for (const { id, v } of rows) {
      const row = this.#row(table, id)
      row.expectSeen(`row ${id} of soak_${table}`, from[table * rowsEach + id] as number, v)
      row.acknowledged = Math.max(row.acknowledged, v)
    }
  }

  async putOrTake(random: Random, owner: number, session: Session): Promise<void> {
    const { client } = session
    const key = `${owner}-${random.int(blobsEach)}-${this.#generation}`
    const blob = this.blobs.get(key) ?? new Deeds()
    this.blobs.set(key, blob)
    const number = ++blob.begun
    const way = random.pick(['put', 'put', 'delete', 'invalidate'])
    if (way !== 'put') blob.gone.add(number)
    const answer =
      way === 'put'
        ? client.query(`select cache.put('soak', $1, $2, tags => array[$1], durable => true)`, [key, `${number}`])
        : way === 'delete'
          ? client.query(`delete from cache.blobs where namespace = 'soak' and key = $1`, [key])
          : client.query(`invalidate cache tag '${key}'`)
    if (random.chance(0.02)) {
      // What was cut off may come late, when more has been done to the key: so nothing more is done to any of these.
      this.#generation++
      this.blobs.clear()
      cutOff(session, answer)
    }
    await answer
    blob.acknowledged = number
  }

  async get(random: Random, session: Session): Promise<void> {
    if (this.blobs.size === 0) return this.read(random, session)
    const key = random.pick([...this.blobs.keys()])
    const blob = this.blobs.get(key) as Deeds
    const from = blob.acknowledged
    blob.expectSeen(`blob ${key}`, from, await numberIn(session.client, key))
  }

  #row(table: number, id: number): Deeds {
    return this.rows[table * rowsEach + id] as Deeds
  }
}

/** The client goes away without an answer; what it asked for may be done or not. */
function cutOff({ client }: Session, answer: Promise<unknown>): never {
  answer.catch(() => undefined)
  ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  throw new CutOff()
}

class CutOff extends Error {}

/** Somebody read what nobody should. */
class Violation extends Error {}

async function numberIn(client: Session['client'], key: string): Promise<number | undefined> {
  const { rows } = await client.query<{ value: Buffer }>(
    `select value from cache.blobs where namespace = 'soak' and key = $1`,
    [key],
  )
  return rows[0] === undefined ? undefined : Number(rows[0].value.toString())
}

it(
  'nothing acknowledged is lost, and nobody reads what was before it, through kills of clients, server and origin (L2-27, L2-30, RRC-18)',
  async () => {
    const random = Random.fromEnvironment()
    world = await World.open()
    await makeTables(world)
    const soak = new Soak(world)
    const hits = { memory: 0, disk: 0 }
    const lives = Promise.all(Array.from({ length: writers }, (_, index) => livesOf(soak, index, random)).flat())
    // Whoever reads what nobody should ends the play at once.
    const orFail = <T>(step: Promise<T>): Promise<T> => Promise.race([step, lives.then(() => step)])
    for (let blow = 0; blow < blowCount; blow++) {
      await orFail(soak.untilAnswered(300 + random.int(600)))
      await orFail(blow % 2 === 0 ? strike(soak, random, hits) : soak.during(() => strike(soak, random, hits, true)))
    }
    await orFail(soak.untilAnswered(300))
    soak.isOver = true
    await lives
    await addHits(world, hits)
    await lookBack(soak, random)
    console.log(`${soak.answers} answers, hits: ${hits.memory} in memory, ${hits.disk} on disk; ${blowCount} blows`)
    expect(hits.memory).toBeGreaterThan(soak.answers / 20)
  },
  60_000 + blowCount * 20_000,
)

function livesOf(soak: Soak, index: number, random: Random): Promise<void>[] {
  const [one, two, three, four] = [1, 2, 3, 4].map((life) => random.fork(10 * index + life)) as Four
  return [
    soak.live((session) => soak.write(one, index, session)),
    soak.live((session) => soak.read(two, session)),
    soak.live((session) => soak.putOrTake(three, index, session)),
    soak.live((session) => soak.get(four, session)),
  ]
}

async function strike({ world }: Soak, random: Random, hits: Hits, isQuiet = false): Promise<void> {
  if (isQuiet) await untilProven(world)
  await expectSound(world)
  await addHits(world, hits)
  await world.strike(random.pick(blows))
}

/** What all of it came to, seen by a server that has only just started. */
async function lookBack(soak: Soak, random: Random): Promise<void> {
  await soak.world.strike('stop the server')
  const session = await soak.world.connect()
  for (const [key, blob] of soak.blobs) {
    blob.expectSeen(`blob ${key}`, blob.acknowledged, await numberIn(session.client, key))
  }
  await expectSound(soak.world)
  for (let turn = 0; turn < 200; turn++) await soak.read(random, session)
  await session.client.end()
}

/** The second tier is whole, also while others go on. */
async function expectSound(world: World): Promise<void> {
  const { client } = await world.connect()
  expect((await client.query('select * from cache.check()')).rows).toEqual([])
  await client.end()
}

/** Until what is on disk could be proven to the next server. Not for long: the origin may not have been asked where it stands. */
async function untilProven(world: World): Promise<void> {
  const { client } = await world.connect()
  const question = `select proof = 'unmoved' as is_proven from cache.l2`
  for (const endsAt = performance.now() + 3000; performance.now() < endsAt; ) {
    if ((await client.query<{ is_proven: boolean }>(question)).rows[0]?.is_proven) break
  }
  await client.end()
}

interface Hits {
  memory: number
  disk: number
}

async function addHits(world: World, hits: Hits): Promise<void> {
  const { client } = await world.connect()
  const { rows } = await client.query<{ memory: string; disk: string }>(
    'select result_hits as memory, l2_hits as disk from cache.stats',
  )
  hits.memory += Number(rows[0]?.memory)
  hits.disk += Number(rows[0]?.disk)
  await client.end()
}

type Four = [Random, Random, Random, Random]

async function makeTables({ origin }: World): Promise<void> {
  const client = await origin.connect()
  // Whatever takes a transaction id of its own accord would be a change.
  await client.query('alter system set autovacuum = off')
  await client.query('select pg_reload_conf()')
  for (let table = 0; table < writers; table++) {
    await client.query(`create table soak_${table} (id int primary key, v int not null)`)
    await client.query(`insert into soak_${table} select n, 0 from generate_series(0, ${rowsEach - 1}) n`)
  }
  await client.end()
}
