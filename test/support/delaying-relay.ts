// A TCP relay that stands between Larder and its origin and can stop time on chosen connections.
//
// The interleavings that break a cache last microseconds: a commit that is visible but not acknowledged, an answer
// that left before a write and arrives after it. Here a test makes them as long as it likes:
//
//   const gate = connection.holdFrom('origin', frameIs.tag('COMMIT'))
//   …send COMMIT…
//   await gate.reached      the origin has committed; the relay keeps the answer
//   gate.release()          or connection.cut(), and the answer is lost
//
// A connection is known by the application_name of its start-up message. Frames are only looked at, never changed.

import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Frame } from './wire-client.ts'
import { tagOf } from './wire-client.ts'

export type Side = 'larder' | 'origin'

export interface RelayTarget {
  readonly host: string
  readonly port: number
}

export interface Gate {
  /** Resolves when the first matching frame has arrived and is being kept. */
  readonly reached: Promise<Frame>
  /** Lets everything kept, and all that follows, go on. */
  release(): void
}

export class DelayingRelay {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly connections: RelayedConnection[] = []

  /** Where connections made from now on lead. */
  target: RelayTarget
  readonly #server: Server
  #waiting: (() => void)[] = []

  private constructor(server: Server, port: number, target: RelayTarget) {
    this.#server = server
    this.port = port
    this.target = target
  }

  static async open(target: RelayTarget): Promise<DelayingRelay> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const relay = new DelayingRelay(server, (server.address() as { port: number }).port, target)
    server.on('connection', (socket) => relay.#accept(socket, relay.target))
    return relay
  }

  /** The newest living connection that named itself so at start-up; waits until there is one. */
  async connection(applicationName: string): Promise<RelayedConnection> {
    for (;;) {
      const found = this.newest(applicationName)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  newest(applicationName: string): RelayedConnection | undefined {
    return this.connections.findLast((each) => each.applicationName === applicationName && !each.closed)
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(socket: Socket, target: RelayTarget): void {
    const origin = target.host.startsWith('/')
      ? connect(`${target.host}/.s.PGSQL.${target.port}`)
      : connect(target.port, target.host)
    const connection = new RelayedConnection(socket, origin, () => {
      for (const wake of this.#waiting.splice(0)) wake()
    })
    this.connections.push(connection)
  }
}

export class RelayedConnection {
  applicationName = ''
  closed = false
  /** Whether anything was read from Larder after the start-up; a test may assert that a connection stayed untouched. */
  frameCount = 0

  readonly #larder: Socket
  readonly #origin: Socket
  readonly #fromLarder: Direction
  readonly #fromOrigin: Direction

  constructor(larder: Socket, origin: Socket, onNamed: () => void) {
    this.#larder = larder
    this.#origin = origin
    this.#fromLarder = new Direction(larder, origin, true)
    this.#fromOrigin = new Direction(origin, larder, false)
    this.#fromLarder.onStartup = (parameters) => {
      this.applicationName = parameters.get('application_name') ?? ''
      onNamed()
    }
    this.#fromLarder.onFrame = () => {
      this.frameCount += 1
    }
    for (const socket of [larder, origin]) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
    }
    larder.on('close', () => this.#onClose('larder'))
    origin.on('close', () => this.#onClose('origin'))
  }

  /** Keeps back everything that comes from `side`, from the first frame on for which `matches` holds. */
  holdFrom(side: Side, matches: (frame: Frame) => boolean = () => true): Gate {
    return (side === 'larder' ? this.#fromLarder : this.#fromOrigin).hold(matches)
  }

  /** Both sides see the connection die. */
  cut(): void {
    this.closed = true
    this.#larder.destroy()
    this.#origin.destroy()
  }

  /** Larder sees the connection die; the origin notices nothing, and what is held for it may still be released. */
  cutFromLarder(): void {
    this.closed = true
    this.#fromLarder.detached = true
    this.#larder.destroy()
  }

  #onClose(side: Side): void {
    this.closed = true
    if (side === 'origin') this.#fromOrigin.endTarget()
    else if (!this.#fromLarder.detached) this.#fromLarder.endTarget()
  }
}

/** The predicates tests use most. */
export const frameIs = {
  type: (type: string) => (frame: Frame) => frame.type === type,
  tag: (tag: string) => (frame: Frame) => frame.type === 'C' && tagOf(frame).startsWith(tag),
  /** A frontend message (simple query or Parse) whose text holds `part`. */
  saying: (part: string) => (frame: Frame) => 'QP'.includes(frame.type) && frame.bytes.includes(part),
}

// One direction of a connection. Bytes are passed on frame by frame; while a gate is shut they gather in `#kept`.
class Direction {
  onStartup: (parameters: Map<string, string>) => void = () => undefined
  onFrame: (frame: Frame) => void = () => undefined
  /** The source died on purpose: the target stays open until the test lets go. */
  detached = false

  readonly #target: Socket
  #startupExpected: boolean
  #pending: Buffer = Buffer.alloc(0)
  #gate: { matches: (frame: Frame) => boolean; reached: (frame: Frame) => void } | undefined
  #shut = false
  #kept: Buffer[] = []
  #ended = false

  constructor(source: Socket, target: Socket, startupExpected: boolean) {
    this.#target = target
    this.#startupExpected = startupExpected
    source.on('data', (chunk) => this.#push(chunk))
  }

  hold(matches: (frame: Frame) => boolean): Gate {
    const reached = new Promise<Frame>((resolve) => {
      this.#gate = { matches, reached: resolve }
    })
    return { reached, release: () => this.#release() }
  }

  endTarget(): void {
    this.#ended = true
    if (!this.#shut) this.#target.end()
  }

  #release(): void {
    this.#gate = undefined
    this.#shut = false
    for (const bytes of this.#kept.splice(0)) this.#target.write(bytes)
    if (this.#ended || this.detached) this.#target.end()
  }

  #push(chunk: Buffer): void {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    for (;;) {
      const head = this.#startupExpected ? 0 : 1
      if (bytes.length < head + 4) break
      const size = head + bytes.readInt32BE(head)
      if (bytes.length < size) break
      this.#pass(bytes.subarray(0, size))
      bytes = bytes.subarray(size)
    }
    this.#pending = bytes
  }

  #pass(bytes: Buffer): void {
    if (this.#startupExpected) this.#readStartup(bytes)
    else this.#look({ type: String.fromCharCode(bytes[0] as number), bytes })
    if (this.#shut) this.#kept.push(Buffer.from(bytes))
    else this.#target.write(bytes)
  }

  #look(frame: Frame): void {
    this.onFrame(frame)
    if (this.#shut || this.#gate === undefined || !this.#gate.matches(frame)) return
    this.#shut = true
    this.#gate.reached(frame)
  }

  // SSLRequest and GSSENCRequest come before the start-up message and have its form; the answer is one byte without a
  // length, so the tests' origins are reached without TLS (sslmode=disable).
  #readStartup(bytes: Buffer): void {
    if (bytes.readInt32BE(4) >>> 16 !== 3) return
    this.#startupExpected = false
    const words = bytes.toString('utf8', 8).split('\0')
    const parameters = new Map<string, string>()
    for (let at = 0; at + 1 < words.length; at += 2) parameters.set(words[at] as string, words[at + 1] as string)
    this.onStartup(parameters)
  }
}
