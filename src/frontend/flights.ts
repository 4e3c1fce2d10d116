// Fills under way that an equal miss may join instead of asking the origin as well (R7, RRC-20).

import { hashOfKey, type StatementText } from '../cache/plans/index.ts'
import { type AnswerBytes, plainKey } from '../cache/results/index.ts'
import { type DatabaseEpochs, quarantined, type Relation, suspended, unmoved } from '../invalidation/index.ts'

export interface Landing {
  readonly bytes: AnswerBytes
  readonly descriptionBytes: number
  readonly rows: number
  /** When it was asked for. */
  readonly atMs: number
}

/** What was noted when it began. */
interface FlightMark {
  readonly text: StatementText
  readonly context: { readonly id: number }
  readonly parameters: string
  readonly start: number
  readonly atMs: number
  /** Labels its answer will be kept under. */
  readonly wish: { readonly tags: readonly string[] }
}

export class Flight {
  readonly mark: FlightMark
  readonly database: DatabaseEpochs
  readonly relations: readonly Relation[]
  /** Where it is found, and the next there (Flights). */
  bucket = 0
  other: Flight | undefined
  /** Made by the first who waits. */
  #waiters: Set<(landing: Landing | undefined) => void> | undefined

  constructor(mark: FlightMark, database: DatabaseEpochs, relations: readonly Relation[]) {
    this.mark = mark
    this.database = database
    this.relations = relations
  }

  /** A reader may share this fill if nothing it reads moved since the fill's start and no write to it is being committed. */
  joinable(): boolean {
    return (
      unmoved(this.database, this.relations, this.mark.start) &&
      !suspended(this.database, this.relations) &&
      !quarantined(this.database, this.relations)
    )
  }

  /** Calls back once: with the answer, or with undefined when the fill failed. Returns a function that stops waiting. */
  join(waiter: (landing: Landing | undefined) => void): () => void {
    const waiters = this.#waiters ?? new Set()
    this.#waiters = waiters
    waiters.add(waiter)
    return () => waiters.delete(waiter)
  }

  /** Somebody waits for it. */
  get isAwaited(): boolean {
    return this.#waiters !== undefined && this.#waiters.size > 0
  }

  land(landing: Landing | undefined): void {
    const waiters = this.#waiters
    if (waiters === undefined) return
    for (const waiter of [...waiters]) {
      waiters.delete(waiter)
      waiter(landing)
    }
  }
}

/** A power of two. Chains are as long as fills are under way at once, by the number of buckets. */
const bucketCount = 1024

export class Flights {
  /** By parameters; statements without, by themselves. Flights of a bucket are chained, the latest first. */
  readonly #buckets: (Flight | undefined)[] = new Array(bucketCount).fill(undefined)

  find(text: StatementText, contextId: number, parameters: string): Flight | undefined {
    let flight = this.#buckets[bucketOf(text, parameters)]
    while (flight !== undefined && !isOf(flight, text, contextId, parameters)) flight = flight.other
    return flight
  }

  begin(flight: Flight): void {
    const bucket = bucketOf(flight.mark.text, flight.mark.parameters)
    flight.bucket = bucket
    flight.other = this.#buckets[bucket]
    this.#buckets[bucket] = flight
  }

  end(flight: Flight): void {
    const { bucket, other } = flight
    let before = this.#buckets[bucket]
    if (before === flight) {
      this.#buckets[bucket] = other
      return
    }
    while (before !== undefined && before.other !== flight) before = before.other
    if (before !== undefined) before.other = other
  }
}

function isOf({ mark }: Flight, text: StatementText, contextId: number, parameters: string): boolean {
  return mark.text === text && mark.context.id === contextId && mark.parameters === parameters
}

function bucketOf(text: StatementText, parameters: string): number {
  return (parameters === plainKey ? text.serial : hashOfKey(parameters)) & (bucketCount - 1)
}
