// One client session's way into the system database: its statements over the virtual schema, run by PostgreSQL itself.
//
// What is sent for one batch of the client, in one write (each line ends with Sync):
//
//   set_config('DateStyle', …)                      settings the client has changed since last time
//   BEGIN; SET ROLE; COPY cache.x …; READ ONLY      the rows this viewer may see; nobody else sees them (MVCC)
//   <the client's frames>                           answered to the client
//   ROLLBACK
//
// Invariants
//   1. Only frames answering the client's own reach it; ReadyForQuery and ParameterStatus never do: the session's caller
//      knows better what to say there.
//   2. Rows are rendered in one turn of the event loop, when everything else is ready (SQL-26).
//   3. The client's statements run as a role that owns nothing, in a transaction that is read-only by then (SQL-27); a change of
//      blobs, which is only worked out there, in one that may write to that copy.
//   4. Our own frames are all extended and named: the client's unnamed statement lives on, as it would elsewhere.

import { setTimeout as delay } from 'node:timers/promises'
import { conditions, ServerError } from '../errors/index.ts'
import {
  bindFrame,
  closeFrame,
  errorFrame,
  executeFrame,
  frame,
  frameHeaderBytes,
  frontend,
  parseFrame,
  syncFrame,
} from '../wire/index.ts'
import { BatchReader } from './batch-reader.ts'
import { copyFrames } from './copy-text.ts'
import { executes, extendedOf, statementsNamed, textOfParse } from './frames.ts'
import { callsSetting } from './function-calls.ts'
import { firstOtherWord } from './other-words.ts'
import { quoteIdentifier } from './quoting.ts'
import type { VirtualSources } from './sources.ts'
import type { SystemConnection } from './system-connection.ts'
import type { Identity, SystemDatabase, SystemLease } from './system-database.ts'
import { findVirtualTable, virtualTables } from './tables/index.ts'
import type { VirtualOutcome, VirtualOutput, VirtualRequest } from './virtual-request.ts'
import type { RowSet, VirtualTable } from './virtual-table.ts'

interface VirtualSessionOptions {
  readonly database: SystemDatabase
  readonly sources: VirtualSources
  /** Gathers beforehand what cannot be gathered in one turn; the sources that have it. */
  prepare?(request: VirtualRequest): Promise<VirtualSources>
  /** The setting virtual_rows_max, asked each time. */
  rowCountMax(): number
}

interface Copy {
  readonly table: VirtualTable
  readonly rows: RowSet
  /** Sent so far. */
  bytes: number
}

const mirroredSettings: ReadonlySet<string> = new Set(
  `array_nulls backslash_quote bytea_output client_encoding client_min_messages datestyle escape_string_warning
   extra_float_digits intervalstyle quote_all_identifiers search_path standard_conforming_strings statement_timeout
   timezone xmlbinary xmloption`.split(/\s+/),
)

/** Between two requests to end a statement. */
const cancelAgainMs = 10

export class VirtualSession {
  readonly #options: VirtualSessionOptions
  #connection: SystemConnection | undefined
  #login = ''
  /** Settings as they are in force on the connection: the client's, ours, and the name of the client's database. */
  #applied = new Map<string, string>()
  /** The client's prepared statements, to be made again on a new connection: by name, the frames that do. */
  readonly #statements = new Map<string, Buffer>()
  /** Names to close before anything else is sent. */
  #forgotten: string[] = []
  #isRunning = false
  #isClosed = false
  #cancelled = false
  #cancelling: Promise<void> | undefined

  constructor(options: VirtualSessionOptions) {
    this.#options = options
  }

  /** Runs one batch. Errors are answered, not thrown; one batch at a time. */
  async run(request: VirtualRequest, output: VirtualOutput): Promise<VirtualOutcome> {
    this.#isRunning = true
    this.#cancelled = false
    try {
      return await this.#run(request, output)
    } catch (error) {
      await output(errorFrame(fieldsOf(error)))
      return { failed: true, unresolved: false }
    } finally {
      this.#isRunning = false
      // A request still on its way would end the next statement.
      await this.#cancelling
    }
  }

  /** Ends the statement under way with 57014. */
  cancel(): void {
    if (!this.#isRunning) return
    this.#cancelled = true
    this.#cancelling ??= this.#insist().finally(() => {
      this.#cancelling = undefined
    })
  }

  /** PostgreSQL forgets a request that comes before the statement has begun. */
  async #insist(): Promise<void> {
    while (this.#isRunning) {
      await this.#connection?.cancel()
      if (this.#isRunning) await delay(cancelAgainMs)
    }
  }

  /** Forgets the client's prepared statements, as DISCARD ALL and DEALLOCATE ALL do. */
  reset(): void {
    this.#disconnect()
    this.#statements.clear()
  }

  /** Notes a statement that SQL has prepared, and what prepares it. */
  remember(name: string, frames: Buffer): void {
    this.#statements.set(name, frames)
  }

  /** Drops one of the client's prepared statements, if there is one of that name. */
  forget(name: string): void {
    if (this.#statements.delete(name)) this.#forgotten.push(name)
  }

  /** For good; a statement under way ends with its connection. */
  close(): void {
    this.#isClosed = true
    this.#options.database.unpark(this)
    this.#disconnect()
  }

  #disconnect(): void {
    this.#connection?.close()
    this.#connection = undefined
    this.#forgotten = []
  }

  async #run(request: VirtualRequest, output: VirtualOutput): Promise<VirtualOutcome> {
    const { database } = this.#options
    database.unpark(this)
    const lease = await database.acquire()
    try {
      const identity = await lease.admit(request.viewer.loginRole, request.viewer.role)
      const connection = await this.#connected(lease, identity.login)
      if (this.#cancelled) throw new ServerError(conditions.queryCanceled, ['user request'])
      refuseOthers(request)
      const client = request.simple ? Buffer.concat(extendedOf(request.frames)) : request.frames
      const runs = executes(client)
      const sources = runs ? await this.#options.prepare?.(request) : undefined
      const copies = runs ? this.#gather(request, sources ?? this.#options.sources) : []
      const before = [...this.#closingFrames(), ...this.#settingFrames(request)]
      const reader = new BatchReader(request, before.length, output)
      const parts = this.#parts(before, identity, copies, client, request.changes !== true)
      await connection.exchange(parts, before.length + 3, reader)
      if (!request.simple && !reader.unresolved) this.#remember(client)
      for (const copy of copies) database.noteCopied(copy.table.name, copy.bytes)
      return { failed: reader.failed, unresolved: reader.unresolved }
    } finally {
      lease.release()
      if (this.#isClosed) this.#disconnect()
      else if (this.#connection?.isOpen === true) database.park(this, () => this.#disconnect())
    }
  }

  /** The rows of all relations named, in one turn of the event loop; their text is made while they are sent. */
  #gather(request: VirtualRequest, sources: VirtualSources): Copy[] {
    const rowCountMax = this.#options.rowCountMax()
    const copies: Copy[] = []
    for (const name of new Set(request.relations)) {
      const table = findVirtualTable(name)
      if (table === undefined) continue
      const given = request.given?.get(name)
      const rows = given ?? table.rows(sources, request.viewer, rowCountMax, request.wanted?.get(name))
      if (rows.length > 0) copies.push({ table, rows, bytes: 0 })
    }
    return copies
  }

  *#parts(
    before: readonly Buffer[],
    identity: Identity,
    copies: readonly Copy[],
    client: Buffer,
    sealed: boolean,
  ): Generator<Buffer> {
    const opening = [...before, bindFrame('', ' begin'), executeFrame('')]
    if (identity.role !== identity.login) {
      opening.push(bindFrame('', ' set', ['role', identity.role, 'true']), executeFrame(''))
    }
    yield Buffer.concat(opening)
    for (const copy of copies) {
      const { table, rows } = copy
      yield Buffer.concat([bindFrame('', ` copy ${table.name}`), executeFrame('')])
      let bytes = 0
      for (const data of copyFrames(table, rows)) {
        bytes += data.length
        yield data
      }
      yield copyDoneFrame
      copy.bytes = bytes
    }
    const seal = sealed ? [bindFrame('', ' seal'), executeFrame('')] : []
    yield Buffer.concat([...seal, syncFrame, client, syncFrame, rollbackFrames])
  }

  async #connected(lease: SystemLease, login: string): Promise<SystemConnection> {
    if (this.#connection?.isOpen === true && this.#login === login) return this.#connection
    this.#disconnect()
    const connection = await lease.connect(login)
    const own = preparedFrames(this.#options.database.schemaName)
    // A statement that does not parse any more is missed when it is bound, with PostgreSQL's own words.
    const replayed = [...this.#statements.values()].flatMap((parse) => [parse, syncFrame])
    await connection.exchange([...own, syncFrame, ...replayed], 1 + replayed.length / 2, { frame: () => undefined })
    this.#connection = connection
    this.#login = login
    this.#applied = new Map()
    return connection
  }

  *#closingFrames(): Iterable<Buffer> {
    if (this.#forgotten.length === 0) return
    yield Buffer.concat([...this.#forgotten.map((name) => closeFrame('S', name)), syncFrame])
    this.#forgotten = []
  }

  /** One frame group per setting that differs from what the connection has. */
  *#settingFrames({ settings, viewer, calls }: VirtualRequest): Iterable<Buffer> {
    const own = `${this.#options.database.schemaName}.`
    const ours: [string, string][] = [['larder.database', viewer.database]]
    // What functions answered to one statement is nothing to the next.
    const answered = calls ?? (this.#applied.has(callsSetting) ? '[]' : undefined)
    if (answered !== undefined) ours.push([callsSetting, answered])
    for (const [name, value] of [...settings, ...ours]) {
      const folded = name.toLowerCase()
      const isMirrored = mirroredSettings.has(folded) || folded.startsWith(own) || folded.startsWith('larder.')
      if (!isMirrored || this.#applied.get(folded) === value) continue
      this.#applied.set(folded, value)
      yield Buffer.concat([bindFrame('', ' set', [folded, value, 'false']), executeFrame(''), syncFrame])
    }
  }

  #remember(batch: Buffer): void {
    for (const [name, parse] of statementsNamed(batch)) {
      if (parse === undefined) this.#statements.delete(name)
      else this.#statements.set(name, Buffer.from(parse))
    }
  }
}

/**
 * Only what reads: rows are hidden from other sessions as long as this one's transaction does not commit, so no
 * statement may end it. Everything else that could do harm is refused by PostgreSQL.
 */
function refuseOthers(request: VirtualRequest): void {
  const texts = request.simple
    ? [request.frames.toString('latin1', frameHeaderBytes, request.frames.length - 1)]
    : [...statementsNamed(request.frames)].flatMap(([, parse]) => (parse === undefined ? [] : [textOfParse(parse)]))
  for (const text of texts) {
    const word = firstOtherWord(text)
    if (word === undefined || (request.changes === true && changingWords.has(word))) continue
    throw new ServerError(conditions.featureNotSupported, [`${word.toUpperCase()} in the system database`])
  }
}

/** Statements of which none ends a transaction. */
const changingWords: ReadonlySet<string> = new Set(['insert', 'update', 'delete'])

const rollbackFrames = Buffer.concat([bindFrame('', ' rollback'), executeFrame(''), syncFrame])
const copyDoneFrame = frame(frontend.copyDone)

/** Our own statements, made once per connection. */
function preparedFrames(schemaName: string): Buffer[] {
  const schema = quoteIdentifier(schemaName)
  return [
    parseFrame(' set', 'SELECT pg_catalog.set_config($1, $2, $3::pg_catalog.bool)'),
    parseFrame(' begin', 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'),
    parseFrame(' seal', 'SET TRANSACTION READ ONLY'),
    parseFrame(' rollback', 'ROLLBACK'),
    ...virtualTables.map((table) =>
      parseFrame(
        ` copy ${table.name}`,
        `COPY ${schema}.${quoteIdentifier(table.name)} FROM STDIN (FORMAT text, ENCODING 'UTF8')`,
      ),
    ),
  ]
}

function fieldsOf(error: unknown) {
  const known =
    error instanceof ServerError
      ? error
      : new ServerError(conditions.ioError, ['reach the system database', (error as Error).message], {
          hint: 'Statements over the virtual schema need a PostgreSQL of their own; the log of the server may say more.',
        })
  const { severity, sqlstate, message, detail, hint, subject } = known
  return { severity, sqlstate, message, detail, hint, subject }
}
