// What is known of statements: an exact-text table in front (PLN-9), shapes behind it (PLN-6), least recently used first out (PLN-2).
//
// A text that nobody used for the time to live leaves too (PLN-2). A text with stored answers stays while they do: the result cache is charged for them. A text never scanned is normalised; a normal
// form never met is parsed. Both happen once per text, never on a hit.

import type { Counters } from '../../observe/index.ts'
import { fingerprintOf, normalise, type RawFootprint, type Statement, type TextReason } from '../../sql/index.ts'
import { declaredTypes, readByUsersCode } from './parameter-types.ts'
import { Shape } from './shape.ts'
import { StatementText, type TextHints } from './statement-text.ts'

/** What the analysis of one text yields beyond its shape. */
interface TextAnalysis {
  readonly statement: Statement
  /** False when the verdict hangs on this text's literals, so that no other text may share it. */
  readonly shareable: boolean
}

interface PlanCacheSources {
  /** The real grammar's view of a text in a database. */
  analyse(text: string, database: string): TextAnalysis
  /** True if a literal may be a word for the current time. */
  mayMeanNow(text: string): boolean
  /** Makes something of statements that are ours; undefined for the origin's. */
  recognise(text: string, statement: Statement | undefined, database: string): unknown
  /** Makes something of statements of the origin's with names that may be ours for some sessions. */
  loose(text: string, statement: Statement): unknown
  hints(text: string): TextHints | undefined
  /** Why no answer of a shape is kept, if one was found to be wrong. */
  quarantine(fingerprint: string, database: string): TextReason | undefined
  /** Which rows of which tables an answer can depend on, as far as the text says. */
  footprint(text: string): RawFootprint | undefined
}

interface PlanCacheLimits {
  readonly entriesMax: number
  readonly bytesMax: number
  readonly shapesMax: number
  /** How long a text that nobody uses is kept. */
  readonly ttlMs: number
}

const literalReason: TextReason = { code: 'stable', argument: 'now' }

export class PlanCache {
  #limits: PlanCacheLimits
  readonly #sources: PlanCacheSources
  readonly #counters: Counters
  readonly #texts = new Map<string, Map<string, StatementText>>()
  readonly #shapes = new Map<string, Shape>()
  #newest: StatementText | undefined
  #oldest: StatementText | undefined
  #count = 0
  #bytes = 0
  #peakBytes = 0
  /** As last told by learn() or expire(): asking the clock at every hit would cost more than a use's date is worth. */
  #nowMs = 0

  constructor(limits: PlanCacheLimits, sources: PlanCacheSources, counters: Counters) {
    this.#limits = limits
    this.#sources = sources
    this.#counters = counters
  }

  configure(limits: PlanCacheLimits): void {
    this.#limits = limits
    this.#trim()
  }

  /** The table of one database; a session keeps it at hand. */
  textsOf(database: string): Map<string, StatementText> {
    let texts = this.#texts.get(database)
    if (texts === undefined) {
      texts = new Map()
      this.#texts.set(database, texts)
    }
    return texts
  }

  /** Notes a use; constant time, nothing allocated. */
  touch(text: StatementText): void {
    this.#counters.plan_hits++
    text.usedAtMs = this.#nowMs
    if (this.#newest === text) return
    if (!text.listed) {
      // A prepared statement has kept it; its place may have been taken by the same text learnt anew.
      if (!text.outdated && !this.textsOf(text.shape.database).has(text.key)) this.#enter(text)
      return
    }
    this.#unlink(text)
    this.#link(text)
  }

  /** Learns a text never met. `key` is its bytes as latin1 (with parameter types behind), `latin1` the bytes of the text alone. */
  learn(database: string, key: string, latin1: string, nowMs: number): StatementText {
    this.#counters.plan_misses++
    this.#nowMs = Math.max(this.#nowMs, nowMs)
    const text = Buffer.from(latin1, 'latin1').toString('utf8')
    const made = this.#make(database, key, latin1, text, nowMs)
    this.#enter(made)
    return made
  }

  /** Held by the texts, as charged. */
  get bytes(): number {
    return this.#bytes
  }

  /** The most that ever was, when room had been made. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  /** What a text says of the rows its answers depend on; it is parsed once for that, unless none of its shape says anything. */
  footprintOf(text: StatementText): RawFootprint | undefined {
    if (text.footprint === undefined) {
      const { shape } = text
      const raw = shape.pinsNothing
        ? undefined
        : this.#sources.footprint(Buffer.from(text.text, 'latin1').toString('utf8'))
      if (raw === undefined) shape.pinsNothing = true
      text.footprint = raw ?? null
    }
    return text.footprint ?? undefined
  }

  /** What learn() would make of a text, without putting it, or its shape, among those that are known. */
  read(database: string, latin1: string, nowMs: number): StatementText {
    this.#counters.plan_misses++
    const text = Buffer.from(latin1, 'latin1').toString('utf8')
    return this.#make(database, latin1, latin1, text, nowMs, false)
  }

  /** Drops what nobody used for `ttlMs`, at most `countMax` texts at a time; called now and then. */
  expire(nowMs: number, countMax: number): void {
    this.#nowMs = nowMs
    for (let step = 0; step < countMax; step++) {
      const text = this.#oldest
      if (text === undefined || nowMs - text.usedAtMs < this.#limits.ttlMs) return
      if (text.entryCount > 0) this.#holdBack(text)
      else {
        this.#drop(text)
        this.#counters.plan_expirations++
      }
    }
  }

  shapes(): Iterable<Shape> {
    return this.#shapes.values()
  }

  *texts(): Generator<StatementText> {
    for (const texts of this.#texts.values()) yield* texts.values()
  }

  /** Forgets what the catalogue said and every text without answers. */
  flush(): number {
    let count = 0
    for (const text of [...this.texts()]) {
      if (text.entryCount > 0) continue
      this.#drop(text)
      count++
    }
    for (const shape of this.#shapes.values()) shape.facts.clear()
    this.#counters.plan_invalidations += count
    return count
  }

  /** Forgets every text and shape of a database: what some of their words mean is another thing from now on. */
  forget(database: string): void {
    for (const text of [...this.textsOf(database).values()]) {
      text.outdated = true
      this.#drop(text)
    }
    for (const [key, shape] of this.#shapes) if (shape.database === database) this.#shapes.delete(key)
  }

  #make(database: string, key: string, latin1: string, text: string, nowMs: number, keepsShape = true): StatementText {
    const hints = this.#sources.hints(text)
    const scanned = normalise(text)
    const early = this.#sources.recognise(text, undefined, database)
    if (early !== undefined) return this.#makeOwn(database, key, latin1, scanned.normalised, early, hints, text, nowMs)
    const meansNow = scanned.literals.some(
      (literal) => literal.kind === 'string' && this.#sources.mayMeanNow(literal.value),
    )
    const shapeKey = `${database}\0${scanned.normalised}`
    // What is known of a shape is not known of it with parameters of a user's type, which may run code as they are read.
    const likeOthers = scanned.ok && !meansNow && !readByUsersCode(declaredTypes({ key, text: latin1 }))
    let shape = likeOthers ? this.#shapes.get(shapeKey) : undefined
    if (shape === undefined) {
      const analysis = this.#sources.analyse(text, database)
      const fingerprint = fingerprintOf(scanned.ok ? scanned.normalised : text)
      shape = new Shape(fingerprint, scanned.ok ? scanned.normalised : text, database, analysis.statement, nowMs)
      const shared = likeOthers && analysis.shareable
      // A shape that cannot be shared is still shown, unless one of its form is there already.
      if (keepsShape && (shared || !this.#shapes.has(`${shapeKey}\0own`))) {
        this.#addShape(shared ? shapeKey : `${shapeKey}\0own`, shape)
      }
    }
    const own = this.#sources.recognise(text, shape.statement, database)
    const loose = own === undefined ? this.#sources.loose(text, shape.statement) : undefined
    const refusal =
      shape.statement.reason ??
      (meansNow && shape.statement.kind === 'read'
        ? literalReason
        : this.#sources.quarantine(shape.fingerprint, database))
    return new StatementText(key, latin1, shape, refusal, own, hints, loose)
  }

  #makeOwn(
    database: string,
    key: string,
    latin1: string,
    normalised: string,
    own: unknown,
    hints: TextHints | undefined,
    text: string,
    nowMs: number,
  ): StatementText {
    const statement = ownStatement
    const shape = new Shape(fingerprintOf(normalised), text.slice(0, 200), database, statement, nowMs)
    return new StatementText(key, latin1, shape, undefined, own, hints)
  }

  #enter(text: StatementText): void {
    text.listed = true
    text.usedAtMs = this.#nowMs
    text.shape.texts++
    this.textsOf(text.shape.database).set(text.key, text)
    this.#link(text)
    this.#count++
    this.#bytes += text.chargeBytes
    this.#trim()
    if (this.#bytes > this.#peakBytes) this.#peakBytes = this.#bytes
  }

  #addShape(key: string, shape: Shape): void {
    if (this.#shapes.size >= this.#limits.shapesMax) {
      let looked = 0
      for (const [oldKey, old] of this.#shapes) {
        if (old.texts === 0 || ++looked > 64) {
          this.#shapes.delete(oldKey)
          break
        }
      }
    }
    this.#shapes.set(key, shape)
  }

  #trim(): void {
    let text = this.#oldest
    while (text !== undefined && (this.#count > this.#limits.entriesMax || this.#bytes > this.#limits.bytesMax)) {
      const next: StatementText | undefined = text.newer
      if (text.entryCount === 0 && text !== this.#newest) {
        this.#drop(text)
        this.#counters.plan_evictions++
      } else if (text.entryCount > 0) {
        this.#holdBack(text)
        if (next === undefined || ++this.#skipped > 16) break
      }
      text = next
    }
    this.#skipped = 0
    this.#counters.plan_entries = this.#count
  }

  #skipped = 0

  /** Held by its answers: to the end of the list, as if used now. */
  #holdBack(text: StatementText): void {
    text.usedAtMs = this.#nowMs
    this.#unlink(text)
    this.#link(text)
  }

  #drop(text: StatementText): void {
    this.#unlink(text)
    text.listed = false
    this.textsOf(text.shape.database).delete(text.key)
    text.shape.texts--
    this.#count--
    this.#bytes -= text.chargeBytes
    this.#counters.plan_entries = this.#count
  }

  #link(text: StatementText): void {
    text.older = this.#newest
    text.newer = undefined
    if (this.#newest !== undefined) this.#newest.newer = text
    this.#newest = text
    this.#oldest ??= text
  }

  #unlink(text: StatementText): void {
    if (text.newer !== undefined) text.newer.older = text.older
    else if (this.#newest === text) this.#newest = text.older
    if (text.older !== undefined) text.older.newer = text.newer
    else if (this.#oldest === text) this.#oldest = text.newer
    text.newer = undefined
    text.older = undefined
  }
}

/** Stands for a statement of ours, which the grammar of the origin need not read. */
const ownStatement: Statement = {
  kind: 'utility',
  verb: undefined,
  chain: false,
  isolation: undefined,
  reason: undefined,
  names: { relations: [], functions: [], operators: [], userTypes: [], dateCasts: [], settingsRead: [] },
  parameterCount: 0,
  usesVirtualSchema: true,
  virtualRelations: [],
  virtualFunctions: [],
  usesOtherRelations: false,
  renamed: [],
  truncates: false,
  temporaryOnly: false,
  fillsTemporary: false,
  databasesWanted: [],
  withHold: false,
  parts: [],
  syntaxError: undefined,
}
