// Answers in L2: they outlive their place in memory, and, with proof, the process (systems.md RRC-21, L2-30).
//
//   fill ──► memory ──(still there after result_l2_delay, and worth it; or evicted though in use; or at the end)──► L2
//   miss ──► synopsis ──► L2 ──► nothing moved since? ──► memory ──► hit
//
//   unproven   an earlier process left answers; the origin has not said yet whether it stands where it stood
//   open       what is in L2 may be asked for, and added to
//   emptying   what is in L2 must never be served again; it is being dropped, durably
//   off        there is no L2
//
// An answer in L2 is judged by the numbers it would be judged by in memory: the tick it was started at, and the stamps of what it was
// read from. The stamps are written down now and then, with where the origin stood before. If it stands there still when the next
// process asks, nothing was committed in between, neither by others nor through the process that is gone: the stamps hold, the clock
// goes on above them, and so do the answers. Otherwise `$results` begins anew.

import type { Clock } from '../../base/index.ts'
import { type Epochs, raiseStamps, stampsOf, unmoved } from '../../invalidation/index.ts'
import type { AnswerStore } from './answer-store.ts'
import type { Asked } from './asked.ts'
import type { Entry, EntryFacts, EntryOwner } from './entry.ts'
import { type Expected, LargeAnswer, type PartsAt, PartWriter, partKeys } from './large-answer.ts'
import {
  factsOf,
  type Legacy,
  nothingWritten,
  type OriginFacts,
  readLegacy,
  readPosition,
  writeLegacy,
} from './origin-position.ts'
import { RecallFilter } from './recall-filter.ts'
import type { ResultCache } from './result-cache.ts'
import { SettledPosition } from './settled-position.ts'
import { Standing } from './standing.ts'
import { decodeAnswer, encodeAnswer, entryFactsOf, lastingKey, type StoredAnswer } from './stored-answer.ts'

interface SecondTierParts {
  readonly store: AnswerStore
  readonly results: ResultCache
  readonly epochs: Epochs
  readonly clock: Clock
  readonly contexts: { lastingNameOf(id: number): string | undefined }
  readonly onFailure: (error: unknown) => void
  /** How long an answer must have been valid before it is put. */
  readonly delayMs: () => number
}

type State = 'off' | 'unproven' | 'emptying' | 'open'

/** Answers that wait to be old enough; what does not fit is not kept in L2 (G-6). */
const waitingMax = 65_536
const putsPerTurn = 200
/**
 * An answer that nobody asked for twice is worth a place in L2 if the origin took this long: longer than what is short takes in a queue
 * behind others.
 */
const dearUs = 10_000
/** Ticks that may be given out before the next note. */
const reserve = 2 ** 20
/** Stamps are taken this long after the origin was asked: what it had committed by then is bumped here by then. */
const settleMs = 1000
const askEveryMs = 1000

export class SecondTier {
  readonly standing = new Standing()
  readonly #parts: SecondTierParts
  #state: State = 'off'
  #legacy: Legacy | undefined
  #incarnation: number | undefined
  /** Grows with each emptying: what was asked of L2 before it is not served after it. */
  #generation = 0
  /** Place, id and due time of answers that wait, three numbers each; those before `#taken` are done with. */
  #waiting: number[] = []
  #taken = 0
  readonly #filter = new RecallFilter()
  /** Answers that made room, and were in use. */
  readonly #pressed: Entry[] = []
  readonly #position: SettledPosition
  #noteDueAtMs = Number.POSITIVE_INFINITY
  #isNoting = false
  /** Answers started at or above it would not be told from those of the next process. */
  #clockMax = 0
  #askedAtMs = Number.NEGATIVE_INFINITY
  #isRefused = false
  /** Something was put, or changed, since the origin last told. */
  #isDirty = true
  /** What proves the answers is written down. */
  #isProvable = false

  constructor(parts: SecondTierParts) {
    this.#parts = parts
    this.#position = new SettledPosition(parts.epochs)
    parts.results.onFirstHit = (entry, nowMs) => this.#await(entry, nowMs)
    parts.results.onPressed = (entry) => {
      if (entry.hits > 0 && entry.l2 && !entry.inL2) this.#putLater(entry)
    }
  }

  /** How answers of before the start are known to hold; unmoved, too, when those of now would be known to after the next. */
  get proof(): 'pending' | 'unmoved' | 'none' {
    if (this.#state === 'unproven') return 'pending'
    return this.#state === 'open' && this.#isProvable ? 'unmoved' : 'none'
  }

  /** Which origin answers are of: as it last said, or an earlier process knew. */
  get origin(): OriginFacts | undefined {
    const position = this.standing.last ?? this.#legacy?.position
    return position === undefined ? undefined : factsOf(position)
  }

  /** Reads what an earlier process left. Before the first statement is taken. */
  async begin(): Promise<void> {
    const { store, epochs } = this.#parts
    this.#incarnation = store.incarnation
    if (this.#incarnation === undefined) return this.standing.tellLegacy(false)
    const text = await store.noted()
    this.#legacy = text === undefined ? undefined : readLegacy(text)
    if (this.#legacy === undefined) return await this.forgetAll()
    epochs.advance(this.#legacy.clockMax)
    this.standing.legacy = this.#legacy.position
    this.#state = 'unproven'
    if (this.#legacy.position === undefined) await this.forgetAll()
  }

  /** False for a tick that would not be told from one of the next process. */
  mayCompare(start: number): boolean {
    return this.#state === 'open' && start < this.#clockMax
  }

  /** What an earlier process left waits for word of where the origin stands. */
  get isUnproven(): boolean {
    return this.#state === 'unproven' && !this.#isRefused
  }

  /** True if something has to be proven that the last answer does not prove. */
  get lacksPosition(): boolean {
    return !this.#isRefused && (this.#state === 'unproven' || (this.#state === 'open' && this.#isDirty))
  }

  /** The same, but at most once a second. */
  wantsPosition(nowMs: number): boolean {
    if (!this.lacksPosition) return false
    if (nowMs - this.#askedAtMs < askEveryMs) return false
    this.#askedAtMs = nowMs
    return true
  }

  /** Something was written through this server: the origin no longer stands where it stood. */
  moved(): void {
    this.#isDirty = true
  }

  /** The origin does not say where it stands to those who asked; it is not asked again. */
  refused(): void {
    this.#isRefused = true
    if (this.#state === 'unproven') this.#drop()
  }

  /** What the origin answered to `positionQuestion`. True if that may prove something later. */
  heard(row: readonly (string | null)[] | undefined, nowMs: number): boolean {
    const position = readPosition(row)
    if (position !== undefined) this.standing.heard(position, this.#parts.epochs)
    if (this.#state === 'unproven') {
      const before = this.#legacy?.position
      const isProven = before !== undefined && position !== undefined && nothingWritten(before, position)
      if (!isProven) {
        this.#drop()
        return false
      }
      raiseStamps(this.#parts.epochs, this.#legacy?.stamps ?? [])
      this.standing.tellLegacy(true)
      this.#legacy = undefined
      this.#state = 'open'
      this.#isProvable = true
      // It stands there still; the stamps have to be written down with our clock before an answer of ours is.
      this.#position.adopt(before)
      this.#noteDueAtMs = nowMs
    }
    if (this.#state !== 'open' || position?.isQuiet !== true) return false
    this.#isDirty = false
    this.#position.heard(position)
    this.#noteDueAtMs = Math.min(this.#noteDueAtMs, nowMs + settleMs)
    return true
  }

  /** An answer was kept in memory. */
  filled(entry: Entry, nowMs: number): void {
    if (entry.costUs >= dearUs) this.#await(entry, nowMs)
  }

  /** It has shown its worth, and is put when it is old enough. */
  #await(entry: Entry, nowMs: number): void {
    if (this.#state !== 'open' || !entry.l2 || entry.inL2 || this.#waiting.length - this.#taken >= 3 * waitingMax)
      return
    this.#waiting.push(entry.place, entry.id, nowMs + this.#parts.delayMs())
  }

  /** False, for a few nanoseconds, if L2 has no answer to a read as far as is known. */
  mayHold(text: { readonly key: string }, contextId: number, parameters: string): boolean {
    this.#notice()
    if (this.#state !== 'open' || this.#parts.store.isEmpty) return false
    return this.#filter.mayHold(contextId, text.key, parameters)
  }

  /** A read that memory has no answer to; undefined when L2 has none either, as far as is known. */
  recall(asked: Asked): Promise<LargeAnswer | undefined> | undefined {
    const { text, database, contextId, parameters } = asked
    if (!this.mayHold(text, contextId, parameters)) return undefined
    const { store, contexts } = this.#parts
    const context = contexts.lastingNameOf(contextId)
    const key = context === undefined ? undefined : lastingKey(database, context, text.key, parameters)
    return key === undefined || !store.mayHold(key) ? undefined : this.#recall(key, asked)
  }

  /** It is in memory then, or, if it has no place there, in the caller's hands. */
  async #recall(key: string, asked: Asked): Promise<LargeAnswer | undefined> {
    const { text, contextId, parameters } = asked
    const generation = this.#generation
    const { store } = this.#parts
    const bytes = await store.get(key)
    const answer = bytes === undefined ? undefined : decodeAnswer(bytes)
    if (answer === undefined) return undefined
    const parts = answer.parts === undefined ? undefined : await store.beginParts(partKeys(key, answer.parts))
    this.#notice()
    const isThere = answer.parts === undefined || parts !== undefined
    const isCurrent = this.#generation === generation && this.#state === 'open' && !text.outdated
    const facts = isThere && isCurrent ? this.#factsOf(answer, asked) : undefined
    if (facts === undefined || text.find(contextId, parameters) !== undefined) {
      parts?.end()
      return undefined
    }
    const ttlMs = answer.expiresAtMs - answer.provenAtMs
    if (parts !== undefined) return new LargeAnswer(this.#parts.results.pass(facts, ttlMs), parts)
    const entry = this.#parts.results.store(facts, ttlMs)
    if (entry === undefined) return undefined
    entry.inL2 = true
    text.keep(entry)
    return undefined
  }

  /** What memory would know of it; undefined if it does not hold any more. */
  #factsOf(answer: StoredAnswer, asked: Asked): EntryFacts | undefined {
    const { results, epochs, clock } = this.#parts
    const facts = entryFactsOf(answer, epochs.database(asked.database), asked)
    // An answer from the future: the clock was set back, and its age is not known.
    if (answer.createdAtMs > clock.nowMs() || !unmoved(facts.database, facts.relations, answer.start)) return undefined
    return results.tagsMoved(answer.tags, answer.start) ? undefined : facts
  }

  /** For an answer that may become too large for memory; undefined if L2 does not take any. */
  partWriter(
    text: EntryOwner,
    database: string,
    contextId: number,
    parameters: string,
    about: Expected,
  ): PartWriter | undefined {
    this.#notice()
    const context = this.#parts.contexts.lastingNameOf(contextId)
    if (this.#state !== 'open' || context === undefined) return undefined
    const key = lastingKey(database, context, text.key, parameters)
    return new PartWriter(this.#parts.store, key, this.#generation, { ...about, costUs: dearUs })
  }

  /** The rows of an answer are in L2, or on their way: it is found there when all of them are, if nothing moves until then. */
  async keepLarge(facts: EntryFacts, ttlMs: number, writer: PartWriter): Promise<void> {
    const entry = this.#parts.results.pass(facts, ttlMs)
    const parts = await writer.settled()
    this.#notice()
    if (parts === undefined || writer.generation !== this.#generation || !this.#mayPut(entry)) return
    if (this.#parts.results.tagsMoved(entry.tags, entry.start)) return
    this.#send(writer.key, entry, parts)
  }

  /** Called a few times a second: puts what is due, writes down what has to be. */
  turn(nowMs: number): void {
    this.#notice()
    this.#putDue(nowMs)
    const { clock } = this.#parts.epochs
    const isTime = nowMs >= this.#noteDueAtMs && this.#position.isSettled()
    const isDue = isTime || (this.#clockMax > 0 && clock > this.#clockMax - reserve / 2)
    if (this.#state === 'open' && isDue && !this.#isNoting) this.#note().catch(this.#parts.onFailure)
  }

  #putDue(nowMs: number): void {
    const waiting = this.#waiting
    const end = Math.min(waiting.length, this.#taken + 3 * putsPerTurn)
    while (this.#taken < end && (waiting[this.#taken + 2] as number) <= nowMs) {
      const entry = this.#parts.results.entryAt(waiting[this.#taken] as number)
      if (entry !== undefined && entry.id === waiting[this.#taken + 1]) this.#put(entry)
      this.#taken += 3
    }
    if (this.#taken * 2 > waiting.length) this.#awaitOnly(waiting.slice(this.#taken))
  }

  #awaitOnly(waiting: number[]): void {
    this.#waiting = waiting
    this.#taken = 0
  }

  /** Nothing that is in L2 now is ever served again: durable when it returns (G-5). */
  async forgetAll(): Promise<void> {
    const { store } = this.#parts
    this.standing.tellLegacy(false)
    if (store.incarnation === undefined) {
      this.#state = 'off'
      return
    }
    this.#generation++
    this.#filter.clear()
    this.#isDirty = true
    this.#state = 'emptying'
    this.#isProvable = false
    this.#legacy = undefined
    this.standing.legacy = undefined
    this.#awaitOnly([])
    for (const entry of this.#parts.results.entries()) entry.inL2 = false
    const generation = this.#generation
    this.#incarnation = store.incarnation
    await store.empty()
    if (this.#generation !== generation) return
    this.#state = 'open'
    await this.#note()
  }

  /** Nothing that carries the tag, of whatever role, is served from L2 again: durable when it returns (G-5). */
  async forgetTag(tag: string): Promise<void> {
    if (this.#state !== 'off') await this.#parts.store.forgetTag(tag)
  }

  /** Resolves when what was committed where the origin stands is heard of, or will not be in time: before the feeds end. */
  async settled(): Promise<void> {
    if (this.#state === 'open') await this.#position.wait()
  }

  /** The server ends and nobody writes any more: what is still valid is kept, with what proves it. */
  async end(): Promise<void> {
    this.#notice()
    if (this.#state !== 'open') return
    await this.#note()
    for (const entry of this.#parts.results.entries()) if (!entry.inL2) this.#put(entry)
  }

  /** The blob cache may be what needs the room: it is not asked for anything before it has it. */
  #putLater(entry: Entry): void {
    if (this.#pressed.push(entry) > 1) return
    queueMicrotask(() => {
      for (const pressed of this.#pressed.splice(0)) this.#put(pressed)
    })
  }

  #put(entry: Entry): void {
    if (entry.inL2 || !entry.l2 || !this.#mayPut(entry)) return
    const context = this.#parts.contexts.lastingNameOf(entry.contextId)
    if (context === undefined) return
    const key = lastingKey(entry.database.name, context, entry.owner.key, entry.key)
    this.#send(key, entry)
    entry.inL2 = true
  }

  #send(key: string, entry: Entry, parts?: PartsAt): void {
    this.#parts.store.put(key, encodeAnswer(entry, parts), entry)
    this.#filter.add(entry.contextId, entry.owner.key, entry.key)
    this.#isDirty = true
  }

  #mayPut({ start, database, relations }: Entry): boolean {
    if (!this.mayCompare(start) || !unmoved(database, relations, start)) return false
    return !relations.some((relation) => relation.unlogged)
  }

  /** Another store lies under us, or the same was opened anew: what we know of its contents no longer holds. */
  #notice(): void {
    const { incarnation } = this.#parts.store
    if (this.#state === 'off' || incarnation === this.#incarnation || incarnation === undefined) return
    this.#drop()
  }

  #drop(): void {
    this.forgetAll().catch(this.#parts.onFailure)
  }

  async #note(): Promise<void> {
    const { store, epochs } = this.#parts
    this.#isNoting = true
    this.#noteDueAtMs = Number.POSITIVE_INFINITY
    const generation = this.#generation
    const clockMax = epochs.clock + reserve
    try {
      await store.note(writeLegacy({ position: this.#position.settled, clockMax, stamps: stampsOf(epochs) }))
      if (generation !== this.#generation) return
      this.#clockMax = clockMax
      this.#isProvable = this.#position.settled !== undefined
    } finally {
      this.#isNoting = false
    }
  }
}
