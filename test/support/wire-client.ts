// A raw protocol client for tests: it sends the bytes it is told to send and keeps the bytes it gets, frame by frame.
//
// Drivers hide what a proxy may get wrong (the order of frames, a missing ParameterStatus, a column's format), so
// fixtures, fuzzing and the stress harness talk through this one. It shares no code with src/wire on purpose: a
// mistake in our own framing must not cancel itself out here.
//
//   batch: every frame up to a ReadyForQuery (or another frame the caller names)
//   NotificationResponse never belongs to a batch: it may come at any time and waits in `notifications`

import { connect as connectTcp, type Socket } from 'node:net'

export interface Frame {
  /** The type byte as a character. */
  readonly type: string
  /** The whole frame as it came: type byte, length, payload. */
  readonly bytes: Buffer
}

export interface Batch {
  readonly frames: readonly Frame[]
  /** Transaction status of the closing ReadyForQuery: `I`, `T` or `E`; empty if the batch ended otherwise. */
  readonly status: string
}

export interface WireTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** Further start-up parameters, e.g. application_name or options. */
  readonly parameters?: Readonly<Record<string, string>>
}

export interface Notification {
  readonly channel: string
  readonly payload: string
}

export class ConnectionClosed extends Error {
  /** What had come of the batch that never ended. */
  readonly frames: readonly Frame[]

  constructor(frames: readonly Frame[]) {
    super(`the server closed the connection${describeLast(frames)}`)
    this.frames = frames
  }
}

interface Receiver {
  readonly frames: Frame[]
  readonly until: (frame: Frame) => boolean
  readonly resolve: (frames: Frame[]) => void
  readonly reject: (error: Error) => void
}

export class WireClient {
  readonly notifications: Notification[] = []
  /** What BackendKeyData said; empty before the start-up is done. */
  backendKey: Buffer = Buffer.alloc(0)
  /** The ParameterStatus values in force. */
  readonly parameters = new Map<string, string>()
  closed = false

  readonly #socket: Socket
  #pending: Buffer = Buffer.alloc(0)
  /** Frames nobody has asked for yet. */
  #backlog: Frame[] = []
  #receivers: Receiver[] = []
  #notificationWaiters: (() => void)[] = []
  #closedWaiters: (() => void)[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => this.#onClose())
  }

  /** Opens the socket and sends nothing. */
  static open(host: string, port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = host.startsWith('/') ? connectTcp(`${host}/.s.PGSQL.${port}`) : connectTcp(port, host)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new WireClient(socket))
      })
    })
  }

  /** Opens a session and waits until it is ready. The server must ask for no password, or for one in clear text. */
  static async connect(target: WireTarget, password = ''): Promise<WireClient> {
    const client = await WireClient.open(target.host, target.port)
    client.send(startup({ user: target.user, database: target.database, ...target.parameters }))
    for (;;) {
      const frames = await client.receive((frame) => 'RZE'.includes(frame.type))
      const last = frames[frames.length - 1] as Frame
      if (last.type === 'Z') return client
      if (last.type === 'E') {
        client.destroy()
        throw new Error(`start-up failed: ${errorText(last)}`)
      }
      const code = last.bytes.readInt32BE(5)
      if (code === 3) client.send(passwordMessage(password))
      else if (code !== 0) throw new Error(`authentication method ${code} is not known to this client`)
    }
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** Frames up to and including the first for which `until` holds. */
  receive(until: (frame: Frame) => boolean): Promise<Frame[]> {
    return new Promise((resolve, reject) => {
      const receiver: Receiver = { frames: [], until, resolve, reject }
      this.#receivers.push(receiver)
      const backlog = this.#backlog
      this.#backlog = []
      for (const frame of backlog) this.#deliver(frame)
      if (this.closed) this.#rejectReceivers()
    })
  }

  async receiveBatch(): Promise<Batch> {
    const frames = await this.receive((frame) => frame.type === 'Z')
    return { frames, status: readyStatus(frames) }
  }

  /** Sends and waits for as many ReadyForQuery as the bytes ask for. */
  async exchange(bytes: Buffer, readyCount = 1): Promise<Batch> {
    let seen = 0
    this.send(bytes)
    const frames = await this.receive((frame) => frame.type === 'Z' && ++seen === readyCount)
    return { frames, status: readyStatus(frames) }
  }

  query(sql: string): Promise<Batch> {
    return this.exchange(query(sql))
  }

  /** The text rows of a simple query; an error of the server is thrown. */
  async rows(sql: string): Promise<(string | null)[][]> {
    return rowsOf(await this.query(sql))
  }

  async nextNotification(): Promise<Notification> {
    for (;;) {
      const first = this.notifications.shift()
      if (first !== undefined) return first
      if (this.closed) throw new ConnectionClosed([])
      await new Promise<void>((resolve) => this.#notificationWaiters.push(resolve))
    }
  }

  /** Resolves when the other side has closed the connection (or we have). */
  whenClosed(): Promise<void> {
    return this.closed ? Promise.resolve() : new Promise((resolve) => this.#closedWaiters.push(resolve))
  }

  /** Stops reading, so that the server feels back-pressure. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Half-closes: nothing more is sent, but answers are still read. */
  end(): void {
    this.#socket.end()
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.#socket.end(terminate())
    await this.whenClosed()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #push(chunk: Buffer): void {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (bytes.length >= 5) {
      const size = 1 + bytes.readInt32BE(1)
      if (bytes.length < size) break
      this.#accept({ type: String.fromCharCode(bytes[0] as number), bytes: bytes.subarray(0, size) })
      bytes = bytes.subarray(size)
    }
    this.#pending = bytes
  }

  #accept(frame: Frame): void {
    if (frame.type === 'A') {
      this.notifications.push(notificationOf(frame))
      for (const wake of this.#notificationWaiters.splice(0)) wake()
      return
    }
    if (frame.type === 'S') {
      const [name, value] = parameterStatusOf(frame)
      this.parameters.set(name, value)
    }
    if (frame.type === 'K') this.backendKey = frame.bytes.subarray(5)
    this.#deliver(frame)
  }

  #deliver(frame: Frame): void {
    const receiver = this.#receivers[0]
    if (receiver === undefined) {
      this.#backlog.push(frame)
      return
    }
    receiver.frames.push(frame)
    if (!receiver.until(frame)) return
    this.#receivers.shift()
    receiver.resolve(receiver.frames)
  }

  #onClose(): void {
    this.closed = true
    this.#rejectReceivers()
    for (const wake of this.#notificationWaiters.splice(0)) wake()
    for (const wake of this.#closedWaiters.splice(0)) wake()
  }

  #rejectReceivers(): void {
    for (const receiver of this.#receivers.splice(0)) receiver.reject(new ConnectionClosed(receiver.frames))
  }
}

// Frontend messages

export function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 4)
  const head = Buffer.alloc(type.length + 4)
  head.write(type, 'latin1')
  head.writeInt32BE(size, type.length)
  return Buffer.concat([head, ...parts])
}

export function startup(parameters: Readonly<Record<string, string>>, version = 196608): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [text(name), text(value)])
  return message('', int32(version), ...pairs, Buffer.alloc(1))
}

export function query(sql: string): Buffer {
  return message('Q', text(sql))
}

export function parse(name: string, sql: string, parameterTypes: readonly number[] = []): Buffer {
  return message('P', text(name), text(sql), int16(parameterTypes.length), ...parameterTypes.map(int32))
}

export interface BindOptions {
  readonly portal?: string
  readonly statement?: string
  /** Strings travel as text, buffers as binary, null as NULL. */
  readonly values?: readonly (string | Buffer | null)[]
  /** Formats of the result columns: none for all text, one for all, or one each. */
  readonly resultFormats?: readonly number[]
}

export function bind(options: BindOptions = {}): Buffer {
  const values = options.values ?? []
  const formats = values.some(Buffer.isBuffer) ? values.map((value) => (Buffer.isBuffer(value) ? 1 : 0)) : []
  const results = options.resultFormats ?? []
  return message(
    'B',
    text(options.portal ?? ''),
    text(options.statement ?? ''),
    int16(formats.length),
    ...formats.map(int16),
    int16(values.length),
    ...values.map(encodeValue),
    int16(results.length),
    ...results.map(int16),
  )
}

export function describe(kind: 'S' | 'P', name = ''): Buffer {
  return message('D', Buffer.from(kind), text(name))
}

export function execute(portal = '', rowLimit = 0): Buffer {
  return message('E', text(portal), int32(rowLimit))
}

export function close(kind: 'S' | 'P', name = ''): Buffer {
  return message('C', Buffer.from(kind), text(name))
}

export function sync(): Buffer {
  return message('S')
}

export function flush(): Buffer {
  return message('H')
}

export function copyData(data: Buffer | string): Buffer {
  return message('d', Buffer.from(data))
}

export function copyDone(): Buffer {
  return message('c')
}

export function copyFail(reason: string): Buffer {
  return message('f', text(reason))
}

export function passwordMessage(password: string): Buffer {
  return message('p', text(password))
}

export function terminate(): Buffer {
  return message('X')
}

/** A CancelRequest for the key of BackendKeyData; it is sent on a connection of its own. */
export function cancelRequest(backendKey: Buffer): Buffer {
  return message('', int32(80877102), backendKey)
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

function encodeValue(value: string | Buffer | null): Buffer {
  if (value === null) return int32(-1)
  const bytes = Buffer.from(value as string)
  return Buffer.concat([int32(bytes.length), bytes])
}

// Backend messages

export interface Field {
  readonly name: string
  readonly tableOid: number
  readonly typeOid: number
  readonly format: number
}

export function fieldsOf(frame: Frame): Field[] {
  const fields: Field[] = []
  let at = 7
  for (let count = frame.bytes.readInt16BE(5); count > 0; count--) {
    const end = frame.bytes.indexOf(0, at)
    fields.push({
      name: frame.bytes.toString('utf8', at, end),
      tableOid: frame.bytes.readUInt32BE(end + 1),
      typeOid: frame.bytes.readUInt32BE(end + 7),
      format: frame.bytes.readInt16BE(end + 17),
    })
    at = end + 19
  }
  return fields
}

export function valuesOf(frame: Frame): (Buffer | null)[] {
  const values: (Buffer | null)[] = []
  let at = 7
  for (let count = frame.bytes.readInt16BE(5); count > 0; count--) {
    const size = frame.bytes.readInt32BE(at)
    at += 4
    values.push(size < 0 ? null : frame.bytes.subarray(at, at + size))
    at += Math.max(size, 0)
  }
  return values
}

/** The fields of an ErrorResponse or NoticeResponse by their code letter. */
export function errorFieldsOf(frame: Frame): Map<string, string> {
  const fields = new Map<string, string>()
  let at = 5
  while (at < frame.bytes.length && frame.bytes[at] !== 0) {
    const end = frame.bytes.indexOf(0, at)
    fields.set(String.fromCharCode(frame.bytes[at] as number), frame.bytes.toString('utf8', at + 1, end))
    at = end + 1
  }
  return fields
}

export function sqlstateOf(frame: Frame): string {
  return errorFieldsOf(frame).get('C') ?? ''
}

export function errorText(frame: Frame): string {
  const fields = errorFieldsOf(frame)
  return `${fields.get('S')} ${fields.get('C')}: ${fields.get('M')}`
}

export function tagOf(frame: Frame): string {
  return frame.bytes.toString('utf8', 5, frame.bytes.length - 1)
}

export function parameterStatusOf(frame: Frame): [name: string, value: string] {
  const end = frame.bytes.indexOf(0, 5)
  return [frame.bytes.toString('utf8', 5, end), frame.bytes.toString('utf8', end + 1, frame.bytes.length - 1)]
}

function notificationOf(frame: Frame): Notification {
  const end = frame.bytes.indexOf(0, 9)
  return {
    channel: frame.bytes.toString('utf8', 9, end),
    payload: frame.bytes.toString('utf8', end + 1, frame.bytes.length - 1),
  }
}

/** The rows of a batch as text; the first error in it is thrown. */
export function rowsOf(batch: Batch): (string | null)[][] {
  const error = errorOf(batch)
  if (error !== undefined) throw new Error(errorText(error))
  return batch.frames
    .filter((frame) => frame.type === 'D')
    .map((frame) => valuesOf(frame).map((value) => (value === null ? null : value.toString())))
}

export function errorOf(batch: Batch): Frame | undefined {
  return batch.frames.find((frame) => frame.type === 'E')
}

function readyStatus(frames: readonly Frame[]): string {
  const last = frames[frames.length - 1]
  return last?.type === 'Z' ? String.fromCharCode(last.bytes[5] as number) : ''
}

function describeLast(frames: readonly Frame[]): string {
  const error = frames.find((frame) => frame.type === 'E')
  return error === undefined ? '' : ` after ${errorText(error)}`
}
