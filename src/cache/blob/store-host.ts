// The store thread's side of the conversation: takes requests in, does them in slices, and reports.
//
//   reads, as soon as they can be  >  writes, in order  >  chores (sweeps, rebuilds, checks)
//
// A turn does at most 2 ms of writes and chores; then the event loop brings what has arrived, and waiting reads go first
// (L2-40). All a turn has to say goes out in one message, or in two: what reads have found does not wait for other work.
//
// Invariants
//   1. Writes are done one after the other, in the order of their numbers. A read that must see a write waits for it, and for
//      nothing else.
//   2. The reply to a durable write leaves after its commit, or says that there was none (G-5).
//   3. While the store is fenced nothing is read or written; what is to leave is remembered, and leaves before anything is
//      read again (L2-34). A store that cannot be trusted any more is given up, with all that is in it.
//   4. Where the disk is full and little of what is held back is left, everything waits for a commit, which brings pages back (L2-35).

import { conditions, ServerError } from '../../errors/index.ts'
import { CommitGroup } from './commit-group.ts'
import { HostArchive } from './host-archive.ts'
import { HostChores } from './host-chores.ts'
import { HostFalls } from './host-falls.ts'
import { type HostParts, openL2 } from './host-parts.ts'
import { HostReads } from './host-reads.ts'
import { HostReport } from './host-report.ts'
import { again, carryOut, emptyAnswer } from './host-requests.ts'
import { openedMessage, statusOf } from './host-status.ts'
import { endOfTurnUs, freshTurn } from './host-turn.ts'
import type { L2 } from './l2.ts'
import { isNoRoom } from './no-room.ts'
import type {
  ChoreRequest,
  OpenedMessage,
  Request,
  Results,
  StoreSettings,
  StoreState,
  WriteRequest,
} from './store-messages.ts'

/** With that many changes not durable, the next writes wait for the commit. */
const unsettledMax = 16_384
type Answer = Results[keyof Results]

export class StoreHost {
  readonly #parts: HostParts
  readonly #report: HostReport
  readonly #chores: HostChores
  readonly #archive: HostArchive
  readonly #falls: HostFalls
  #settings: StoreSettings
  #l2: L2 | undefined
  #state: StoreState = 'opening'
  readonly #reads: HostReads
  #writes: WriteRequest[] = []
  #write: { request: WriteRequest; steps: Generator<undefined, Answer, undefined> } | undefined
  readonly #group = new CommitGroup()
  #done = 0
  #durable = 0
  #bytesSinceCommit = 0
  #isCommitting = false
  #isScheduled = false
  #turnEndUs = 0
  #commitTimer: NodeJS.Timeout | undefined
  #closing: number | undefined

  constructor(parts: HostParts) {
    this.#parts = parts
    this.#settings = parts.settings
    this.#report = new HostReport(parts.port)
    this.#reads = new HostReads(this.#report, {
      status: (l2) => statusOf(l2, this.#state, parts.path),
      commit: () => this.#commit(),
      meet: (error) => this.#meet(error),
    })
    const { clock, disk, path: directory } = parts
    this.#chores = new HostChores({ report: this.#report, clock, disk, directory, wake: () => this.#schedule() })
    this.#archive = new HostArchive({
      ...{ disk, clock, directory, report: this.#report },
      usable: () => this.#usable(),
      suspend: () => this.#suspend(),
      resume: () => this.#resume(),
      settings: () => this.#settings,
      send: () => this.#send(),
    })
    this.#falls = new HostFalls({
      ...{ path: directory, report: this.#report, l2: () => this.#l2 },
      retryDelayMs: () => this.#settings.retryDelayMs,
      commit: () => this.#commit(),
      meet: (error) => this.#meet(error),
      goOn: this.#goOn,
    })
  }

  /** Opens the store and tells the wire. */
  start(): void {
    this.#open('start')
    this.#goOn()
  }

  receive(requests: readonly Request[]): void {
    for (const request of requests) {
      if ('number' in request) this.#writes.push(request)
      else if ('after' in request) this.#reads.add(request)
      else this.#takeChore(request)
    }
    this.#schedule()
  }

  #open(cause: OpenedMessage['cause']): void {
    try {
      const l2 = openL2(this.#parts, this.#settings, this.#report, (...change) => this.#stateChanged(...change))
      this.#l2 = l2
      this.#state = 'open'
      this.#report.opened(openedMessage(l2, cause, this.#parts.path))
      this.#chores.take(l2, this.#settings)
    } catch (error) {
      this.#state = 'failed'
      this.#tell('error', 'store_not_opened', this.#parts.path, (error as Error).message)
    }
  }

  #takeChore(request: ChoreRequest): void {
    if (request.kind === 'close') this.#closing = request.id
    else if (request.kind === 'configure') {
      this.#settings = request.settings
      this.#l2?.configure(request.settings)
      this.#chores.configure(request.settings)
    } else if (!this.#archive.takes(request)) this.#chores.add(request)
  }

  #schedule(): void {
    if (this.#isScheduled || this.#state === 'closed') return
    this.#isScheduled = true
    setImmediate(this.#turn)
  }

  readonly #goOn = (): void => {
    this.#send()
    this.#schedule()
  }

  readonly #isOver = (): boolean => this.#parts.clock.monotonicUs() >= this.#turnEndUs

  readonly #turn = (): void => {
    this.#isScheduled = false
    this.#turnEndUs = endOfTurnUs(this.#parts.clock, this.#isCommitting)
    try {
      if (this.#hasReads) this.#read()
      while (!this.#isOver() && (this.#stepWrite() || this.#hasReads)) this.#read()
      const isOver = (): boolean => this.#isOver() || this.#isHeldUp
      if (this.#isUsable && !this.#isHeldUp) this.#chores.step(this.#hasWrites ? 1 : Number.POSITIVE_INFINITY, isOver)
    } catch (error) {
      this.#meet(error)
    }
    this.#commitIfWanted()
    this.#send()
    if (this.#hasWrites || (this.#chores.hasWork && !this.#isHeldUp) || this.#hasReads) this.#schedule()
    else this.#closeIfAsked()
  }

  /** The disk is full, and only the commit that is made brings pages back; or what was out of force has to leave again first. */
  get #isHeldUp(): boolean {
    return this.#l2 !== undefined && (this.#l2.commits.isFallen || this.#l2.store.space.isTight)
  }

  #read(): void {
    const answered = this.#reads.step(this.#isUsable ? this.#l2 : undefined, this.#done, this.#isCommitting)
    if (answered && (this.#hasWrites || this.#chores.hasWork)) this.#send()
  }

  get #isUsable(): boolean {
    return this.#l2 !== undefined && (this.#state === 'open' || this.#state === 'full')
  }

  get #hasReads(): boolean {
    return this.#reads.hasWork(this.#done) && this.#l2?.commits.isFallen !== true
  }

  get #hasWrites(): boolean {
    if ((this.#write === undefined && this.#writes.length === 0) || this.#state === 'restoring') return false
    if (!this.#isUsable) return true
    return !this.#isHeldUp && (!this.#isCommitting || (this.#l2?.commits.unsettledCount ?? 0) < unsettledMax)
  }

  /** False if there is none to do. */
  #stepWrite(evenIfHeldUp = false): boolean {
    if (!this.#hasWrites && !evenIfHeldUp) return false
    if (this.#write === undefined) {
      const request = this.#writes.shift() as WriteRequest
      const l2 = this.#l2
      if (l2 === undefined || !this.#isUsable) {
        this.#putOff(request)
        return true
      }
      this.#write = { request, steps: carryOut(l2, request) }
    }
    const { request, steps } = this.#write
    try {
      const step = steps.next()
      if (step.done !== true) return true
      this.#write = undefined
      this.#finish(request, step.value)
    } catch (error) {
      this.#breakOff(error)
      // What was to leave may still be there, half done: a store that falls back to its last commit does it over, any other is given up.
      if (this.#l2?.store.state === 'fenced') this.#retryLater()
      else if (isNoRoom(error)) this.#fallBack(error)
      else this.#giveUp((error as Error).message)
    }
    return true
  }

  /** The write under way will not be ended; what it was to take out leaves when the store is read anew. */
  #breakOff(error: unknown): void {
    if (this.#write === undefined) return
    const { request } = this.#write
    this.#write = undefined
    this.#done = request.number
    this.#report.fail(request.id, error)
    if (this.#l2 === undefined) return
    this.#l2.commits.end()
    this.#l2.commits.rememberSteps(again(this.#l2, request))
  }

  #finish(request: WriteRequest, result: Answer): void {
    this.#done = request.number
    if (request.kind === 'put') this.#bytesSinceCommit += request.put.value.length
    const { id, number, durable } = request
    if (durable) this.#group.add(number, { id, result }, this.#writes.at(-1)?.number ?? number, this.#parts.clock)
    else this.#report.reply({ id, result, durable })
    if (this.#l2?.lacksRoom === true) this.#chores.relieve()
  }

  /** The store is not there, or not to be used: L1 alone keeps what is put, and what is to leave leaves later. */
  #putOff(request: WriteRequest): void {
    const l2 = this.#l2
    this.#done = request.number
    if (l2 === undefined) {
      // Nothing that lies there will ever be read again.
      this.#report.reply({ id: request.id, result: emptyAnswer(request), durable: true })
      return
    }
    l2.commits.rememberSteps(again(l2, request))
    if (l2.commits.unsettledCount > 4 * unsettledMax) this.#giveUp('too much was left to be done')
    if (!request.durable) this.#report.reply({ id: request.id, result: emptyAnswer(request), durable: false })
    else this.#report.fail(request.id, new ServerError(conditions.storeNotOpen, [this.#state]))
  }

  #commitIfWanted(): void {
    const l2 = this.#l2
    if (l2 === undefined || !this.#isUsable || l2.commits.isFallen) return
    const isDue = this.#group.isDue(this.#done, this.#hasWrites, this.#parts.clock)
    if (isDue || l2.store.space.isTight || this.#bytesSinceCommit >= this.#settings.commitBytesMax) this.#commit()
    else if (l2.commits.unsettledCount > 0 && this.#commitTimer === undefined) {
      this.#commitTimer = setTimeout(() => {
        this.#commitTimer = undefined
        if (this.#group.isEmpty) this.#commit()
      }, this.#settings.commitIntervalMs)
      this.#commitTimer.unref()
    }
  }

  /** One at a time; what comes meanwhile is in the next. It begins in a turn of its own: this one may have been long. */
  #commit(): void {
    const l2 = this.#l2
    if (this.#isCommitting || l2 === undefined || !this.#isUsable) return
    const [batch, upTo] = [this.#group.take(), this.#done]
    this.#bytesSinceCommit = 0
    this.#isCommitting = true
    this.#report.counters.l2_commit_records += l2.commits.unsettledCount
    const startUs = this.#parts.clock.monotonicUs()
    freshTurn()
      .then(() => l2.commit())
      .then(
        () => {
          this.#durable = upTo
          this.#report.committed(this.#parts.clock.monotonicUs() - startUs)
          for (const { id, result } of batch) this.#report.reply({ id, result, durable: true })
        },
        (error: unknown) => {
          // What was done meanwhile is lost as well.
          for (const { id } of [...batch, ...this.#group.take()]) this.#report.fail(id, error)
          this.#meet(error)
        },
      )
      .finally(() => {
        this.#isCommitting = false
        this.#reads.committed()
        this.#commitIfWanted()
        this.#goOn()
      })
  }

  /** Something went wrong that no operation could deal with. */
  #meet(error: unknown): void {
    const store = this.#l2?.store
    if (store === undefined) return
    if (store.state === 'fenced') this.#retryLater()
    else if (this.#l2?.commits.isFallen === true) this.#giveUp((error as Error).message)
    else if (error instanceof ServerError && error.condition === conditions.diskFull) this.#chores.relieve()
    else this.#giveUp((error as Error).message)
  }

  #stateChanged(state: string, reason: string): void {
    if (state === 'fenced' || state === 'full' || state === 'open') this.#state = state
    if (state === 'fenced') {
      this.#report.counters.l2_fences++
      this.#tell('error', 'store_fenced', this.#parts.path, reason)
    }
    if (state === 'full') {
      this.#report.counters.l2_disk_full++
      this.#tell('warning', 'disk_full', this.#parts.path, reason)
      this.#chores.relieve()
    }
  }

  /** A fenced store is read anew from its last commit; nothing of it is seen before what was to leave has left. */
  #retryLater(): void {
    this.#breakOff(new ServerError(conditions.storeNotOpen, [this.#state]))
    this.#falls.retryLater()
  }

  #fallBack(error: unknown): void {
    for (const { id } of this.#group.take()) this.#report.fail(id, error)
    if (this.#l2 !== undefined) this.#falls.fallBack(this.#l2)
  }

  /** What is in the store cannot be told any more: it is set aside, and L2 begins anew, empty (L2-33). */
  #giveUp(reason: string): void {
    const l2 = this.#l2
    if (l2 === undefined) return
    this.#tell('error', 'store_given_up', this.#parts.path, reason)
    this.#l2 = undefined
    const notOpen = new ServerError(conditions.storeNotOpen, ['given up'])
    this.#breakOff(notOpen)
    for (const { id } of this.#group.take()) this.#report.fail(id, notOpen)
    this.#chores.drop()
    this.#state = 'failed'
    this.#report.rebase()
    this.#parts
      .setAside(l2.store, reason)
      .then(
        () => this.#open('anew'),
        // It may not be read again, also not by the next process.
        (error: Error) => this.#tell('error', 'store_not_opened', this.#parts.path, error.message),
      )
      .finally(this.#goOn)
  }

  #usable(): L2 {
    if (this.#l2 !== undefined && this.#isUsable) return this.#l2
    throw new ServerError(conditions.storeNotOpen, [this.#state])
  }

  /** Reads find nothing, and writes wait: who asks meanwhile notices no more (ARC-13). */
  #suspend(): void {
    while (this.#write !== undefined && this.#isUsable) this.#stepWrite(true)
    this.#state = 'restoring'
    this.#chores.drop()
    this.#send()
  }

  #resume(): void {
    const l2 = this.#l2
    if (l2 !== undefined && l2.store.state !== 'closed') {
      this.#state = l2.store.state
      this.#chores.take(l2, this.#settings)
    } else {
      this.#l2 = undefined
      this.#report.rebase()
      this.#open('restored')
    }
    this.#schedule()
  }

  #closeIfAsked(): void {
    const id = this.#closing
    if (id === undefined || this.#state === 'closed' || this.#state === 'restoring' || this.#isCommitting) return
    if (this.#isUsable && this.#isHeldUp) return
    clearTimeout(this.#commitTimer)
    this.#falls.stop()
    this.#chores.drop()
    this.#state = 'closed'
    const closing = this.#l2?.close() ?? Promise.resolve()
    closing
      .then(
        () => this.#report.reply({ id, result: undefined, durable: true }),
        (error: unknown) => this.#report.fail(id, error),
      )
      .finally(() => this.#send())
  }

  #tell(severity: 'info' | 'warning' | 'error', event: string, subject: string, detail: string | undefined): void {
    this.#report.event({ severity, event, subject, detail })
  }

  #send(): void {
    if (this.#l2 !== undefined) this.#report.gauge(this.#l2.store)
    this.#report.send({ done: this.#done, durable: this.#durable, state: this.#state }, this.#l2?.namespaces)
  }
}
