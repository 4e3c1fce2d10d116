// The unit of a read whose relations are known: its answer is copied while it passes, and kept if nothing crossed it.

import type { ShapeFacts } from '../cache/plans/index.ts'
import type { LinkLoss } from '../origin/index.ts'
import { storeAnswer, writesNothing } from './facts.ts'
import type { FillMark } from './fill-mark.ts'
import { Flight } from './flights.ts'
import { noteAnswer, type PassVerdict } from './pass.ts'
import { provePrepared } from './reply.ts'
import type { Group } from './request.ts'
import type { Session } from './session.ts'
import { ClientUnit, type UnitOutcome } from './units.ts'

export class FillUnit extends ClientUnit {
  readonly #session: Session
  readonly #mark: FillMark
  readonly #facts: ShapeFacts
  readonly #verdict: PassVerdict
  /** Its steps outlive the chunk they were read from; only their names are looked at. */
  readonly #group: Group | undefined
  readonly #flight: Flight
  readonly #startedUs: number

  constructor(session: Session, mark: FillMark, facts: ShapeFacts, verdict: PassVerdict, group: Group | undefined) {
    super(session)
    this.#session = session
    this.#mark = mark
    this.#facts = facts
    this.#verdict = verdict
    this.#group = group
    this.#flight = new Flight(mark, session.epochs, facts.relations)
    this.#startedUs = session.services.clock.monotonicUs()
    session.services.flights.begin(this.#flight)
  }

  override answered(outcome: UnitOutcome): boolean {
    const session = this.#session
    const mark = this.#mark
    const flight = this.#flight
    const { clock, flights } = session.services
    const us = clock.monotonicUs() - this.#startedUs
    if (!outcome.failed && session.context === mark.context) {
      provePrepared(session, this.#group, mark.start, mark.context.id)
    }
    const stored = storeAnswer(session, this, outcome, mark, this.#facts, us, flight.isAwaited)
    writesNothing(session, mark.start, outcome)
    noteAnswer(session, mark.text, this.#verdict, this, us, stored.unstored)
    session.finish(outcome.status)
    flights.end(flight)
    flight.land(stored.landing)
    return true
  }

  override lost(_loss: LinkLoss): void {
    this.#session.services.flights.end(this.#flight)
    this.#flight.land(undefined)
  }
}
