// Composition: a backup or restore by the server that has the data directory open, asked through its control socket.
//
// The statement runs on one connection and ends with it: a command that is killed leaves no job behind. On a terminal a second
// connection looks how far the job is, whose number the first NOTICE tells.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { BackupOrder, BackupOutcome, BackupProgress } from './backup-order.ts'
import type { Settings } from './config/index.ts'
import { ControlClient, type Notice, type Row } from './control-client.ts'
import { controlSocket, psqlOf } from './control-door.ts'
import { ServerError, StartupError } from './errors/index.ts'
import { psqlCommand, shellWord } from './help.ts'
import { quoteIdentifier, quoteLiteral } from './virtual/index.ts'

interface Server {
  /** The data directory. */
  readonly path: string
  readonly ownerPid: number
}

const lookMs = 250

export async function backupThere(
  order: BackupOrder,
  server: Server,
  settings: Settings,
  signal: AbortSignal,
  onProgress: ((progress: BackupProgress) => void) | undefined,
): Promise<BackupOutcome> {
  const client = await connect(order, server, settings)
  const watch = onProgress === undefined ? undefined : new Watch(server.path, onProgress)
  let again: NodeJS.Timeout | undefined
  // Told again: a request that comes before its statement is one for nothing.
  const cancel = (): void => {
    void client.cancel().catch(() => undefined)
    again = setTimeout(cancel, lookMs)
  }
  try {
    const url = order.url ?? (order.verb === 'restore' ? await defaultUrl(client, server, settings) : undefined)
    const values: string[] = []
    const text = statementOf({ ...order, url }, (value) => `$${values.push(value)}`)
    const notices: string[] = []
    signal.throwIfAborted()
    signal.addEventListener('abort', cancel)
    const [row = {}] = await client.query(text, values, (notice) => {
      const job = jobOf(notice)
      if (job === undefined) notices.push(notice.message)
      else watch?.look(job)
    })
    return outcomeOf(order, row, notices)
  } finally {
    signal.removeEventListener('abort', cancel)
    clearTimeout(again)
    watch?.stop()
    client.close()
  }
}

async function connect(order: BackupOrder, server: Server, settings: Settings): Promise<ControlClient> {
  const { path, ownerPid } = server
  try {
    return await ControlClient.connect(controlSocket(path), `larder ${order.verb}`)
  } catch (error) {
    // It listens, and has said why it does not want us.
    if (error instanceof ServerError) throw error
    const psql = await psqlOf(path, ownerPid)
    const { code } = error as NodeJS.ErrnoException
    const reason = reasons[code ?? ''] ?? (error instanceof Error ? error.message : String(error))
    if (psql === undefined) {
      const hint = `Try again when it is done. If it is a server: ${commandLine(order, guessedPsql(settings))}`
      throw new StartupError(`data directory "${path}" is in use by process ${ownerPid}`, hint, { cause: error })
    }
    throw new StartupError(
      `a server, process ${ownerPid}, has data directory "${path}" open, and its control socket cannot be used: ${reason}`,
      `Ask it by psql: ${commandLine(order, psql)}`,
      { cause: error },
    )
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOENT: process.platform === 'win32' ? 'there are none on Windows' : 'it has none',
  ECONNREFUSED: 'nobody listens there',
  EINVAL: 'its path is too long',
  ENAMETOOLONG: 'its path is too long',
}

/** Where the server listens if it has the settings of this command. */
function guessedPsql({ listen, adminDatabases, embeddedSuperuser }: Settings): string {
  const [database = 'larder'] = adminDatabases
  return psqlCommand({ ...listen, user: embeddedSuperuser, database })
}

function commandLine(order: BackupOrder, psql: string): string {
  const url = order.url ?? (order.verb === 'restore' ? 'file:///…' : undefined)
  const passphrase = order.passphrase === undefined ? undefined : '…'
  return `${psql} -c ${shellWord(statementOf({ ...order, url, passphrase }, quoteLiteral))}`
}

/** `value` writes a value down: as a literal, or as the parameter it becomes. */
function statementOf(order: BackupOrder, value: (text: string) => string): string {
  const { verb, url, id, namespaces, verifyOnly, passphrase } = order
  const words = [verb.toUpperCase(), 'CACHE']
  if (namespaces !== undefined) words.push('NAMESPACE', namespaces.map(quoteIdentifier).join(', '))
  if (verb === 'restore') words.push('FROM', id.toUpperCase() === 'LATEST' ? 'LATEST' : value(id))
  if (url !== undefined) words.push(verb === 'backup' ? 'INTO' : 'IN', value(url))
  const options = verifyOnly ? ['verify_only'] : []
  if (passphrase !== undefined) options.push(`encryption_passphrase = ${value(passphrase)}`)
  if (options.length > 0) words.push(`WITH (${options.join(', ')})`)
  return words.join(' ')
}

/** What a statement without a URL means, where there is no such statement. */
async function defaultUrl(client: ControlClient, { path }: Server, { virtualSchema }: Settings): Promise<string> {
  const [row] = await client.query(`SHOW ${quoteIdentifier(virtualSchema)}.backup_url`)
  const [url] = Object.values(row ?? {})
  return url ? url : pathToFileURL(join(path, 'backups')).href
}

function outcomeOf({ verb }: BackupOrder, row: Row, notices: readonly string[]): BackupOutcome {
  const restored = row.state === 'verified' ? 'verified' : 'restored'
  return {
    ...{ id: row.id ?? '', url: row.url ?? '', state: verb === 'backup' ? 'written' : restored },
    ...{ entries: Number(row.entries), bytes: Number(row.bytes), notices },
  }
}

/** Of the NOTICE by which a waiting statement tells its progress. */
function jobOf({ detail }: Notice): string | undefined {
  return /(?:^|;)job=(\d+)(?:;|$)/.exec(detail ?? '')?.[1]
}

/** Looks at a job now and then. That it cannot is no harm: then there is no bar. */
class Watch {
  readonly #directory: string
  readonly #onProgress: (progress: BackupProgress) => void
  #client: ControlClient | undefined
  #timer: NodeJS.Timeout | undefined
  #job: string | undefined
  #stopped = false

  constructor(directory: string, onProgress: (progress: BackupProgress) => void) {
    this.#directory = directory
    this.#onProgress = onProgress
  }

  look(job: string): void {
    if (this.#job !== undefined) return
    this.#job = job
    void this.#look().catch(() => this.stop())
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#client?.close()
  }

  async #look(): Promise<void> {
    this.#client ??= await ControlClient.connect(controlSocket(this.#directory), 'larder')
    if (this.#stopped) return this.#client.close()
    const [row] = await this.#client.query('SHOW JOB $1', [this.#job ?? ''])
    const detail = JSON.parse(row?.detail ?? '{}') as { readonly bytes?: number; readonly bytes_done?: number }
    if (this.#stopped) return
    this.#onProgress({ bytes: detail.bytes ?? 0, bytesDone: detail.bytes_done ?? 0 })
    this.#timer = setTimeout(() => void this.#look().catch(() => this.stop()), lookMs)
  }
}
