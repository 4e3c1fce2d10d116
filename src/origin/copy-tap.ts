// Between a socket and the library that speaks on it: what the origin copies to us is taken out of the bytes before the library sees it.
//
//   socket ──► messages ──► all but CopyData ──► the library
//                  └──────► CopyData, its first `headBytesMax` bytes ──► `onCopyData`
//
// A replication stream sends each change as one CopyData, and a change may be a row of a gigabyte. Of that the beginning is enough, and
// what is behind it passes without being kept.

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

const copyData = 0x64
const headerBytes = 5

export class CopyTap extends Duplex {
  /** The head of a payload, valid until this returns, and how long the whole of it is. */
  onCopyData: ((head: Buffer, payloadBytes: number) => void) | undefined
  /** Takes all that comes in place of the library, which waits for nothing: from between two messages to between two messages. */
  onBytes: ((chunk: Buffer) => void) | undefined
  readonly #socket: Socket
  readonly #headBytesMax: number
  /** What has come of a header that a chunk ended in. */
  #header: Buffer = Buffer.alloc(0)
  /** Of the message at hand. */
  #bytesLeft = 0
  #isCopyData = false
  #payloadBytes = 0
  #head: Buffer[] = []
  #headBytes = 0

  constructor(socket: Socket, headBytesMax: number) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    this.#headBytesMax = headBytesMax
    socket.on('data', (chunk: Buffer) => {
      if (this.onBytes !== undefined) this.onBytes(chunk)
      else if (!this.#take(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  // What the library expects of a socket. It is connected already: that is said as soon as somebody can hear it.
  connect(): this {
    process.nextTick(() => this.emit('connect'))
    return this
  }

  setNoDelay(): this {
    this.#socket.setNoDelay(true)
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    this.#socket.ref()
    return this
  }

  unref(): this {
    this.#socket.unref()
    return this
  }

  /** False if the library has enough for now. */
  #take(chunk: Buffer): boolean {
    let wantsMore = true
    for (let at = 0; at < chunk.length; ) {
      if (this.#bytesLeft === 0) {
        at += this.#begin(chunk, at)
        if (this.#isCopyData && this.#bytesLeft === 0 && this.#header.length === 0) this.#copied()
        else if (!this.#isCopyData && this.#header.length === headerBytes) wantsMore = this.push(this.#takeHeader())
        continue
      }
      const part = chunk.subarray(at, at + this.#bytesLeft)
      at += part.length
      this.#bytesLeft -= part.length
      if (!this.#isCopyData) wantsMore = this.push(part)
      else {
        this.#keep(part)
        if (this.#bytesLeft === 0) this.#copied()
      }
    }
    return wantsMore
  }

  /** Reads the header of the next message, or what there is of it; returns how many bytes that were. */
  #begin(chunk: Buffer, at: number): number {
    const wanted = headerBytes - this.#header.length
    const part = chunk.subarray(at, at + wanted)
    this.#header = this.#header.length === 0 ? part : Buffer.concat([this.#header, part])
    this.#isCopyData = false
    if (this.#header.length < headerBytes) {
      // The chunk is not ours to keep.
      this.#header = Buffer.from(this.#header)
      return part.length
    }
    this.#bytesLeft = Math.max(0, this.#header.readUInt32BE(1) - 4)
    this.#isCopyData = this.#header[0] === copyData && this.onCopyData !== undefined
    if (this.#isCopyData) {
      this.#payloadBytes = this.#bytesLeft
      this.#takeHeader()
    }
    return part.length
  }

  #takeHeader(): Buffer {
    const header = this.#header
    this.#header = Buffer.alloc(0)
    return header
  }

  #keep(part: Buffer): void {
    const wanted = this.#headBytesMax - this.#headBytes
    if (wanted <= 0) return
    const kept = part.subarray(0, wanted)
    // Whole in one chunk, as nearly all are: handed on as it lies there.
    this.#head.push(this.#bytesLeft === 0 ? kept : Buffer.from(kept))
    this.#headBytes += kept.length
  }

  #copied(): void {
    const [first = Buffer.alloc(0)] = this.#head
    const head = this.#head.length <= 1 ? first : Buffer.concat(this.#head)
    this.#head = []
    this.#headBytes = 0
    this.#isCopyData = false
    this.onCopyData?.(head, this.#payloadBytes)
  }
}
