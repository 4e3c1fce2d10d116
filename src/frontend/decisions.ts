// The last verdicts, one per statement: `cache.decisions`, `cache.bypasses` and the totals of `cache.stats`.
//
// A ring of columns, not of objects: noting a hit writes a dozen numbers and references into arrays that exist.

import type { StatementText } from '../cache/plans/index.ts'
import type { Entry } from '../cache/results/index.ts'
import type { ReasonCode, Verdict } from '../sql/index.ts'

export interface DecisionSubject {
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
}

export interface DecisionRecord extends Decision {
  readonly id: number
  readonly atMs: number
  readonly subject: DecisionSubject
}

export interface BypassRecord {
  readonly reason: ReasonCode
  statements: number
  lastAtMs: number
  lastText: StatementText | undefined
  lastRole: string
}

export class Decisions {
  #ring: (DecisionRecord | undefined)[]
  #next = 0
  #lastId = 0
  readonly bypasses = new Map<ReasonCode, BypassRecord>()

  constructor(countMax: number) {
    this.#ring = new Array(countMax)
  }

  resize(countMax: number): void {
    const rows = [...this.rows()].slice(-countMax)
    this.#ring = new Array(countMax)
    this.#next = 0
    for (const row of rows) this.#push(row)
  }

  note(subject: DecisionSubject, atMs: number, decision: Decision): DecisionRecord {
    const record: DecisionRecord = {
      id: ++this.#lastId,
      atMs,
      subject,
      verdict: decision.verdict,
      reason: decision.reason,
      argument: decision.argument,
      unstored: decision.unstored,
      text: decision.text,
      entry: decision.entry,
      ageMs: decision.ageMs,
      rows: decision.rows,
      bytes: decision.bytes,
      totalUs: decision.totalUs,
      originUs: decision.originUs,
    }
    this.#push(record)
    if (decision.verdict === 'bypass' && decision.reason !== undefined) this.#bypass(decision.reason, decision.text, atMs, subject.roleName)
    return record
  }

  *rows(): Generator<DecisionRecord> {
    const length = this.#ring.length
    for (let step = 0; step < length; step++) {
      const record = this.#ring[(this.#next + step) % length]
      if (record !== undefined) yield record
    }
  }

  #push(record: DecisionRecord): void {
    if (this.#ring.length === 0) return
    this.#ring[this.#next] = record
    if (++this.#next === this.#ring.length) this.#next = 0
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
