// One client session after start-up: takes its messages in order and sends each the way of a hit, the origin, or our own rooms.
//
//   bytes -> messages -> statement text -> read path (hit, fill) | write path (capture, suspend, bump) | own room | straight through
//
// Invariants
//   1. Answers go out in the order of the messages. A hit is only given when nothing is under way at the origin.
//   2. While `busy`, no message is looked at: a slow path owns the session and calls `resume` when it is done.
//   3. `status` is what the origin's last ReadyForQuery said. With units under way it may be old, so whatever depends on it
//      (writes, COMMIT, hits) waits until they are answered.
//   4. Every ReadyForQuery the client gets is written by `finish`, after the caches know what the statement changed.

import type net from 'node:net'
import type { SessionContext, StatementText } from '../cache/plans/index.ts'
import type { Entry } from '../cache/results/index.ts'
import type { SessionSettings } from '../config/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { type DatabaseEpochs, wholeDatabase } from '../invalidation/index.ts'
import { type LinkLoss, type LinkOwner, type LinkTraffic, noLink, type Sink, type Unit } from '../origin/index.ts'
import {
  backend,
  errorFrame,
  frontend,
  isFrontendType,
  parameterStatusFrame,
  noticeFrame,
  readyFrame,
  status,
  copyFailFrame,
  syncFrame,
} from '../wire/index.ts'
import { type ParseStep, readStep, type Step } from './batch.ts'
import type { Decision, DecisionRecord } from './decisions.ts'
import { dispatchGroup, dispatchQuery, type Request } from './dispatch.ts'
import { takeStoredAnswer } from './fast-path.ts'
import type { Output } from './output.ts'
import { PreparedStatements } from './prepared-statements.ts'
import type { Landed } from './read-path.ts'
import { askQuestion, type QuestionAnswer } from './question.ts'
import type { Services } from './services.ts'
import { TransactionState } from './transaction-state.ts'
import { CaptureUnit, ClientUnit, type Recorder, type UnitHost, type UnitOutcome } from './units.ts'

/** Client bytes kept while a slow path runs, before the client is made to wait. */
const heldBytesMax = 256 * 1024
/** A message group held back for its Sync; a longer one is passed on as it comes, unread. */
const groupBytesMax = 1024 * 1024
/** Bytes waiting for a slow reader before the other side is paused. */
const backlogBytesMax = 1024 * 1024

export interface SessionIdentity {
  readonly id: number
  readonly login: string
  readonly database: string
  readonly clientAddress: string
  readonly pid: number
  readonly key: Buffer
  readonly replication: boolean
  /** Connected to an admin database: there is no origin behind it. */
  readonly admin: boolean
  /** An admin session that no origin vouches for: it was let in by trust or by admin_password. */
  readonly adminTrusted: boolean
  readonly parameters: Map<string, string>
  readonly connectedAtMs: number
}

export type EndListener = (session: Session) => void

export class Session implements LinkOwner, UnitHost {
  readonly services: Services
  readonly identity: SessionIdentity
  readonly settings: SessionSettings
  readonly output: Output
  readonly sink: Sink
  readonly socket: net.Socket
  readonly texts: Map<string, StatementText>
  readonly epochs: DatabaseEpochs
  readonly statements = new PreparedStatements()
  readonly transaction = new TransactionState()
  link: LinkTraffic = noLink()
  status: number = status.idle
  context: SessionContext | undefined
  contextVersion = -1
  /** True when the origin would not tell its locks: nothing can be proven, nothing is kept. */
  captureRefused = false
  captureReady = false
  /** It worked on this connection before, so making it again cannot fail. */
  captureTried = false
  captureVersion = -1
  /** Our questions that this connection has prepared. */
  readonly questions = new Set<string>()
  /** The origin still counts catalogue changes of earlier transactions of this session as not reported. */
  catalogueCounted = false
  busy = false
  closing = false
  /** A commit was under way when the origin was lost. */
  outcomeUnknown = false
  ended = false
  /** Takes the client's COPY data while the origin asks for it. */
  copying: { readonly unit: ClientUnit; readonly converted: boolean } | undefined
  /** A group passed on before its Sync arrived. */
  open: ClientUnit | undefined
  /** An error was answered before a Flush: messages are ignored up to the client's Sync. */
  skipping = false
  /** The client mixed the protocols in a way that only the origin can follow: everything is passed through as it is. */
  derailed = false
  last: DecisionRecord | undefined
  lastId = 0
  /** What a wait for another session's fill brought. */
  landed: Landed | undefined
  /** Ends such a wait when the client asks to cancel. */
  cancelWait: (() => void) | undefined
  hits = 0
  misses = 0
  bypasses = 0
  lastAtMs = 0
  /** Reads the time once per chunk: good enough for expiry, and cheap. */
  nowMs = 0
  chunkUs = 0
  /** Settles what `close` waits for. */
  onEnd: EndListener | undefined
  /** Called when a statement or a block has ended. */
  onIdle: (() => void) | undefined
  /** Who looks, for our own statements; asked again when the role may have changed. */
  viewer: unknown
  #held: Buffer | undefined
  #bulkBytes = 0
  /** The COPY's data has ended, its group has not. */
  #copyTail = false
  #drainWaiters: (() => void)[] = []
  #recorders: Recorder[] = []
  #clientPaused = false
  /** A verdict was noted since the last ReadyForQuery. */
  #decided = false
  readonly #takenWaiters: (() => void)[] = []

  constructor(services: Services, identity: SessionIdentity, settings: SessionSettings, socket: net.Socket, output: Output) {
    this.services = services
    this.identity = identity
    this.settings = settings
    this.socket = socket
    this.output = output
    this.sink = { write: (bytes, start, end) => output.write(bytes, start, end), flush: () => this.#originChunkEnds() }
    this.texts = services.plans.textsOf(identity.database)
    this.epochs = services.epochs.database(identity.database)
    this.lastAtMs = identity.connectedAtMs
  }

  // What decisions show.
  get id(): number {
    return this.identity.id
  }
  get databaseName(): string {
    return this.identity.database
  }
  get roleName(): string {
    return this.context?.role ?? this.identity.login
  }
  get applicationName(): string {
    return this.identity.parameters.get('application_name') ?? ''
  }

  /** Bytes from the client. */
  receive(chunk: Buffer, length: number): void {
    try {
      this.#receive(chunk, length)
    } catch (error) {
      this.fail(error)
    }
  }

  #receive(chunk: Buffer, length: number): void {
    if (this.ended || this.closing) return
    this.services.counters.client_bytes_in += length
    if (!this.#mayLook()) {
      this.#hold(chunk, 0, length)
      return
    }
    let bytes = chunk
    let end = length
    if (this.#held !== undefined) {
      bytes = Buffer.concat([this.#held, chunk.subarray(0, length)])
      end = bytes.length
      this.#held = undefined
    }
    this.#process(bytes, end)
  }

  /** The slow path is done: goes on with what the client sent meanwhile. */
  resume(): void {
    this.busy = false
    if (this.ended) return
    if (this.closing) {
      this.#endWhenIdle()
      return
    }
    const held = this.#held
    this.#held = undefined
    if (this.#clientPaused) this.#resumeClient()
    if (held !== undefined) this.#process(held, held.length)
    else this.output.flush()
  }

  /** Runs a slow path; nothing else of this session moves until it ends. */
  slowly(run: () => Promise<void>): void {
    this.busy = true
    run().then(
      () => this.resume(),
      (error: unknown) => this.fail(error),
    )
  }

  /** Resolves when nothing is under way at the origin. */
  untilQuiet(): Promise<void> {
    if (this.link.units.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.#drainWaiters.push(resolve))
  }

  /** True if the bytes of a text mean what our grammar reads in them. */
  get readsTexts(): boolean {
    const { parameters } = this.identity
    return parameters.get('client_encoding') === 'UTF8' && parameters.get('standard_conforming_strings') !== 'off'
  }

  /** True if nothing is under way at the origin. */
  get quiet(): boolean {
    return this.link.units.length === 0
  }

  /** Stops looking at messages until everything under way is answered; the message at hand is looked at again then. */
  waitForQuiet(): false {
    this.slowly(() => this.untilQuiet())
    return false
  }

  /** Registers a statement the client prepares. */
  prepare(step: ParseStep, text: StatementText, atOrigin: boolean): void {
    this.statements.add(step, text, atOrigin, this.services.epochs.clock, this.context?.id ?? -1)
  }

  /** Resolves when the client has taken most of what waits for it. */
  untilTaken(): Promise<void> {
    this.output.flush()
    return new Promise((resolve) => {
      if (this.ended || this.output.backlogBytes === 0) resolve()
      else this.#takenWaiters.push(resolve)
    })
  }

  newUnit(): ClientUnit {
    return new ClientUnit(this)
  }

  /** A copy of a request that outlives the read callback. */
  keepRequest(request: Request): Request {
    const bytes = Buffer.from(request.bytes.subarray(request.start, request.end))
    if (request.group === undefined) return { ...request, bytes, start: 0, end: bytes.length }
    const { group } = request
    const moved = { ...group, bytes, start: 0, end: bytes.length, bodyEnd: group.bodyEnd - group.start }
    return { simple: request.simple, bytes, start: 0, end: bytes.length, group: moved }
  }

  ask(frames: Buffer): Promise<QuestionAnswer> {
    return askQuestion(this, frames)
  }

  /** Ends a statement towards the client: signal, notices of ours, ReadyForQuery. */
  finish(statusByte: number): void {
    const signal = this.settings.current.responseSignal
    if (signal !== 'off' && this.#decided && this.last !== undefined) this.#signal(signal, this.last)
    this.#decided = false
    this.output.add(readyFrame(statusByte))
  }

  /** Notes a verdict. */
  decide(decision: Decision): void {
    const { services } = this
    this.last = services.decisions.note(this, this.nowMs || services.clock.nowMs(), decision)
    this.#noted(this.last)
  }

  /** Notes an answer from the cache. */
  decideHit(text: StatementText, entry: Entry, totalUs: number): void {
    this.last = this.services.decisions.noteHit(this, this.nowMs, text, entry, totalUs)
    this.#noted(this.last)
  }

  #noted(record: DecisionRecord): void {
    this.landed = undefined
    this.lastId = record.id
    this.lastAtMs = record.atMs
    this.#decided = true
  }

  /** The last verdict, unless the ring has come round since. */
  get lastDecision(): DecisionRecord | undefined {
    return this.last?.id === this.lastId ? this.last : undefined
  }

  /** An error of ours in place of an answer, and the ReadyForQuery behind it. */
  refuse(error: ServerError): void {
    this.output.add(errorFrame(error))
    this.finish(this.status)
  }

  // UnitHost

  copyBegins(unit: ClientUnit): void {
    if (this.copying !== undefined) return
    this.copying = { unit, converted: unit instanceof CaptureUnit }
    queueMicrotask(() => this.#copyFromHeld())
  }

  parameterChanged(bytes: Buffer, start: number, end: number): void {
    const [name, value] = bytes.toString('utf8', start + 5, end - 1).split('\0')
    if (name === undefined) return
    this.identity.parameters.set(name, value ?? '')
    // By SET or because the server's configuration was read again: either way the answers may look different now.
    if (name !== 'application_name') this.forgetContext()
  }

  unitReady(unit: ClientUnit, outcome: UnitOutcome): void {
    this.status = outcome.status
    if (this.copying?.unit === unit) this.copying = undefined
    if (unit.extended) this.#copyTail = false
    if (this.open === unit) this.open = undefined
    const handler = unit.onReady
    this.transaction.ended(this, outcome, unit)
    handler?.(outcome)
    if (handler === undefined) this.finish(outcome.status)
    this.#unitsMoved()
  }

  unitLost(unit: ClientUnit, loss: LinkLoss): void {
    unit.onLost?.(loss)
  }

  recording(recorder: Recorder): void {
    if (this.#recorders[this.#recorders.length - 1] !== recorder) this.#recorders.push(recorder)
  }

  /** Queues a unit with what shall happen at its ReadyForQuery (before it reaches the client) and at its loss. */
  queue(unit: ClientUnit, ready?: (outcome: UnitOutcome) => void, lost?: (loss: LinkLoss) => void): void {
    unit.onReady = ready
    unit.onLost = lost
    this.link.queue(unit)
  }

  /** Units of ours moved the queue. */
  unitsMoved(): void {
    this.#unitsMoved()
  }

  // LinkOwner

  /** The end of a chunk from the origin: recorders copy, the client gets it, and the origin waits for a slow client. */
  #originChunkEnds(): void {
    for (const recorder of this.#recorders) recorder.settle()
    this.#recorders.length = 0
    this.output.flush()
    if (this.output.backlogBytes > backlogBytesMax) this.link.pause()
  }

  idle(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type === backend.parameterStatus) this.parameterChanged(bytes, start, end)
    if (this.derailed) {
      if (type === backend.readyForQuery) this.status = bytes[start + 5] as number
      if (type === backend.readyForQuery || type === backend.commandComplete) {
        this.epochs.bump(wholeDatabase, 'unknown', this.services.clock.nowMs())
        this.forgetContext()
      }
      return true
    }
    // A parameter changed without our doing: the server's configuration was read again.
    if (type === backend.parameterStatus) this.forgetContext()
    return type === backend.notification || type === backend.notice || type === backend.parameterStatus
  }

  failed(error: unknown): void {
    this.fail(error)
  }

  lost(loss: LinkLoss): void {
    this.services.counters.origin_connections_lost++
    this.services.events.record({
      severity: 'warning',
      event: 'origin_lost',
      subject: `session ${this.id}`,
      detail: loss.message,
    })
    for (const waiter of this.#drainWaiters.splice(0)) waiter()
    if (this.identity.admin) {
      this.link = noLink()
      return
    }
    if (this.outcomeUnknown) this.output.add(errorFrame(new ServerError(conditions.unknownOutcome, [], { detail: loss.message })))
    else if (loss.fatal !== undefined) this.output.add(loss.fatal)
    else this.output.add(errorFrame(new ServerError(conditions.connectionFailure, [], { detail: loss.message })))
    this.end()
  }

  drained(): void {
    this.#resumeClient()
  }

  /** The client's socket took what waited. */
  clientDrained(): void {
    this.link.resume()
    for (const waiter of this.#takenWaiters.splice(0)) waiter()
  }

  /** What the session's answers look like must be asked again before the next hit. */
  forgetContext(): void {
    this.context = undefined
    this.viewer = undefined
  }

  /** The client has gone, or said goodbye. What may have been committed is still waited for. */
  leave(): void {
    if (this.ended) return
    this.closing = true
    this.output.close()
    // A group left open may have committed already: Sync ends it, and tells.
    if (this.open !== undefined) this.link.send(syncFrame)
    // A COPY waits for data that will not come: it is failed, as the origin would see it.
    if (this.copying !== undefined) this.link.send(this.copying.unit.extended ? Buffer.concat([copyFailFrame, syncFrame]) : copyFailFrame)
    if (!this.busy || !this.link.units.some(mayCommit)) this.#endWhenIdle()
    else this.link.resume()
  }

  /** Our own mistake: the client gets an error and the connection goes; nothing is guessed. */
  fail(error: unknown): void {
    if (this.ended) return
    if (error instanceof ServerError && error.severity !== 'FATAL') {
      this.refuse(error)
      this.resume()
      return
    }
    const shown = error instanceof ServerError ? error : new ServerError(conditions.internalError, ['unexpected failure'])
    this.services.log.error('session failed', {
      session: this.id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    this.output.add(errorFrame({ severity: 'FATAL', sqlstate: shown.sqlstate, message: shown.message, hint: shown.hint }))
    this.end()
  }

  /** Refuses to go on with a client that breaks the protocol. */
  violation(message: string): void {
    this.services.counters.protocol_errors++
    this.output.add(errorFrame({ severity: 'FATAL', sqlstate: '08P01', message }))
    this.end()
  }

  end(): void {
    if (this.ended) return
    this.ended = true
    this.closing = true
    this.output.flush()
    this.output.close()
    this.socket.destroySoon()
    if (!this.link.closed) this.link.close()
    for (const waiter of this.#takenWaiters.splice(0)) waiter()
    this.services.own.leave(this)
    this.onEnd?.(this)
  }

  /** A slow path looks at nothing, but what belongs to a message or a COPY under way must get through. */
  #mayLook(): boolean {
    return !this.busy || this.copying !== undefined || this.#bulkBytes > 0 || this.#copyTail
  }

  #process(bytes: Buffer, end: number): void {
    const { clock } = this.services
    this.nowMs = clock.nowMs()
    this.chunkUs = clock.monotonicUs()
    let at = 0
    while (at < end && !this.ended && !this.closing && this.#mayLook()) {
      const next = this.#message(bytes, at, end)
      if (next === -1) break
      at = next
    }
    if (this.ended) return
    if (at < end) this.#hold(bytes, at, end)
    this.output.flush()
    if (this.output.backlogBytes > backlogBytesMax || this.link.backlogBytes > backlogBytesMax) this.#pauseClient()
  }

  /** Takes one message, or one group of extended messages; the new position, or -1 if more bytes (or time) are needed. */
  #message(bytes: Buffer, at: number, end: number): number {
    if (this.#bulkBytes > 0) {
      const stop = Math.min(end, at + this.#bulkBytes)
      this.#bulkBytes -= stop - at
      this.link.send(bytes.subarray(at, stop))
      return stop
    }
    if (end - at < 5) return -1
    const type = bytes[at] as number
    const length = bytes.readInt32BE(at + 1)
    if (!isFrontendType(type)) {
      this.violation(`invalid frontend message type ${type}`)
      return end
    }
    if (length < 4 || length > 0x3fff_ffff) {
      this.violation('invalid message length')
      return end
    }
    const frameEnd = at + 1 + length
    if (this.derailed) return this.#passRaw(type, bytes, at, Math.min(frameEnd, end), frameEnd)
    if (this.#copyTail) {
      // The Sync before the data was the COPY's; the one behind it ends the group.
      if (frameEnd > end) return -1
      this.#copyTail = type !== frontend.sync
      this.link.send(bytes.subarray(at, frameEnd))
      return frameEnd
    }
    if (this.copying !== undefined) return this.#copyData(type, bytes, at, Math.min(frameEnd, end), frameEnd)
    if (frameEnd > end) return length > groupBytesMax ? this.#bulk(bytes, at, end, frameEnd) : -1
    switch (type) {
      case frontend.query:
        if (bytes[frameEnd - 1] !== 0) {
          this.violation('invalid string in message')
          return end
        }
        return dispatchQuery(this, bytes, at, frameEnd) ? frameEnd : -1
      case frontend.terminate:
        this.leave()
        return end
      case frontend.copyData:
      case frontend.copyDone:
      case frontend.copyFail:
        return frameEnd // left over from a COPY that failed: PostgreSQL ignores them too
      case frontend.password:
        this.violation('invalid frontend message type 112')
        return end
      default: {
        const taken = takeStoredAnswer(this, bytes, at, end)
        return taken > 0 ? taken : this.#group(bytes, at, end)
      }
    }
  }

  /** Extended messages up to Sync or Flush (or a function call, which is a group of its own). */
  #group(bytes: Buffer, at: number, end: number): number {
    const steps: Step[] = []
    let unread = false
    let here = at
    while (end - here >= 5) {
      const type = bytes[here] as number
      const length = bytes.readInt32BE(here + 1)
      if (length < 4 || length > 0x3fff_ffff || !isFrontendType(type)) break
      const frameEnd = here + 1 + length
      if (frameEnd > end) {
        if (frameEnd - at <= groupBytesMax) return -1
        return this.#openGroup(bytes, at, here, end) === -1 ? -1 : this.#bulk(bytes, here, end, frameEnd)
      }
      if (type === frontend.sync || type === frontend.flush || type === frontend.functionCall) {
        return dispatchGroup(this, { steps, unread, bytes, start: at, end: frameEnd, bodyEnd: here, last: type })
          ? frameEnd
          : -1
      }
      if (type === frontend.query || type === frontend.terminate) {
        // A query without Sync before it: let the origin sort it out, as it would.
        return here > at ? this.#openGroup(bytes, at, here, end) : -1
      }
      const step = readStep(bytes, here, frameEnd)
      if (step === undefined) unread = true
      else steps.push(step)
      here = frameEnd
    }
    if (here - at > groupBytesMax) return this.#openGroup(bytes, at, here, end)
    return -1
  }

  /** Sends part of a group without having seen its end: nothing about it is known, so everything is assumed. */
  #openGroup(bytes: Buffer, at: number, stop: number, _end: number): number {
    return dispatchGroup(this, { steps: [], unread: true, bytes, start: at, end: stop, bodyEnd: stop, last: frontend.flush })
      ? stop
      : -1
  }

  /** A message too long to be looked at: passed on in pieces. */
  #bulk(bytes: Buffer, at: number, end: number, frameEnd: number): number {
    const type = bytes[at] as number
    const last = type === frontend.query || type === frontend.functionCall ? type : frontend.flush
    if (type !== frontend.copyData) {
      const group = { steps: [], unread: true, bytes, start: at, end, bodyEnd: end, last }
      if (!dispatchGroup(this, group)) return -1
      this.#bulkBytes = frameEnd - end
    } else this.#bulkBytes = 0
    return end
  }

  #passRaw(type: number, bytes: Buffer, at: number, stop: number, frameEnd: number): number {
    this.link.send(bytes.subarray(at, stop))
    if (stop < frameEnd) this.#bulkBytes = frameEnd - stop
    if (type === frontend.terminate) this.leave()
    return stop
  }

  #copyData(type: number, bytes: Buffer, at: number, stop: number, frameEnd: number): number {
    const copying = this.copying
    if (copying === undefined) return -1
    const complete = stop === frameEnd
    if (!complete && type !== frontend.copyData) return -1
    if (type === frontend.terminate) {
      this.link.send(bytes.subarray(at, stop))
      this.leave()
      return stop
    }
    // PostgreSQL ignores these during a COPY; ours runs as extended messages, where a Sync more would be answered.
    if (copying.converted && (type === frontend.sync || type === frontend.flush)) return stop
    this.link.send(bytes.subarray(at, stop))
    if (!complete) this.#bulkBytes = frameEnd - stop
    if (type === frontend.copyDone || type === frontend.copyFail) {
      this.copying = undefined
      if (copying.converted) copyEnds.get(copying.unit)?.(type === frontend.copyDone)
      else this.#copyTail = copying.unit.extended
    }
    return stop
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    const piece = bytes.subarray(start, end)
    this.#held = this.#held === undefined ? Buffer.from(piece) : Buffer.concat([this.#held, piece])
    if (this.busy && this.#held.length > heldBytesMax) this.#pauseClient()
  }

  /** What the client sent before the origin asked for it. */
  #copyFromHeld(): void {
    const held = this.#held
    if (held === undefined || this.ended || this.copying === undefined) return
    this.#held = undefined
    if (this.#clientPaused) this.#resumeClient()
    this.#process(held, held.length)
  }

  #pauseClient(): void {
    if (this.#clientPaused) return
    this.#clientPaused = true
    this.socket.pause()
  }

  #resumeClient(): void {
    if (!this.#clientPaused || this.ended) return
    if (this.busy && this.#held !== undefined && this.#held.length > heldBytesMax) return
    this.#clientPaused = false
    this.socket.resume()
  }

  #unitsMoved(): void {
    if (this.link.units.length > 0) return
    for (const waiter of this.#drainWaiters.splice(0)) waiter()
    if (this.closing && !this.busy) this.#endWhenIdle()
    else if (this.status === status.idle) this.onIdle?.()
  }

  /** Cancels what this session waits for here; false if it is the origin that works for it. */
  cancelOurs(): boolean {
    if (this.cancelWait === undefined) return false
    this.cancelWait()
    return true
  }

  #endWhenIdle(): void {
    if (this.ended) return
    if (this.link.units.length === 0) {
      this.end()
      return
    }
    // What only reads is abandoned; what may commit is seen through, so that the caches learn of it.
    if (this.link.units.some(mayCommit)) this.link.resume()
    else {
      this.link.destroy()
      this.end()
    }
  }

  #signal(kind: 'notice' | 'parameter', decision: DecisionRecord): void {
    const reason = decision.reason === undefined ? undefined : withArgument(decision.reason, decision.argument)
    const pairs: string[] = []
    if (reason !== undefined) pairs.push(`reason=${reason}`)
    if (decision.verdict === 'hit' || decision.verdict === 'coalesced') {
      pairs.push(`age_ms=${Math.round(decision.ageMs)}`)
      if (decision.entry !== undefined) pairs.push(`entry=${decision.entry.id}`)
      pairs.push(`consistency=${this.settings.current.consistency}`)
    }
    if (decision.unstored !== undefined) pairs.push(`unstored=${decision.unstored}`)
    if (kind === 'parameter') this.output.add(parameterStatusFrame('cache.last', [decision.verdict, ...pairs].join(';')))
    else {
      const detail = pairs.join(';')
      this.output.add(noticeFrame({ severity: 'NOTICE', sqlstate: '00000', message: decision.verdict, detail }))
    }
  }
}

/** True once the origin may commit on its own: before its Sync is sent a unit is simply dropped, and rolled back. */
function mayCommit(unit: Unit): boolean {
  return unit instanceof CaptureUnit ? unit.syncSent : (unit as ClientUnit).atLoss !== undefined
}

export function withArgument(code: string, argument: string | undefined): string {
  return argument === undefined ? code : `${code}(${argument})`
}

/** Called when the client has ended the COPY of a unit that we turned into extended messages. */
export const copyEnds = new WeakMap<ClientUnit, (done: boolean) => void>()
