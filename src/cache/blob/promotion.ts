// Moves what was read from L2 into L1, after the reader has its answer: the bytes arrived with the reply, a batch a turn
// installs them.
//
//   L2 hit ──► seen before? ──► queue ──► next turn: still true? ──► L1
//
// A first hit leaves a mark only (a ring of key hashes, PRO-13): what is read once stays out, so that a scan pushes nobody out.

import type { Counters } from '../../observe/index.ts'
import type { EntryFacts } from './entry.ts'
import { aloneInMemory } from './entry-parts.ts'
import { hashText } from './key-hash.ts'

type PromotionPolicy = 'on_second_hit' | 'immediate' | 'never'

export interface PromotionSettings {
  readonly policy: PromotionPolicy
  readonly requestsMax: number
  readonly bytesMax: number
  readonly batch: number
  readonly marksMax: number
}

/** Where a promoted entry goes. */
export interface PromotionTarget {
  /** Puts it into L1 unless it is there, or was put, invalidated, flushed or expired meanwhile; false then. */
  install(facts: EntryFacts): boolean
}

interface Request {
  readonly target: PromotionTarget
  readonly facts: EntryFacts
  isCancelled: boolean
}

export class Promotion {
  readonly #counters: Counters
  #settings: PromotionSettings
  #marks: Int32Array
  #nextMark = 0
  /** How many places of the ring hold each hash. */
  readonly #marked = new Map<number, number>()
  #queue: Request[] = []
  readonly #byKey = new Map<PromotionTarget, Map<string, Request>>()
  #bytes = 0
  #isScheduled = false
  #isClosed = false

  constructor(settings: PromotionSettings, counters: Counters) {
    this.#settings = settings
    this.#counters = counters
    this.#marks = new Int32Array(settings.marksMax)
  }

  get policy(): PromotionPolicy {
    return this.#settings.policy
  }

  configure(settings: PromotionSettings): void {
    this.#settings = settings
    if (settings.marksMax === this.#marks.length) return
    this.#marks = new Int32Array(settings.marksMax)
    this.#marked.clear()
    this.#nextMark = 0
  }

  /** An entry was read from L2; its admission allows L1. */
  consider(target: PromotionTarget, namespace: string, facts: EntryFacts): void {
    const { policy } = this.#settings
    if (policy === 'never') return
    if (policy === 'on_second_hit' && !this.#wasSeen(hashText(facts.key, hashText(namespace)))) return
    this.#enqueue(target, facts)
  }

  /** The key was put or invalidated: what waits for it is not true any more. */
  cancel(target: PromotionTarget, key: string): void {
    const request = this.#byKey.get(target)?.get(key)
    if (request !== undefined) this.#cancel(request)
  }

  /** The same for all keys of a target that match. */
  cancelWhere(target: PromotionTarget, matches: (facts: EntryFacts) => boolean): void {
    for (const request of [...(this.#byKey.get(target)?.values() ?? [])]) {
      if (matches(request.facts)) this.#cancel(request)
    }
  }

  /** Installs all that wait, and refuses from now on (PRO-4). */
  close(): void {
    while (this.#queue.length > 0) this.#installSome()
    this.#isClosed = true
  }

  #wasSeen(hash: number): boolean {
    if ((this.#marked.get(hash) ?? 0) > 0) return true
    if (this.#marks.length === 0) return false
    const signed = hash | 0
    const old = this.#marks[this.#nextMark] as number
    this.#unmark(old >>> 0)
    this.#marks[this.#nextMark] = signed
    this.#nextMark = (this.#nextMark + 1) % this.#marks.length
    this.#marked.set(hash, (this.#marked.get(hash) ?? 0) + 1)
    return false
  }

  #unmark(hash: number): void {
    const count = this.#marked.get(hash)
    if (count === undefined) return
    if (count === 1) this.#marked.delete(hash)
    else this.#marked.set(hash, count - 1)
  }

  #enqueue(target: PromotionTarget, facts: EntryFacts): void {
    const { requestsMax, bytesMax } = this.#settings
    const bytes = facts.value.length
    if (this.#isClosed || bytes > bytesMax || requestsMax === 0) {
      this.#counters.promotion_refused++
      return
    }
    const waiting = this.#byKey.get(target)?.get(facts.key)
    if (waiting !== undefined) this.#cancel(waiting)
    while (this.#queue.length >= requestsMax || this.#bytes + bytes > bytesMax) this.#dropOldest()
    const request = { target, facts: { ...facts, value: aloneInMemory(facts.value) }, isCancelled: false }
    this.#queue.push(request)
    this.#bytes += bytes
    const keys = this.#byKey.get(target)
    if (keys === undefined) this.#byKey.set(target, new Map([[facts.key, request]]))
    else keys.set(facts.key, request)
    this.#counters.promotion_queued++
    this.#gauge()
    this.#schedule()
  }

  #dropOldest(): void {
    const request = this.#queue.shift() as Request
    if (request.isCancelled) return
    this.#leave(request)
    this.#counters.promotion_dropped++
  }

  #cancel(request: Request): void {
    request.isCancelled = true
    this.#leave(request)
    this.#queue = this.#queue.filter((other) => other !== request)
    this.#counters.promotion_cancelled++
    this.#gauge()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#installSome()
      if (this.#queue.length > 0) this.#schedule()
    })
  }

  #installSome(): void {
    for (const request of this.#queue.splice(0, this.#settings.batch)) {
      this.#leave(request)
      if (request.target.install(request.facts)) this.#counters.promotion_completed++
      else this.#counters.promotion_cancelled++
    }
    this.#gauge()
  }

  #leave({ target, facts }: Request): void {
    this.#bytes -= facts.value.length
    const keys = this.#byKey.get(target)
    keys?.delete(facts.key)
    if (keys?.size === 0) this.#byKey.delete(target)
  }

  #gauge(): void {
    this.#counters.promotion_queue_depth = this.#queue.length
  }
}
