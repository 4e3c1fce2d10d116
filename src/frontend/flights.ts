// Fills under way that an equal miss may join instead of asking the origin as well (R7, RRC-20).

import type { StatementText } from '../cache/plans/index.ts'
import type { AnswerBytes } from '../cache/results/index.ts'
import { type DatabaseEpochs, type Relation, suspended, unmoved } from '../invalidation/index.ts'

export interface Landing {
  readonly bytes: AnswerBytes
  readonly descriptionBytes: number
  readonly rows: number
}

export class Flight {
  readonly database: DatabaseEpochs
  readonly relations: readonly Relation[]
  readonly start: number
  readonly #waiters = new Set<(landing: Landing | undefined) => void>()

  constructor(database: DatabaseEpochs, relations: readonly Relation[], start: number) {
    this.database = database
    this.relations = relations
    this.start = start
  }

  /** A reader may share this fill if nothing it reads moved since the fill's start and no write to it is being committed. */
  joinable(): boolean {
    return unmoved(this.database, this.relations, this.start) && !suspended(this.database, this.relations)
  }

  /** Calls back once: with the answer, or with undefined when the fill failed. Returns a function that stops waiting. */
  join(waiter: (landing: Landing | undefined) => void): () => void {
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  get waiterCount(): number {
    return this.#waiters.size
  }

  land(landing: Landing | undefined): void {
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter)
      waiter(landing)
    }
  }
}

export class Flights {
  readonly #byText = new Map<StatementText, Map<string, Flight>>()

  find(text: StatementText, contextId: number, parameters: string): Flight | undefined {
    return this.#byText.get(text)?.get(`${contextId} ${parameters}`)
  }

  begin(text: StatementText, contextId: number, parameters: string, flight: Flight): void {
    let flights = this.#byText.get(text)
    if (flights === undefined) {
      flights = new Map()
      this.#byText.set(text, flights)
    }
    flights.set(`${contextId} ${parameters}`, flight)
  }

  end(text: StatementText, contextId: number, parameters: string, flight: Flight): void {
    const flights = this.#byText.get(text)
    if (flights?.get(`${contextId} ${parameters}`) !== flight) return
    flights.delete(`${contextId} ${parameters}`)
    if (flights.size === 0) this.#byText.delete(text)
  }
}
