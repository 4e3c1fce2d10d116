// A connection to the system database: frames out, frames in, nothing interpreted that need not be.
//
// An exchange writes some bytes and reads until the given number of ReadyForQuery frames has come. One at a time.

import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { backend, frameHeaderBytes, queryFrame, readDataRow, readFields, startupPacket } from '../wire/index.ts'

/** Sees every frame of an exchange, ReadyForQuery included; a chunk holds whole frames only. */
export interface ExchangeReader {
  frame(type: number, chunk: Buffer, start: number, end: number): void
  /** All frames of the chunk were seen. A promise holds back further reading until it settles. */
  chunkEnd?(chunk: Buffer): void | Promise<void>
}

interface Exchange {
  readonly reader: ExchangeReader
  readyLeft: number
  resolve(): void
  reject(error: Error): void
}

const protocolVersion = { major: 3, minor: 0 } as const
const cancelRequestCode = 80877102
/** Most time to spend on making parts before others have their turn. */
const sliceMs = 2

export class SystemConnection {
  readonly #socket: Socket
  readonly #path: string
  #exchange: Exchange | undefined
  #pid = 0
  #key = Buffer.alloc(0)
  #pending: Buffer[] = []
  #pendingBytes = 0
  #neededBytes = frameHeaderBytes
  #failure: Error | undefined

  static async open(path: string, user: string, database: string): Promise<SystemConnection> {
    const socket = connect({ path })
    const connection = new SystemConnection(socket, path)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    const parameters = [
      ['user', user],
      ['database', database],
      ['client_encoding', 'UTF8'],
      ['application_name', 'larder'],
    ] as const
    await connection.#start(startupPacket(protocolVersion.major, protocolVersion.minor, parameters))
    return connection
  }

  private constructor(socket: Socket, path: string) {
    this.#socket = socket
    this.#path = path
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the connection to the system database was closed')))
  }

  get isOpen(): boolean {
    return this.#failure === undefined
  }

  /**
   * Writes and reads until `readyCount` frames of ReadyForQuery. The parts may be made while they are written: after
   * some milliseconds of that, other work gets its turn. Rejects when the connection is lost, or a part cannot be
   * made.
   */
  exchange(parts: Iterable<Buffer>, readyCount: number, reader: ExchangeReader): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#exchange !== undefined) return Promise.reject(new Error('the connection is busy'))
    return new Promise((resolve, reject) => {
      this.#exchange = { reader, readyLeft: readyCount, resolve, reject }
      // Half of an exchange cannot be taken back: a connection left in the middle of one is of no more use.
      this.#write(parts).catch((error) => {
        this.#fail(error)
        this.#socket.destroy()
      })
    })
  }

  async #write(parts: Iterable<Buffer>): Promise<void> {
    const socket = this.#socket
    let sliceStart = performance.now()
    socket.cork()
    for (const part of parts) {
      const isFull = !socket.write(part)
      const isLong = performance.now() - sliceStart >= sliceMs
      if (!isFull && !isLong) continue
      socket.uncork()
      if (isFull && socket.writableNeedDrain) await this.#drained()
      // A write that the kernel takes at once drains within this turn.
      if (isLong) await nextTurn()
      if (this.#failure !== undefined) return
      if (isLong) sliceStart = performance.now()
      socket.cork()
    }
    socket.uncork()
  }

  #drained(): Promise<void> {
    const socket = this.#socket
    return new Promise((resolve) => {
      const settle = (): void => {
        socket.off('drain', settle)
        socket.off('close', settle)
        resolve()
      }
      socket.once('drain', settle)
      socket.once('close', settle)
    })
  }

  /** Runs a text of our own; rejects with the first error, returns all rows. */
  async query(text: string): Promise<(string | null)[][]> {
    const rows: (string | null)[][] = []
    let error: Error | undefined
    await this.exchange([queryFrame(text)], 1, {
      frame(type, chunk, start, end) {
        if (type === backend.dataRow) rows.push(readDataRow(chunk, start))
        else if (type === backend.error) error ??= errorOf(chunk, start, end)
      },
    })
    if (error !== undefined) throw error
    return rows
  }

  /** Asks the server to stop what this connection runs; resolves when it was told, which may have been too early or too late. */
  cancel(): Promise<void> {
    const request = Buffer.alloc(12 + this.#key.length)
    request.writeInt32BE(request.length, 0)
    request.writeInt32BE(cancelRequestCode, 4)
    request.writeInt32BE(this.#pid, 8)
    this.#key.copy(request, 12)
    const socket = connect({ path: this.#path })
    socket.on('error', () => undefined)
    socket.on('data', () => undefined)
    socket.end(request)
    return new Promise((resolve) => socket.once('close', () => resolve()))
  }

  close(): void {
    this.#fail(new Error('the connection to the system database was closed'))
    this.#socket.destroy()
  }

  async #start(packet: Buffer): Promise<void> {
    let error: Error | undefined
    await this.exchange([packet], 1, {
      frame: (type, chunk, start, end) => {
        if (type === backend.error) error = errorOf(chunk, start, end)
        if (type !== backend.backendKeyData) return
        this.#pid = chunk.readInt32BE(start + frameHeaderBytes)
        this.#key = Buffer.from(chunk.subarray(start + frameHeaderBytes + 4, end))
      },
    }).catch((closed) => {
      throw error ?? closed
    })
  }

  #receive(chunk: Buffer): void {
    this.#pending.push(chunk)
    this.#pendingBytes += chunk.length
    // A frame larger than a chunk is joined once it is complete, not again and again.
    if (this.#pendingBytes < this.#neededBytes) return
    const bytes = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending, this.#pendingBytes)
    const end = this.#endOfWholeFrames(bytes)
    if (end > 0) this.#read(bytes.subarray(0, end))
    const rest = bytes.subarray(end)
    this.#pending = rest.length > 0 ? [rest] : []
    this.#pendingBytes = rest.length
  }

  #endOfWholeFrames(bytes: Buffer): number {
    let at = 0
    for (;;) {
      this.#neededBytes = frameHeaderBytes
      if (at + frameHeaderBytes > bytes.length) return at
      const size = bytes.readInt32BE(at + 1) + 1
      this.#neededBytes = size
      if (at + size > bytes.length) return at
      at += size
    }
  }

  #read(bytes: Buffer): void {
    const exchange = this.#exchange
    if (exchange === undefined) return
    let finished = false
    for (let at = 0; at < bytes.length && !finished; ) {
      const type = bytes[at] as number
      const end = at + bytes.readInt32BE(at + 1) + 1
      exchange.reader.frame(type, bytes, at, end)
      if (type === backend.readyForQuery) finished = --exchange.readyLeft === 0
      at = end
    }
    const pause = exchange.reader.chunkEnd?.(bytes)
    if (finished) this.#exchange = undefined
    if (pause === undefined) {
      if (finished) exchange.resolve()
      return
    }
    this.#socket.pause()
    pause.then(
      () => {
        this.#socket.resume()
        if (finished) exchange.resolve()
      },
      (error) => {
        exchange.reject(error)
        this.close()
      },
    )
  }

  #fail(error: Error): void {
    this.#failure ??= error
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.reject(this.#failure)
  }
}

function errorOf(chunk: Buffer, start: number, end: number): Error {
  const fields = readFields(chunk, start, end)
  return new Error(`${fields.get('M') ?? 'unknown error'} (${fields.get('C') ?? 'no code'})`)
}
