// Accepts connections, keeps the sessions, and ends them when the server stops.

import net from 'node:net'
import { readChunks } from '../base/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { errorFrame, status } from '../wire/index.ts'
import { cancelHere } from './cancelling.ts'
import { Output } from './output.ts'
import { askPosition } from './position.ts'
import type { Services } from './services.ts'
import type { Session } from './session.ts'
import { StartupConversation, type StartupHost } from './startup.ts'

const positionRetryMs = 50

interface ListenerAddress {
  readonly host: string
  readonly port: number
}

export class Listener {
  readonly #services: Services
  readonly #server: net.Server
  #control: net.Server | undefined
  readonly #sessions = new Map<number, Session>()
  readonly #byKey = new Map<string, Session>()
  readonly #conversations = new Set<StartupConversation>()
  #lastId = 0
  #stopping = false
  #emptied: (() => void) | undefined

  constructor(services: Services) {
    this.#services = services
    this.#server = net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#accept(socket, false))
  }

  sessions(): Iterable<Session> {
    return this.#sessions.values()
  }

  /**
   * A second door, at a unix socket: each session through it is an admin's on the server itself, whatever it calls itself.
   * Who may reach the socket is for the caller to see to.
   */
  listenControl(path: string): Promise<void> {
    const control = net.createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket, true))
    return new Promise((resolve, reject) => {
      control.once('error', reject)
      control.listen({ path }, () => {
        control.removeListener('error', reject)
        control.on('error', (error) => this.#services.log.error('control socket failed', { error: error.message }))
        this.#control = control
        resolve()
      })
    })
  }

  listen(address: { host: string; port: number }): Promise<ListenerAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: address.host, port: address.port, backlog: 511 }, () => {
        this.#server.removeListener('error', reject)
        this.#server.on('error', (error) => this.#services.log.error('listener failed', { error: error.message }))
        const bound = this.#server.address() as net.AddressInfo
        resolve({ host: bound.address, port: bound.port })
      })
    })
  }

  /**
   * Where the origin stands: the connection of an idle session asks, and again a little later if a transaction runs there, as often as
   * is wanted.
   */
  async askPosition(attempts: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const session = this.#idleSession()
      if (session === undefined) return
      // What its client sends meanwhile waits: it is not to miss because we ask.
      const told = await new Promise((resolve) => {
        session.slowly(async () => resolve(await askPosition(session)))
      })
      if (told || attempt >= attempts) return
      await new Promise((resolve) => setTimeout(resolve, positionRetryMs))
    }
  }

  /** The one that has been idle for longest. */
  #idleSession(): Session | undefined {
    let found: Session | undefined
    for (const session of this.#sessions.values()) {
      const isBetweenGroups = isIdle(session) && session.open === undefined && !session.skipping && !session.derailed
      if (!isBetweenGroups || session.ended || session.link.closed) continue
      if (found === undefined || session.lastAtMs < found.lastAtMs) found = session
    }
    return found
  }

  /** Stops accepting, lets running statements and transactions end, then ends what is left. */
  async close(options: { readonly immediate: boolean; readonly drainMs: number }): Promise<void> {
    this.#stopping = true
    this.#server.close()
    this.#control?.close()
    for (const conversation of [...this.#conversations]) conversation.giveUp(goodbye())
    // Goodbyes that are on their way already are read first.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (!options.immediate) await this.#drain(options.drainMs)
    for (const session of [...this.#sessions.values()]) this.#dismiss(session)
  }

  async #drain(drainMs: number): Promise<void> {
    for (const session of [...this.#sessions.values()]) if (isIdle(session)) this.#dismiss(session)
    if (this.#sessions.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, drainMs)
      this.#emptied = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #dismiss(session: Session): void {
    session.output.add(errorFrame(goodbye()))
    session.end()
  }

  #accept(accepted: net.Socket, isControl: boolean): void {
    const { counters } = this.#services
    let session: Session | undefined
    let conversation: StartupConversation | undefined
    const socket = readChunks(accepted, (bytes, length) => {
      if (session !== undefined) session.receive(bytes, length)
      else conversation?.receive(bytes, length)
    })
    socket.setKeepAlive(true, 60_000)
    const output = new Output(socket)
    const timer = setTimeout(
      () => conversation?.giveUp(new ServerError(conditions.startupTimeout)),
      this.#services.store.snapshot.startupTimeout,
    )
    const host: StartupHost = {
      services: this.#services,
      begin: (begun) => {
        clearTimeout(timer)
        if (conversation !== undefined) this.#conversations.delete(conversation)
        session = begun
        this.#begin(begun)
      },
      abandon: () => {
        clearTimeout(timer)
        if (conversation !== undefined) this.#conversations.delete(conversation)
      },
      cancel: (pid, key) => this.#cancel(pid, key),
      nextId: () => ++this.#lastId,
      // A server that is full must still be reached by who looks after it.
      admits: () =>
        !this.#stopping && (isControl || this.#sessions.size < this.#services.store.snapshot.connectionsMax),
      isControl,
      isAdminDatabase: (database) => this.#services.store.snapshot.adminDatabases.includes(database),
    }
    conversation = new StartupConversation(host, socket, output)
    this.#conversations.add(conversation)
    const gone = () => {
      if (session !== undefined) session.leave()
      else conversation?.leave()
    }
    socket.on('error', gone)
    socket.on('end', gone)
    socket.on('close', gone)
    socket.on('drain', () => session?.clientDrained())
    if (this.#stopping) conversation.giveUp(goodbye())
    counters.sessions = this.#sessions.size
  }

  #begin(session: Session): void {
    const { counters, feeds } = this.#services
    feeds.joined(session.identity)
    this.#sessions.set(session.id, session)
    this.#byKey.set(keyOf(session.identity.pid, session.identity.key), session)
    counters.sessions_opened++
    counters.sessions = this.#sessions.size
    session.onEnd = (ended) => {
      this.#sessions.delete(ended.id)
      feeds.left(ended.identity)
      const key = keyOf(ended.identity.pid, ended.identity.key)
      if (this.#byKey.get(key) === ended) this.#byKey.delete(key)
      counters.sessions = this.#sessions.size
      if (!ended.identity.adminTrusted) counters.origin_connections--
      counters.client_bytes_out += ended.output.bytesOut
      if (this.#sessions.size === 0) this.#emptied?.()
    }
    session.onIdle = () => {
      if (this.#stopping && isIdle(session)) this.#dismiss(session)
    }
  }

  async #cancel(pid: number, key: Buffer): Promise<void> {
    const session = this.#byKey.get(keyOf(pid, key))
    if (session === undefined) return
    this.#services.counters.cancels++
    if (cancelHere(session)) return
    if (session.quiet || session.identity.adminTrusted) return
    try {
      await this.#services.origin.cancel(pid, key)
    } catch (error) {
      this.#services.log.warning('cancel request failed', {
        error: error instanceof Error ? error.message : String(error),
      })
    }
  }
}

function keyOf(pid: number, key: Buffer): string {
  return `${pid}:${key.latin1Slice()}`
}

function isIdle(session: Session): boolean {
  return session.quiet && !session.busy && session.status === status.idle
}

function goodbye(): ServerError {
  return new ServerError(conditions.adminShutdown)
}
