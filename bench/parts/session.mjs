// One connection that sends bytes and hands back the bytes that answer them, for set-up and for comparing answers.
// The load generator has its own, faster reader.

import net from 'node:net'
import { errorFields, frames, query, startup, terminate } from './wire.mjs'

/** @typedef {{ host?: string, port?: number, path?: string, user: string, database: string }} Address */

export class Session {
  /** @type {Buffer[]} */
  chunks = []
  /** @type {{ resolve: (bytes: Buffer) => void, reject: (error: Error) => void } | undefined} */
  waiting
  awaited = 0

  /** @param {Address} address */
  static async open(address) {
    const session = new Session(address)
    await session.exchange(startup(address))
    return session
  }

  /** @param {Address} address */
  constructor(address) {
    this.socket = net.connect(socketOptions(address))
    this.socket.setNoDelay(true)
    this.socket.on('data', (chunk) => this.receive(chunk))
    this.socket.on('error', (error) => this.fail(error))
    this.socket.on('close', () => this.fail(new Error('connection closed')))
  }

  /**
   * Sends bytes and resolves to everything received until as many ReadyForQuery as asked have come.
   *
   * @param {Buffer} bytes
   * @param {number} [readyCount]
   * @returns {Promise<Buffer>}
   */
  exchange(bytes, readyCount = 1) {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject }
      this.awaited = readyCount
      this.socket.write(bytes)
    })
  }

  /** Runs a simple query and resolves to its rows as arrays of text or null. An error is thrown. */
  async rows(text) {
    return readRows(await this.exchange(query(text)))
  }

  async close() {
    this.waiting = undefined
    if (this.socket.closed) return
    await new Promise((resolve) => {
      this.socket.on('close', resolve)
      this.socket.end(terminate)
    })
  }

  // Answers here are small or few: looking through all that came so far, each time, is good enough.
  receive(chunk) {
    this.chunks.push(chunk)
    const bytes = Buffer.concat(this.chunks)
    this.chunks = [bytes]
    const whole = wholeFrames(bytes)
    const readyCount = whole.filter((frame) => frame.type === 'Z').length
    const failed = whole.find(
      (frame) => frame.type === 'E' && errorFields(bytes.subarray(frame.start, frame.end)).S === 'FATAL',
    )
    if (readyCount < this.awaited && failed === undefined) return
    const waiting = this.waiting
    this.waiting = undefined
    this.chunks = []
    if (failed === undefined) waiting?.resolve(bytes)
    else waiting?.reject(new Error(errorFields(bytes.subarray(failed.start, failed.end)).M))
  }

  fail(error) {
    this.waiting?.reject(error)
    this.waiting = undefined
  }
}

/** @param {Address} address */
export function socketOptions({ host, port, path }) {
  return path === undefined ? { host, port } : { path }
}

/** Rows of the first result in an answer. */
export function readRows(bytes) {
  const rows = []
  for (const { type, start, end } of frames(bytes)) {
    if (type === 'E') throw new Error(errorFields(bytes.subarray(start, end)).M)
    if (type === 'D') rows.push(readRow(bytes.subarray(start + 5, end)))
  }
  return rows
}

function readRow(body) {
  const values = []
  let at = 2
  for (let column = body.readInt16BE(0); column > 0; column--) {
    const length = body.readInt32BE(at)
    at += 4
    values.push(length < 0 ? null : body.toString('utf8', at, at + length))
    at += Math.max(length, 0)
  }
  return values
}

function wholeFrames(bytes) {
  let end = 0
  while (end + 5 <= bytes.length) {
    const next = end + 1 + bytes.readInt32BE(end + 1)
    if (next > bytes.length) break
    end = next
  }
  return frames(bytes.subarray(0, end))
}
