// Units of work at the origin, as the session sees them: what each does with the frames that come back.
//
// A unit never writes to the client from `take` (the run before its frame is not written yet); it forwards, cuts or holds. What it
// holds is written by the session when the unit is ready.

import { type Capture, readCapture } from '../cache/plans/index.ts'
import type { LinkLoss, Unit } from '../origin/index.ts'
import { backend, readDataRow, readFields, readTag } from '../wire/index.ts'
import type { Part } from './part.ts'
import type { DescriptionRecorder, Recorder } from './recorder.ts'
import type { Aside } from './source-text.ts'

/** What the session does when a unit ends. */
export interface UnitOutcome {
  readonly status: number
  /** True if the origin reported an error in it. */
  readonly failed: boolean
}

/** The part of the session that units talk to. */
export interface UnitHost {
  /** What the unit is made for, if it is not a message of the client's. */
  readonly part: Part | undefined
  /** The origin asks for COPY data; the unit takes what the client sends until its ReadyForQuery. */
  copyBegins(unit: ClientUnit): void
  parameterChanged(bytes: Buffer, start: number, end: number): void
  unitReady(unit: ClientUnit, outcome: UnitOutcome): void
  /** A recorder refers to the chunk at hand: it is settled before the chunk goes. */
  recording(recorder: Recorder): void
}

/** Forwards everything; may record, and may cut the ParseCompletes of statements we replayed. */
export class ClientUnit implements Unit {
  readonly host: UnitHost
  readonly part: Part | undefined
  /** Nobody waits for the answer: only errors, and what a run says beside it, are passed on. */
  readonly unheard: boolean
  /** The error with its position where the client would look for it: written when the unit is ready. */
  movedError: Buffer | undefined
  failed = false
  noticed = false
  tag = ''
  /** ParseCompletes of ours, each by how many of the client's come before it. */
  cuts: number[] | undefined
  /** Parses of the client's that went to the origin, and how many it has answered. */
  parsesSent = 0
  #parsesAnswered = 0
  /** The statements they are of. */
  readonly replayed: { atOrigin: boolean }[] = []
  rows = 0
  bytes = 0
  recorder: Recorder | undefined
  descriptionRecorder: DescriptionRecorder | undefined
  /** It was asked for by extended messages. */
  extended = false
  /** Names of the client's Parses that are not answered yet. */
  unparsed: string[] | undefined
  /** What was said beside the statement. */
  aside: Aside | undefined
  /** Called for each ParseComplete that is the client's. */
  onParsed: (() => void) | undefined
  /** Called once at the first error. */
  onFailed: (() => void) | undefined
  /** What the session does at its ReadyForQuery, before the client hears of it; and when the origin is lost before. */
  onReady: ((outcome: UnitOutcome) => void) | undefined
  onLost: ((loss: LinkLoss) => void) | undefined
  /** What the caches do at its ReadyForQuery, or when the origin is lost before it. */
  atEnd: ((outcome: UnitOutcome) => void) | undefined
  atLoss: (() => void) | undefined
  /** SQLSTATE of the first error. */
  sqlstate = ''
  #sawDescription = false

  constructor(host: UnitHost) {
    this.host = host
    this.part = host.part
    this.unheard = host.part?.options.unheard === true
    this.cutReplays(host.part?.options.cutParses ?? 0)
  }

  /** So many Parses of ours go out now: their answers are not the client's. */
  cutReplays(count: number, behind = this.parsesSent): void {
    if (count === 0) return
    this.cuts ??= []
    for (let cut = 0; cut < count; cut++) this.cuts.push(behind)
  }

  /** True if the ParseComplete at hand is one of ours. */
  protected cutsParse(): boolean {
    if (this.cuts?.[0] === this.#parsesAnswered) {
      this.cuts.shift()
      return true
    }
    this.#parsesAnswered++
    return false
  }

  take(type: number, bytes: Buffer, start: number, end: number): boolean {
    return this.see(type, bytes, start, end) && !(this.unheard && isAnswer(type))
  }

  /** True if the frame is to be passed on. */
  protected see(type: number, bytes: Buffer, start: number, end: number): boolean {
    this.descriptionRecorder?.take(type, bytes, start, end)
    switch (type) {
      case backend.dataRow:
        this.rows++
        this.bytes += end - start
        this.record(bytes, start, end)
        return true
      case backend.readyForQuery:
        return false
      case backend.commandComplete:
        this.tag = readTag(bytes, start, end)
        this.record(bytes, start, end)
        return this.part === undefined || this.part.completes(bytes, start, end)
      case backend.rowDescription:
        if (this.recorder !== undefined && !this.#sawDescription) {
          this.#sawDescription = true
          if (this.recorder.describe(bytes, start, end)) this.host.recording(this.recorder)
        }
        return true
      case backend.parseComplete:
        if (this.cutsParse()) return false
        this.onParsed?.()
        return true
      case backend.parameterDescription:
        if (this.recorder !== undefined) this.recorder.parameterDescription = Buffer.from(bytes.subarray(start, end))
        return true
      case backend.error:
        this.noteError(bytes, start, end)
        return !this.moveError(bytes, start, end)
      case backend.parameterStatus:
        this.host.parameterChanged(bytes, start, end)
        this.noticed = true
        return true
      case backend.notice:
        this.noticed = true
        return this.part === undefined || this.part.notices(bytes, start, end)
      case backend.notification:
        this.noticed = true
        return true
      case backend.copyInResponse:
      case backend.copyBothResponse:
        this.host.copyBegins(this)
        return true
      default:
        return true
    }
  }

  takePiece(bytes: Buffer, start: number, end: number, isFirst: boolean): boolean {
    if (isFirst && bytes[start] === backend.dataRow) this.rows++
    this.bytes += end - start
    this.record(bytes, start, end)
    return !this.unheard
  }

  ready(status: number): void {
    // A replay whose ParseComplete did not come never reached the origin's list.
    const left = this.cuts?.length ?? 0
    if (left > 0) for (const statement of this.replayed.slice(-left)) statement.atOrigin = false
    this.host.unitReady(this, { status, failed: this.failed })
  }

  lost(loss: LinkLoss): void {
    this.onLost?.(loss)
  }

  protected noteError(bytes: Buffer, start: number, end: number): void {
    if (this.failed) return
    this.failed = true
    this.sqlstate = readFields(bytes, start, end).get('C') ?? ''
    this.onFailed?.()
  }

  /** True if the error is kept, to be written when the unit is ready: nothing comes between. */
  protected moveError(bytes: Buffer, start: number, end: number): boolean {
    const moved = this.part?.movedError(bytes, start, end)
    if (moved === undefined) return false
    this.movedError = moved
    return true
  }

  protected record(bytes: Buffer, start: number, end: number): void {
    if (this.recorder?.add(bytes, start, end)) this.host.recording(this.recorder)
  }
}

const clientTerminals = new Set<number>([
  backend.parseComplete,
  backend.bindComplete,
  backend.closeComplete,
  backend.rowDescription,
  backend.noData,
  backend.commandComplete,
  backend.emptyQuery,
  backend.portalSuspended,
])

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
}

/**
 * The client's messages, then our question which relations the transaction has locked, then (on our word) Sync.
 *
 *   client  frames forwarded; from the first CommandComplete on they are held: the transaction may still fail
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
  #heldBytes = 0
  #holding = false
  #row: readonly (string | null)[] | undefined

  constructor(host: UnitHost, options: CaptureOptions) {
    super(host)
    this.#options = options
    this.#answersLeft = options.answersExpected
    this.#asked = options.open !== true
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
    if (this.#asked && (type === backend.commandComplete || type === backend.emptyQuery)) this.#holding = true
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
      const forwarded = !this.moveError(bytes, start, end) && this.#forwardOrHold(bytes, start, end)
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

/** Part of an answer, not said beside it. */
function isAnswer(type: number): boolean {
  return (
    type !== backend.error &&
    type !== backend.notice &&
    type !== backend.notification &&
    type !== backend.parameterStatus
  )
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

/** A question of our own: nothing of it reaches the client but notices and parameter changes. */
export class QuestionUnit implements Unit {
  readonly rows: (string | null)[][] = []
  readonly #settle: (result: { rows: (string | null)[][]; error: Map<string, string> | undefined }) => void
  readonly #onStatus: (status: number) => void
  #error: Map<string, string> | undefined

  constructor(
    settle: (result: { rows: (string | null)[][]; error: Map<string, string> | undefined }) => void,
    onStatus: (status: number) => void,
  ) {
    this.#settle = settle
    this.#onStatus = onStatus
  }

  take(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === backend.dataRow) this.rows.push(readDataRow(bytes, start))
    else if (type === backend.error) this.#error = readFields(bytes, start, end)
    return type === backend.notification || type === backend.parameterStatus
  }

  takePiece(): boolean {
    return false
  }

  ready(status: number): void {
    this.#onStatus(status)
    this.#settle({ rows: this.rows, error: this.#error })
  }

  lost(loss: LinkLoss): void {
    this.#settle({
      rows: [],
      error: new Map([
        ['C', '08006'],
        ['M', loss.message],
      ]),
    })
  }
}
