// What was noted before the first byte of a fill went out, and where its answer is copied to while it passes.

import type { SessionContext, StatementText } from '../cache/plans/index.ts'
import type { PartWriter } from '../cache/results/index.ts'
import { Recorder } from './recorder.ts'
import type { Session } from './session.ts'

/** What settings and hints ask of an answer that is kept. */
export interface FillWish {
  readonly ttlMs: number
  readonly tags: readonly string[]
  /** 0 to 255: in memory, those of lower priority leave first. */
  readonly priority: number
  /** It may be kept in L2 as well. */
  readonly l2: boolean
}

export class FillMark {
  readonly text: StatementText
  readonly parameters: string
  readonly context: SessionContext
  readonly start: number
  readonly atMs: number
  readonly wish: FillWish
  readonly #session: Session

  /** `at` is the moment it counts as asked for, if that is not now. */
  constructor(
    session: Session,
    context: SessionContext,
    text: StatementText,
    parameters: string,
    wish: FillWish,
    at?: { readonly tick: number; readonly atMs: number },
  ) {
    this.text = text
    this.parameters = parameters
    this.context = context
    this.start = at?.tick ?? session.services.epochs.tick()
    this.atMs = at?.atMs ?? session.nowMs
    this.wish = wish
    this.#session = session
  }

  /** Of an answer too large for memory the rows go to L2 while they pass. */
  newRecorder(): Recorder {
    const { results, store } = this.#session.services
    const { l1AdmitBytesMax } = store.snapshot
    const { answerBytesMax, entryBytesMax } = results
    if (answerBytesMax <= l1AdmitBytesMax || !this.wish.l2) return new Recorder(entryBytesMax)
    return new Recorder(answerBytesMax, this, Math.min(l1AdmitBytesMax, entryBytesMax), entryBytesMax)
  }

  /** A place in L2 for the rows; undefined if there is none. */
  open(): PartWriter | undefined {
    const { services, databaseName } = this.#session
    const about = { expiresAtMs: this.atMs + this.wish.ttlMs, tags: this.wish.tags }
    return services.secondTier.partWriter(this.text, databaseName, this.context.id, this.parameters, about)
  }
}
