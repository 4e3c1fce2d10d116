// What was invalidated last, and on whose account: `cache.invalidations`.
//
// A change is noted where it is made known to the epochs, as one object, however many relations it has; rows are made when somebody asks.
// Relations that no answer was derived from since the start (indexes, what is only written) have no name here, and are left out.

import type { WriteScope } from './epochs.ts'

export type InvalidationCause = 'write' | 'feed' | 'ddl' | 'statement' | 'view' | 'audit' | 'unknown_outcome'

/** On whose account something is bumped. */
export interface ChangedBy {
  readonly cause: InvalidationCause
  /** The session that did it, where one of ours did. */
  readonly session?: number | undefined
  /** Position behind its commit, where the feed told it. */
  readonly lsn?: bigint | undefined
  /** Stored answers and entries that it hid, where they were counted. */
  readonly entries?: number | undefined
  /** When it became known, on the clock of the ring. */
  readonly sinceUs?: number | undefined
}

export interface InvalidationRow {
  readonly atMs: number
  readonly cause: InvalidationCause
  /** relation, database (all of it), or what INVALIDATE and FLUSH call what they remove. */
  readonly kind: string
  readonly subject: string
  readonly relation: number | undefined
  readonly lsn: bigint | undefined
  readonly session: number | undefined
  readonly entries: number | undefined
  readonly elapsedUs: number | undefined
}

interface Noted {
  readonly atMs: number
  readonly by: ChangedBy
  readonly elapsedUs: number | undefined
  readonly what:
    | { readonly database: string; readonly scope: WriteScope }
    | { readonly kind: string; readonly subject: string }
}

interface RingClock {
  nowMs(): number
  monotonicUs(): number
}

export class InvalidationRing {
  readonly #clock: RingClock
  #countMax: number
  #ring: Noted[] = []
  /** The place of the oldest, once the ring is full. */
  #next = 0

  constructor(clock: RingClock, countMax: number) {
    this.#clock = clock
    this.#countMax = countMax
  }

  resize(countMax: number): void {
    if (countMax === this.#countMax) return
    this.#ring = [...this.#noted()].slice(-countMax || this.#ring.length)
    this.#countMax = countMax
    this.#next = 0
  }

  /** Relations, or all of a database. */
  noteScope(database: string, scope: WriteScope, by: ChangedBy): void {
    if (this.#countMax > 0) this.#note({ database, scope }, by)
  }

  /** What is named otherwise: keys, tags, namespaces, caches. */
  noteSubject(kind: string, subject: string, by: ChangedBy): void {
    if (this.#countMax > 0) this.#note({ kind, subject }, by)
  }

  /** Oldest first, a row per relation, no more than the ring may hold. */
  rows(): InvalidationRow[] {
    const parts: InvalidationRow[][] = []
    let count = 0
    for (const noted of [...this.#noted()].reverse()) {
      if (count >= this.#countMax) break
      const rows = rowsOf(noted)
      parts.push(rows)
      count += rows.length
    }
    return parts.reverse().flat().slice(-this.#countMax)
  }

  #note(what: Noted['what'], by: ChangedBy): void {
    const elapsedUs = by.sinceUs === undefined ? undefined : this.#clock.monotonicUs() - by.sinceUs
    const noted = { atMs: this.#clock.nowMs(), by, elapsedUs, what }
    if (this.#ring.length < this.#countMax) {
      this.#ring.push(noted)
      return
    }
    this.#ring[this.#next] = noted
    if (++this.#next === this.#countMax) this.#next = 0
  }

  *#noted(): Generator<Noted> {
    const { length } = this.#ring
    for (let step = 0; step < length; step++) yield this.#ring[(this.#next + step) % length] as Noted
  }
}

function rowsOf({ atMs, by, elapsedUs, what }: Noted): InvalidationRow[] {
  const common = { atMs, cause: by.cause, lsn: by.lsn, session: by.session, entries: by.entries, elapsedUs }
  if ('kind' in what) return [{ ...common, ...what, relation: undefined }]
  if (what.scope.everything) return [{ ...common, kind: 'database', subject: what.database, relation: undefined }]
  const named = what.scope.relations.filter(({ name }) => name !== undefined)
  return named.map((relation) => ({
    ...common,
    kind: 'relation',
    subject: relation.toString(),
    relation: relation.oid,
  }))
}
