// A client of the server's own, for commands that talk to a running Larder through its control socket: one statement at a
// time, by the extended protocol, so that a passphrase is a parameter and stands in no text.
//
//   command                          server
//     Startup (database larder) -->    authentication OK, BackendKeyData, ReadyForQuery
//     Parse Bind Describe Execute Sync -->    NOTICE … RowDescription, DataRow …, or an error, then ReadyForQuery
//     CancelRequest, on a connection of its own -->

import net from 'node:net'
import { ServerError, StartupError } from './errors/index.ts'
import {
  backend,
  bindFrame,
  describeFrame,
  executeFrame,
  frameHeaderBytes,
  int32,
  parseFrame,
  readDataRow,
  readFields,
  requestCodes,
  startupPacket,
  stringEnd,
  syncFrame,
  terminateFrame,
} from './wire/index.ts'

/** A row by its columns' names. */
export type Row = Readonly<Record<string, string | null>>

export interface Notice {
  readonly severity: string
  readonly message: string
  readonly detail: string | undefined
}

interface Answer {
  columns: readonly string[]
  readonly rows: Row[]
  error: ServerError | undefined
  onNotice(notice: Notice): void
  settle(outcome: { readonly lost?: Error }): void
}

export class ControlClient {
  readonly #path: string
  readonly #socket: net.Socket
  #held: Buffer = Buffer.alloc(0)
  #key: Buffer = Buffer.alloc(0)
  #answer: Answer | undefined
  #lost: Error | undefined

  /** Rejects with the error of the socket if nobody listens there, and with the server's if it refuses. */
  static async connect(path: string, applicationName: string): Promise<ControlClient> {
    const client = new ControlClient(path, await connected(path))
    const parameters = Object.entries({ user: 'larder', database: 'larder', application_name: applicationName })
    await client.#ask(startupPacket(3, 0, parameters), () => undefined)
    return client
  }

  private constructor(path: string, socket: net.Socket) {
    this.#path = path
    this.#socket = socket
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#leave(error))
    socket.on('close', () => this.#leave(undefined))
  }

  /** Rejects with the server's error, as it was said. */
  query(
    text: string,
    values: readonly string[] = [],
    onNotice: (notice: Notice) => void = () => undefined,
  ): Promise<readonly Row[]> {
    const frames = [
      parseFrame('', text),
      bindFrame('', '', values),
      describeFrame('P', ''),
      executeFrame(''),
      syncFrame,
    ]
    return this.#ask(Buffer.concat(frames), onNotice)
  }

  /** Asks the server to cancel what runs; the statement ends with 57014, or with its result if that was quicker. */
  async cancel(): Promise<void> {
    const socket = await connected(this.#path)
    socket.on('error', () => undefined)
    socket.end(Buffer.concat([int32(8 + this.#key.length), int32(requestCodes.cancel), this.#key]))
  }

  close(): void {
    this.#socket.end(terminateFrame)
    this.#socket.destroySoon()
  }

  #ask(bytes: Buffer, onNotice: (notice: Notice) => void): Promise<readonly Row[]> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost)
      const answer: Answer = {
        columns: [],
        rows: [],
        error: undefined,
        onNotice,
        settle({ lost }) {
          const error = answer.error ?? lost
          if (error === undefined) resolve(answer.rows)
          else reject(error)
        },
      }
      this.#answer = answer
      this.#socket.write(bytes)
    })
  }

  #receive(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk])
    while (this.#held.length >= frameHeaderBytes) {
      const end = 1 + this.#held.readInt32BE(1)
      if (this.#held.length < end) return
      this.#take(this.#held.subarray(0, end))
      this.#held = this.#held.subarray(end)
    }
  }

  #take(frame: Buffer): void {
    const answer = this.#answer
    if (frame[0] === backend.backendKeyData) this.#key = Buffer.from(frame.subarray(frameHeaderBytes))
    if (answer === undefined) return
    switch (frame[0]) {
      case backend.rowDescription:
        answer.columns = columnsOf(frame)
        return
      case backend.dataRow: {
        const values = readDataRow(frame, 0)
        answer.rows.push(Object.fromEntries(answer.columns.map((name, index) => [name, values[index] ?? null])))
        return
      }
      case backend.notice: {
        const fields = readFields(frame, 0, frame.length)
        answer.onNotice({
          ...{ severity: fields.get('V') ?? 'NOTICE', message: fields.get('M') ?? '', detail: fields.get('D') },
        })
        return
      }
      case backend.error:
        answer.error ??= errorOf(readFields(frame, 0, frame.length))
        return
      case backend.readyForQuery:
        this.#answer = undefined
        answer.settle({})
    }
  }

  #leave(cause: Error | undefined): void {
    this.#lost ??= new StartupError(
      'the server closed the connection',
      'See its log; cache.jobs says what became of it.',
      {
        cause,
      },
    )
    const answer = this.#answer
    this.#answer = undefined
    answer?.settle({ lost: this.#lost })
  }
}

function connected(path: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.removeListener('error', reject)
      resolve(socket)
    })
  })
}

/** The names in a RowDescription; 18 bytes follow each. */
function columnsOf(frame: Buffer): string[] {
  const names: string[] = []
  let at = frameHeaderBytes + 2
  while (at < frame.length) {
    const end = stringEnd(frame, at, frame.length)
    if (end === -1) break
    names.push(frame.toString('utf8', at, end))
    at = end + 1 + 18
  }
  return names
}

function errorOf(fields: ReadonlyMap<string, string>): ServerError {
  const severity = fields.get('V') === 'FATAL' ? 'FATAL' : 'ERROR'
  const condition = { sqlstate: fields.get('C') ?? 'XX000', severity, message: '%s' } as const
  return new ServerError(condition, [fields.get('M') ?? ''], { detail: fields.get('D'), hint: fields.get('H') })
}
