// A statement shape: all texts that are alike but for literals, white space and the case of keywords; what is known of it, and how it does.

import type { Relation } from '../../invalidation/index.ts'
import { type Statement, shownShape, type TextReason } from '../../sql/index.ts'

/** A table, as far as it matters which of its rows an answer depends on. */
export interface TableFacts {
  readonly relation: Relation
  readonly schema: string
  readonly name: string
  /** Those whose values can be compared; none where changes of rows cannot be told. */
  readonly columns: readonly ColumnFacts[]
}

export interface ColumnFacts {
  readonly attribute: number
  readonly name: string
  readonly type: number
  /** What it was before an update is always told. */
  readonly identity: boolean
}

/** What is known of a shape in one context (role, search_path, settings) of one database. */
export interface ShapeFacts {
  /** Undefined when answers may be kept. */
  readonly refusal: TextReason | undefined
  readonly relations: readonly Relation[]
  /** True if every run locks the same relations: nothing a user wrote runs, no partitions, no children. */
  readonly fixed: boolean
  /** True if a run may write: some function is not built in. */
  readonly mayWrite: boolean
  /** True if equal tables give equal answers, in whatever order their rows are come upon. */
  readonly isDecided: boolean
  /** True if it may tell of the connection it is asked on. */
  readonly isLocal: boolean
  /** Where answers may depend on some rows of a table alone: all tables that are read, with what can be told of their rows. */
  readonly tables: readonly TableFacts[] | undefined
  /** When the catalogue was asked. */
  readonly provenAtMs: number
  /** Tick of the clock before it was asked; a later change of the catalogue voids all this. */
  readonly tick: number
  /** RowDescription of an answer in text, when one was seen that somebody may need. */
  description?: Buffer
}

/** Octaves of microseconds: counts per power of two, for the percentiles of `cache.queries`. */
class Octaves {
  readonly counts = new Uint32Array(32)

  record(us: number): void {
    const octave = us < 1 ? 0 : Math.min(31, 32 - Math.clz32(us | 0))
    this.counts[octave] = (this.counts[octave] as number) + 1
  }

  quantile(q: number): number {
    let total = 0
    for (const count of this.counts) total += count
    if (total === 0) return 0
    let rest = total * q
    for (let octave = 0; octave < 32; octave++) {
      rest -= this.counts[octave] as number
      if (rest <= 0) return octave === 0 ? 1 : Math.round(2 ** (octave - 0.5))
    }
    return 2 ** 31
  }
}

class ShapeCounts {
  calls = 0
  hits = 0
  misses = 0
  bypasses = 0
  /** Answered by views. */
  views = 0
  /** Of the hits, those that joined an equal miss. */
  coalesced = 0
  /** Stored answers that a change removed. */
  invalidations = 0
  rows = 0
  hitUs = 0
  missUs = 0
  originUs = 0
  savedUs = 0
  firstAtMs = 0
  lastAtMs = 0
  lastHitAtMs = 0
  lastReason: string | undefined
  readonly us = new Octaves()

  /** Of the calls, those that the origin answered, or a standby of it. */
  get asked(): number {
    return this.calls - this.hits - this.views
  }
}

export class Shape {
  readonly fingerprint: string
  readonly normalised: string
  readonly statement: Statement
  readonly database: string
  readonly counts = new ShapeCounts()
  readonly facts = new Map<number, ShapeFacts>()
  readonly createdAtMs: number
  /** Roles that ran it: decides which readers see it. */
  readonly roles = new Set<string>()
  /** As the origin told, and the clock's tick before it did; undefined until then. */
  parameterTypes: { readonly oids: readonly number[]; readonly tick: number } | undefined
  /** No text of it says which rows its answers depend on. */
  pinsNothing = false
  /** Texts that refer to it. */
  texts = 0
  #shown: string | undefined

  constructor(fingerprint: string, normalised: string, database: string, statement: Statement, nowMs: number) {
    this.fingerprint = fingerprint
    this.normalised = normalised
    this.database = database
    this.statement = statement
    this.createdAtMs = nowMs
    this.counts.firstAtMs = nowMs
  }

  /** With `$n` for constants. */
  get shown(): string {
    this.#shown ??= shownShape(this.normalised)
    return this.#shown
  }

  /** Keeps the facts of a bounded number of contexts: the oldest go first. */
  learn(contextId: number, facts: ShapeFacts): void {
    if (!this.facts.has(contextId) && this.facts.size >= 4096) {
      this.facts.delete(this.facts.keys().next().value as number)
    }
    this.facts.set(contextId, facts)
  }
}
