// One statement text, byte for byte, in one database: the object a hit is found through.

import type { RawFootprint, TextReason } from '../../sql/index.ts'
import { AnswerTable } from './answer-table.ts'
import type { Shape } from './shape.ts'

/** What is stored for a text; the result cache knows what more it is. */
interface StoredAnswer {
  /** Parameters and formats; empty for the plain form. */
  readonly key: string
  readonly contextId: number
}

/** Key of a statement without parameters read as text: what a simple query asks for. */
const plainKey = ''

/** What comments ask for a statement (docs/sql.md, hints). */
export interface TextHints {
  readonly cache: 'on' | 'off' | 'refresh' | undefined
  readonly ttlMs: number | undefined
  /** For the answer that is stored; undefined if nothing is said of them. */
  readonly tags: readonly string[] | undefined
  readonly coalesceWaitMs: number | undefined
  readonly inTransaction: 'until_write' | 'never' | undefined
  readonly priority: number | undefined
  readonly l2: 'on' | 'off' | undefined
  readonly consistency: 'eventual' | 'bounded' | 'session' | 'strict' | undefined
  readonly maxStalenessMs: number | undefined
  /** A token, or a position in the log: nothing older is an answer. */
  readonly minLsn?: string | undefined
  readonly auditPercent?: number | undefined
  /** What is ours among them and cannot be followed, one message each. */
  readonly faults: readonly string[]
}

/** What the origin answered to Describe of the statement, in one context. */
interface StatementDescription {
  /** ParameterDescription and RowDescription (or NoData), as they came. */
  readonly bytes: Buffer
  /** Tick of the clock before it was asked; a later change of the catalogue voids it. */
  readonly tick: number
  readonly atMs: number
}

let lastSerial = 0

export class StatementText {
  /** No other has it. */
  readonly serial = ++lastSerial
  /** Bytes as latin1, behind them the declared parameter types if a Parse gave any. */
  readonly key: string
  /** The text as latin1-carried bytes, without parameter types. */
  readonly text: string
  readonly shape: Shape
  /** Why its own literals forbid keeping its answers, or the shape's reason; or an answer of the shape was found to be wrong. */
  refusal: TextReason | undefined
  /** Set when the statement is ours: what the command or virtual room made of it. */
  readonly own: unknown
  /** Of its own comments; those behind its last word are no part of it. */
  readonly hints: TextHints | undefined
  /** Set when it names relations without a schema that have the names of ours: whose they are hangs on the session's search_path. */
  readonly loose: unknown
  /** Places in the least-recently-used list of the plan cache. */
  newer: StatementText | undefined
  older: StatementText | undefined
  entryCount = 0
  /** False once it has left the plan cache; a prepared statement may keep it longer. */
  listed = false
  /** What its words mean has changed: only who has it prepared keeps it. */
  outdated = false
  usedAtMs = 0
  /** What its stored answers have in common, as the result cache knows it. */
  provenance: unknown = undefined
  /** Which rows its answers depend on: undefined until it is asked, null if the text does not say. */
  footprint: RawFootprint | null | undefined = undefined
  /** The same with what the catalogue says, as the frontend knows it. */
  rows: unknown = undefined
  readonly descriptions = new Map<number, StatementDescription>()
  /** Answer of the plain form (no parameters, text results), by context. */
  readonly #plain = new Map<number, StoredAnswer>()
  #others: Map<number, AnswerTable<StoredAnswer>> | undefined

  constructor(
    key: string,
    text: string,
    shape: Shape,
    refusal: TextReason | undefined,
    own: unknown,
    hints: TextHints | undefined,
    loose?: unknown,
  ) {
    this.key = key
    this.text = text
    this.shape = shape
    this.refusal = refusal
    this.own = own
    this.hints = hints
    this.loose = loose
  }

  get fingerprint(): string {
    return this.shape.fingerprint
  }

  find(contextId: number, parameters: string): StoredAnswer | undefined {
    return parameters === plainKey ? this.#plain.get(contextId) : this.#others?.get(contextId)?.find(parameters)
  }

  keep(entry: StoredAnswer): void {
    this.entryCount++
    if (entry.key === plainKey) {
      this.#plain.set(entry.contextId, entry)
      return
    }
    this.#others ??= new Map()
    let byParameters = this.#others.get(entry.contextId)
    if (byParameters === undefined) {
      byParameters = new AnswerTable()
      this.#others.set(entry.contextId, byParameters)
    }
    byParameters.keep(entry)
  }

  forget(entry: StoredAnswer): void {
    if (entry.key === plainKey) {
      if (this.#plain.get(entry.contextId) !== entry) return
      this.#plain.delete(entry.contextId)
    } else {
      const byParameters = this.#others?.get(entry.contextId)
      if (!byParameters?.forget(entry)) return
      if (byParameters.count === 0) this.#others?.delete(entry.contextId)
    }
    this.entryCount--
  }

  /** Keeps a description for a bounded number of contexts: the oldest goes first. */
  describe(contextId: number, description: StatementDescription): void {
    if (!this.descriptions.has(contextId) && this.descriptions.size >= 64) {
      this.descriptions.delete(this.descriptions.keys().next().value as number)
    }
    this.descriptions.set(contextId, description)
  }

  get chargeBytes(): number {
    return 300 + this.key.length * 2
  }
}
