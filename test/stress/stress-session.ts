// One client of the harness: says statements in every protocol and checks what each read shows.
//
// A read is judged when its answer is there, against what held when it was sent:
//   - nothing older than what was acknowledged to anybody before            (stale)
//   - nothing older than what this session has seen itself, in any table
//     that the same transaction wrote, nor than what the writers of all that had seen    (backwards)
//   - nothing rolled back, nothing uncommitted                               (dirty)
//   - parts of one transaction agree, and no row is missing                  (torn)

import type { Random } from '../../src/base/index.ts'
import {
  type Batch,
  bind,
  describe,
  errorOf,
  execute,
  type Frame,
  fieldsOf,
  parameterStatusOf,
  parse,
  query,
  sqlstateOf,
  sync,
  valuesOf,
  WireClient,
  type WireTarget,
} from '../support/wire-client.ts'
import { type Floor, type Group, type Ledger, placeCount, placeOf, type Target } from './ledger.ts'
import type { ReadShape, Rows } from './reads.ts'

/** What a session asks of answers from memory; of none of them where it is not said. */
export type Level = 'eventual' | 'bounded' | 'session' | 'strict'
export const boundMs = 20

export type Flow = 'simple' | 'extended' | 'prepared' | 'binary'
export const flows: readonly Flow[] = ['simple', 'extended', 'prepared', 'binary']

/** What PostgreSQL itself may answer under concurrency: serialization, deadlock, changed row type of a prepared read. */
const naturalErrors = new Set(['40001', '40P01', '0A000'])

export interface Report {
  reads: number
  hits: number
  naturalErrors: number
  readonly verdicts: Map<string, number>
  readonly violations: string[]
}

export function emptyReport(): Report {
  return { reads: 0, hits: 0, naturalErrors: 0, verdicts: new Map(), violations: [] }
}

/** A read that was sent and waits for its answer. */
export interface Pending {
  readonly shape: ReadShape
  readonly key: number
  readonly flow: Flow
  readonly floor: Floor
  readonly bytes: Buffer
}

export class StressSession {
  readonly name: string
  client: WireClient
  /** Whether its connection may be lost at any moment. */
  readonly mayBeCut: boolean
  readonly random: Random
  readonly ledger: Ledger
  readonly report: Report
  /** The version this session's open transaction has written. */
  ownVersion: number | undefined
  /** By `placeOf`. */
  readonly #seen = new Int32Array(placeCount)
  readonly #prepared = new Set<string>()
  #status = 'I'
  #failed = false

  readonly #target: WireTarget
  /** It writes past the server under test: resolves when that has heard of what was committed so far. */
  heard: (() => Promise<void>) | undefined
  /** Versions whose end is not known yet. */
  #opened: number[] = []
  /** It writes only what moves little. */
  isCalm = false
  /** StressOptions.sweepShare. */
  sweepShare = 1
  /** What it has asked for, where strangers write. */
  level: Level | undefined

  private constructor(
    target: WireTarget,
    client: WireClient,
    random: Random,
    ledger: Ledger,
    report: Report,
    mayBeCut: boolean,
  ) {
    this.name = target.parameters?.application_name ?? 'session'
    this.#target = target
    this.mayBeCut = mayBeCut
    this.client = client
    this.random = random
    this.ledger = ledger
    this.report = report
  }

  static async open(
    target: WireTarget,
    random: Random,
    ledger: Ledger,
    report: Report,
    mayBeCut = false,
  ): Promise<StressSession> {
    return new StressSession(target, await connect(target), random, ledger, report, mayBeCut)
  }

  /** Connects again after its connection was lost; what it was writing may or may not have happened. */
  async reopen(): Promise<void> {
    for (const version of this.#opened.splice(0)) this.ledger.lost(version)
    this.ownVersion = undefined
    this.#status = 'I'
    this.#failed = false
    this.#prepared.clear()
    this.client.destroy()
    this.client = await connect(this.#target)
    if (this.level !== undefined) await this.ask(this.level)
  }

  /** Its answers from memory are to be as new as this level says, from now on. */
  async ask(level: Level): Promise<void> {
    this.level = level
    await this.client.query(`set cache.consistency = '${level}'`)
    await this.client.query(`set cache.max_staleness = '${boundMs}ms'`)
  }

  #floor(group: Group): Floor {
    // Nothing tells of a refresh elsewhere, and nobody does one there.
    if (this.level === 'strict') return this.ledger.floorAnywhere(group)
    return this.level === 'bounded' ? this.ledger.floorOlder(group, boundMs) : this.ledger.floor(group)
  }

  /** Its reads have an order, whoever wrote what they show. */
  get #isOrdered(): boolean {
    return this.level === 'session' || this.level === 'strict'
  }

  // Reading

  async read(shape: ReadShape, key: number, flow: Flow = this.random.pick(flows), floor?: Floor): Promise<Rows> {
    const pending = this.pend(shape, key, flow, floor)
    return this.judge(pending, await this.client.exchange(pending.bytes))
  }

  /** Notes what holds now and makes the bytes to send; judge() takes the answer. */
  pend(shape: ReadShape, key: number, flow: Flow, floor: Floor = this.#floor(shape.group)): Pending {
    const sql = shape.keyed && flow === 'simple' ? shape.sql.replaceAll('$1', String(key)) : shape.sql
    return { shape, key, flow, floor, bytes: this.speak(sql, shape.keyed ? [String(key)] : [], flow) }
  }

  judge({ shape, key, flow, floor }: Pending, batch: Batch): Rows {
    this.report.reads += 1
    const verdict = verdictOf(batch)
    this.report.verdicts.set(verdict, (this.report.verdicts.get(verdict) ?? 0) + 1)
    if (/^(hit|coalesced)/.test(verdict)) this.report.hits += 1
    const error = errorOf(batch)
    if (error !== undefined) {
      this.fail(error, `${shape.name} (${flow})`)
      return []
    }
    const rows = decodeRows(batch, flow === 'binary')
    const fault = this.#faultOf(shape, key, floor, rows)
    if (fault !== undefined) {
      this.violation(`${shape.name}, key ${key}, ${flow}, ${verdict}: ${fault}; answer ${JSON.stringify(rows)}`)
    }
    return rows
  }

  #faultOf(shape: ReadShape, key: number, floor: Floor, rows: Rows): string | undefined {
    const observed = shape.observe(rows, key, floor)
    if (typeof observed === 'string') return observed
    for (const { key: at, version } of observed) {
      const place = placeOf(shape.group, at)
      const seen = this.#seen[place] as number
      if (version < (floor[at] as number)) return `stale: ${version} of key ${at} after ${floor[at]} was acknowledged`
      if (version < seen) return `backwards: ${version} of key ${at} after this session saw ${seen}`
      const dirty = shape.group === 'sequence' ? undefined : this.ledger.fault(version, this.ownVersion)
      if (dirty !== undefined) return `dirty: ${dirty}`
      // What is not committed yet may still be rolled back, so it is not remembered.
      if (version === this.ownVersion) continue
      if (this.#isOrdered || !this.ledger.isElsewhere(version)) this.#seen[place] = version
      if (this.#isOrdered) this.#follow(version)
    }
    return undefined
  }

  /** Whoever sees a write sees what its writer had seen. */
  #follow(version: number): void {
    const causes = this.ledger.causesOf(version)
    if (causes === undefined) return
    for (let place = 0; place < placeCount; place++) {
      const cause = causes[place] as number
      if (cause > (this.#seen[place] as number)) this.#seen[place] = cause
    }
  }

  // Writing

  /** The origin has acknowledged it. */
  acknowledged(version: number): Promise<void> | undefined {
    if (this.heard === undefined) this.ledger.acknowledged(version)
    else return this.ledger.acknowledgedElsewhere(version, this.heard())
    return undefined
  }

  /** A new version for these rows. */
  open(...targets: readonly Target[]): number {
    const version = this.ledger.open(...targets)
    // What it saw without an order, others may miss.
    if (this.#isOrdered) this.ledger.causedBy(version, this.#seen)
    this.#opened.push(version)
    return version
  }

  /** Says it, and tells whether it succeeded; errors other than natural ones are violations of their own. */
  async say(sql: string, values: readonly (string | number)[] = [], flow: Flow = 'simple'): Promise<Batch> {
    const text = flow === 'simple' ? inline(sql, values) : sql
    const batch = await this.client.exchange(this.speak(text, values.map(String), flow))
    this.#status = batch.status
    const error = errorOf(batch)
    if (error !== undefined) this.fail(error, text)
    return batch
  }

  speak(sql: string, values: readonly string[], flow: Flow): Buffer {
    if (flow === 'simple') return query(sql)
    const binary = flow === 'binary'
    const name = flow === 'extended' ? '' : `${binary ? 'b' : 'p'}:${sql}`
    const opening = this.#prepared.has(name) ? [] : [parse(name, sql)]
    if (flow !== 'extended') this.#prepared.add(name)
    const bound = bind({ statement: name, values, resultFormats: binary ? [1] : [] })
    return Buffer.concat([...opening, bound, describe('P'), execute(), sync()])
  }

  fail(error: Frame, what: string): void {
    this.#failed = true
    if (naturalErrors.has(sqlstateOf(error))) this.report.naturalErrors += 1
    else this.violation(`error ${sqlstateOf(error)} in ${what}: ${error.bytes.toString('latin1', 5)}`)
  }

  /**
   * To be called between two undertakings. Ends a transaction that an error left open, and forgets prepared statements:
   * the error may have come before a Parse took effect.
   */
  async tidy(): Promise<void> {
    this.#opened = []
    if (this.#status !== 'I') await this.say('rollback')
    if (!this.#failed) return
    this.#failed = false
    this.#prepared.clear()
    await this.client.query('deallocate all')
  }

  violation(text: string): void {
    this.report.violations.push(`${this.name}: ${text}`)
  }
}

async function connect(target: WireTarget): Promise<WireClient> {
  const client = await WireClient.connect(target)
  await client.query('SET cache.response_signal = parameter')
  return client
}

export function verdictOf(batch: Batch): string {
  const signal = batch.frames.findLast((frame) => frame.type === 'S' && parameterStatusOf(frame)[0] === 'cache.last')
  if (signal === undefined) return 'none'
  const [verdict = '', ...pairs] = parameterStatusOf(signal)[1].split(';')
  const reason = pairs.find((pair) => pair.startsWith('reason='))?.slice('reason='.length)
  return reason === undefined ? verdict : `${verdict}(${reason})`
}

export function succeeded(batch: Batch): boolean {
  return errorOf(batch) === undefined
}

export function rowsOfBatch(batch: Batch): Rows {
  return decodeRows(batch, false)
}

function decodeRows(batch: Batch, binary: boolean): Rows {
  const description = batch.frames.find((frame) => frame.type === 'T')
  const formats = description === undefined ? [] : fieldsOf(description).map(({ format }) => format)
  return batch.frames
    .filter((frame) => frame.type === 'D')
    .map((frame) =>
      valuesOf(frame).map((value, index) => {
        if (value === null) return Number.NaN
        return binary && formats[index] === 1 ? Number(value.readBigInt64BE()) : Number(value.toString())
      }),
    )
}

function inline(sql: string, values: readonly (string | number)[]): string {
  return sql.replaceAll(/\$(\d)/g, (_, index) => String(values[Number(index) - 1]))
}
