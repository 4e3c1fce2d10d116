// Units of work at the origin, as the session sees them: what each does with the frames that come back.
//
// A unit never writes to the client from `take` (the run before its frame is not written yet); it forwards, cuts or holds. What it
// holds is written by the session when the unit is ready.

import type { LinkLoss, Unit } from '../origin/index.ts'
import { backend, readFields, readTag } from '../wire/index.ts'
import type { NameChanges } from './name-changes.ts'
import type { CodeRuns } from './name-doubts.ts'
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

/** Each of the client's extended messages is answered by one of these, or by an error. */
export const clientTerminals: ReadonlySet<number> = new Set([
  backend.parseComplete,
  backend.bindComplete,
  backend.closeComplete,
  backend.rowDescription,
  backend.noData,
  backend.commandComplete,
  backend.emptyQuery,
  backend.portalSuspended,
])

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
  replayed: { atOrigin: boolean }[] | undefined
  rows = 0
  bytes = 0
  recorder: Recorder | undefined
  descriptionRecorder: DescriptionRecorder | undefined
  /** It begins a block, or does something to savepoints: its answer tells nothing that others have done. */
  tellsNothing = false
  /** It was asked for by extended messages. */
  extended = false
  /** What its Parses and Closes make of names. */
  names: NameChanges | undefined
  /** Whether code of users runs in it; and if so, whether names were beyond doubt before it (name-doubts.ts). */
  codeRuns: CodeRuns = 'never'
  trusted: boolean | undefined
  /** Tick at which it was taken to run none. */
  assumedAt: number | undefined
  /** What was said beside the statement. */
  aside: Aside | undefined
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

  /** These Parses of ours go out with it. */
  replays(statements: readonly { atOrigin: boolean }[]): void {
    this.replayed ??= []
    this.replayed.push(...statements)
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
    if (this.names !== undefined && type !== backend.parseComplete && clientTerminals.has(type)) this.names.answered()
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
        this.names?.answered()
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
    if (left > 0) for (const statement of this.replayed?.slice(-left) ?? []) statement.atOrigin = false
    this.host.unitReady(this, { status, failed: this.failed })
  }

  /** Its end is what whoever queued it makes of it; false if nobody does. */
  answered(outcome: UnitOutcome): boolean {
    this.onReady?.(outcome)
    return this.onReady !== undefined
  }

  lost(loss: LinkLoss): void {
    this.onLost?.(loss)
  }

  protected noteError(bytes: Buffer, start: number, end: number): void {
    if (this.failed) return
    this.failed = true
    this.sqlstate = readFields(bytes, start, end).get('C') ?? ''
    this.names?.failed()
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

/** Part of an answer, not said beside it. */
export function isAnswer(type: number): boolean {
  return (
    type !== backend.error &&
    type !== backend.notice &&
    type !== backend.notification &&
    type !== backend.parameterStatus
  )
}
