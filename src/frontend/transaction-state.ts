// What the open transaction block has done so far, as far as it matters at its end.

import type { DatabaseEpochs } from '../invalidation/index.ts'
import { status } from '../wire/index.ts'
import type { Session } from './session.ts'
import type { ClientUnit, UnitOutcome } from './units.ts'

export class TransactionState {
  /** May have changed rows: its locks are asked for before COMMIT. */
  wrote = false
  /** TRUNCATE was among them. */
  truncated = false
  /** A statement that writes was among them, not only one that might. */
  told = false
  /** Changed the catalogue. */
  ddl = false
  /** May have changed settings of the session. */
  settings = false
  /** Something runs at COMMIT that cannot be asked about before (a held cursor). */
  opaque = false
  /** Tick at which a statement of it was first taken to write nothing, by what was known of it; a later change of the catalogue voids that. */
  assumedAt: number | undefined
  /** All it has done so far is read, and nothing of a user ran in it. */
  onlyReads = false
  /** Its isolation level, where that is known. */
  isolation: string | undefined
  /** When the origin last answered in it. */
  askedAtMs = 0
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
      this.onlyReads = false
    }
    this.#before = outcome.status
    if (outcome.failed || outcome.status === status.idle || unit.tag === 'COMMIT' || unit.tag === 'ROLLBACK')
      session.portals.forgetAll()
    if (outcome.status === status.idle) {
      if (this.settings) session.forgetContext()
      this.reset()
      return
    }
    this.askedAtMs = session.services.clock.nowMs()
    if (session.quiet) this.ending = false
  }

  /** True if its locks must be asked for before it commits. */
  mayHaveChanged(epochs: DatabaseEpochs): boolean {
    if (this.assumedAt !== undefined && epochs.schemaStamp > this.assumedAt) this.wrote = true
    return this.wrote || this.truncated || this.ddl || this.opaque
  }

  reset(): void {
    this.wrote = false
    this.truncated = false
    this.assumedAt = undefined
    this.ddl = false
    this.told = false
    this.settings = false
    this.opaque = false
    this.onlyReads = false
    this.isolation = undefined
    this.ending = false
  }
}
