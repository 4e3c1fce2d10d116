// The unit of whatever may write: the client's messages, and our question for the locks before the commit.

import { type Capture, readCapture } from '../cache/plans/index.ts'
import { backend, moveErrorPosition, readDataRow } from '../wire/index.ts'
import { ClientUnit, clientTerminals, isAnswer, type UnitHost } from './units.ts'

interface CaptureOptions {
  /** Answers the client's messages will bring before ours begin. */
  readonly answersExpected: number
  /** The client sent a simple query, which we send as extended messages: their own answers are cut. */
  readonly simple: boolean
  /** Runs when the transaction's locks are known, before Sync is sent. Undefined if the capture failed or never ran. */
  readonly captured: (capture: Capture | undefined) => void
  /** Ends the transaction at the origin. */
  readonly sendSync: () => void
  readonly heldBytesMax: number
  /** Where held bytes go when they grow too many. */
  readonly overflow: (bytes: Buffer) => void
  /** More messages may come before our question: `expect` tells of them, `ask` that it is on its way. */
  readonly open?: boolean
  /** Of a text of several statements: characters of it before each. */
  readonly shifts?: readonly number[] | undefined
}

/**
 * The client's messages, then our question which relations the transaction has locked, then (on our word) Sync.
 *
 *   client  frames forwarded; from the first CommandComplete on (of a text of several: the last) they are held: the transaction may still fail
 *   capture our BindComplete, DataRow and CommandComplete, cut
 *   commit  what Sync brings, held as well
 */
export class CaptureUnit extends ClientUnit {
  phase: 'client' | 'capture' | 'commit' = 'client'
  capture: Capture | undefined
  /** An error after the client's own messages had succeeded: the commit (or our question) failed. */
  commitFailed = false
  syncSent = false
  readonly held: Buffer[] = []
  readonly #options: CaptureOptions
  #answersLeft: number
  #asked: boolean
  #completions = 0
  #heldBytes = 0
  #holding = false
  #row: readonly (string | null)[] | undefined

  constructor(host: UnitHost, options: CaptureOptions) {
    super(host)
    this.#options = options
    this.#answersLeft = options.answersExpected
    this.#asked = options.open !== true
  }

  get answersLeft(): number {
    return this.#answersLeft
  }

  expect(answerCount: number): void {
    this.#answersLeft += answerCount
  }

  ask(): void {
    this.#asked = true
    if (this.#answersLeft === 0 && this.phase === 'client') this.phase = 'capture'
  }

  protected override see(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === backend.readyForQuery) return false
    if (type === backend.notice || type === backend.notification || type === backend.parameterStatus) {
      this.noticed = true
      if (type === backend.parameterStatus) this.host.parameterChanged(bytes, start, end)
      return this.#forwardOrHold(bytes, start, end)
    }
    if (type === backend.error) return this.#error(bytes, start, end)
    if (this.phase === 'client') return this.#client(type, bytes, start, end)
    if (this.phase === 'capture') {
      this.#captured(type, bytes, start)
      return false
    }
    // After the capture: only answers to messages of ours can come (CloseComplete of the unnamed statement).
    return false
  }

  override takePiece(bytes: Buffer, start: number, end: number, isFirst: boolean): boolean {
    return super.takePiece(bytes, start, end, isFirst) && this.#forwardOrHold(bytes, start, end)
  }

  #client(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (!super.see(type, bytes, start, end) && type === backend.parseComplete) return false
    if (clientTerminals.has(type) && --this.#answersLeft === 0 && this.#asked) this.phase = 'capture'
    if (this.#options.simple && isFlowAnswer(type)) return false
    // Before a Flush the client waits for it, and knows that nothing is committed yet.
    if (type === backend.commandComplete || type === backend.emptyQuery) {
      this.#completions++
      if (this.#asked && this.#completions >= (this.#options.shifts?.length ?? 1)) this.#holding = true
    }
    return this.#forwardOrHold(bytes, start, end)
  }

  #captured(type: number, bytes: Buffer, start: number): void {
    if (type === backend.dataRow) this.#row = readDataRow(bytes, start)
    if (type !== backend.commandComplete || this.#row === undefined) return
    this.capture = readCapture(this.#row)
    this.phase = 'commit'
    this.#options.captured(this.capture)
    this.#sync()
  }

  #error(bytes: Buffer, start: number, end: number): boolean {
    this.noteError(bytes, start, end)
    if (this.phase === 'client') {
      const forwarded = this.#passError(bytes, start, end)
      if (!this.#asked) return forwarded
      this.phase = 'commit'
      this.#options.captured(undefined)
      this.#sync()
      return forwarded
    }
    // The client's messages succeeded, the transaction did not: to a simple query the error replaces the completion.
    this.commitFailed = true
    if (this.#options.simple) this.held.length = 0
    this.#hold(bytes, start, end)
    if (this.phase === 'capture') {
      this.phase = 'commit'
      this.#options.captured(undefined)
    }
    this.#sync()
    return false
  }

  #passError(bytes: Buffer, start: number, end: number): boolean {
    if (this.moveError(bytes, start, end)) return false
    const shift = this.#options.shifts?.[this.#completions] ?? 0
    if (shift === 0) return this.#forwardOrHold(bytes, start, end)
    const moved = moveErrorPosition(bytes, start, end, (position) => position + shift)
    this.#hold(moved, 0, moved.length)
    return false
  }

  #sync(): void {
    if (this.syncSent) return
    this.syncSent = true
    this.#options.sendSync()
  }

  #forwardOrHold(bytes: Buffer, start: number, end: number): boolean {
    if (!this.#holding) return true
    if (this.unheard && isAnswer(bytes[start] as number)) return false
    this.#hold(bytes, start, end)
    return false
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    this.held.push(Buffer.from(bytes.subarray(start, end)))
    this.#heldBytes += end - start
    if (this.#heldBytes <= this.#options.heldBytesMax || this.held.length < 2) return
    for (const piece of this.held.splice(0)) this.#options.overflow(piece)
    this.#heldBytes = 0
  }
}

/** Answers of the extended flow that a simple query does not have. */
function isFlowAnswer(type: number): boolean {
  return (
    type === backend.parseComplete ||
    type === backend.bindComplete ||
    type === backend.closeComplete ||
    type === backend.noData ||
    type === backend.parameterDescription
  )
}
