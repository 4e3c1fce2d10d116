// A cache as people first write it: answers kept by statement text, dropped when a statement names the table it writes.
//
// It exists to be wrong. The stress harness must find its mistakes (test/stress/harness.test.ts): a checker that lets
// this one pass would let Larder pass too. Only simple queries are kept; everything is signalled as Larder signals it.

import { connect, createServer, type Server, type Socket } from 'node:net'
import type { OriginTarget } from '../../src/origin/index.ts'
import { message, text } from './wire-client.ts'

export interface NaiveCache {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

export async function openNaiveCache(origin: Pick<OriginTarget, 'host' | 'port'>): Promise<NaiveCache> {
  const entries = new Map<string, Buffer>()
  const server: Server = createServer((socket) => new Relay(socket, origin, entries))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  return {
    host: '127.0.0.1',
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Asked {
  readonly sql: string
  readonly recording: Buffer[] | undefined
}

const ready = message('Z', Buffer.from('I'))
const signal = (verdict: string): Buffer => message('S', text('cache.last'), text(verdict))

class Relay {
  readonly #client: Socket
  readonly #origin: Socket
  readonly #entries: Map<string, Buffer>
  readonly #asked: Asked[] = []
  #started = false
  #transaction = 'I'
  #parsed = ''
  #fromClient: Buffer = Buffer.alloc(0)
  #fromOrigin: Buffer = Buffer.alloc(0)

  constructor(client: Socket, target: Pick<OriginTarget, 'host' | 'port'>, entries: Map<string, Buffer>) {
    this.#client = client
    this.#entries = entries
    this.#origin = target.host.startsWith('/')
      ? connect(`${target.host}/.s.PGSQL.${target.port}`)
      : connect(target.port, target.host)
    for (const [socket, other] of [
      [client, this.#origin],
      [this.#origin, client],
    ] as const) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => other.destroy())
    }
    client.on('data', (chunk) => this.#readClient(chunk))
    this.#origin.on('data', (chunk) => this.#readOrigin(chunk))
  }

  #readClient(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#fromClient, chunk])
    for (let frame = this.#cut(bytes); frame !== undefined; frame = this.#cut(bytes)) {
      bytes = bytes.subarray(frame.length)
      if (!this.#answer(frame)) this.#origin.write(frame)
    }
    this.#fromClient = bytes
  }

  #cut(bytes: Buffer): Buffer | undefined {
    const head = this.#started ? 1 : 0
    if (bytes.length < head + 4) return undefined
    const size = head + bytes.readInt32BE(head)
    if (bytes.length < size) return undefined
    this.#started = true
    return bytes.subarray(0, size)
  }

  #answer(frame: Buffer): boolean {
    const type = String.fromCharCode(frame[0] as number)
    if (type === 'P') this.#parsed = frame.toString('latin1', 5).split('\0')[1] ?? ''
    if (type === 'S') this.#asked.push({ sql: this.#parsed, recording: undefined })
    if (type !== 'Q') return false
    const sql = frame.toString('utf8', 5, frame.length - 1)
    const keepable = /^\s*select/i.test(sql) && this.#transaction === 'I' && this.#asked.length === 0
    const entry = keepable ? this.#entries.get(sql) : undefined
    if (entry === undefined) {
      this.#asked.push({ sql, recording: keepable ? [] : undefined })
      return false
    }
    this.#client.write(Buffer.concat([entry, signal('hit;age_ms=0'), ready]))
    return true
  }

  #readOrigin(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#fromOrigin, chunk])
    while (bytes.length >= 5) {
      const size = 1 + bytes.readInt32BE(1)
      if (bytes.length < size) break
      this.#pass(bytes.subarray(0, size))
      bytes = bytes.subarray(size)
    }
    this.#fromOrigin = bytes
  }

  #pass(frame: Buffer): void {
    if (frame[0] !== 0x5a) this.#asked[0]?.recording?.push(Buffer.from(frame))
    else this.#finish(frame)
    this.#client.write(frame)
  }

  #finish(frame: Buffer): void {
    this.#transaction = String.fromCharCode(frame[5] as number)
    const asked = this.#asked.shift()
    if (asked === undefined) return
    const table = /^\s*(?:insert\s+into|update|delete\s+from|truncate)\s+(\w+)/i.exec(asked.sql)?.[1]
    if (table !== undefined) this.#forget(table)
    const bytes = Buffer.concat(asked.recording ?? [])
    if (asked.recording !== undefined && bytes[0] === 0x54) this.#entries.set(asked.sql, bytes)
    this.#client.write(signal(/^\s*select/i.test(asked.sql) ? 'miss;reason=cold' : 'pass;reason=write'))
  }

  #forget(table: string): void {
    for (const sql of this.#entries.keys()) if (sql.includes(table)) this.#entries.delete(sql)
  }
}
