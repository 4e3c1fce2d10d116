// The last verdicts, one per statement: `cache.decisions`, `cache.bypasses` and the totals of `cache.stats`.
//
// A ring of columns, not of objects: noting a hit writes a dozen numbers and references into arrays that exist.

import type { StatementText } from '../cache/plans/index.ts'
import type { Entry } from '../cache/results/index.ts'
import type { Settings } from '../config/index.ts'
import type { ReasonCode, Verdict } from '../sql/index.ts'

interface DecisionSubject {
  readonly id: number
  readonly databaseName: string
  readonly roleName: string
  readonly applicationName: string
}

export interface Decision {
  readonly verdict: Verdict
  readonly reason: ReasonCode | undefined
  readonly argument: string | undefined
  readonly unstored: ReasonCode | undefined
  readonly text: StatementText | undefined
  readonly entry: Entry | undefined
  readonly ageMs: number
  readonly rows: number
  readonly bytes: number
  readonly totalUs: number
  readonly originUs: number
  /** The level it was to be answered at. */
  readonly consistency: Settings['consistency']
  /** The trace the statement belongs to. */
  readonly traceparent: string | undefined
}

/** A place in the ring: written over when the ring has come round, so whoever keeps it compares the id. */
export interface DecisionRecord {
  readonly id: number
  readonly atMs: number
  readonly subject: DecisionSubject
  readonly verdict: Verdict
  readonly reason: ReasonCode | undefined
  readonly argument: string | undefined
  readonly unstored: ReasonCode | undefined
  readonly text: StatementText | undefined
  readonly entry: Entry | undefined
  readonly ageMs: number
  readonly rows: number
  readonly bytes: number
  readonly totalUs: number
  readonly originUs: number
  readonly traceparent: string | undefined
  readonly consistency: Settings['consistency']
  /** Of a hit: whatever was acknowledged to anybody so long before has been heard of; Infinity: that is not known. */
  readonly lagUs: number
}

type Place = { -readonly [Field in keyof DecisionRecord]: DecisionRecord[Field] }

interface BypassRecord {
  readonly reason: ReasonCode
  statements: number
  lastAtMs: number
  lastText: StatementText | undefined
  lastRole: string
}

export class Decisions {
  #ring: Place[] = []
  #countMax: number
  #next = 0
  #lastId = 0
  readonly bypasses = new Map<ReasonCode, BypassRecord>()

  constructor(countMax: number) {
    this.#countMax = Math.max(1, countMax)
  }

  resize(countMax: number): void {
    const rows = [...this.rows()].slice(-Math.max(1, countMax))
    this.#countMax = Math.max(1, countMax)
    this.#ring = rows.map((row) => ({ ...row }))
    this.#next = this.#ring.length % this.#countMax
  }

  /** Notes an answer from the cache: nothing is made, a place is written over. */
  noteHit(
    subject: DecisionSubject,
    atMs: number,
    text: StatementText,
    entry: Entry,
    totalUs: number,
    traceparent: string | undefined,
    consistency: Settings['consistency'],
    lagUs: number,
  ): DecisionRecord {
    const place = this.#place(subject, atMs)
    place.verdict = 'hit'
    place.reason = undefined
    place.argument = undefined
    place.unstored = undefined
    place.text = text
    place.entry = entry
    place.ageMs = atMs - entry.createdAtMs
    place.rows = entry.rows
    place.bytes = entry.bytes.length
    place.totalUs = totalUs
    place.originUs = 0
    place.traceparent = traceparent
    place.consistency = consistency
    place.lagUs = lagUs
    return place
  }

  note(subject: DecisionSubject, atMs: number, decision: Decision): DecisionRecord {
    const place = this.#place(subject, atMs)
    place.verdict = decision.verdict
    place.reason = decision.reason
    place.argument = decision.argument
    place.unstored = decision.unstored
    place.text = decision.text
    place.entry = decision.entry
    place.ageMs = decision.ageMs
    place.rows = decision.rows
    place.bytes = decision.bytes
    place.totalUs = decision.totalUs
    place.originUs = decision.originUs
    place.traceparent = decision.traceparent
    place.consistency = decision.consistency
    place.lagUs = Number.POSITIVE_INFINITY
    if (decision.verdict === 'bypass' && decision.reason !== undefined) {
      this.#bypass(decision.reason, decision.text, atMs, subject.roleName)
    }
    return place
  }

  *rows(): Generator<DecisionRecord> {
    const length = this.#ring.length
    const first = length < this.#countMax ? 0 : this.#next
    for (let step = 0; step < length; step++) yield this.#ring[(first + step) % length] as DecisionRecord
  }

  #place(subject: DecisionSubject, atMs: number): Place {
    let place = this.#ring[this.#next]
    if (place === undefined) {
      place = emptyPlace(subject)
      this.#ring[this.#next] = place
    }
    if (++this.#next === this.#countMax) this.#next = 0
    place.id = ++this.#lastId
    place.atMs = atMs
    place.subject = subject
    return place
  }

  #bypass(reason: ReasonCode, text: StatementText | undefined, atMs: number, role: string): void {
    let row = this.bypasses.get(reason)
    if (row === undefined) {
      row = { reason, statements: 0, lastAtMs: 0, lastText: undefined, lastRole: role }
      this.bypasses.set(reason, row)
    }
    row.statements++
    row.lastAtMs = atMs
    row.lastText = text
    row.lastRole = role
  }
}

function emptyPlace(subject: DecisionSubject): Place {
  return {
    id: 0,
    // Doubles from the start, so that the place keeps its shape when it is written over.
    atMs: 0.5,
    subject,
    verdict: 'pass',
    reason: undefined,
    argument: undefined,
    unstored: undefined,
    text: undefined,
    entry: undefined,
    ageMs: 0.5,
    rows: 0,
    bytes: 0,
    totalUs: 0.5,
    originUs: 0.5,
    traceparent: undefined,
    consistency: 'session',
    lagUs: 0.5,
  }
}
