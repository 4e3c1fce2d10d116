// Hostile bytes against the listening server. Whatever comes: an error with a SQLSTATE or a closed connection, never a
// crash, never a byte of somebody else's session, and the sessions beside it go on as if nothing had happened.
//
//   SEED=… the same attacks again, HOSTILE_ROUNDS=… more of them. A failure prints its bytes as a file for the corpus.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  bind,
  close,
  copyData,
  describe as describeMessage,
  execute,
  parse,
  query,
  startup,
  sync,
  WireClient,
} from '../../support/wire-client.ts'
import { type Case, readCorpus, renderCase } from './corpus.ts'
import { type Attack, attack, type Reaction, type Target } from './hostile-connection.ts'

const rounds = Number(process.env.HOSTILE_ROUNDS ?? (process.env.FUZZ_LONG === '1' ? 10_000 : 400))
const canary = 'canary-7f3a9c'
const startupTimeoutMs = 400

let origin: TestPostgres
let larder: TestLarder
let neighbour: WireClient
let straightNeighbour: WireClient
let throughLarder: Target
let straight: Target

beforeAll(async () => {
  origin = await openTestPostgres({ parameters: { max_connections: 100 } })
  const admin = await origin.connect()
  await admin.query(`create table secret (word text); insert into secret values ('${canary}')`)
  larder = await openLarder({ upstream: origin.url, settings: { startup_timeout: `${startupTimeoutMs}ms` } })
  neighbour = await WireClient.connect({ ...larder, user: 'postgres', database: 'postgres' })
  await theNeighbourIsWell()
  throughLarder = { ...larder, roundTrip: () => neighbour.query('select random() from secret') }
  const { host, port } = origin.target
  straightNeighbour = await WireClient.connect({ host, port, user: 'postgres', database: 'postgres' })
  const socket = host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : host
  straight = { host: socket, port, roundTrip: () => straightNeighbour.query('select 1') }
})

afterAll(async () => {
  neighbour?.destroy()
  straightNeighbour?.destroy()
  await larder?.close()
  await origin?.close()
})

describe('a kept case', () => {
  for (const each of readCorpus()) {
    it(`${each.file}: ${each.name}`, async () => {
      const reaction = await attack(throughLarder, each, (so) => faultOf(each, so) === undefined)
      expect(faultOf(each, reaction)).toBeUndefined()
      await judge(each, reaction)
    })
  }
})

describe('the origin', () => {
  // What the corpus expects is what PostgreSQL does; where it says `any`, PostgreSQL has its own way.
  for (const each of readCorpus().filter(({ started }) => started)) {
    it(`takes ${each.file} as the corpus says`, async () => {
      const reaction = await attack(straight, each, (so) => faultOf(each, so) === undefined)
      expect(faultOf(each, reaction)).toBeUndefined()
    })
  }
})

describe('random attacks', () => {
  it(
    'harm nobody',
    async () => {
      const random = Random.fromEnvironment()
      for (let round = 0; round < rounds; round++) {
        const it = makeAttack(random.fork(round), round)
        await judge(it, await attack(throughLarder, it))
      }
    },
    60_000 + rounds * 1000,
  )
})

describe('a start-up', () => {
  it('that never ends is ended', async () => {
    const client = await WireClient.open(larder.host, larder.port)
    const bytes = startup({ user: 'postgres', database: 'postgres' })
    client.send(bytes.subarray(0, bytes.length - 3))
    const before = performance.now()
    await client.whenClosed()
    expect(performance.now() - before).toBeGreaterThan(startupTimeoutMs / 2)
    await theNeighbourIsWell()
  })

  it('may come together with the first statement', async () => {
    const client = await WireClient.open(larder.host, larder.port)
    client.send(Buffer.concat([startup({ user: 'postgres', database: 'postgres' }), query('select 1 as one')]))
    await client.receiveBatch()
    const { frames } = await client.receiveBatch()
    expect(frames.map(({ type }) => type).join('')).toContain('TDCZ')
    client.destroy()
  })

  it('may come byte by byte', async () => {
    const client = await WireClient.open(larder.host, larder.port)
    for (const byte of startup({ user: 'postgres', database: 'postgres' })) {
      client.send(Buffer.from([byte]))
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    await client.receiveBatch()
    expect(await client.rows('select 1')).toEqual([['1']])
    client.destroy()
  })

  it('of two hundred connections that say nothing leaves room for one that speaks', async () => {
    const silent = await Promise.all(Array.from({ length: 200 }, () => WireClient.open(larder.host, larder.port)))
    const client = await WireClient.connect({ ...larder, user: 'postgres', database: 'postgres' })
    expect(await client.rows('select 1')).toEqual([['1']])
    client.destroy()
    await Promise.all(silent.map((each) => each.whenClosed()))
  })
})

async function judge(it: Attack, reaction: Reaction): Promise<void> {
  const story = `\n${renderCase(it)}`
  expect(reaction.bytes.includes(canary), `a byte of another session came back${story}`).toBe(false)
  expect(neighbour.closed, `the neighbour was thrown out${story}`).toBe(false)
  await theNeighbourIsWell().catch((error: unknown) => {
    throw new Error(`the neighbour is not well: ${error}${story}`)
  })
}

/** A session beside the attacked one reads its secret, from memory as from the origin. */
async function theNeighbourIsWell(): Promise<void> {
  expect(await neighbour.rows('select word from secret')).toEqual([[canary]])
  expect(await neighbour.rows('select word, random() < 2 from secret')).toEqual([[canary, 't']])
}

/** What is wrong with a reaction, by what the case expects. */
function faultOf({ sqlstate, closes }: Case, { errors, closed, types }: Reaction): string | undefined {
  if (sqlstate === 'none' && errors.length > 0) return `errors came: ${errors}`
  if (sqlstate !== 'any' && sqlstate !== 'none' && !errors.includes(sqlstate))
    return `no ${sqlstate} in ${types} (${errors})`
  if (closes !== undefined && closes !== closed) return `${closed ? 'closed' : 'left open'} after ${types}`
  return undefined
}

function makeAttack(random: Random, round: number): Attack {
  const started = random.chance(0.7)
  const valid = started
    ? [
        query('select word from nothing'),
        parse('a', 'select $1::text'),
        bind({ statement: 'a', values: ['x'] }),
        describeMessage('S', 'a'),
        execute(),
        close('S', 'a'),
        copyData('x'),
        sync(),
        query('select 1'),
        query('begin'),
        query('copy secret from stdin'),
      ]
    : [
        startup({ user: 'postgres', database: 'postgres' }),
        startup({ user: 'nobody' }),
        Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]),
      ]
  const writes = Array.from({ length: 1 + random.int(5) }, () => {
    const dice = random.int(5)
    if (dice === 0) return random.bytes(1 + random.int(200))
    const bytes = Buffer.from(random.pick(valid))
    if (dice === 1) return bytes.subarray(0, 1 + random.int(bytes.length))
    if (dice === 2) return mutate(bytes, random)
    if (dice === 3) return stretch(bytes, random, started)
    return bytes
  })
  return { name: `random attack ${round}`, started, writes, end: random.chance(0.5) }
}

function mutate(bytes: Buffer, random: Random): Buffer {
  for (let count = 1 + random.int(4); count > 0; count--) bytes[random.int(bytes.length)] = random.int(256)
  return bytes
}

/** A length that lies. */
function stretch(bytes: Buffer, random: Random, typed: boolean): Buffer {
  const at = typed ? 1 : 0
  bytes.writeInt32BE(random.pick([-1, 0, 3, 4, 5, 2 ** 31 - 1, 2 ** 30, bytes.length + 7, -(2 ** 31)]), at)
  return bytes
}
