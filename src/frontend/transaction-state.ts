// What the open transaction block has done so far, as far as it matters at its end.

import { status } from '../wire/index.ts'
import type { Session } from './session.ts'
import type { ClientUnit, UnitOutcome } from './units.ts'

export class TransactionState {
  /** May have changed rows: its locks are asked for before COMMIT. */
  wrote = false
  /** A statement that writes was among them, not only one that might. */
  told = false
  /** Changed the catalogue. */
  ddl = false
  /** May have changed settings of the session. */
  settings = false
  /** Something runs at COMMIT that cannot be asked about before (a held cursor). */
  opaque = false
  /** A message under way may end the block, so the status is not to be relied on. */
  ending = false
  #before: number = status.idle

  /** After every ReadyForQuery. */
  ended(session: Session, outcome: UnitOutcome, unit: ClientUnit): void {
    const { settings } = session
    if (this.#before === status.idle && outcome.status !== status.idle) {
      if (unit.part?.options.hidden) settings.beginImplicit()
      else settings.begin()
    } else if (this.#before !== status.idle && outcome.status === status.idle) {
      if (unit.tag === 'COMMIT' || unit.tag === 'PREPARE TRANSACTION') settings.commit()
      else settings.rollback()
    } else if (this.#before !== status.idle && (unit.tag === 'COMMIT' || unit.tag === 'ROLLBACK') && this.ending) {
      // AND CHAIN: one block ended, the next began.
      if (unit.tag === 'COMMIT') settings.commit()
      else settings.rollback()
      settings.begin()
    }
    this.#before = outcome.status
    if (outcome.status === status.idle) {
      if (this.settings) session.forgetContext()
      this.reset()
    } else if (session.quiet) this.ending = false
  }

  reset(): void {
    this.wrote = false
    this.ddl = false
    this.told = false
    this.settings = false
    this.opaque = false
    this.ending = false
  }
}
