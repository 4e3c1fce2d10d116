// Random but well-framed conversations, held with Larder and with the origin itself: both must answer alike, frame by frame.
//
// The messages are of a small world (three statement names, two portals, a few texts), so that they meet: a Bind of a
// statement that was closed, an Execute in a failed transaction, a Sync in the middle of a COPY. Each side has its own
// copy of the database, and a session lives on through many conversations, with whatever they leave behind.
//
//   SEED=…          the same conversations again
//   FUZZ_ROUNDS=…   more of them

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { comparableFrames, OidNumbering } from '../../fixtures/render.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  bind,
  ConnectionClosed,
  close,
  copyData,
  copyDone,
  copyFail,
  describe as describeMessage,
  execute,
  type Frame,
  flush,
  parse,
  query,
  sync,
  WireClient,
} from '../../support/wire-client.ts'

const rounds = Number(process.env.FUZZ_ROUNDS ?? (process.env.FUZZ_LONG === '1' ? 20_000 : 1200))
const roundsPerSession = 15
const hungMs = 1000
const differencesMax = 8

let origin: TestPostgres
let admin: pg.Client
let larder: TestLarder

beforeAll(async () => {
  origin = await openTestPostgres({ parameters: { max_connections: 60 } })
  admin = await origin.connect()
  await admin.query('create database fuzz_template')
  const template = await origin.connect({ database: 'fuzz_template' })
  await template.query(schema)
  await template.end()
  larder = await openLarder({ upstream: origin.url })
})

afterAll(async () => {
  await larder?.close()
  await origin?.close()
})

const schema = `
  create table t (id int primary key, n int, s text);
  insert into t select i, i * 10, 's' || i from generate_series(1, 5) i;
  create schema other;
  create table other.t (id int primary key, n text, s int);
  insert into other.t values (1, 'one', 1);
  create table log (n int);
  create function note() returns trigger language plpgsql as
    'begin insert into log values (1); return null; end';
  create trigger note after update on t for each statement execute function note();
`

const texts = [
  'select id, n from t order by id',
  'select id, n from t order by id',
  'select n from t where id = $1',
  'select s from t where s = $1 order by id',
  'select count(*) from log',
  'select 1 as one',
  'update t set n = n + 1 where id = 1',
  'update t set s = $1 where id = 2 returning s',
  'insert into t values (1, 1, null)',
  'select 1 / 0',
  'select 10 / (id - 3) from t order by id',
  'selec',
  '',
  'begin',
  'commit',
  'rollback',
  'savepoint a',
  'rollback to a',
  "set timezone = 'Asia/Tokyo'",
  'reset timezone',
  "select timestamptz '2026-01-01 00:00+00' as at, n from t where id = 1",
  'copy t to stdout',
  'copy log from stdin',
  'deallocate all',
  'truncate log',
  'select nothing from t',
  'select * from t order by id limit 2',
  'alter table t add column if not exists x int default 7',
  'alter table t drop column if exists x',
  'set search_path = other, public',
  'reset search_path',
]

const strings = [
  ...texts.filter((text) => !text.includes('$')),
  'select 1; select 2',
  'update t set n = 0; select n from t order by id; commit',
  'begin; update t set n = 5 where id = 2; select 1 / 0',
  'select n from t where id = 1; select count(*) from log',
  'listen x',
]

interface Step {
  readonly name: string
  readonly bytes: Buffer
}

type Conversation = readonly Step[]

function makeConversation(random: Random): Conversation {
  const steps: Step[] = []
  for (let count = 1 + random.int(10); count > 0; count--) {
    addMessage(random, (name, bytes) => steps.push({ name, bytes }))
  }
  return steps
}

function addMessage(random: Random, say: (name: string, bytes: Buffer) => unknown): void {
  const statement = random.pick(['', '', 's1', 's2'])
  const portal = random.pick(['', '', 'p1', 'p2'])
  const values = random.pick<readonly (string | null)[]>([[], [], ['1'], ['2'], ['s3'], [null], ['1', '2']])
  const formats = random.pick<readonly number[]>([[], [], [1], [0, 1]])
  const limit = random.pick([0, 0, 0, 2])
  const dice = random.int(15)
  if (dice < 2) {
    const text = random.pick(strings)
    say(`query ${text}`, query(text))
  } else if (dice < 4) {
    const text = random.pick(texts)
    say(`parse ${statement}: ${text}`, parse(statement, text))
  } else if (dice === 4) {
    const bytes = bind({ portal, statement, values, resultFormats: formats })
    say(`bind "${portal}" of "${statement}" (${values}) [${formats}]`, bytes)
  } else if (dice === 5) {
    say(`describe statement "${statement}"`, describeMessage('S', statement))
  } else if (dice === 6) {
    say(`describe portal "${portal}"`, describeMessage('P', portal))
  } else if (dice === 7) {
    say(`execute "${portal}" limit ${limit}`, execute(portal, limit))
  } else if (dice === 8) {
    const kind = random.pick(['S', 'P'] as const)
    const name = kind === 'S' ? statement : portal
    say(`close ${kind} "${name}"`, close(kind, name))
  } else if (dice === 9) {
    say('sync', sync())
  } else if (dice === 10) {
    if (random.chance(0.5)) say('flush', flush())
    else say('copy data', copyData('7\n'))
  } else if (dice > 12) {
    addGroup(random, say)
  } else if (dice === 11) {
    if (random.chance(0.5)) say('copy done', copyDone())
    else say('copy fail', copyFail('no'))
  } else {
    // What a driver would say, so that conversations also succeed.
    const text = random.pick(texts)
    const bound = text.includes('$1') ? [random.pick(['1', '2', 's2'])] : []
    const resultFormats = formats.slice(0, 1)
    const batch = [
      parse(statement, text),
      bind({ portal, statement, values: bound, resultFormats }),
      describeMessage('P', portal),
      execute(portal, limit),
      sync(),
    ]
    say(`all of "${statement}"/"${portal}": ${text} (${bound}) [${resultFormats}] limit ${limit}`, Buffer.concat(batch))
  }
}

/** Several statements and portals before one Sync, mostly sound, in an order that need not be. */
function addGroup(random: Random, say: (name: string, bytes: Buffer) => unknown): void {
  const names = ['', 'a', 'b', 'c'].slice(0, 2 + random.int(3))
  const moves: [string, Buffer][] = []
  for (const name of names) {
    const text = random.pick(texts)
    if (random.chance(0.8)) moves.push([`parse ${name}: ${text}`, parse(name, text)])
    const values = text.includes('$1') ? ['1'] : []
    if (random.chance(0.9))
      moves.push([`bind "${name}" of "${name}" (${values})`, bind({ portal: name, statement: name, values })])
  }
  for (let count = 1 + random.int(6); count > 0; count--) {
    const name = random.pick(names)
    const limit = random.chance(0.2) ? 1 : 0
    const move: [string, Buffer][] = [
      [`describe portal "${name}"`, describeMessage('P', name)],
      [`describe statement "${name}"`, describeMessage('S', name)],
      [`execute "${name}" limit ${limit}`, execute(name, limit)],
      [`execute "${name}" limit ${limit}`, execute(name, limit)],
      [`execute "${name}" limit ${limit}`, execute(name, limit)],
    ]
    moves.push(random.pick(move))
  }
  if (random.chance(0.15)) moves.splice(random.int(moves.length), 0, ['flush', flush()])
  for (const [name, bytes] of moves) say(name, bytes)
  say('sync', sync())
}

// Ends whatever a conversation left open: a COPY by CopyFail (ignored elsewhere), a batch by Sync, a transaction by
// ROLLBACK. Then asks for a mark, so that we know when all is said.
async function hold(client: WireClient, conversation: Conversation, mark: string, random: Random): Promise<string[]> {
  const ending = [copyFail('over'), sync(), query(`rollback; select '${mark}' as mark`)]
  await sendInPieces(client, Buffer.concat([...conversation.map(({ bytes }) => bytes), ...ending]), random)
  let marked = false
  const seen: Frame[] = []
  const frames = await orHung(
    client.receive((frame) => {
      seen.push(frame)
      if (frame.type === 'D' && frame.bytes.includes(mark)) marked = true
      return frame.type === 'Z' && marked
    }),
    seen,
  ).catch((error: unknown) => {
    if (error instanceof ConnectionClosed) return [...error.frames, endFrame('closed')]
    throw error
  })
  return comparableFrames(frames.filter(isComparable), new OidNumbering(), false)
}

/** No answer in a while is an answer too: it ends the session, as a close does. */
async function orHung(answer: Promise<Frame[]>, seen: readonly Frame[]): Promise<Frame[]> {
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<Frame[]>((resolve) => {
    timer = setTimeout(() => resolve([...seen, endFrame('hung')]), hungMs)
  })
  return Promise.race([answer, hung]).finally(() => clearTimeout(timer))
}

function endFrame(how: 'closed' | 'hung'): Frame {
  return { type: 'X', bytes: Buffer.from(`X\0\0\0\0${how}`) }
}

// The line of PostgreSQL's source is no part of the answer, and our own errors have none.
function isComparable(frame: Frame): boolean {
  return frame.type !== 'K'
}

async function sendInPieces(client: WireClient, bytes: Buffer, random: Random): Promise<void> {
  if (random.chance(0.6)) return client.send(bytes)
  let at = 0
  while (at < bytes.length) {
    const size = 1 + random.int(random.chance(0.3) ? 5 : 80)
    client.send(bytes.subarray(at, at + size))
    at += size
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

describe('a random conversation', () => {
  it(
    'is answered by Larder as by the origin',
    async () => {
      const random = Random.fromEnvironment()
      const differences: string[] = []
      for (let session = 0; session < Math.ceil(rounds / roundsPerSession); session++) {
        const difference = await holdSession(random.fork(session))
        if (difference !== undefined) differences.push(difference)
        if (differences.length === differencesMax) break
      }
      expect(differences.join('\n\n')).toBe('')
    },
    120_000 + rounds * 100,
  )
})

/** Conversations in one session, until one is answered differently: then what is left of the story when it is made short. */
async function holdSession(random: Random): Promise<string | undefined> {
  const past: Conversation[] = []
  const pair = await Pair.open(random)
  try {
    for (let round = 0; round < roundsPerSession; round++) {
      past.push(makeConversation(random))
      const difference = await pair.hold(past[round] as Conversation, round)
      if (difference === 'both closed') return undefined
      if (difference === 'both without a word') return (await falls()) ? await fellStraight(past, random) : undefined
      if (difference !== undefined) return await shorten(past, difference, random)
    }
    return undefined
  } finally {
    pair.close()
  }
}

/**
 * PostgreSQL itself has fallen, with all its sessions: by what it was sent (describing a portal that a failed transaction left behind fells 18.4),
 * which is no difference if the same fells it when nobody stands before it.
 */
async function fellStraight(past: readonly Conversation[], random: Random): Promise<string | undefined> {
  await connectAgain()
  const name = `fuzz_straight_${Date.now()}`
  await admin.query(`create database ${name} template fuzz_template`)
  const { host, port } = origin.target
  const client = await WireClient.connect({ host, port, user: 'postgres', database: name })
  let answered: readonly string[] = []
  for (const [round, conversation] of past.entries())
    answered = await hold(client, conversation, `mark-${round}`, random.fork(round))
  client.destroy()
  if (!isSilent(answered) || !(await falls())) return '  the origin fell, and straight the same does not fell it'
  await connectAgain()
  return undefined
}

/** True if all its sessions end now; those that it ends alone have ended before. */
async function falls(): Promise<boolean> {
  for (const untilMs = performance.now() + 1000; performance.now() < untilMs; ) {
    if (
      await admin.query('select pg_sleep(0.02)').then(
        () => false,
        () => true,
      )
    )
      return true
  }
  return false
}

/** To its next life. */
async function connectAgain(): Promise<void> {
  const connected = async (): Promise<boolean> => {
    admin = await origin.connect()
    return true
  }
  await expect.poll(() => connected().catch(() => false), { timeout: 30_000, interval: 20 }).toBe(true)
}

/** It says a last word to whom it ends, but when it falls. */
function isSilent(frames: readonly string[]): boolean {
  return endsClosed(frames) && frames.at(-2)?.startsWith('E SFATAL') !== true
}

/** The last conversation alone if that is enough, with every message left out that is not needed. */
async function shorten(past: readonly Conversation[], difference: string, random: Random): Promise<string> {
  const play = async (conversations: readonly Conversation[]): Promise<string | undefined> => {
    const pair = await Pair.open(random)
    try {
      for (const [round, conversation] of conversations.entries()) {
        const found = await pair.hold(conversation, round)
        if (found !== undefined && !found.startsWith('both ')) return found
      }
      return undefined
    } finally {
      pair.close()
    }
  }
  let shortest = past
  let found = difference
  const alone = await play(past.slice(-1))
  if (alone !== undefined) {
    found = alone
    shortest = past.slice(-1)
  }
  for (let at = 0; at < shortest.length; at++) {
    for (let index = (shortest[at] as Conversation).length - 1; index >= 0; index--) {
      const shorter = shortest.map((each, which) => (which === at ? each.toSpliced(index, 1) : each))
      const still = await play(shorter)
      if (still === undefined) continue
      shortest = shorter
      found = still
    }
  }
  const told = shortest.filter((each) => each.length > 0).map((each) => each.map(({ name }) => `  ${name}`).join('\n'))
  return `${told.join('\n  --\n')}\n${found}`
}

/** The same database twice, and a session on each: one through Larder, one straight. */
class Pair {
  static #count = 0
  readonly #ours: WireClient
  readonly #theirs: WireClient
  readonly #random: Random

  private constructor(ours: WireClient, theirs: WireClient, random: Random) {
    this.#ours = ours
    this.#theirs = theirs
    this.#random = random
  }

  static async open(random: Random): Promise<Pair> {
    const name = `fuzz_${Pair.#count++}`
    for (const side of ['ours', 'theirs']) await admin.query(`create database ${name}_${side} template fuzz_template`)
    const { host, port } = origin.target
    const ours = await WireClient.connect({ ...larder, user: 'postgres', database: `${name}_ours` })
    const theirs = await WireClient.connect({ host, port, user: 'postgres', database: `${name}_theirs` })
    return new Pair(ours, theirs, random)
  }

  /** How the answers differ, if they do. */
  async hold(conversation: Conversation, round: number): Promise<string | undefined> {
    const mark = `mark-${round}`
    const [answered, expected] = await Promise.all([
      hold(this.#ours, conversation, mark, this.#random.fork(round)),
      hold(this.#theirs, conversation, mark, this.#random.fork(round)),
    ])
    // An origin that breaks the connection off may take its last words with it, and Larder says why it closes too.
    if (endsClosed(answered) && endsClosed(expected)) return isSilent(expected) ? 'both without a word' : 'both closed'
    if (JSON.stringify(answered) === JSON.stringify(expected)) return undefined
    return `  answered: ${outline(answered)}\n  expected: ${outline(expected)}`
  }

  close(): void {
    this.#ours.destroy()
    this.#theirs.destroy()
  }
}

function endsClosed(frames: readonly string[]): boolean {
  return frames.at(-1)?.endsWith('closed') === true
}

function outline(frames: readonly string[]): string {
  return frames
    .map((frame) => (frame.startsWith('E') ? (/C[0-9A-Z]{5}/.exec(frame)?.[0] ?? frame) : frame.slice(0, 40)))
    .join(' · ')
}
