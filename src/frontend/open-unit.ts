// The unit of a group that is at the origin without its Sync: what is ours in it waits until the origin has answered what came before,
// and may ask the origin in the middle of it, in the same transaction.

import type { LinkLoss } from '../origin/index.ts'
import { answerEnds, backend, readDataRow, readFields } from '../wire/index.ts'
import { CaptureUnit } from './capture-unit.ts'
import type { QuestionAnswer } from './question.ts'
import { Waiters } from './waiters.ts'

interface Question {
  readonly rows: (string | null)[][]
  answersLeft: number
  readonly settle: (answer: QuestionAnswer) => void
}

export class OpenUnit extends CaptureUnit {
  /** Makes of an error what the client is told instead, by whoever waits for the answers. */
  errorMoved: ((error: Buffer) => Buffer) | undefined
  toldInstead: Buffer | undefined
  readonly #answered = new Waiters()
  #question: Question | undefined
  #isOver = false

  /** Nothing of it is under way: all that was sent is answered, or ignored because something failed. */
  get isAnswered(): boolean {
    return this.failed || this.#isOver || this.answersLeft <= 0
  }

  untilAnswered(): Promise<void> {
    return this.isAnswered ? Promise.resolve() : this.#answered.wait()
  }

  /** `answerCount` messages of ours are on their way, and a Flush. Only while nothing else is. */
  question(answerCount: number): Promise<QuestionAnswer> {
    return new Promise((settle) => {
      this.#question = { rows: [], answersLeft: answerCount, settle }
    })
  }

  protected override see(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (this.#question !== undefined && !isAside.has(type)) {
      this.#hear(this.#question, type, bytes, start, end)
      return false
    }
    const isMoved = type === backend.error && this.errorMoved !== undefined && !this.failed
    if (isMoved) this.toldInstead = this.errorMoved?.(bytes.subarray(start, end))
    const passes = super.see(type, bytes, start, end)
    if (this.isAnswered) this.#answered.wake()
    return passes && !isMoved
  }

  override takePiece(bytes: Buffer, start: number, end: number, isFirst: boolean): boolean {
    return this.#question === undefined && super.takePiece(bytes, start, end, isFirst)
  }

  override ready(status: number): void {
    this.#ends()
    super.ready(status)
  }

  override lost(loss: LinkLoss): void {
    super.lost(loss)
    this.#ends()
  }

  #ends(): void {
    this.#isOver = true
    this.#settle(this.#question, new Map([['C', '08006']]))
    this.#answered.wake()
  }

  #hear(question: Question, type: number, bytes: Buffer, start: number, end: number): void {
    if (type === backend.dataRow) question.rows.push(readDataRow(bytes, start))
    else if (type === backend.error) {
      this.noteError(bytes, start, end)
      this.#settle(question, readFields(bytes, start, end))
    } else if (answerEnds.has(type) && --question.answersLeft === 0) this.#settle(question, undefined)
  }

  #settle(question: Question | undefined, error: ReadonlyMap<string, string> | undefined): void {
    if (question === undefined) return
    this.#question = undefined
    question.settle({ rows: question.rows, error })
  }
}

/** What the origin says beside its answers. */
const isAside: ReadonlySet<number> = new Set([
  backend.notice,
  backend.notification,
  backend.parameterStatus,
  backend.readyForQuery,
])
