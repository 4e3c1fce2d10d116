// Connections of our own to the origin, beside those of clients: for the change feed, fences and questions about the catalogue.
//
// The package `pg` speaks on them; where the origin is and how its certificate is checked is ours (connect.ts), and the same for all.

import pg from 'pg'
import { CopyTap } from './copy-tap.ts'
import { GatheredAnswer } from './gathered-answer.ts'
import { connectOrigin, hasSecondTry, sendCancel } from './upstream/connect.ts'
import type { OriginTarget } from './upstream/target.ts'

interface SideClientOptions {
  readonly signal?: AbortSignal | undefined
  /** What the origin shows of it in pg_stat_activity. */
  readonly applicationName: string
  /** A walsender that also takes SQL. */
  readonly replication?: boolean
  /** Of a payload that the origin copies, so many bytes are told; else the head of a row is enough. */
  readonly copyBytesMax?: number | undefined
  /** A question that is not answered for so long is an error. */
  readonly answerMsMax?: number
  /** Settings of the session, where the origin has them. */
  readonly settings?: Readonly<Record<string, string>>
}

const openMsMax = 10_000
/** A backend that does not go is left to itself after so long. */
const leaveMsMax = 3000
/** Of a row in the stream: names are at most a few hundred bytes, a list of truncated relations may be longer. */
const headBytesMax = 65_536
const terminate = Buffer.from([0x58, 0, 0, 0, 4])

/** As RowDescription tells it. */
export interface SideColumn {
  readonly name: string
  readonly typeOid: number
  readonly modifier: number
  readonly size: number
  /** Zero for what is no column of a relation. */
  readonly relationOid: number
  readonly attribute: number
}

export class SideClient {
  readonly #client: pg.Client
  readonly #tap: CopyTap
  readonly #target: OriginTarget
  /** Resolves when the connection is over: the origin has closed it, or it was lost. */
  readonly over: Promise<Error>
  #isLeaving = false
  #last: Promise<unknown> = Promise.resolve()

  private constructor(client: pg.Client, tap: CopyTap, target: OriginTarget) {
    this.#client = client
    this.#tap = tap
    this.#target = target
    this.over = new Promise((resolve) => {
      client.on('error', resolve)
      client.on('end', () => resolve(new Error('the origin ended the connection')))
    })
  }

  /** One that has been let in. Throws what connecting or the origin says; the password is in no message. */
  static async open(target: OriginTarget, options: SideClientOptions): Promise<SideClient> {
    try {
      return await SideClient.#open(target, options, false)
    } catch (error) {
      if (!hasSecondTry(target) || (error as { code?: string }).code !== '28000') throw error
      return await SideClient.#open(target, options, true)
    }
  }

  static async #open(target: OriginTarget, options: SideClientOptions, secondTry: boolean): Promise<SideClient> {
    const { signal } = options
    const socket = await connectOrigin(target, { signal, secondTry })
    const tap = new CopyTap(socket, options.copyBytesMax ?? headBytesMax)
    const client = new pg.Client({
      stream: () => tap,
      user: target.user,
      password: target.password ?? '',
      database: target.database,
      ssl: false,
      application_name: options.applicationName,
      connectionTimeoutMillis: openMsMax,
      ...(options.replication === true ? { replication: 'database' } : {}),
      ...(options.answerMsMax === undefined ? {} : { query_timeout: options.answerMsMax }),
    } as unknown as pg.ClientConfig)
    client.on('error', () => undefined)
    const abort = () => tap.destroy(new Error('closed'))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await client.connect()
      const side = new SideClient(client, tap, target)
      await side.#set(options.settings ?? {})
      return side
    } catch (error) {
      tap.destroy()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** One row or more of named columns. With `values` the statement is prepared at its first use. */
  async query(text: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]> {
    const name = `larder ${text.length} ${text.slice(0, 40)}`
    // Everything as the text it came as: numbers of 64 bits are not JavaScript's.
    const types = { getTypeParser: () => (value: unknown) => value }
    const asked = values === undefined ? { text, types } : { name, text, values: [...values], types }
    // One after the other: who asks may be many.
    const answer = this.#last.then(() => this.#client.query(asked as unknown as pg.QueryConfig))
    this.#last = answer.catch(() => undefined)
    return (await answer).rows
  }

  /**
   * Sends messages as they are, and resolves with the frames that answer them, `ends` ReadyForQuery among them. Undefined if that is more than
   * `bytesMax`: then the connection is of no use any more. Never while something else is asked.
   */
  async exchange(messages: Buffer, ends: number, bytesMax: number): Promise<Buffer | undefined> {
    await this.#last
    const gathered = new GatheredAnswer(ends, bytesMax)
    const tap = this.#tap
    const answered = new Promise<Buffer | undefined>((resolve) => {
      tap.onBytes = (chunk) => {
        const isOver = gathered.add(chunk)
        if (!isOver) return
        tap.onBytes = undefined
        resolve(gathered.bytes)
      }
    })
    tap.write(messages)
    return await Promise.race([answered, this.over.then((reason) => Promise.reject(reason))])
  }

  /** Gives it up at once, and asks the origin to stop what it is doing for it. */
  abandon(): void {
    if (this.#tap.destroyed) return
    // Who does not answer does not hear of that either, and is not waited for.
    void this.#cancel().catch(() => undefined)
    this.#tap.destroy(new Error('given up'))
  }

  /** What a query answers with: the names and types of its columns. It is run. */
  async describe(text: string): Promise<readonly SideColumn[]> {
    const answer = this.#last.then(() => this.#client.query(text))
    this.#last = answer.catch(() => undefined)
    return (await answer).fields.map((field) => ({
      name: field.name,
      typeOid: field.dataTypeID,
      modifier: field.dataTypeModifier,
      size: field.dataTypeSize,
      relationOid: field.tableID,
      attribute: field.columnID,
    }))
  }

  /** COPY … TO STDOUT: every payload goes to `take`, until that says it is enough; then the connection is given up. Resolves to the number of rows. */
  async copyOut(command: string, take: (payload: Buffer) => boolean): Promise<number> {
    await this.#last
    this.#tap.onCopyData = (payload) => {
      if (!take(payload)) this.abandon()
    }
    try {
      const answer = this.#client.query(command)
      this.#last = answer.catch(() => undefined)
      return (await answer).rowCount ?? 0
    } finally {
      this.#tap.onCopyData = undefined
    }
  }

  /** From now on the origin copies: every payload goes to `take`. Resolves when it has begun. */
  async copyBoth(command: string, take: (head: Buffer, payloadBytes: number) => void): Promise<void> {
    this.#tap.onCopyData = take
    const { connection } = this.#client as unknown as { connection: NodeJS.EventEmitter }
    const begun = new Promise<void>((resolve) => connection.once('replicationStart', () => resolve()))
    const ended = this.#client.query(command).then(() => {
      throw new Error('the origin ended the stream')
    })
    // What it ends with is an end of the connection for us, and told once.
    ended.catch((error: Error) => this.#tap.destroy(error))
    await Promise.race([begun, ended])
  }

  /** A payload from us, once the origin copies. */
  copy(payload: Buffer): void {
    if (!this.#tap.writable) return
    const header = Buffer.from([0x64, 0, 0, 0, 0])
    header.writeUInt32BE(payload.length + 4, 1)
    this.#tap.write(Buffer.concat([header, payload]))
  }

  /** Ends it, whatever it is doing; when this resolves the origin has let go of everything it held for it, as far as can be known. */
  async leave(): Promise<void> {
    if (this.#tap.destroyed) return
    const gone = new Promise<void>((resolve) => this.#tap.once('close', resolve))
    if (!this.#isLeaving) {
      this.#isLeaving = true
      // It may wait for a lock, and would read nothing until then.
      if (this.#isBusy) await this.#cancel().catch(() => undefined)
      this.#tap.write(terminate)
    }
    const timer = setTimeout(() => this.#tap.destroy(), leaveMsMax)
    await gone
    clearTimeout(timer)
  }

  get #isBusy(): boolean {
    return (this.#client as unknown as { readyForQuery?: boolean }).readyForQuery === false && !this.#tap.onCopyData
  }

  #cancel(): Promise<void> {
    const { processID, secretKey } = this.#client as unknown as { processID: number; secretKey: number }
    const key = Buffer.alloc(4)
    key.writeInt32BE(secretKey, 0)
    return sendCancel(this.#target, processID, key)
  }

  async #set(settings: Readonly<Record<string, string>>): Promise<void> {
    const pairs = Object.entries(settings)
    if (pairs.length === 0) return
    const values = pairs.map(([name, value]) => `('${name}', '${value}')`).join(', ')
    await this.#client.query(`SELECT pg_catalog.set_config(s.name, w.value, false) FROM (VALUES ${values}) w (name, value)
      JOIN pg_catalog.pg_settings s ON s.name OPERATOR(pg_catalog.=) w.name`)
  }
}
