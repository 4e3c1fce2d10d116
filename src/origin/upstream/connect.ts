// Opens a connection to an origin, as far as the first byte of the start-up message: network and TLS, nothing more.
//
//   sslmode       over TCP                                                       second try
//   disable       plain                                                          -
//   allow         plain                                                          TLS
//   prefer        TLS if the server offers it and the handshake succeeds,        plain
//                 else plain, on a new connection where the first is spoilt
//   require …     TLS                                                            -
//
// A unix socket is never encrypted. The second try is libpq's: when the server refuses the start-up itself (its pg_hba.conf
// may admit one kind of connection only), `allow` and `prefer` try once more the other way. Only who reads the answer to
// the start-up can know that; they then call with `secondTry`.
//
// Source: PostgreSQL documentation, "SSL Session Encryption"; fe-connect.c, PQconnectPoll.

import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { OriginConnectionError } from './connection-error.ts'
import type { OriginTarget } from './target.ts'
import { startTls } from './tls.ts'

interface ConnectOptions {
  readonly signal?: AbortSignal | undefined
  /** For the whole of it, TLS included; 0 waits for ever. Defaults to the target's own limit, else 10 seconds. */
  readonly timeoutMs?: number | undefined
  readonly secondTry?: boolean | undefined
}

const timeoutMsInitial = 10_000
const keepAliveDelayMs = 60_000
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const cancelRequestCode = 80_877_102

type Encryption = 'plain' | 'tls' | 'tls-if-offered'

/** A socket ready for a StartupMessage, with nobody listening to it yet. Throws an OriginConnectionError. */
export async function connectOrigin(target: OriginTarget, options: ConnectOptions = {}): Promise<Socket> {
  const attempt = new Attempt(target, options)
  try {
    const encryption = encryptionOf(target, options.secondTry === true)
    if (encryption === 'plain') return await attempt.plain()
    if (encryption === 'tls') return await attempt.encrypted()
    return await attempt.encryptedIfOffered()
  } catch (error) {
    attempt.abandon()
    throw attempt.cause ?? error
  } finally {
    attempt.finish()
  }
}

/** Whether a start-up that the server refused may be tried once more with `secondTry`. */
export function hasSecondTry(target: OriginTarget): boolean {
  return target.socketPath === undefined && (target.sslMode === 'allow' || target.sslMode === 'prefer')
}

/**
 * Asks the origin to cancel what the backend with this key is doing; resolves when the origin has closed the connection,
 * which says that the request was handled and nothing about its success.
 */
export async function sendCancel(
  target: OriginTarget,
  pid: number,
  secretKey: Buffer,
  options: ConnectOptions = {},
): Promise<void> {
  const request = Buffer.alloc(12 + secretKey.length)
  request.writeInt32BE(request.length, 0)
  request.writeInt32BE(cancelRequestCode, 4)
  request.writeInt32BE(pid, 8)
  secretKey.copy(request, 12)
  const socket = await connectOrigin(target, options)
  await new Promise<void>((resolve, reject) => {
    const limitMs = limitOf(target, options)
    const expire = () => socket.destroy(OriginConnectionError.timeout(target, limitMs))
    if (limitMs > 0) socket.setTimeout(limitMs, expire)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // The postmaster's child closes without ceremony; a reset is an end like any other.
      if (error instanceof OriginConnectionError) reject(error)
    })
    socket.once('close', () => resolve())
    socket.resume()
    socket.write(request)
  })
}

function encryptionOf(target: OriginTarget, secondTry: boolean): Encryption {
  if (target.socketPath !== undefined || target.sslMode === 'disable') return 'plain'
  if (target.sslMode === 'allow') return secondTry ? 'tls' : 'plain'
  if (target.sslMode === 'prefer') return secondTry ? 'plain' : 'tls-if-offered'
  return 'tls'
}

function limitOf(target: OriginTarget, options: ConnectOptions): number {
  return options.timeoutMs ?? target.connectTimeoutMs ?? timeoutMsInitial
}

/** One call of connectOrigin: its deadline, and the socket that must not outlive a failure. */
class Attempt {
  /** Set when the attempt was ended from outside; the error to report instead of the one that this provokes. */
  cause: OriginConnectionError | undefined
  readonly #target: OriginTarget
  readonly #signal: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout | undefined
  #socket: Socket | undefined
  readonly #onAbort = () => this.#end(OriginConnectionError.aborted(this.#target))

  constructor(target: OriginTarget, options: ConnectOptions) {
    this.#target = target
    this.#signal = options.signal
    const limitMs = limitOf(target, options)
    if (limitMs > 0) this.#timer = setTimeout(() => this.#end(OriginConnectionError.timeout(target, limitMs)), limitMs)
    if (options.signal?.aborted === true) this.cause = OriginConnectionError.aborted(target)
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  async plain(): Promise<Socket> {
    if (this.cause !== undefined) throw this.cause
    this.#socket = undefined
    const socket = connect(networkOptions(this.#target))
    this.#socket = socket
    await opened(socket, this.#target)
    return socket
  }

  async encrypted(): Promise<Socket> {
    const socket = await this.plain()
    if (this.#target.sslNegotiation === 'postgres' && !(await offersTls(socket, this.#target))) {
      throw OriginConnectionError.tlsNotOffered(this.#target)
    }
    return this.#secured(socket)
  }

  async encryptedIfOffered(): Promise<Socket> {
    const socket = await this.plain()
    try {
      return (await offersTls(socket, this.#target)) ? await this.#secured(socket) : socket
    } catch (error) {
      const isTlsFailure = error instanceof OriginConnectionError && error.kind === 'tls'
      if (this.cause !== undefined || !isTlsFailure) throw error
      // A failed handshake has spoilt this connection: begin another one.
      this.abandon()
      return this.plain()
    }
  }

  async #secured(socket: Socket): Promise<Socket> {
    const secured = await startTls(socket, this.#target)
    this.#socket = secured
    return secured
  }

  /** Destroys what there is; errors that follow are of no interest. */
  abandon(): void {
    this.#socket?.on('error', () => undefined)
    this.#socket?.destroy()
  }

  finish(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  #end(cause: OriginConnectionError): void {
    this.cause ??= cause
    this.#socket?.destroy(cause)
  }
}

function networkOptions(target: OriginTarget): NetConnectOpts {
  if (target.socketPath !== undefined) return { path: target.socketPath }
  return {
    host: target.hostAddress ?? target.host,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveDelayMs,
  }
}

function opened(socket: Socket, target: OriginTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(OriginConnectionError.network(target, error))
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.off('error', fail)
      resolve()
    })
  })
}

/** Asks for TLS and reads the one byte of the answer. */
async function offersTls(socket: Socket, target: OriginTarget): Promise<boolean> {
  socket.write(sslRequest)
  const answer = await firstBytes(socket, target)
  const [letter] = answer
  // A byte after the answer was sent before there was any encryption, perhaps by somebody in between: CVE-2021-23222.
  const isAlone = answer.length === 1
  if (letter === 0x53 && isAlone) return true
  if (letter === 0x4e && isAlone) return false
  if (letter === 0x53 || letter === 0x4e) {
    throw OriginConnectionError.protocol(target, 'unencrypted bytes followed the answer to the TLS request')
  }
  // An error message at this point was not authenticated, so its text is not shown: CVE-2024-10977.
  if (letter === 0x45) throw OriginConnectionError.protocol(target, 'the server answered the TLS request with an error')
  throw OriginConnectionError.protocol(target, 'the answer to the TLS request is not of PostgreSQL')
}

/** Takes what has arrived and leaves the socket without listeners and not flowing. */
function firstBytes(socket: Socket, target: OriginTarget): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const finish = (outcome: () => void) => {
      socket.off('readable', readable)
      socket.off('error', fail)
      socket.off('end', ended)
      socket.off('close', ended)
      outcome()
    }
    const fail = (error: NodeJS.ErrnoException) => finish(() => reject(OriginConnectionError.network(target, error)))
    const ended = () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' }))
    const readable = () => {
      const bytes: Buffer | null = socket.read()
      if (bytes !== null) finish(() => resolve(bytes))
    }
    socket.on('readable', readable)
    socket.once('error', fail)
    socket.once('end', ended)
    socket.once('close', ended)
  })
}
