// The stress harness: many sessions read and write through one address, and every answer is checked against a ledger.
//
// Readers are paced by nothing but the answers. Half of what they ask comes from a small set that changes now and then,
// the rest from everywhere, so that there is something to hit and nothing is left out. Writers wait until so many reads were made since their last write: with
// a write always under way every hit would be suspended, and a check that never sees a hit proves nothing (`hits`).
// At the end, when all is quiet, everything a reader may ask is asked twice through the address and once straight.

import { Random } from '../../src/base/index.ts'
import { ConnectionClosed, errorOf, sync, WireClient, type WireTarget } from '../support/wire-client.ts'
import { type Group, keyCount, keys, Ledger } from './ledger.ts'
import { type ReadShape, readShapes, tenantShape } from './reads.ts'
import { emptyReport, type Flow, flows, type Level, type Report, rowsOfBatch, StressSession } from './stress-session.ts'
import { pickWrite } from './writes.ts'

export interface StressOptions {
  /** Where the sessions connect. */
  readonly server: Pick<WireTarget, 'host' | 'port'>
  /** The origin itself, for the comparison at the end. */
  readonly origin: Pick<WireTarget, 'host' | 'port'>
  readonly seed: number
  readonly sessions: number
  /** Ends after so many reads, or after so many seconds if that is later than never. */
  readonly reads: number
  readonly seconds?: number | undefined
  /** Reads between two writes of one writer. */
  readonly pace?: number
  /** So many sessions write straight at the origin. */
  readonly strangers?: number
  /** Resolves when the server has heard of what was committed there so far. */
  readonly heard?: () => Promise<void>
  /** Levels of the sessions, in turn; without them nothing is said of the order in which what strangers write is seen. */
  readonly levels?: readonly Level[]
  /** Writes move little, and readers ask for what belongs together: for what hides in the order of answers. */
  readonly isCalm?: boolean
  /** How often writes through the server make everything void, of how often they would by their weights: less, and more is hit. */
  readonly sweepShare?: number
  /** Makes trouble again and again; `untilReads` resolves when so many more answers were seen. */
  readonly disturb?: (untilReads: (count: number) => Promise<void>) => Promise<void>
  /** Cuts the connection of a writer by this name, so that its outcome is unknown; called now and then. */
  readonly cut?: (name: string) => void
  /** Ends at once when so many violations were seen. */
  readonly violationsMax?: number
  /** Ends only with violations that say each of these, or with the reads. */
  readonly kinds?: readonly string[]
}

export interface StressOutcome extends Report {
  readonly writes: number
  readonly aborts: number
  /** Connections that were lost on purpose. */
  readonly lost: number
  readonly hitShare: number
  readonly seconds: number
}

/** Of the writes of a session that may be cut, how many are. */
const cutShare = 0.2
const hotCount = 6
/** Reads after which another set is hot. */
const hotReads = 300

export async function stress(options: StressOptions): Promise<StressOutcome> {
  const run = new Run(options)
  return run.carryOut()
}

export function describeOutcome(outcome: StressOutcome): string {
  const verdicts = [...outcome.verdicts].sort(([, left], [, right]) => right - left).slice(0, 12)
  return [
    `${outcome.reads} reads, ${outcome.hits} hits (${(outcome.hitShare * 100).toFixed(1)} %), ${outcome.writes} writes, ` +
      `${outcome.aborts} aborts, ${outcome.lost} lost, ${outcome.naturalErrors} natural errors, ${outcome.seconds.toFixed(1)} s, ` +
      `${outcome.violations.length} violations`,
    verdicts.map(([verdict, count]) => `${verdict} ${count}`).join(', '),
    ...outcome.violations.slice(0, 20),
  ].join('\n')
}

class Run {
  readonly #options: StressOptions
  readonly #random: Random
  readonly #ledger = new Ledger()
  readonly #report = emptyReport()
  #paceWaiters: { readonly at: number; readonly wake: () => void }[] = []
  readonly #startedAt = performance.now()
  #hot: (readonly [shape: ReadShape, key: number, flow: Flow])[] = []
  #hotTurn = -1
  #lost = 0

  constructor(options: StressOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
  }

  async carryOut(): Promise<StressOutcome> {
    const count = this.#options.sessions
    const writerCount = Math.max(2, Math.round(count / 6))
    const tenantCount = Math.max(2, Math.round(count / 8))
    const roles = Array.from({ length: count }, (_, index) =>
      index < writerCount ? 'writer' : index < writerCount + tenantCount ? 'tenant' : 'reader',
    )
    const sessions = await Promise.all(roles.map((role, index) => this.#open(role, index)))
    const strangers = await Promise.all(
      Array.from({ length: this.#options.strangers ?? 0 }, (_, index) => this.#open('stranger', count + index)),
    )
    await Promise.all([
      ...sessions.map((session, index) => this.#act(roles[index] as string, session)),
      ...strangers.map((session) => this.#act('stranger', session)),
      this.#disturb(),
    ])
    await this.#options.heard?.()
    if (this.#report.violations.length === 0) await this.#compareAtTheEnd(sessions[count - 1] as StressSession)
    for (const session of [...sessions, ...strangers]) await session.client.close()
    const { reads, hits } = this.#report
    return {
      ...this.#report,
      writes: this.#ledger.writeCount,
      aborts: this.#ledger.abortCount,
      lost: this.#lost,
      hitShare: reads === 0 ? 0 : hits / reads,
      seconds: (performance.now() - this.#startedAt) / 1000,
    }
  }

  async #open(role: string, index: number): Promise<StressSession> {
    const isStranger = role === 'stranger'
    const { host, port } = isStranger ? this.#options.origin : this.#options.server
    const target: WireTarget = {
      ...{ host, port },
      user: role === 'tenant' ? 'stress_tenant' : 'postgres',
      database: 'postgres',
      parameters: { application_name: `${role}-${index}` },
    }
    const mayBeCut = role === 'writer' && this.#options.cut !== undefined
    const session = await StressSession.open(target, this.#random.fork(index), this.#ledger, this.#report, mayBeCut)
    const { levels } = this.#options
    if (levels !== undefined && !isStranger) await session.ask(levels[index % levels.length] as Level)
    session.isCalm = this.#options.isCalm ?? false
    session.sweepShare = this.#options.sweepShare ?? 1
    if (isStranger) session.heard = this.#options.heard
    return session
  }

  async #act(role: string, session: StressSession): Promise<void> {
    while (!this.#isOver()) {
      await this.#undertake(role, session).catch((error: unknown) => {
        if (!session.mayBeCut || !(error instanceof ConnectionClosed)) throw error
        this.#lost += 1
        return reopened(session)
      })
      this.#wakeWriters()
    }
    this.#wakeWriters()
  }

  async #disturb(): Promise<void> {
    const { disturb } = this.#options
    if (disturb === undefined) return
    while (!this.#isOver()) await disturb((count) => this.#untilReads(this.#report.reads + count))
  }

  async #undertake(role: string, session: StressSession): Promise<void> {
    if (role === 'writer' || role === 'stranger') await this.#write(session)
    else if (role === 'tenant') await readAsTenant(session)
    else await this.#read(session)
    await session.tidy()
  }

  async #write(session: StressSession): Promise<void> {
    const writing = pickWrite(session).run(session)
    if (session.mayBeCut && session.random.chance(cutShare)) {
      // Somewhere among its round trips: how many others have had an answer meanwhile is as good a clock as any.
      void this.#untilReads(this.#report.reads + session.random.int(4)).then(() => this.#options.cut?.(session.name))
    }
    await writing
    await session.tidy()
    // What a writer reads next is its own write as often as not.
    if (session.random.chance(0.5) && session.heard === undefined) await readOne(session)
    const pace = (this.#options.pace ?? 20) * (1 + session.random.int(3))
    await this.#untilReads(this.#report.reads + pace)
  }

  async #read(session: StressSession): Promise<void> {
    if (this.#options.isCalm && session.random.chance(0.7)) return readTogether(session)
    const dice = session.random.next()
    if (dice < 0.5) await this.#readHot(session)
    else if (dice < 0.86) await readOne(session)
    else if (dice < 0.93) await readPipelined(session)
    else if (dice < 0.97) await readInBlock(session)
    else if (dice < 0.985) await readInOneTransaction(session)
    else await pickWrite(session).run(session)
  }

  async #readHot(session: StressSession): Promise<void> {
    const turn = Math.floor(this.#report.reads / hotReads)
    if (turn !== this.#hotTurn) {
      this.#hotTurn = turn
      this.#hot = Array.from({ length: hotCount }, () => [...pickShape(session), session.random.pick(flows)] as const)
    }
    const [shape, key, flow] = session.random.pick(this.#hot)
    await session.read(shape, key, flow)
  }

  #isOver(): boolean {
    const { reads, seconds, violationsMax = 50, kinds = [] } = this.#options
    const { violations } = this.#report
    const isSeen = (kind: string) => violations.some((each) => each.includes(kind))
    if (violations.length >= violationsMax && kinds.every(isSeen)) return true
    if (seconds !== undefined) return performance.now() - this.#startedAt >= seconds * 1000
    return this.#report.reads >= reads
  }

  #untilReads(at: number): Promise<void> {
    if (this.#isOver()) return Promise.resolve()
    return new Promise((wake) => this.#paceWaiters.push({ at, wake }))
  }

  #wakeWriters(): void {
    const reads = this.#isOver() ? Number.POSITIVE_INFINITY : this.#report.reads
    const due = this.#paceWaiters.filter(({ at }) => at <= reads)
    this.#paceWaiters = this.#paceWaiters.filter(({ at }) => at > reads)
    for (const { wake } of due) wake()
  }

  async #compareAtTheEnd(session: StressSession): Promise<void> {
    const straight = await WireClient.connect({ ...this.#options.origin, user: 'postgres', database: 'postgres' })
    for (const shape of readShapes) {
      for (const key of shape.keyed ? keys : [0]) {
        const truth = JSON.stringify(rowsOfBatch(await straight.query(shape.sql.replaceAll('$1', String(key)))))
        for (const flow of flows) {
          const rows = JSON.stringify(await session.read(shape, key, flow))
          if (rows !== truth) session.violation(`at the end, ${shape.name}, key ${key}, ${flow}: ${rows}, not ${truth}`)
        }
      }
    }
    await straight.close()
  }
}

function pickShape(session: StressSession): readonly [shape: ReadShape, key: number] {
  // Low keys more often, so that there is something to hit.
  return [session.random.pick(readShapes), 1 + Math.floor(keyCount * session.random.next() ** 2)]
}

async function readOne(session: StressSession): Promise<void> {
  const [shape, key] = pickShape(session)
  await session.read(shape, key)
}

/** What one transaction writes, in several answers: none of them may show less than one before it. */
async function readTogether(session: StressSession): Promise<void> {
  const group = session.random.pick(['kv', 'kv', 'function', 'cascade', 'deferred'] as const)
  const shapes = readShapes.filter((shape) => shape.group === group)
  const key = 1 + session.random.int(3)
  for (let count = 4; count > 0; count--) await session.read(session.random.pick(shapes), key)
}

/** Several reads on the way at once, each with its own Sync. */
async function readPipelined(session: StressSession): Promise<void> {
  const pending = Array.from({ length: 2 + session.random.int(5) }, () => {
    const [shape, key] = pickShape(session)
    return session.pend(shape, key, session.random.pick(flows))
  })
  session.client.send(Buffer.concat(pending.map(({ bytes }) => bytes)))
  for (const each of pending) session.judge(each, await session.client.receiveBatch())
}

/** A READ COMMITTED block: each statement sees what was acknowledged before it. */
async function readInBlock(session: StressSession): Promise<void> {
  await session.say('begin')
  for (let count = 1 + session.random.int(3); count > 0; count--) await readOne(session)
  await session.say(session.random.pick(['commit', 'rollback']))
}

/** One snapshot: what it shows may grow old, but never changes. */
async function readInOneTransaction(session: StressSession): Promise<void> {
  const floors = new Map<Group, readonly number[]>()
  const floorOf = (group: Group): readonly number[] => floors.get(group) ?? []
  for (const { group } of readShapes) floors.set(group, session.ledger.floor(group))
  await session.say(`begin isolation level ${session.random.pick(['repeatable read', 'serializable'])}`)
  const chosen = Array.from({ length: 3 }, () => pickShape(session)).filter(([{ group }]) => isTransactional(group))
  const first: string[] = []
  for (const round of [1, 2]) {
    for (const [index, [shape, key]] of chosen.entries()) {
      const rows = await session.read(
        shape,
        key,
        session.random.pick<Flow>(['simple', 'prepared']),
        floorOf(shape.group),
      )
      if (round === 1) first.push(JSON.stringify(rows))
      else if (rows.length > 0 && first[index] !== JSON.stringify(rows)) {
        session.violation(`one snapshot, two answers of ${shape.name}: ${first[index]} and ${JSON.stringify(rows)}`)
      }
    }
  }
  await session.say('commit')
}

/** Sequences and catalogue objects follow no snapshot, and TRUNCATE and a refresh are not visible to older ones as rows. */
function isTransactional(group: Group): boolean {
  return !/^(sequence|ddl|truncate|matview)/.test(group)
}

/** A tenant never sees another's rows, whichever setting it used a moment ago. */
async function readAsTenant(session: StressSession): Promise<void> {
  const tenant = 1 + session.random.int(2)
  const local = session.random.chance(0.3)
  if (local) await session.say('begin')
  const change = session.random.pick([
    `set ${local ? 'local ' : ''}app.tenant = '${tenant}'`,
    `select set_config('app.tenant', '${tenant}', ${local})`,
  ])
  await session.say(change)
  for (let count = 2; count > 0; count--) {
    const rows = await session.read(tenantShape, 0)
    const foreign = rows.find((row) => row[tenantShape.tenantColumn] !== tenant)
    if (foreign !== undefined) session.violation(`tenant ${tenant} sees a row of tenant ${foreign[2]}`)
  }
  if (!local) return
  await session.say(session.random.pick(['commit', 'rollback']))
  const after = await session.client.exchange(sync())
  if (errorOf(after) !== undefined) session.violation('a Sync alone failed')
}

/** A cut that was meant for the connection before may hit the new one while it is being opened. */
async function reopened(session: StressSession): Promise<void> {
  for (;;) {
    try {
      return await session.reopen()
    } catch (error) {
      if (!(error instanceof ConnectionClosed)) throw error
    }
  }
}
