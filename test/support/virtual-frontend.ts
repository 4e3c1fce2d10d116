// A front end with nothing behind it but the virtual schema, so that real clients can be tried on it.
//
// Without an origin it is an admin database. With one it is a database in which only the catalogue router is in
// between: a statement goes to the system database if the router says so, else to the origin over a connection per
// client.

import { createServer, type Server, type Socket } from 'node:net'
import { analyse, type Parser } from '../../src/sql/index.ts'
import {
  CatalogueRouter,
  planVirtual,
  type SystemDatabase,
  VirtualSession,
  type VirtualSources,
} from '../../src/virtual/index.ts'
import { errorFrame, readyFrame } from '../../src/wire/index.ts'
import { viewerWith } from './virtual-sources.ts'
import { int32, message, text, WireClient, type WireTarget } from './wire-client.ts'

export interface VirtualFrontendOptions {
  readonly database: SystemDatabase
  readonly sources: VirtualSources
  readonly parser: Parser
  readonly origin?: WireTarget | undefined
}

const schemaName = 'cache'

export class VirtualFrontend {
  readonly port: number
  /** The texts that went to the origin. */
  readonly atOrigin: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, options: VirtualFrontendOptions) {
    this.#server = server
    this.port = (server.address() as { port: number }).port
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      new Client(socket, options, this.atOrigin)
    })
  }

  static async open(options: VirtualFrontendOptions): Promise<VirtualFrontend> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new VirtualFrontend(server, options)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

class Client {
  readonly #socket: Socket
  readonly #options: VirtualFrontendOptions
  readonly #atOrigin: string[]
  readonly #session: VirtualSession
  readonly #router = new CatalogueRouter(schemaName)
  #origin: WireClient | undefined
  #pending = Buffer.alloc(0)
  #started = false
  #batch: Buffer[] = []
  #work = Promise.resolve()

  constructor(socket: Socket, options: VirtualFrontendOptions, atOrigin: string[]) {
    this.#socket = socket
    this.#options = options
    this.#atOrigin = atOrigin
    this.#session = new VirtualSession({ ...options, rowCountMax: () => 1000 })
    socket.on('data', (chunk) => {
      this.#pending = Buffer.concat([this.#pending, chunk])
      this.#work = this.#work.then(() => this.#drain())
    })
    socket.on('close', () => {
      this.#session.close()
      this.#origin?.destroy()
    })
  }

  async #drain(): Promise<void> {
    for (;;) {
      const header = this.#started ? 1 : 0
      if (this.#pending.length < header + 4) return
      const size = header + this.#pending.readInt32BE(header)
      if (this.#pending.length < size) return
      const frame = this.#pending.subarray(0, size)
      this.#pending = this.#pending.subarray(size)
      if (this.#started) await this.#accept(String.fromCharCode(frame[0] as number), frame)
      else await this.#start(frame)
    }
  }

  async #start(frame: Buffer): Promise<void> {
    if (frame.readInt32BE(4) !== 196608) {
      this.#socket.write('N')
      return
    }
    this.#started = true
    if (this.#options.origin !== undefined) this.#origin = await WireClient.connect(this.#options.origin)
    const parameters = { server_version: '18.0', client_encoding: 'UTF8', standard_conforming_strings: 'on' }
    const statuses = Object.entries(this.#origin ? Object.fromEntries(this.#origin.parameters) : parameters)
    this.#socket.write(
      Buffer.concat([
        message('R', int32(0)),
        ...statuses.map(([name, value]) => message('S', text(name), text(value))),
        message('K', int32(1), int32(2)),
        readyFrame(0x49),
      ]),
    )
  }

  async #accept(type: string, frame: Buffer): Promise<void> {
    if (type === 'Q') await this.#simple(frame)
    else if (type !== 'S') this.#batch.push(frame)
    else {
      const frames = Buffer.concat(this.#batch.splice(0))
      const parse = frames.indexOf('P')
      const sql = parse === 0 ? frames.toString('utf8', frames.indexOf(0, 5) + 1).split('\0')[0] : undefined
      await this.#run(false, frames, sql)
    }
    this.#socket.write(readyFrame(0x49))
  }

  async #simple(frame: Buffer): Promise<void> {
    const sql = frame.toString('utf8', 5, frame.length - 1)
    const statement = analyse(this.#options.parser, sql, { virtualSchema: schemaName })
    if (this.#origin === undefined) return this.#run(true, frame, sql)
    const route = this.#router.route(sql, statement)
    if (route === 'origin') {
      this.#atOrigin.push(sql)
      const { frames } = await this.#origin.exchange(frame)
      this.#socket.write(Buffer.concat(frames.filter(({ type }) => type !== 'Z').map(({ bytes }) => bytes)))
      return
    }
    const watch = route === 'look-up' ? (row: Buffer) => this.#router.watch(row) : undefined
    const request = { simple: true, frames: frame, relations: [], viewer: viewerWith(), settings: new Map() }
    await this.#session.run(watch === undefined ? request : { ...request, watch }, (bytes) => {
      this.#socket.write(bytes)
    })
  }

  async #run(simple: boolean, frames: Buffer, sql: string | undefined): Promise<void> {
    let relations: readonly string[] = ['stats', 'settings', 'results']
    if (sql !== undefined) {
      const statement = analyse(this.#options.parser, sql, { virtualSchema: schemaName })
      const plan = planVirtual(sql, statement, { parser: this.#options.parser, schemaName, admin: true })
      if (plan.kind === 'refused') {
        this.#socket.write(errorFrame({ ...plan.error, message: plan.error.message }))
        return
      }
      if (plan.kind === 'system') relations = plan.relations
    }
    const request = { simple, frames, relations, viewer: viewerWith(), settings: new Map<string, string>() }
    await this.#session.run(request, (bytes) => {
      this.#socket.write(bytes)
    })
  }
}
