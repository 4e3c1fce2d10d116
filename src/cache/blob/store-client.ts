// The wire thread's side of the conversation with the store: a bounded queue of requests, one message a turn.
//
// What is queued or under way is bounded in requests and bytes (G-6). Who finds no room drops cache work: a read is a miss, a
// put stays in L1. Only what is needed so that nothing old comes back may go beyond the bound, and it is small.
//
// Invariants
//   1. Writes get growing numbers and are done in their order.
//   2. A read that takes longer than its limit is a miss for its caller; its reply is dropped when it comes (L2-39).
//   3. If the other side is gone, reads are misses, and writes fail for whoever waits.

import type { Clock } from '../../base/index.ts'
import type { Counters } from '../../observe/index.ts'
import { FoundReader } from './found-pack.ts'
import type {
  ChoreRequest,
  ListedMessage,
  ReadRequest,
  Reply,
  Report,
  Request,
  Results,
  WriteRequest,
} from './store-messages.ts'
import { lostError, type Waiting, WaitingList, WaitingRead, WaitingWrite } from './store-waiting.ts'

export interface ClientPort {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (report: Report) => void): unknown
}

export interface ClientLimits {
  readonly requestsMax: number
  readonly bytesMax: number
  readonly readTimeoutMs: number
}

type Kinds<Of> = Of extends { readonly kind: infer Kind } ? Kind : never
type Without<Of, Keys extends PropertyKey> = Of extends unknown ? Omit<Of, Keys> : never

type Read = Without<ReadRequest, 'id' | 'after'>
export type Write = Without<WriteRequest, 'id' | 'number' | 'durable'>

/** What came of a write that somebody waits for. */
interface Written<Kind extends Kinds<WriteRequest>> {
  readonly result: Results[Kind]
  readonly durable: boolean
}

interface Unfinished {
  readonly number: number
  readonly charge: number
}

/** What a request costs beside its value. */
const requestBytes = 256

export class StoreClient {
  readonly #port: ClientPort
  readonly #clock: Clock
  readonly #counters: Counters
  readonly #onReport: (report: Report) => void
  readonly #onLateRead: () => void
  #limits: ClientLimits
  #outbox: Request[] = []
  /** Memory that goes along with the outbox; each piece once, however many requests are of it. */
  #moved = new Set<ArrayBuffer>()
  #isScheduled = false
  #lastId = 0
  #lastNumber = 0
  #done = 0
  #bytes = 0
  #isLost = false
  readonly #waiting = new Map<number, Waiting>()
  /** Writes that are not done yet, by number. */
  #unfinished: Unfinished[] = []
  #readTimer: NodeJS.Timeout | undefined

  constructor(
    port: ClientPort,
    parts: {
      limits: ClientLimits
      clock: Clock
      counters: Counters
      onReport: (report: Report) => void
      onLateRead: () => void
    },
  ) {
    this.#port = port
    this.#limits = parts.limits
    this.#clock = parts.clock
    this.#counters = parts.counters
    this.#onReport = parts.onReport
    this.#onLateRead = parts.onLateRead
    port.on('message', (report) => this.#take(report))
  }

  /** All writes up to this number are done. */
  get done(): number {
    return this.#done
  }

  /** The last write that was sent. */
  get lastNumber(): number {
    return this.#lastNumber
  }

  get isLost(): boolean {
    return this.#isLost
  }

  get depth(): number {
    return this.#waiting.size + this.#unfinished.length
  }

  get bytes(): number {
    return this.#bytes
  }

  configure(limits: ClientLimits): void {
    this.#limits = limits
  }

  /** Whether another request with a value of this size may be queued. */
  hasRoom(bytes: number): boolean {
    return this.depth < this.#limits.requestsMax && this.#bytes + bytes + requestBytes <= this.#limits.bytesMax
  }

  /** Resolves with undefined if there was no room, no answer in time, or nobody to answer. */
  read<Kind extends Kinds<ReadRequest>>(
    request: Read & { readonly kind: Kind },
    after: number,
    limited = true,
  ): Promise<Results[Kind] | undefined> {
    if (this.#isLost || (limited && !this.hasRoom(0))) return nothing
    const limitMs = this.#limits.readTimeoutMs
    const deadlineUs = limited ? this.#clock.monotonicUs() + limitMs * 1000 : Number.POSITIVE_INFINITY
    const waiting = new WaitingRead(deadlineUs)
    this.#push({ ...request, id: this.#wait(waiting), after } as ReadRequest)
    if (limited) this.#armReadTimer(limitMs)
    return waiting.promise as Promise<Results[Kind] | undefined>
  }

  /** As `read` of kind list, all parts joined. */
  async list(request: Extract<Read, { kind: 'list' }>, after: number): Promise<ListedMessage[]> {
    if (this.#isLost) return []
    const waiting = new WaitingList()
    this.#push({ ...request, id: this.#wait(waiting), after })
    return (await waiting.promise) as ListedMessage[]
  }

  /** Sends a write that nobody waits for; returns its number. */
  write(request: Write, valueBytes = 0, moved?: ArrayBuffer): number {
    return this.#send(request, { id: 0, durable: false, valueBytes, moved })
  }

  /** Sends a write and waits until it is done, or durable. Rejects if that cannot be said. */
  writeAndWait<Kind extends Kinds<WriteRequest>>(
    request: Write & { readonly kind: Kind },
    options: { durable: boolean; valueBytes?: number; moved?: ArrayBuffer | undefined },
  ): { readonly number: number; readonly written: Promise<Written<Kind>> } {
    if (this.#isLost) return { number: 0, written: Promise.reject(lostError()) }
    const { durable, valueBytes = 0, moved } = options
    const waiting = new WaitingWrite()
    const number = this.#send(request, { id: this.#wait(waiting), durable, valueBytes, moved })
    return { number, written: waiting.promise as Promise<Written<Kind>> }
  }

  /** Work for when the store has nothing better to do. */
  chore(request: Exclude<ChoreRequest, { id: number }>): void {
    if (!this.#isLost) this.#push(request)
  }

  async ask<Kind extends 'sweep' | 'check' | 'compact' | 'close' | 'hold' | 'held' | 'activate' | 'load'>(
    request: Without<Extract<ChoreRequest, { kind: Kind }>, 'id'>,
  ): Promise<Results[Kind]> {
    if (this.#isLost) throw lostError()
    const waiting = new WaitingWrite()
    this.#push({ ...request, id: this.#wait(waiting) } as unknown as ChoreRequest)
    return ((await waiting.promise) as { result: Results[Kind] }).result
  }

  /** The other side is gone. */
  lost(): void {
    if (this.#isLost) return
    this.#isLost = true
    clearTimeout(this.#readTimer)
    this.#outbox = []
    this.#moved.clear()
    this.#done = this.#lastNumber
    this.#unfinished = []
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#bytes = 0
    this.#gauge()
    for (const each of waiting) each.giveUp(lostError())
  }

  #send(
    request: Write,
    options: { id: number; durable: boolean; valueBytes: number; moved: ArrayBuffer | undefined },
  ): number {
    if (this.#isLost) return this.#lastNumber
    const { id, durable, valueBytes, moved } = options
    const number = ++this.#lastNumber
    const charge = requestBytes + valueBytes
    this.#unfinished.push({ number, charge })
    this.#bytes += charge
    if (moved !== undefined) this.#moved.add(moved)
    this.#push({ ...request, id, number, durable } as WriteRequest)
    return number
  }

  #wait(waiting: Waiting): number {
    const id = ++this.#lastId
    this.#waiting.set(id, waiting)
    this.#bytes += requestBytes
    return id
  }

  #push(request: Request): void {
    this.#outbox.push(request)
    this.#gauge()
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isScheduled = false
    if (this.#outbox.length === 0) return
    const outbox = this.#outbox
    const moved = [...this.#moved]
    this.#outbox = []
    this.#moved.clear()
    this.#port.postMessage(outbox, moved)
  }

  #take(report: Report): void {
    if (this.#isLost) return
    this.#done = report.done
    let finished = 0
    for (const { number, charge } of this.#unfinished) {
      if (number > report.done) break
      this.#bytes -= charge
      finished++
    }
    if (finished > 0) this.#unfinished.splice(0, finished)
    this.#onReport(report)
    if (report.found !== undefined) {
      const reader = new FoundReader(report.found)
      while (reader.hasMore) this.#answer(reader.next())
    }
    for (const reply of report.replies) this.#answer(reply)
    this.#gauge()
  }

  #answer(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id)
    if (waiting === undefined) return
    if ('part' in reply) {
      if (waiting.deadlineUs !== Number.POSITIVE_INFINITY) {
        waiting.deadlineUs = this.#clock.monotonicUs() + this.#limits.readTimeoutMs * 1000
      }
    } else {
      this.#waiting.delete(reply.id)
      this.#bytes -= requestBytes
    }
    waiting.answer(reply)
  }

  #armReadTimer(delayMs: number): void {
    if (this.#readTimer !== undefined) return
    this.#readTimer = setTimeout(() => {
      this.#readTimer = undefined
      this.#endLateReads()
    }, delayMs)
    this.#readTimer.unref()
  }

  #endLateReads(): void {
    const nowUs = this.#clock.monotonicUs()
    let nextUs = Number.POSITIVE_INFINITY
    for (const [id, waiting] of this.#waiting) {
      if (waiting.deadlineUs > nowUs) {
        nextUs = Math.min(nextUs, waiting.deadlineUs)
        continue
      }
      this.#waiting.delete(id)
      this.#bytes -= requestBytes
      this.#counters.l2_read_timeouts++
      this.#onLateRead()
      waiting.giveUp(undefined)
    }
    if (nextUs !== Number.POSITIVE_INFINITY) this.#armReadTimer(Math.max(1, (nextUs - nowUs) / 1000))
  }

  #gauge(): void {
    this.#counters.l2_queue_depth = this.depth
  }
}

const nothing = Promise.resolve(undefined)
