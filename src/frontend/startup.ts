// A connection before it is a session: encryption requests, cancel requests, and the start-up relayed to the origin.
//
//   client                Larder                        origin
//     SSLRequest  ----->  'N'
//     Startup     ----->  connect, Startup without ours --->
//                 <-----  Authentication… ParameterStatus… BackendKeyData, ReadyForQuery   (relayed as they come)
//     password    ----->  (relayed)                     --->
//
// The origin authenticates the client; Larder reads along only to learn the backend's key and the end of the start-up.

import { randomBytes } from 'node:crypto'
import type net from 'node:net'
import { isSettingName, SessionSettings } from '../config/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { type LinkLoss, type LinkOwner, OriginLink, type Unit } from '../origin/index.ts'
import {
  authenticationCleartextFrame,
  authenticationOkFrame,
  backend,
  backendKeyDataFrame,
  errorFrame,
  frontend,
  parameterStatusFrame,
  readFirstMessage,
  startupPacket,
  status,
} from '../wire/index.ts'
import type { Output } from './output.ts'
import type { Services } from './services.ts'
import { Session } from './session.ts'
import type { SessionIdentity } from './session-identity.ts'
import { adminParameters, databaseOf, isReplication, type Startup, splitOptions } from './startup-parameters.ts'
import { welcome } from './welcome.ts'

export interface StartupHost {
  readonly services: Services
  /** Hands over the socket's chunks to the session from now on. */
  begin(session: Session): void
  /** The connection ended without becoming a session. */
  abandon(): void
  cancel(pid: number, key: Buffer): Promise<void>
  nextId(): number
  admits(): boolean
  isAdminDatabase(database: string): boolean
  /** It came through the door for who looks after the server. */
  readonly isControl: boolean
}

/** PostgreSQL's own bound of a password message (PG_MAX_AUTH_TOKEN_LENGTH). */
const passwordBytesMax = 65_535

export class StartupConversation implements LinkOwner, Unit {
  readonly sink: { write(bytes: Buffer, start: number, end: number): void; flush(): void }
  readonly #host: StartupHost
  readonly #socket: net.Socket
  readonly #output: Output
  #held: Buffer = Buffer.alloc(0)
  #state: 'first' | 'connecting' | 'authenticating' | 'done' = 'first'
  #askedEncryption = 0
  #link: OriginLink | undefined
  #startup: Startup | undefined
  #settings: SessionSettings | undefined
  #pid = 0
  #key: Buffer = Buffer.alloc(4)
  readonly #parameters = new Map<string, string>()
  #admin = false

  constructor(host: StartupHost, socket: net.Socket, output: Output) {
    this.#host = host
    this.#socket = socket
    this.#output = output
    this.sink = { write: (bytes, start, end) => output.write(bytes, start, end), flush: () => output.flush() }
  }

  get done(): boolean {
    return this.#state === 'done'
  }

  receive(chunk: Buffer, length: number): void {
    if (this.#state === 'done') return
    if (this.#state === 'authenticating') {
      this.#relay(chunk.subarray(0, length))
      return
    }
    this.#held = Buffer.concat([this.#held, chunk.subarray(0, length)])
    if (this.#state === 'first') this.#first()
    else if (this.#held.length > 64 * 1024)
      this.#refuse(new ServerError(conditions.protocolViolation, ['too much data before authentication']))
  }

  /** The client went. */
  leave(): void {
    if (this.#state === 'done') return
    this.#state = 'done'
    this.#output.close()
    // It may have gone because of the origin's refusal, which we have yet to hear the end of.
    if (this.#endLink()) this.#host.services.counters.sessions_refused++
    this.#host.abandon()
  }

  /** Too slow, or the server stops. */
  giveUp(error: ServerError): void {
    if (this.#state !== 'done') this.#refuse(error)
  }

  #first(): void {
    const message = readFirstMessage(this.#held)
    switch (message.kind) {
      case 'incomplete':
        return
      case 'malformed':
        this.#host.services.counters.protocol_errors++
        this.#refuse(new ServerError(conditions.protocolViolation, [message.message]))
        return
      case 'ssl':
      case 'gss':
        this.#held = this.#held.subarray(message.bytes)
        // What follows in the same packet was sent before our answer was known: an attack, or a broken client.
        if (++this.#askedEncryption > 2 || this.#held.length > 0) {
          this.#host.services.counters.protocol_errors++
          this.#refuse(
            new ServerError(conditions.protocolViolation, ['received unencrypted data after encryption request']),
          )
          return
        }
        this.#output.add(Buffer.from('N'))
        this.#output.flush()
        return
      case 'cancel':
        this.#state = 'done'
        void this.#host.cancel(message.pid, message.key).finally(() => {
          this.#output.close()
          this.#socket.destroy()
          this.#host.abandon()
        })
        return
      default:
        this.#held = Buffer.from(this.#held.subarray(message.bytes))
        this.#begin(message)
    }
  }

  #begin(startup: Startup): void {
    this.#startup = startup
    if (startup.major !== 3) {
      this.#host.services.counters.protocol_errors++
      this.#refuse(
        new ServerError(conditions.protocolViolation, [
          `unsupported frontend protocol ${startup.major}.${startup.minor}`,
        ]),
      )
      return
    }
    if (!startup.parameters.get('user')) {
      this.#refuse(
        new ServerError(conditions.invalidAuthorization, ['no PostgreSQL user name specified in startup packet']),
      )
      return
    }
    if (!this.#host.admits()) {
      this.#refuse(new ServerError(conditions.tooManyConnections))
      return
    }
    this.#state = 'connecting'
    this.#connect(startup).catch((error: unknown) => this.#connectFailed(error))
  }

  async #connect(startup: Startup): Promise<void> {
    const { services } = this.#host
    const database = databaseOf(startup)
    const isOurs = (setting: string) => !services.schemas.isTaken(database) || isSettingName(setting)
    const { ours, parameters } = splitOptions(startup.parameters, services.contexts.ourSchema, isOurs)
    this.#settings = new SessionSettings(services.store, ours)
    const { isControl } = this.#host
    this.#admin = isControl || this.#host.isAdminDatabase(database)
    if (isControl || (this.#admin && services.origin.trusting)) {
      this.#admitAdmin()
      return
    }
    if (this.#admin) parameters.set('database', services.origin.database ?? startup.parameters.get('user') ?? '')
    let socket: net.Socket
    try {
      socket = await services.origin.connect()
    } catch (error) {
      if (this.#admin && services.store.snapshot.adminPassword !== '') {
        this.#askAdminPassword()
        return
      }
      throw error
    }
    if (this.#state !== 'connecting') {
      socket.destroy()
      return
    }
    services.counters.origin_connections_opened++
    services.counters.origin_connections++
    this.#state = 'authenticating'
    this.#link = new OriginLink(socket, this, services.counters)
    this.#link.queue(this)
    this.#link.send(startupPacket(startup.major, startup.minor, parameters), true)
    this.#relay(Buffer.alloc(0))
  }

  #connectFailed(error: unknown): void {
    if (this.#state === 'done') return
    if (error instanceof ServerError) {
      this.#refuse(error)
      return
    }
    const { services } = this.#host
    const detail = error instanceof Error ? error.message : String(error)
    const subject = services.origin.description
    services.events.record({ severity: 'warning', event: 'origin_unreachable', subject, detail })
    this.#refuse(
      new ServerError(conditions.cannotConnectNow, ['unable to reach its origin'], {
        detail,
        hint: 'Try again when the origin is up; the admin database answers without it if admin_password is set.',
      }),
    )
  }

  /** Only password messages belong here; anything else is the origin's to refuse. */
  #relay(bytes: Buffer): void {
    if (this.#askingAdmin) {
      this.#adminPassword(bytes)
      return
    }
    this.#held = Buffer.concat([this.#held, bytes])
    while (this.#held.length >= 5 && this.#held[0] === frontend.password) {
      const end = 1 + this.#held.readInt32BE(1)
      if (end < 5 || end > passwordBytesMax) {
        this.#refuse(new ServerError(conditions.protocolViolation, ['invalid password packet size']))
        return
      }
      if (this.#held.length < end) return
      this.#link?.send(this.#held.subarray(0, end))
      this.#held = Buffer.from(this.#held.subarray(end))
    }
    // The client does not wait for the end of its start-up: what it sent is kept until then.
    if (this.#held.length > 64 * 1024)
      this.#refuse(new ServerError(conditions.protocolViolation, ['too much data before authentication']))
    else if (this.#held[0] === frontend.terminate) this.leave()
  }

  // Unit: the frames of the origin's start-up.

  take(type: number, bytes: Buffer, start: number, end: number): boolean {
    switch (type) {
      case backend.backendKeyData:
        this.#pid = bytes.readInt32BE(start + 5)
        this.#key = Buffer.from(bytes.subarray(start + 9, end))
        return true
      case backend.parameterStatus: {
        const [name, value] = bytes.toString('utf8', start + 5, end - 1).split('\0')
        if (name !== undefined) this.#parameters.set(name, value ?? '')
        return true
      }
      case backend.readyForQuery:
        return false
      default:
        return true
    }
  }

  takePiece(): boolean {
    return true
  }

  ready(statusByte: number): void {
    const link = this.#link
    const startup = this.#startup
    if (link === undefined || startup === undefined || this.#state !== 'authenticating') return
    this.#state = 'done'
    this.#finish(startup, link, statusByte)
  }

  #finish(startup: Startup, link: OriginLink | undefined, statusByte: number): void {
    this.#state = 'done'
    const { services } = this.#host
    const identity: SessionIdentity = {
      id: this.#host.nextId(),
      login: startup.parameters.get('user') ?? '',
      database: databaseOf(startup),
      clientAddress: this.#socket.remoteAddress ?? '',
      pid: this.#pid,
      key: this.#key,
      replication: isReplication(startup),
      admin: this.#admin,
      adminTrusted: link === undefined,
      ...{ parameters: this.#parameters, startup: startup.parameters },
      connectedAtMs: services.clock.nowMs(),
    }
    if (!this.#parameters.has('application_name')) {
      this.#parameters.set('application_name', startup.parameters.get('application_name') ?? '')
    }
    const settings = this.#settings ?? new SessionSettings(services.store)
    const session = new Session(services, identity, settings, this.#socket, this.#output)
    if (link !== undefined) {
      session.link = link
      link.handOver(session.originSide)
    }
    this.#host.begin(session)
    welcome(session, statusByte)
    this.#output.flush()
    if (this.#held.length > 0) session.receive(this.#held, this.#held.length)
  }

  lost(loss: LinkLoss): void {
    if (this.#state === 'done') return
    this.#host.services.counters.origin_connections--
    this.#state = 'done'
    // The origin's refusal has been relayed already, as it came.
    if (loss.fatal === undefined)
      this.#output.add(errorFrame(new ServerError(conditions.connectionFailure, [], { detail: loss.message })))
    this.#output.flush()
    this.#output.close()
    this.#socket.destroySoon()
    this.#host.services.counters.sessions_refused++
    this.#host.abandon()
  }

  idle(): boolean {
    return true
  }

  failed(error: unknown): void {
    this.#connectFailed(error)
  }

  drained(): void {}

  // Admin sessions where no origin has to be asked.

  #askingAdmin = false

  #askAdminPassword(): void {
    this.#askingAdmin = true
    this.#state = 'authenticating'
    this.#output.add(authenticationCleartextFrame())
    this.#output.flush()
  }

  #adminPassword(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes])
    if (this.#held.length < 5) return
    const end = 1 + this.#held.readInt32BE(1)
    if (end > 4096 || end < 6 || this.#held[0] !== frontend.password) {
      this.#refuse(new ServerError(conditions.protocolViolation, ['expected password response']))
      return
    }
    if (this.#held.length < end) return
    const given = this.#held.toString('utf8', 5, end - 1)
    this.#held = this.#held.subarray(end)
    if (given !== this.#host.services.store.snapshot.adminPassword) {
      this.#refuse(new ServerError(conditions.invalidPassword, [this.#startup?.parameters.get('user') ?? '']))
      return
    }
    this.#admitAdmin()
  }

  #admitAdmin(): void {
    const startup = this.#startup
    if (startup === undefined) return
    this.#askingAdmin = false
    this.#output.add(authenticationOkFrame())
    for (const [name, value] of adminParameters) {
      this.#parameters.set(name, value)
      this.#output.add(parameterStatusFrame(name, value))
    }
    this.#key = randomBytes(4)
    this.#output.add(backendKeyDataFrame(0, this.#key))
    this.#finish(startup, undefined, status.idle)
  }

  /** True if the origin had refused already. */
  #endLink(): boolean {
    if (this.#link !== undefined) this.#host.services.counters.origin_connections--
    this.#link?.destroy()
    return this.#link?.hasRefused === true
  }

  #refuse(error: ServerError): void {
    this.#state = 'done'
    this.#output.add(
      errorFrame({
        severity: 'FATAL',
        sqlstate: error.sqlstate,
        message: error.message,
        detail: error.detail,
        hint: error.hint,
      }),
    )
    this.#output.flush()
    this.#output.close()
    this.#socket.destroySoon()
    this.#endLink()
    this.#host.services.counters.sessions_refused++
    this.#host.abandon()
  }
}
