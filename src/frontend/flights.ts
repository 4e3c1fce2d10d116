// Fills under way that an equal miss may join instead of asking the origin as well (R7, RRC-20).

import type { StatementText } from '../cache/plans/index.ts'
import { type AnswerBytes, plainKey } from '../cache/results/index.ts'
import { type DatabaseEpochs, type Relation, suspended, unmoved } from '../invalidation/index.ts'

export interface Landing {
  readonly bytes: AnswerBytes
  readonly descriptionBytes: number
  readonly rows: number
  /** When it was asked for. */
  readonly atMs: number
}

export class Flight {
  readonly text: StatementText
  readonly contextId: number
  readonly parameters: string
  readonly database: DatabaseEpochs
  readonly relations: readonly Relation[]
  readonly start: number
  /** Labels its answer will be kept under. */
  readonly tags: readonly string[]
  /** The next under the same key (Flights). */
  other: Flight | undefined
  /** Made by the first who waits. */
  #waiters: Set<(landing: Landing | undefined) => void> | undefined

  constructor(
    text: StatementText,
    contextId: number,
    parameters: string,
    database: DatabaseEpochs,
    relations: readonly Relation[],
    start: number,
    tags: readonly string[] = [],
  ) {
    this.text = text
    this.contextId = contextId
    this.parameters = parameters
    this.database = database
    this.relations = relations
    this.start = start
    this.tags = tags
  }

  /** A reader may share this fill if nothing it reads moved since the fill's start and no write to it is being committed. */
  joinable(): boolean {
    return unmoved(this.database, this.relations, this.start) && !suspended(this.database, this.relations)
  }

  /** Calls back once: with the answer, or with undefined when the fill failed. Returns a function that stops waiting. */
  join(waiter: (landing: Landing | undefined) => void): () => void {
    const waiters = this.#waiters ?? new Set()
    this.#waiters = waiters
    waiters.add(waiter)
    return () => waiters.delete(waiter)
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

export class Flights {
  /**
   * By parameters, or by the text of a statement without: strings that were looked up before, so that their hashes are known. Flights
   * under the same string are chained, the latest first.
   */
  readonly #byKey = new Map<string, Flight>()

  find(text: StatementText, contextId: number, parameters: string): Flight | undefined {
    let flight = this.#byKey.get(keyOf(text, parameters))
    while (flight !== undefined && (flight.text !== text || flight.contextId !== contextId)) flight = flight.other
    return flight
  }

  begin(flight: Flight): void {
    const key = keyOf(flight.text, flight.parameters)
    flight.other = this.#byKey.get(key)
    this.#byKey.set(key, flight)
  }

  end(flight: Flight): void {
    const key = keyOf(flight.text, flight.parameters)
    const first = this.#byKey.get(key)
    if (first === flight) {
      if (flight.other === undefined) this.#byKey.delete(key)
      else this.#byKey.set(key, flight.other)
      return
    }
    let before = first
    while (before !== undefined && before.other !== flight) before = before.other
    if (before !== undefined) before.other = flight.other
  }
}

function keyOf(text: StatementText, parameters: string): string {
  return parameters === plainKey ? text.key : parameters
}
