// What is about to be sent to a client: gathered in one buffer that all connections share, sent with one write.
//
// Sending message by message costs more than twice as much (design.md section 3). Everything here happens between a read callback and
// its end, on one thread, so one buffer serves all: whoever writes next flushes what another connection left.
// If the kernel did not take the bytes at once the socket still refers to them: then the buffer is left to it and a new one is made.

import type net from 'node:net'
import type { AnswerBytes } from '../cache/results/index.ts'

const scratchBytes = 64 * 1024

/** Views of the scratch buffer are made once for each short length: to make one costs a tenth of a hit. */
const viewBytesMax = 2048

let scratch = Buffer.allocUnsafeSlow(scratchBytes)
const views: (Buffer | undefined)[] = new Array(viewBytesMax + 1).fill(undefined)
let used = 0
let owner: Output | undefined

export class Output {
  bytesOut = 0
  readonly #socket: net.Socket
  #closed = false

  constructor(socket: net.Socket) {
    this.#socket = socket
  }

  /** Bytes the kernel has not taken yet. */
  get backlogBytes(): number {
    return this.#socket.writableLength
  }

  /** Adds `bytes[start, end)`; they are copied before this returns. */
  write(bytes: Buffer, start: number, end: number): void {
    if (owner !== this) {
      owner?.flush()
      owner = this
    }
    const length = end - start
    if (used + length > scratchBytes) {
      this.flush()
      owner = this
      if (length > scratchBytes) {
        this.#send(Buffer.from(bytes.subarray(start, end)))
        return
      }
    }
    if (start === 0 && end === bytes.length) scratch.set(bytes, used)
    else bytes.copy(scratch, used, start, end)
    used += length
  }

  /** Adds part of a stored answer. */
  answer(bytes: AnswerBytes, start = 0, end = bytes.length): void {
    if (typeof bytes === 'string') this.#packed(start === 0 && end === bytes.length ? bytes : bytes.slice(start, end))
    else if (end - start < scratchBytes / 2) this.write(bytes, start, end)
    else {
      this.flush()
      this.#send(bytes.subarray(start, end))
    }
  }

  /** An answer kept as a string is far shorter than the scratch buffer. */
  #packed(text: string): void {
    if (owner !== this) {
      owner?.flush()
      owner = this
    }
    if (used + text.length > scratchBytes) {
      this.flush()
      owner = this
    }
    used += scratch.latin1Write(text, used, text.length)
  }

  /** Adds a whole buffer. Long ones that never change (`stable`) are handed to the socket as they are. */
  add(bytes: Buffer, stable = false): void {
    if (stable && bytes.length >= scratchBytes / 2) {
      this.flush()
      this.#send(bytes)
    } else this.write(bytes, 0, bytes.length)
  }

  /** Sends what was gathered, if it is this connection's. */
  flush(): void {
    if (owner !== this) return
    owner = undefined
    if (used === 0) return
    const length = used
    used = 0
    if (this.#closed) return
    this.#send(length > viewBytesMax ? scratch.subarray(0, length) : viewOf(length))
    if (this.#socket.writableLength > 0) leaveScratch()
  }

  close(): void {
    this.#closed = true
    if (owner === this) {
      owner = undefined
      used = 0
    }
  }

  #send(bytes: Buffer): void {
    if (this.#closed) return
    this.bytesOut += bytes.length
    this.#socket.write(bytes)
  }
}

function viewOf(length: number): Buffer {
  let view = views[length]
  if (view === undefined) {
    view = scratch.subarray(0, length)
    views[length] = view
  }
  return view
}

function leaveScratch(): void {
  scratch = Buffer.allocUnsafeSlow(scratchBytes)
  views.fill(undefined)
}
