// What the store thread has to say, gathered over a turn and sent as one message; buffers are moved along, not copied.

import { type Counters, counterTable, createCounters } from '../../observe/index.ts'
import type { Store } from '../../storage/index.ts'
import { FoundWriter } from './found-pack.ts'
import { HostCounts } from './host-counts.ts'
import type { L2Namespaces } from './l2-namespaces.ts'
import type {
  ErrorMessage,
  EventMessage,
  OpenedMessage,
  Reply,
  Report,
  Results,
  StoreState,
  SynopsisMessage,
} from './store-messages.ts'
import type { SweepReport } from './sweeper.ts'

/** One end of a channel, as both kinds of thread have it. */
export interface HostPort {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void
}

/** Below that copying costs less than moving. */
const movedBytesMin = 16 * 1024

export class HostReport {
  readonly counters: Counters = createCounters()
  readonly #port: HostPort
  readonly #counts = new HostCounts(this.counters)
  /** What was told of each counter, in the order of their table. */
  readonly #told = new Float64Array(counterTable.length)
  readonly #toldCounts = new Map<number, string>()
  readonly #found = new FoundWriter()
  #replies: Reply[] = []
  #moved: ArrayBuffer[] = []
  #events: EventMessage[] = []
  #synopses: SynopsisMessage[] = []
  #sweeps: SweepReport[] = []
  #opened: OpenedMessage | undefined
  #commitUs: number[] = []
  #sent = ''

  constructor(port: HostPort) {
    this.#port = port
  }

  reply(reply: Reply): void {
    if (reply.id !== 0) this.#replies.push(reply)
  }

  /** About so many answers to reads follow before this is sent. */
  expect(count: number): void {
    this.#found.expect(count)
  }

  /** The answer to a read of kind get; its values go along. */
  found(id: number, found: Results['get']): void {
    this.#found.add(id, found)
  }

  fail(id: number, error: unknown): void {
    this.reply({ id, error: errorMessage(error) })
  }

  /** The value goes along; it is not to be used here any more. */
  move(value: Uint8Array | undefined): void {
    if (value === undefined || value.length < movedBytesMin || !(value.buffer instanceof ArrayBuffer)) return
    this.#moved.push(value.buffer)
  }

  event(event: EventMessage): void {
    this.#events.push(event)
  }

  synopsis(message: SynopsisMessage): void {
    this.#synopses.push(message)
  }

  swept(report: SweepReport): void {
    this.#sweeps.push(report)
  }

  opened(message: OpenedMessage): void {
    this.#opened = message
  }

  committed(us: number): void {
    this.#commitUs.push(us)
  }

  /** What the store counts by itself. */
  gauge(store: Store): void {
    this.#counts.take(store)
  }

  /** Another store counts from zero again. */
  rebase(): void {
    this.#counts.rebase()
  }

  /** Sends what there is to say, if anything. */
  send(standing: { done: number; durable: number; state: StoreState }, namespaces: L2Namespaces | undefined): void {
    const { done, durable, state } = standing
    const { moved, gauges } = this.#changes()
    const counts = this.#changedCounts(namespaces)
    const somethingNew = `${done} ${durable} ${state}`
    const lists = [this.#replies, this.#events, this.#synopses, this.#sweeps, moved, gauges, counts]
    const isNews = somethingNew !== this.#sent || this.#opened !== undefined || lists.some((list) => list.length > 0)
    if (!isNews && this.#found.isEmpty) return
    const found = this.#found.isEmpty ? undefined : this.#found.take()
    const report: Report = {
      replies: this.#replies,
      found: found?.pack,
      done,
      durable,
      moved,
      gauges,
      namespaces: counts,
      synopses: this.#synopses,
      events: this.#events,
      sweeps: this.#sweeps,
      commitUs: this.#commitUs,
      state,
      opened: this.#opened,
    }
    this.#port.postMessage(report, [...this.#moved, ...(found?.moved ?? [])])
    this.#sent = somethingNew
    this.#replies = []
    this.#moved = []
    this.#events = []
    this.#synopses = []
    this.#sweeps = []
    this.#commitUs = []
    this.#opened = undefined
  }

  /** By how much counters have moved since they were told, and the gauges that stand elsewhere; they are told with it. */
  #changes(): Pick<Report, 'moved' | 'gauges'> {
    const moved: [name: keyof Counters, by: number][] = []
    const gauges: [name: keyof Counters, value: number][] = []
    for (let index = 0; index < counterTable.length; index++) {
      const { name, kind } = counterTable[index] as (typeof counterTable)[number]
      const value = this.counters[name]
      const before = this.#told[index] as number
      if (value === before) continue
      if (kind === 'counter') moved.push([name, value - before])
      else gauges.push([name, value])
      this.#told[index] = value
    }
    return { moved, gauges }
  }

  #changedCounts(namespaces: L2Namespaces | undefined): { id: number; entries: number; bytes: number }[] {
    const changed: { id: number; entries: number; bytes: number }[] = []
    for (const { id, entries, bytes } of namespaces?.living() ?? []) {
      const told = `${entries} ${bytes}`
      if (this.#toldCounts.get(id) === told) continue
      this.#toldCounts.set(id, told)
      changed.push({ id, entries, bytes })
    }
    return changed
  }
}

function errorMessage(error: unknown): ErrorMessage {
  const { sqlstate = 'XX000', message, detail } = error as { sqlstate?: string; message: string; detail?: string }
  return { sqlstate, message, detail }
}
