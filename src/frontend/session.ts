// One client session after start-up: takes its messages in order and sends each the way of a hit, the origin, or our own rooms.
//
//   bytes -> messages -> statement text -> read path (hit, fill) | write path (capture, suspend, bump) | own room | straight through
//
// Invariants
//   1. Answers go out in the order of the messages. A hit is only given when nothing is under way at the origin.
//   2. While `busy`, no message is looked at: a slow path owns the session and calls `resume` when it is done, or a part runs
//      (part.ts).
//   3. `status` is what the origin's last ReadyForQuery said. With units under way it may be old, so whatever depends on it
//      (writes, COMMIT, hits) waits until they are answered.
//   4. Every ReadyForQuery the client gets is written by `finish`, after the caches know what the statement changed.

import type net from 'node:net'
import type { SessionContext, StatementText } from '../cache/plans/index.ts'
import type { SessionSettings } from '../config/index.ts'
import type { ServerError } from '../errors/index.ts'
import type { DatabaseEpochs } from '../invalidation/index.ts'
import { type LinkLoss, type LinkTraffic, noLink } from '../origin/index.ts'
import { errorFrame, readyFrame, status } from '../wire/index.ts'
import type { ParseStep } from './batch.ts'
import { type ConvertedCopy, convertedCopies } from './converted-copy.ts'
import type { Decision, DecisionRecord } from './decisions.ts'
import { endWhenIdle, fail, leave } from './ending.ts'
import { HintFaults } from './hint-faults.ts'
import { Inbox } from './inbox.ts'
import type { Landed } from './join-flight.ts'
import { type Awaited, raiseFloor } from './level.ts'
import { doubtAgain } from './name-doubts.ts'
import type { OpenGroup } from './open-group.ts'
import { OriginSide } from './origin-side.ts'
import type { Output } from './output.ts'
import type { Part } from './part.ts'
import { Portals } from './portals.ts'
import { contextUnknown, type PreparedStatement, PreparedStatements } from './prepared-statements.ts'
import { askQuestion, type QuestionAnswer } from './question.ts'
import type { Recalled } from './recall.ts'
import type { Recorder } from './recorder.ts'
import { SearchPath } from './search-path.ts'
import type { Services } from './services.ts'
import { meansWhatItSays, type SessionIdentity } from './session-identity.ts'
import { signalEnd } from './signal.ts'
import { loseSightOf } from './suspension.ts'
import { TransactionState } from './transaction-state.ts'
import { ClientUnit, type UnitHost, type UnitOutcome } from './units.ts'
import { Waiters } from './waiters.ts'

export class Session implements UnitHost {
  readonly services: Services
  readonly identity: SessionIdentity
  readonly settings: SessionSettings
  readonly output: Output
  readonly inbox = new Inbox(this)
  readonly originSide: OriginSide
  readonly socket: net.Socket
  readonly texts: Map<string, StatementText>
  readonly epochs: DatabaseEpochs
  readonly statements = new PreparedStatements()
  readonly portals = new Portals()
  readonly transaction = new TransactionState()
  readonly searchPath = new SearchPath()
  /** True if the bytes of a text mean what our grammar reads in them. */
  readsTexts: boolean
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
  /** A slow path owns the session. */
  working = false
  /** What runs in place of a message of the client's. */
  part: Part | undefined
  closing = false
  /** A commit was under way when the origin was lost. */
  outcomeUnknown = false
  ended = false
  /** Texts whose owner the origin was asked for, for the message at hand. */
  asked: Set<StatementText> | undefined
  /** Takes the client's COPY data while the origin asks for it. */
  copying: { readonly unit: ClientUnit; readonly converted: ConvertedCopy | undefined } | undefined
  /** A group passed on before its Sync arrived. */
  open: OpenGroup | undefined
  /** An error was answered before a Flush: messages are ignored up to the client's Sync. */
  skipping = false
  /** The client mixed the protocols in a way that only the origin can follow: everything is passed through as it is. */
  derailed = false
  readonly hintFaults = new HintFaults()
  last: DecisionRecord | undefined
  lastId = 0
  /** Of the message at hand: what another session's fill brought, what L2 was asked for, what it was held back for. */
  landed: Landed | undefined
  recalled: Recalled | undefined
  awaited: Awaited | undefined
  /** Tick at which it was last told something (level.ts). */
  floor = 0
  /** Ends such a wait when the client asks to cancel. */
  cancelWait: (() => void) | undefined
  /** The client asked to cancel, and it was not a wait of ours that ended: what follows in the same text does not run. */
  cancelRequested = false
  /** What is done is ahead of the message at hand; that is refused when it is looked at again (cancelling.ts). */
  isBefore = false
  cancelPending = false
  /** The origin was told to cancel a statement of the client's, and may be late. */
  cancelSent = false
  hits = 0
  misses = 0
  bypasses = 0
  lastAtMs = 0
  /** Reads the time once per chunk: good enough for expiry, and cheap. */
  nowMs = 0
  chunkUs = 0
  /** Settles what `close` waits for. */
  onEnd: ((session: Session) => void) | undefined
  /** Called when a statement or a block has ended. */
  onIdle: (() => void) | undefined
  /** Who looks, for our own statements; asked again when the role may have changed. */
  viewer: unknown
  readonly #drained = new Waiters()
  readonly #taken = new Waiters()
  /** A verdict was noted since the last ReadyForQuery. */
  #decided = false

  constructor(
    services: Services,
    identity: SessionIdentity,
    settings: SessionSettings,
    socket: net.Socket,
    output: Output,
  ) {
    this.services = services
    this.identity = identity
    this.settings = settings
    this.socket = socket
    this.output = output
    this.originSide = new OriginSide(this, output)
    this.texts = services.plans.textsOf(identity.database)
    this.epochs = services.epochs.database(identity.database)
    this.lastAtMs = identity.connectedAtMs
    this.readsTexts = meansWhatItSays(identity.parameters)
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
      this.inbox.receive(chunk, length)
    } catch (error) {
      this.fail(error)
    }
  }

  get busy(): boolean {
    return this.working || this.part !== undefined
  }

  set busy(working: boolean) {
    this.working = working
  }

  /** The slow path is done: goes on with what the client sent meanwhile. */
  resume(): void {
    this.working = false
    if (this.ended) return
    if (this.closing) {
      endWhenIdle(this)
      return
    }
    if (this.part !== undefined) {
      this.part.resume()
      return
    }
    this.inbox.resume()
    if (!this.isBefore) this.cancelPending = false
    if (this.quiet && !this.busy && this.status === status.idle) this.onIdle?.()
  }

  /** Runs a slow path; nothing else of this session moves until it ends. */
  slowly(run: () => Promise<void>): void {
    this.busy = true
    run().then(
      () => this.resume(),
      (error: unknown) => this.fail(error),
    )
  }

  /** The same, ahead of the message at hand, which is looked at again behind it. */
  before(run: () => Promise<void>): void {
    this.isBefore = true
    this.slowly(() => run().finally(() => (this.isBefore = false)))
  }

  /** Resolves when nothing is under way at the origin. */
  untilQuiet(): Promise<void> {
    return this.quiet ? Promise.resolve() : this.#drained.wait()
  }

  /** Nothing more will come from the origin. */
  wakeWaiters(): void {
    this.#drained.wake()
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
  prepare(step: ParseStep, text: StatementText, atOrigin: boolean): PreparedStatement {
    return this.statements.add(step, text, atOrigin, this.services.epochs.clock, this.context?.id ?? contextUnknown)
  }

  /** Resolves when the client has taken most of what waits for it. */
  untilTaken(): Promise<void> {
    this.output.flush()
    return this.ended || this.output.backlogBytes === 0 ? Promise.resolve() : this.#taken.wait()
  }

  newUnit(): ClientUnit {
    return new ClientUnit(this)
  }

  ask(frames: Buffer): Promise<QuestionAnswer> {
    return askQuestion(this, frames)
  }

  /** Ends a statement towards the client: signal, notices of ours, ReadyForQuery. */
  finish(statusByte: number): void {
    if (this.part !== undefined) {
      this.part.finish()
      return
    }
    this.asked = undefined
    this.awaited = undefined
    if (this.settings.current.responseSignal !== 'off') signalEnd(this, this.#decided ? this.last : undefined)
    this.#decided = false
    this.hintFaults.end(this.output)
    if (statusByte === status.idle) this.portals.ours = undefined
    this.output.add(readyFrame(statusByte))
  }

  /** Notes a verdict. */
  decide(decision: Decision): void {
    const { services } = this
    this.noted(services.decisions.note(this, this.nowMs || services.clock.nowMs(), decision))
  }

  /** A verdict has been noted. */
  noted(record: DecisionRecord): void {
    this.landed = undefined
    this.recalled = undefined
    this.awaited = undefined
    this.last = record
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
    if (this.part !== undefined) this.part.failed = true
    this.finish(this.status)
  }

  // UnitHost

  copyBegins(unit: ClientUnit): void {
    if (this.copying !== undefined) return
    this.copying = { unit, converted: convertedCopies.get(unit) }
    queueMicrotask(() => this.inbox.copyBegins())
  }

  parameterChanged(bytes: Buffer, start: number, end: number): void {
    const [name, value] = bytes.toString('utf8', start + 5, end - 1).split('\0')
    if (name === undefined) return
    this.identity.parameters.set(name, value ?? '')
    this.readsTexts = meansWhatItSays(this.identity.parameters)
    // By SET or because the server's configuration was read again: either way the answers may look different now.
    if (name !== 'application_name') this.forgetContext()
  }

  unitReady(unit: ClientUnit, outcome: UnitOutcome): void {
    if (!unit.tellsNothing || outcome.failed) raiseFloor(this)
    this.status = outcome.status
    if (this.copying?.unit === unit) this.copying = undefined
    if (unit.extended) this.inbox.copyEnded()
    if (outcome.failed && unit.part !== undefined) unit.part.failed = true
    if (unit.movedError !== undefined) this.output.add(unit.movedError)
    if (this.open?.unit === unit) this.open = undefined
    doubtAgain(this, unit)
    // Whatever ran may have dropped our helper.
    if (unit.sqlstate === '26000') this.captureReady = false
    this.transaction.ended(this, outcome, unit)
    if (!unit.answered(outcome)) this.finish(outcome.status)
    this.unitsMoved()
  }

  recording(recorder: Recorder): void {
    this.originSide.recording(recorder)
  }

  /** Queues a unit with what shall happen at its ReadyForQuery (before it reaches the client) and at its loss. */
  queue(unit: ClientUnit, ready?: (outcome: UnitOutcome) => void, lost?: (loss: LinkLoss) => void): void {
    unit.onReady = ready
    unit.onLost = lost
    this.link.queue(unit)
  }

  /** The client's socket took what waited. */
  clientDrained(): void {
    this.link.resume()
    this.inbox.resumeClient()
    this.#taken.wake()
  }

  /** What the session's answers look like must be asked again before the next hit. */
  forgetContext(): void {
    this.context = undefined
    this.viewer = undefined
    this.statements.loseContext()
  }

  /** The client has gone, or said goodbye. What may have been committed is still waited for. */
  leave(): void {
    leave(this)
  }

  /** Our own mistake, or an error of ours that nobody has told yet. */
  fail(error: unknown): void {
    fail(this, error)
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
    this.#taken.wake()
    this.part?.lost()
    // Nobody has counted what is under way, so any of it may still commit.
    if (this.derailed) loseSightOf(this)
    this.services.own.leave(this)
    this.onEnd?.(this)
  }

  /** Units moved the queue. */
  unitsMoved(): void {
    if (this.link.units.length > 0) return
    this.#drained.wake()
    if (this.closing && !this.busy) endWhenIdle(this)
    else if (this.status === status.idle) this.onIdle?.()
  }
}
