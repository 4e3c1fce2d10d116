// The load generator: a process of its own that keeps a number of connections busy and counts the replies.
//
// Requests are bytes made beforehand. Each connection sends one batch, waits for as many ReadyForQuery as it holds
// requests, and sends the next: a closed loop. Replies are walked frame by frame, by their lengths; nothing is decoded.
// It is told what to do by messages from its parent (Job) and answers each with one (Outcome).
//
//   connect all -> set up each -> warm up -> [ measure ] -> stop
//                                            ^ counts and processor times are read here and there

import net from 'node:net'
import { cpuTimeUs } from './parts/cpu.mjs'
import { socketOptions } from './parts/session.mjs'
import { errorFields, startup, terminate } from './parts/wire.mjs'

/**
 * @typedef {object} Job
 * @property {import('./parts/session.mjs').Address} address
 * @property {number} connectionCount
 * @property {Uint8Array[]} setup sent on each connection before it counts, each answered by one ReadyForQuery
 * @property {Workload} workload
 * @property {number} warmUpMs
 * @property {number} measureMs
 * @property {number[]} pids processes whose processor time is of interest
 */

/**
 * Either batches sent in turn, or one batch whose key is written anew each time, so that no request is ever repeated.
 *
 * @typedef {{ kind: 'cycle', batches: Uint8Array[], depth: number }
 *   | { kind: 'fresh', template: Uint8Array, keyOffset: number, keyDigits: number, firstKey: number, keyCount: number, depth: 1 }} Workload
 */

/**
 * @typedef {object} Outcome
 * @property {number} replies
 * @property {number} bytes
 * @property {number} elapsedUs
 * @property {(number | undefined)[]} cpuUs per pid
 * @property {number | undefined} ownCpuUs
 * @property {number} nextKey
 */

const readyForQuery = 0x5a
const errorResponse = 0x45

// Replies are looked at before the callback returns, so one buffer serves all connections.
const readBuffer = Buffer.allocUnsafe(256 * 1024)

let replies = 0
let bytes = 0
let running = false

// Ends with whoever started it, however that ended.
process.on('disconnect', () => process.exit())

process.on('message', (job) => {
  run(/** @type {Job} */ (job)).then(
    (outcome) => process.send?.({ outcome }),
    (error) => process.send?.({ error: error.message }),
  )
})

/** @param {Job} job */
async function run(job) {
  const requests = requestSource(job.workload)
  const failure = deferred()
  const connections = Array.from({ length: job.connectionCount }, () => new Connection(job, failure.reject))
  try {
    await Promise.race([Promise.all(connections.map((connection) => connection.ready)), failure.promise])
    running = true
    for (const connection of connections) connection.start(requests())
    await Promise.race([sleep(job.warmUpMs), failure.promise])
    const before = reading(job.pids)
    await Promise.race([sleep(job.measureMs), failure.promise])
    const after = reading(job.pids)
    running = false
    return { ...difference(before, after), nextKey: requests.nextKey?.() ?? 0 }
  } finally {
    running = false
    await Promise.all(connections.map((connection) => connection.close()))
  }
}

class Connection {
  /** Bytes of the current frame still to come, the head apart. */
  bodyLeft = 0
  type = 0
  head = Buffer.alloc(5)
  headLength = 0
  readyAwaited = 1
  /** @type {(() => Buffer) | undefined} */
  next
  depth = 1
  closing = false

  /**
   * @param {Job} job
   * @param {(error: Error) => void} onFailure
   */
  constructor(job, onFailure) {
    this.onFailure = onFailure
    this.setup = job.setup.map((request) => Buffer.from(request))
    this.depth = job.workload.depth
    const { promise, resolve } = deferred()
    this.ready = promise
    this.becomeReady = resolve
    this.socket = net.connect({
      ...socketOptions(job.address),
      onread: { buffer: readBuffer, callback: (length, buffer) => this.receive(length, buffer) },
    })
    this.socket.setNoDelay(true)
    this.socket.on('error', (error) => this.fail(error))
    this.socket.on('close', () => {
      if (!this.closing) this.fail(new Error('the server closed a connection'))
    })
    this.socket.write(startup(job.address))
  }

  start(next) {
    this.next = next
    this.send()
  }

  send() {
    this.readyAwaited = this.depth
    this.socket.write(this.next())
  }

  receive(length, buffer) {
    bytes += length
    for (let at = 0; at < length; ) {
      if (this.bodyLeft > 0) {
        const step = Math.min(this.bodyLeft, length - at)
        this.bodyLeft -= step
        at += step
      } else if (this.headLength === 0 && length - at >= 5) {
        this.beginFrame(buffer, at, length)
        at += 5
      } else {
        this.head[this.headLength++] = buffer[at++]
        if (this.headLength < 5) continue
        this.headLength = 0
        this.beginFrame(this.head, 0, 0)
      }
      if (this.bodyLeft === 0 && this.type === readyForQuery) this.onReady()
    }
    return true
  }

  beginFrame(buffer, at, length) {
    this.type = buffer[at]
    this.bodyLeft = buffer.readInt32BE(at + 1) - 4
    if (this.type === errorResponse) this.fail(new Error(errorText(buffer, at, length, this.bodyLeft)))
  }

  onReady() {
    // A frame without a body is taken up once more by the loop; it must not count again.
    this.type = 0
    if (this.next !== undefined) replies++
    if (--this.readyAwaited > 0) return
    if (this.next === undefined) this.setUpOrReady()
    else if (running) this.send()
  }

  setUpOrReady() {
    const request = this.setup.shift()
    if (request === undefined) return this.becomeReady()
    this.readyAwaited = 1
    this.socket.write(request)
  }

  fail(error) {
    this.onFailure(error)
  }

  close() {
    this.closing = true
    return new Promise((resolve) => {
      this.socket.once('close', resolve)
      this.socket.end(terminate)
      this.socket.destroySoon()
    })
  }
}

function errorText(buffer, at, length, bodyLength) {
  const end = at + 5 + bodyLength
  return end <= length ? errorFields(buffer.subarray(at, end)).M : 'an error too long to show'
}

// Gives each connection a function that yields its next batch.
function requestSource(workload) {
  if (workload.kind === 'cycle') {
    const batches = workload.batches.map((batch) => Buffer.from(batch))
    let first = 0
    return () => {
      let at = first++ % batches.length
      return () => {
        const batch = batches[at]
        at = at + 1 === batches.length ? 0 : at + 1
        return batch
      }
    }
  }
  let key = workload.firstKey
  const source = () => {
    // The batch before was sent and answered, so its buffer can be written again.
    const batch = Buffer.from(workload.template)
    return () => {
      writeDigits(batch, workload.keyOffset, workload.keyDigits, key)
      key = key + 1 === workload.keyCount ? 0 : key + 1
      return batch
    }
  }
  source.nextKey = () => key
  return source
}

function writeDigits(buffer, offset, digits, value) {
  let left = value
  for (let at = offset + digits - 1; at >= offset; at--) {
    buffer[at] = 48 + (left % 10)
    left = Math.floor(left / 10)
  }
}

function reading(pids) {
  return {
    atUs: performance.now() * 1000,
    replies,
    bytes,
    cpuUs: pids.map((pid) => cpuTimeUs(pid)),
    ownCpuUs: cpuTimeUs(process.pid),
  }
}

function difference(before, after) {
  return {
    replies: after.replies - before.replies,
    bytes: after.bytes - before.bytes,
    elapsedUs: after.atUs - before.atUs,
    cpuUs: after.cpuUs.map((us, index) => subtract(us, before.cpuUs[index])),
    ownCpuUs: subtract(after.ownCpuUs, before.ownCpuUs),
  }
}

function subtract(after, before) {
  return after === undefined || before === undefined ? undefined : after - before
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function deferred() {
  let resolve
  let reject
  const promise = new Promise((res, rej) => {
    resolve = res
    reject = rej
  })
  // Raced against other promises, so a late rejection is nobody's.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
