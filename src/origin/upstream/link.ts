// One connection to the origin: units of work go out in order, and their frames come back in that order.
//
// A unit is what ends with one ReadyForQuery: a simple query, the messages up to a Sync, or a question of our own. The link cuts the
// origin's bytes into frames and asks the unit at the head of the queue, frame by frame, whether to forward it; runs of forwarded
// frames go to the sink without being copied apart. A row that is still on its way is passed on in pieces.
//
// Invariants
//   1. The head of `units` is the one whose answer is arriving; a unit leaves at its ReadyForQuery, or when the link is lost.
//   2. Frames that belong to no unit (notices, notifications, parameter changes, a last FATAL) go to `idle`.
//   3. Never more than one partial frame is held back, and none longer than `heldBytesMax`: longer ones are rows, passed in pieces.

import type net from 'node:net'
import { readChunks } from '../../base/index.ts'
import type { Counters } from '../../observe/index.ts'
import { backend, terminateFrame } from '../../wire/index.ts'

/** Where forwarded bytes go; `write` returns false when the sink would rather wait. */
export interface Sink {
  write(bytes: Buffer, start: number, end: number): void
  /** Called when all of one chunk has been looked at. */
  flush(): void
}

export interface Unit {
  /** A whole frame `bytes[start, end)`, type and length included: true forwards it. For ReadyForQuery, called before `ready`. */
  take(type: number, bytes: Buffer, start: number, end: number): boolean
  /** Part of a long row that is passed in pieces; the first piece begins with the header. True forwards it. */
  takePiece(bytes: Buffer, start: number, end: number, isFirst: boolean): boolean
  /** Its ReadyForQuery came; the unit has left the queue. */
  ready(status: number): void
  /** The connection went before its ReadyForQuery. */
  lost(cause: LinkLoss): void
}

export interface LinkLoss {
  /** The origin's last FATAL, as it came, if it sent one. */
  readonly fatal: Buffer | undefined
  /** A unit has forwarded it. */
  readonly told: boolean
  readonly message: string
}

export interface LinkOwner {
  readonly sink: Sink
  /** A frame between units: true forwards it. */
  idle(type: number, bytes: Buffer, start: number, end: number): boolean
  /** Something of ours threw while a frame was looked at. */
  failed(error: unknown): void
  /** The link is gone; every unit was told before. */
  lost(cause: LinkLoss): void
  drained(): void
}

/** What a link counts. */
type LinkCounters = Pick<Counters, 'origin_bytes_in' | 'origin_bytes_out'>

const heldBytesMax = 64 * 1024
/** Up to here a loop copies sooner than a call. */
const loopBytesMax = 160
const frameBytesMax = 0x7fff_fff0

export class OriginLink {
  readonly units: Unit[] = []
  #owner: LinkOwner
  readonly #counters: LinkCounters
  readonly #socket: net.Socket
  #held: Buffer | undefined
  #pieceBytes = 0
  #pieceForwarded = false
  #fatal: Buffer | undefined
  #told = false
  #closed = false

  constructor(
    socket: net.Socket,
    owner: LinkOwner,
    counters: LinkCounters = { origin_bytes_in: 0, origin_bytes_out: 0 },
  ) {
    this.#owner = owner
    this.#counters = counters
    this.#socket = readChunks(socket, (bytes, length) => this.#chunk(bytes, length))
    this.#socket.on('error', (error) => this.#lost(error.message))
    this.#socket.on('close', () => this.#lost('the origin closed the connection'))
    this.#socket.on('end', () => this.#lost('the origin closed the connection'))
    this.#socket.on('drain', () => this.#owner.drained())
  }

  /** Another owner hears from the link from now on. */
  handOver(owner: LinkOwner): void {
    this.#owner = owner
  }

  /** The origin has said its last word. */
  get hasRefused(): boolean {
    return this.#fatal !== undefined
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Bytes accepted but not yet taken by the kernel. */
  get backlogBytes(): number {
    return this.#socket.writableLength
  }

  /** Sends bytes of the unit last queued. The bytes are copied unless `owned`: then they must never change again. */
  send(bytes: Buffer, owned = false): void {
    if (this.#closed) return
    this.#counters.origin_bytes_out += bytes.length
    this.#socket.write(owned ? bytes : Buffer.from(bytes))
  }

  /** Sends a copy of `bytes[start, end)`: of a short message without a view of it, which costs as much as the rest. */
  sendPart(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    if (length > loopBytesMax) {
      this.send(bytes.subarray(start, end))
      return
    }
    const copy = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; at++) copy[at] = bytes[start + at] as number
    this.send(copy, true)
  }

  queue(unit: Unit): void {
    this.units.push(unit)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Says goodbye. What is under way is not waited for. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#forsake()
    this.#socket.end(terminateFrame)
    this.#socket.removeAllListeners()
    this.#socket.on('error', () => {})
    this.#socket.destroySoon()
  }

  /** Drops the connection without a word; the origin aborts what it was doing. */
  destroy(): void {
    if (this.#closed) return
    this.#closed = true
    this.#forsake()
    this.#socket.removeAllListeners()
    this.#socket.on('error', () => {})
    this.#socket.destroy()
  }

  /** Whoever waits for an answer hears that none will come. */
  #forsake(): void {
    for (const unit of this.units.splice(0)) unit.lost({ fatal: undefined, told: false, message: 'the session ended' })
  }

  #lost(message: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.destroy()
    const cause: LinkLoss = { fatal: this.#fatal, told: this.#told, message }
    for (const unit of this.units.splice(0)) unit.lost(cause)
    this.#owner.lost(cause)
  }

  #chunk(chunk: Buffer, length: number): void {
    if (this.#closed) return
    this.#counters.origin_bytes_in += length
    let bytes = chunk
    let end = length
    if (this.#held !== undefined) {
      bytes = Buffer.concat([this.#held, chunk.subarray(0, length)])
      end = bytes.length
      this.#held = undefined
    }
    try {
      this.#scan(bytes, end)
    } catch (error) {
      this.#owner.failed(error)
    }
    if (!this.#closed) this.#owner.sink.flush()
  }

  #scan(bytes: Buffer, end: number): void {
    let at = this.#continuePiece(bytes, end)
    let runStart = at
    while (end - at >= 5) {
      const type = bytes[at] as number
      const frameLength = bytes.readInt32BE(at + 1)
      if (frameLength < 4 || frameLength > frameBytesMax) {
        this.#lost('the origin sent a malformed message')
        return
      }
      const frameEnd = at + 1 + frameLength
      if (frameEnd > end) {
        if (frameLength > heldBytesMax && (type === backend.dataRow || type === backend.copyData)) {
          if (at > runStart) this.#owner.sink.write(bytes, runStart, at)
          this.#startPiece(bytes, at, end, frameEnd)
          return
        }
        break
      }
      if (!this.#takeFrame(type, bytes, at, frameEnd, runStart)) runStart = frameEnd
      if (this.#closed) return
      at = frameEnd
    }
    if (at > runStart) this.#owner.sink.write(bytes, runStart, at)
    if (at < end) this.#held = Buffer.from(bytes.subarray(at, end))
  }

  /** True if the frame joins the run that began at `runStart`; else the run was written out. */
  #takeFrame(type: number, bytes: Buffer, start: number, end: number, runStart: number): boolean {
    const unit = this.units[0]
    const forward = unit === undefined ? this.#owner.idle(type, bytes, start, end) : unit.take(type, bytes, start, end)
    if (type === backend.error && bytes.subarray(start, end).includes('VFATAL\0', 5, 'latin1')) {
      this.#fatal = Buffer.from(bytes.subarray(start, end))
      this.#told = forward
    }
    if (type !== backend.readyForQuery || unit === undefined) {
      if (!forward && start > runStart) this.#owner.sink.write(bytes, runStart, start)
      return forward
    }
    this.units.shift()
    // What the unit forwarded must be written before `ready` lets the session write on its own.
    const stop = forward ? end : start
    if (stop > runStart) this.#owner.sink.write(bytes, runStart, stop)
    unit.ready(bytes[start + 5] as number)
    return false
  }

  #startPiece(bytes: Buffer, at: number, end: number, frameEnd: number): void {
    const unit = this.units[0]
    this.#pieceForwarded = unit === undefined ? false : unit.takePiece(bytes, at, end, true)
    if (this.#pieceForwarded) this.#owner.sink.write(bytes, at, end)
    this.#pieceBytes = frameEnd - end
  }

  /** Passes on the rest of a row begun before; returns where the next frame starts. */
  #continuePiece(bytes: Buffer, end: number): number {
    if (this.#pieceBytes === 0) return 0
    const stop = Math.min(end, this.#pieceBytes)
    this.#pieceBytes -= stop
    this.units[0]?.takePiece(bytes, 0, stop, false)
    if (this.#pieceForwarded) this.#owner.sink.write(bytes, 0, stop)
    return stop
  }
}

/** What a session does with its link. */
export type LinkTraffic = Pick<
  OriginLink,
  'units' | 'closed' | 'backlogBytes' | 'send' | 'sendPart' | 'queue' | 'pause' | 'resume' | 'close' | 'destroy'
>

/** The link of a session that has no origin (an admin database). */
export function noLink(): LinkTraffic {
  return {
    units: [],
    closed: true,
    backlogBytes: 0,
    send: () => {},
    sendPart: () => {},
    queue: (unit) => unit.lost({ fatal: undefined, told: false, message: 'there is no origin behind this session' }),
    pause: () => {},
    resume: () => {},
    close: () => {},
    destroy: () => {},
  }
}
