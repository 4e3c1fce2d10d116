// The last things worth telling an operator, newest last: `cache.events`.
//
// An event goes to the log and into a ring of `events_max` rows. Repeats of one event about one subject within a
// minute are one row with a count (MET-9), so that a storm neither fills the log nor pushes out everything else.

import type { Clock } from '../base/index.ts'
import type { Log } from './log.ts'

type EventSeverity = 'info' | 'warning' | 'error'

interface EventInput {
  readonly severity: EventSeverity
  /** A fixed word such as `origin_lost`. */
  readonly event: string
  /** What it happened to, if anything: a relation, a session, a setting. */
  readonly subject?: string | undefined
  readonly detail?: string | undefined
}

export interface EventRow {
  readonly at: number
  readonly severity: EventSeverity
  readonly event: string
  readonly subject: string | undefined
  /** Of the latest repeat. */
  readonly detail: string | undefined
  readonly count: number
}

type MutableEventRow = { -readonly [Field in keyof EventRow]: EventRow[Field] }

const mergeWindowMs = 60_000

interface EventRingOptions {
  readonly clock: Clock
  readonly log: Log
  readonly countMax: number
}

export class EventRing {
  readonly #clock: Clock
  readonly #log: Log
  #rows: MutableEventRow[] = []
  #countMax: number

  constructor(options: EventRingOptions) {
    this.#clock = options.clock
    this.#log = options.log
    this.#countMax = options.countMax
  }

  record(input: EventInput): void {
    const at = this.#clock.nowMs()
    const repeated = this.#sameWithinMinute(input, at)
    if (repeated !== undefined) {
      repeated.count++
      repeated.severity = input.severity
      repeated.detail = input.detail
      return
    }
    this.#rows.push({
      at,
      count: 1,
      severity: input.severity,
      event: input.event,
      subject: input.subject,
      detail: input.detail,
    })
    this.#trim()
    this.#log[input.severity](input.event, { subject: input.subject, detail: input.detail })
  }

  /** Oldest first. The rows are copies: they do not change under the reader. */
  rows(): EventRow[] {
    return this.#rows.map((row) => ({ ...row }))
  }

  resize(countMax: number): void {
    this.#countMax = countMax
    this.#trim()
  }

  /** Looks back over this minute's rows only: the ring may be long. */
  #sameWithinMinute(input: EventInput, at: number): MutableEventRow | undefined {
    for (let index = this.#rows.length - 1; index >= 0; index--) {
      const row = this.#rows[index]
      if (row === undefined || !sameMinute(row.at, at)) return undefined
      if (row.event === input.event && row.subject === input.subject) return row
    }
    return undefined
  }

  #trim(): void {
    if (this.#rows.length > this.#countMax) this.#rows = this.#rows.slice(this.#rows.length - this.#countMax)
  }
}

function sameMinute(a: number, b: number): boolean {
  return Math.floor(a / mergeWindowMs) === Math.floor(b / mergeWindowMs)
}
