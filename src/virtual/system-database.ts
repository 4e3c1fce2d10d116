// The system database: a small PostgreSQL of our own in which statements over the virtual schema run.
//
// It starts with the first statement that needs it and stops when nobody has used it for a while. Nothing in it is
// worth keeping: its tables are empty between statements. So it does without fsync, and whatever is wrong with its
// files (another release made them, they do not start) is settled by making them again.
//
//   closed --acquire--> opening --> open --idle for idleMs--> closed
//
// Roles: the superuser `larder_system` makes roles and tidies. A client's statements run as a role of the client's name
// that exists only here, may log in, and owns nothing. The server listens on a unix socket that only we can reach.

import { readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmbeddedOptions, EmbeddedPostgres } from '../origin/index.ts'
import { quoteIdentifier, quoteLiteral } from './quoting.ts'
import { SystemConnection } from './system-connection.ts'
import { systemSchema } from './system-schema.ts'

export interface SystemDatabaseOptions {
  /** Where its files lie: `<data directory>/system`. */
  readonly directory: string
  /** The setting virtual_schema. */
  readonly schemaName: string
  /** The setting system_database_idle, asked each time. */
  idleMs(): number
  /** Told after each start. */
  started?(elapsedMs: number): void
  readonly binDirectory?: string | undefined
  readonly openServer?: OpenSystemServer | undefined
}

/** Starts the server of a system database, or gives one that runs. `closed` resolves with the end of this use of it at the latest. */
export type OpenSystemServer = (options: EmbeddedOptions, schemaName: string) => Promise<SystemServer>

export type SystemServer = Pick<EmbeddedPostgres, 'pid' | 'target' | 'closed' | 'close'>

/** What admin sessions see as their database. */
const systemDatabaseName = 'larder'

const superuser = 'larder_system'
/** Stands in for roles that cannot be made here. */
const guestRole = 'larder_guest'
/** Copied bytes after which a table is vacuumed: what was rolled back still takes room in its file. */
const vacuumBytes = 4 * 1024 * 1024

/** Connections kept open for sessions that may come again. Each is a process of some megabytes. */
const parkedMax = 64

const parameters = {
  shared_buffers: '16MB',
  max_connections: 400,
  superuser_reserved_connections: 3,
  wal_level: 'minimal',
  max_wal_senders: 0,
  max_wal_size: '64MB',
  min_wal_size: '32MB',
  autovacuum: false,
  max_worker_processes: 0,
  max_parallel_workers_per_gather: 0,
  jit: false,
  temp_file_limit: '1GB',
  idle_in_transaction_session_timeout: 0,
}

/** One running server with its own connection for our own statements. */
interface Running {
  readonly server: SystemServer
  readonly admin: SystemConnection
  readonly socketPath: string
  readonly roles: Set<string>
  /** Whether a login may become a role, as far as it was tried. */
  readonly memberships: Map<string, boolean>
}

/** Names of roles in the system database: who logs in, and whom that becomes. */
export interface Identity {
  readonly login: string
  readonly role: string
}

export interface SystemLease {
  connect(login: string): Promise<SystemConnection>
  /** Makes roles of these names if need be; the names they have here. */
  admit(login: string, role: string): Promise<Identity>
  release(): void
}

export class SystemDatabase {
  readonly #options: SystemDatabaseOptions
  readonly #schema
  #opening: Promise<Running> | undefined
  #current: Running | undefined
  #users = 0
  #idleTimer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined
  #isClosed = false
  /** Own statements, one after the other: the connection takes one at a time. */
  #adminQueue: Promise<unknown> = Promise.resolve()
  readonly #copiedBytes = new Map<string, number>()
  /** Whose connections are open without being used, longest first. */
  readonly #parked = new Map<object, () => void>()

  constructor(options: SystemDatabaseOptions) {
    this.#options = options
    this.#schema = systemSchema(options.schemaName)
  }

  get schemaName(): string {
    return this.#options.schemaName
  }

  get isRunning(): boolean {
    return this.#opening !== undefined
  }

  get serverPid(): number | undefined {
    return this.#current?.server.pid
  }

  /** Resolves when our own statements under way are done. */
  async settled(): Promise<void> {
    await this.#adminQueue
  }

  /** Starts it if need be. Each lease keeps it running until it is released. */
  async acquire(): Promise<SystemLease> {
    this.#users++
    clearTimeout(this.#idleTimer)
    try {
      const running = await this.#running()
      return this.#lease(running)
    } catch (error) {
      this.#release()
      throw error
    }
  }

  /** Stops the server for good. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idleTimer)
    await this.#stop()
  }

  /** Notes an open connection that its owner does not use now; of too many, the one left longest is closed. */
  park(owner: object, close: () => void): void {
    this.#parked.delete(owner)
    this.#parked.set(owner, close)
    if (this.#parked.size <= parkedMax) return
    const [oldest, closeOldest] = this.#parked.entries().next().value as [object, () => void]
    this.#parked.delete(oldest)
    closeOldest()
  }

  unpark(owner: object): void {
    this.#parked.delete(owner)
  }

  /** Notes rows that were copied and rolled back; tidies the table when there were many. */
  noteCopied(table: string, bytes: number): void {
    const sum = (this.#copiedBytes.get(table) ?? 0) + bytes
    this.#copiedBytes.set(table, sum)
    if (sum < vacuumBytes) return
    this.#copiedBytes.set(table, 0)
    const name = `${quoteIdentifier(this.#options.schemaName)}.${quoteIdentifier(table)}`
    this.#own(`VACUUM ${name}`).catch(() => undefined)
  }

  async #running(): Promise<Running> {
    await this.#closing
    if (this.#isClosed) throw new Error('the server is shutting down')
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<Running> {
    const startedAt = performance.now()
    let running: Running
    try {
      running = await this.#openExisting()
    } catch {
      // Its files are of no worth: once more, from nothing.
      await this.#removeFiles()
      running = await this.#openExisting()
    }
    const current = running
    running.server.closed.then(() => this.#forget(current))
    this.#current = running
    this.#options.started?.(performance.now() - startedAt)
    return running
  }

  async #openExisting(): Promise<Running> {
    const { directory, binDirectory, schemaName, openServer = EmbeddedPostgres.open } = this.#options
    const options = { directory, superuser, durable: false, parameters, binDirectory }
    const server = await openServer(options, schemaName)
    try {
      const socketPath = server.target.socketPath as string
      await prepareDatabase(socketPath, this.#schema)
      const admin = await SystemConnection.open(socketPath, superuser, systemDatabaseName)
      const roles = new Set((await admin.query('SELECT rolname FROM pg_roles')).map((row) => row[0] as string))
      return { server, admin, socketPath, roles, memberships: new Map() }
    } catch (error) {
      await server.close()
      throw error
    }
  }

  async #removeFiles(): Promise<void> {
    const { directory } = this.#options
    const elsewhere = await readlink(join(directory, 'elsewhere')).catch(() => undefined)
    for (const path of [directory, elsewhere]) {
      if (path !== undefined) await rm(path, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  /** After its end, expected or not: the next statement starts another. */
  #forget(running: Running): void {
    running.admin.close()
    if (this.#current !== running) return
    this.#current = undefined
    this.#opening = undefined
  }

  #lease(running: Running): SystemLease {
    let released = false
    return {
      connect: (login) => SystemConnection.open(running.socketPath, login, systemDatabaseName),
      admit: (login, role) => this.#admit(running, login, role),
      release: () => {
        if (released) return
        released = true
        this.#release()
      },
    }
  }

  async #admit(running: Running, login: string, role: string): Promise<Identity> {
    const here = { login: nameHere(login), role: nameHere(role) }
    for (const name of new Set([here.login, here.role])) {
      if (running.roles.has(name)) continue
      await this.#own(`CREATE ROLE ${quoteIdentifier(name)} LOGIN NOINHERIT`).catch((error: Error) => {
        if (!error.message.includes('42710')) throw error
      })
      running.roles.add(name)
    }
    if (here.login === here.role || (await this.#mayBecome(running, here))) return here
    return { login: here.role, role: here.role }
  }

  /** False where the membership would close a circle: alice became bob, and now bob would become alice. */
  async #mayBecome(running: Running, { login, role }: Identity): Promise<boolean> {
    const membership = JSON.stringify([login, role])
    const known = running.memberships.get(membership)
    if (known !== undefined) return known
    const granted = await this.#own(`GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(login)}`).then(
      () => true,
      () => false,
    )
    running.memberships.set(membership, granted)
    return granted
  }

  #own(text: string): Promise<unknown> {
    const run = async (): Promise<unknown> => (await this.#opening)?.admin.query(text)
    const result = this.#adminQueue.then(run, run)
    this.#adminQueue = result.catch(() => undefined)
    return result
  }

  #release(): void {
    this.#users--
    if (this.#users > 0 || this.#isClosed || this.#opening === undefined) return
    this.#idleTimer = setTimeout(() => {
      if (this.#users === 0) this.#stop().catch(() => undefined)
    }, this.#options.idleMs())
    this.#idleTimer.unref()
  }

  async #stop(): Promise<void> {
    const opening = this.#opening
    if (opening === undefined) return
    this.#closing ??= (async () => {
      const running = await opening.catch(() => undefined)
      this.#opening = undefined
      running?.admin.close()
      await running?.server.close()
    })().finally(() => {
      this.#closing = undefined
    })
    await this.#closing
  }
}

/** The name a role has here: PostgreSQL's own names and our superuser's cannot be given. */
function nameHere(role: string): string {
  const isReserved = role.startsWith('pg_') || [superuser, '', 'public', 'none'].includes(role)
  return isReserved ? guestRole : role
}

async function prepareDatabase(
  socketPath: string,
  schema: { readonly ddl: string; readonly version: string },
): Promise<void> {
  const bootstrap = await SystemConnection.open(socketPath, superuser, 'postgres')
  try {
    const [row] = await bootstrap.query(
      `SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = ${quoteLiteral(systemDatabaseName)}`,
    )
    if (row?.[0] === schema.version) return
    const database = quoteIdentifier(systemDatabaseName)
    if (row !== undefined) await bootstrap.query(`DROP DATABASE ${database} WITH (FORCE)`)
    await bootstrap.query(`CREATE DATABASE ${database}`)
    await bootstrap.query(
      `REVOKE ALL ON DATABASE postgres, template1, ${database} FROM PUBLIC; GRANT CONNECT ON DATABASE ${database} TO PUBLIC`,
    )
    await makeSchema(socketPath, schema.ddl)
    // Last, so that a start that was cut off in the middle begins again.
    await bootstrap.query(`COMMENT ON DATABASE ${database} IS ${quoteLiteral(schema.version)}`)
  } finally {
    bootstrap.close()
  }
}

async function makeSchema(socketPath: string, ddl: string): Promise<void> {
  const connection = await SystemConnection.open(socketPath, superuser, systemDatabaseName)
  try {
    await connection.query(ddl)
    await connection.query('REVOKE ALL ON SCHEMA public FROM PUBLIC')
  } finally {
    connection.close()
  }
}
