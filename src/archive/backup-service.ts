// Everything statements ask of archives: backups and restores as jobs, lists, drops, and the timed backup.
//
// One backup or restore at a time. Both doors of a statement, SQL and functions, call this and add nothing to it.

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Clock, maskPasswords } from '../base/index.ts'
import type { Adoption, HeldCommit } from '../cache/blob/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import type { Counters } from '../observe/index.ts'
import { requireAllowed } from './allow.ts'
import type { ArchiveWorker, TaskListener } from './archive-client.ts'
import type {
  ArchiveEvent,
  BackupRequest,
  BackupResult,
  BackupRow,
  BackupSettings,
  RestoreRequest,
  RestoreResult,
  ServerIdentity,
  StoreSide,
} from './backup-requests.ts'
import type { Job, JobControl, JobList } from './jobs.ts'
import { parseLocation } from './location.ts'
import type { RunnerSettings } from './runner.ts'
import type { SourceFacts } from './source.ts'
import type { ArchiveResults, ArchiveTask, BackupSummary, TaskProgress } from './task.ts'

interface BackupServiceParts {
  readonly settings: () => BackupSettings
  readonly store: StoreSide
  readonly worker: ArchiveWorker
  readonly jobs: JobList
  readonly counters: Counters
  readonly clock: Clock
  readonly identity: () => ServerIdentity | Promise<ServerIdentity>
  /** Newest format of a page file that can be opened. */
  readonly storeFormat: number
  /** For the log and cache.events. */
  readonly onEvent: (event: ArchiveEvent) => void
}

type OwnFields = Pick<
  BackupRow,
  'id' | 'kind' | 'url' | 'namespaces' | 'entries' | 'files' | 'bytes' | 'bytesDone' | 'commit'
>

export class BackupService {
  readonly #parts: BackupServiceParts
  readonly #rows = new Map<number, OwnFields>()
  #busy: { readonly job: Job<unknown>; readonly id: () => string | undefined } | undefined

  constructor(parts: BackupServiceParts) {
    this.#parts = parts
  }

  /** The collection that a statement without one means. */
  get defaultUrl(): string {
    const { backupUrl } = this.#parts.settings()
    return backupUrl === '' ? this.#folderUrl() : backupUrl
  }

  /** Throws what can be told at once: 22023, 42501, 55000, 55006. */
  async backup({ url = this.defaultUrl, namespaces, passphrase, owner }: BackupRequest): Promise<Job<BackupResult>> {
    requirePassphrase(passphrase)
    if (namespaces !== undefined) requireNamable(namespaces)
    const shown = await this.#admitted(url)
    const directory = this.#parts.store.directory()
    const run = async (control: JobControl): Promise<BackupResult> => {
      const { hold, ...commit } = await this.#parts.store.hold()
      try {
        const held = { ...commit, facts: factsOf(commit, namespaces, await this.#parts.identity()) }
        const leaveOut = leftOutOf(commit, namespaces, this.#parts.store.leftOut())
        const task = { kind: 'backup', url, passphrase, held, hold, leaveOut, directory } as const
        const summary = await this.#run(task, control)
        this.#parts.counters.backups_completed++
        this.#parts.counters.backup_bytes += summary.storedBytes
        this.#describe(control.id, { entries: summary.entries, files: summary.files, commit: summary.store.commit })
        return { ...summary, job: control.id, elapsedMs: this.#elapsed(control.id) }
      } finally {
        this.#parts.store.release(hold)
      }
    }
    return this.#start({ kind: 'backup', url: shown, namespaces, owner, run })
  }

  /** Throws what can be told at once: 22023, 42501, 55000, 55006. */
  async restore(request: RestoreRequest): Promise<Job<RestoreResult>> {
    const { url, id, namespaces, verifyOnly = false, passphrase, owner } = request
    if (namespaces !== undefined) requireNamable(namespaces.flatMap(({ from, as }) => [from, as]))
    const shown = await this.#admitted(url)
    const directory = this.#parts.store.directory()
    const run = async (control: JobControl): Promise<RestoreResult> => {
      const identity = await this.#parts.identity()
      const task = { kind: 'restore', url, id, passphrase, verifyOnly, directory, identity, namespaces } as const
      const { summary, outcome } = await this.#run(task, control)
      if (!verifyOnly) this.#parts.counters.restores_completed++
      this.#parts.counters.restore_bytes += summary.storedBytes
      this.#describe(control.id, {
        ...{ id: summary.id, entries: outcome.entries, files: summary.files, commit: summary.store.commit },
      })
      return {
        ...outcome,
        ...{ id: summary.id, url: summary.url, bytes: summary.bytes, state: verifyOnly ? 'verified' : 'restored' },
        ...{
          job: control.id,
          elapsedMs: this.#elapsed(control.id),
          notices: verifyOnly ? [] : noticesOf(summary, outcome, identity),
        },
      }
    }
    const names = namespaces?.map(({ from }) => from)
    return this.#start({ kind: verifyOnly ? 'verify' : 'restore', url: shown, namespaces: names, owner, run })
  }

  list(url: string, signal: AbortSignal): Promise<ArchiveResults['list']> {
    return this.#ask({ kind: 'list', url }, signal)
  }

  show(
    url: string,
    id: string,
    options: { readonly checkFiles: boolean; readonly passphrase?: string | undefined },
    signal: AbortSignal,
  ): Promise<ArchiveResults['show']> {
    return this.#ask({ kind: 'show', url, id, checkFiles: options.checkFiles, passphrase: options.passphrase }, signal)
  }

  /** 55006 if the backup is being written or read by a job of this server. */
  async drop(url: string, id: string, signal: AbortSignal): Promise<ArchiveResults['drop'] & { readonly id: string }> {
    const busy = this.#busy
    if (busy !== undefined && (busy.id() === id || busy.id() === undefined))
      throw this.#busyError('drop a backup', busy.job)
    return { id, ...(await this.#ask({ kind: 'drop', url, id }, signal)) }
  }

  rows(): BackupRow[] {
    const rows = this.#parts.jobs.rows().flatMap((job) => {
      const own = this.#rows.get(job.id)
      const { state, startedAtMs, finishedAtMs, error } = job
      return own === undefined ? [] : [{ ...own, state, startedAtMs, finishedAtMs, error, job: job.id }]
    })
    const kept = new Set(rows.map(({ job }) => job))
    for (const id of this.#rows.keys()) if (!kept.has(id)) this.#rows.delete(id)
    return rows
  }

  async close(): Promise<void> {
    this.#busy?.job.cancel()
    await this.#busy?.job.result.catch(() => undefined)
    await this.#parts.worker.close()
  }

  #start<T>(request: {
    readonly kind: BackupRow['kind']
    readonly url: string
    readonly namespaces: readonly string[] | undefined
    readonly owner: string
    run(control: JobControl): Promise<T>
  }): Job<T> {
    const { kind, url, namespaces, owner, run } = request
    if (this.#busy !== undefined) throw this.#busyError(verbs[kind], this.#busy.job)
    const description = `${kind} ${kind === 'backup' ? 'to' : 'from'} ${url}`
    const job = this.#parts.jobs.start({ kind, description, owner, run })
    this.#rows.set(job.id, {
      ...{ id: undefined, kind, url, namespaces, bytesDone: 0 },
      ...{ entries: undefined, files: undefined, bytes: undefined, commit: undefined },
    })
    this.#busy = { job, id: () => this.#rows.get(job.id)?.id }
    job.result.then(
      () => this.#ended(kind, url, job, undefined),
      (error: unknown) => this.#ended(kind, url, job, error),
    )
    return job
  }

  #ended(kind: BackupRow['kind'], url: string, job: Job<unknown>, error: unknown): void {
    this.#busy = undefined
    const name = kind === 'backup' ? 'backup' : 'restore'
    const subject = this.#rows.get(job.id)?.id ?? url
    if (error === undefined) {
      this.#parts.onEvent({ severity: 'info', event: `${name}_done`, subject, detail: `${kind} ${url}` })
      return
    }
    if (kind === 'backup') this.#parts.counters.backups_failed++
    else this.#parts.counters.restores_failed++
    const severity = job.row.state === 'cancelled' ? 'info' : 'error'
    const detail = error instanceof Error ? error.message : String(error)
    this.#parts.onEvent({ severity, event: `${name}_failed`, subject, detail })
  }

  #busyError(doing: string, job: Job<unknown>): ServerError {
    return new ServerError(conditions.archiveBusy, [doing, job.id], {
      hint: 'Wait for it with SHOW JOBS WHEN COMPLETE, or end it with CANCEL JOB.',
    })
  }

  /** Runs a task for a job. */
  #run<T extends ArchiveTask>(task: T, { id, signal, progress }: JobControl): Promise<ArchiveResults[T['kind']]> {
    const onProgress = (told: TaskProgress): void => {
      this.#describe(id, told)
      progress(told.bytes === 0 ? 0 : told.bytesDone / told.bytes, { bytes: told.bytes, bytes_done: told.bytesDone })
    }
    return this.#parts.worker.run(task, this.#runnerSettings(), this.#listener(onProgress), signal)
  }

  /** Runs a task for a statement. */
  async #ask<T extends ArchiveTask>(task: T, signal: AbortSignal): Promise<ArchiveResults[T['kind']]> {
    await this.#admitted(task.url)
    return await this.#parts.worker.run(
      task,
      this.#runnerSettings(),
      this.#listener(() => undefined),
      signal,
    )
  }

  #listener(onProgress: TaskListener['onProgress']): TaskListener {
    const { counters, onEvent, store } = this.#parts
    return {
      store,
      onProgress,
      onTraffic({ requests, retries, errors }) {
        counters.archive_requests += requests
        counters.archive_retries += retries
        counters.archive_errors += errors
      },
      onLeftover: (id, error) =>
        onEvent({ severity: 'warning', event: 'backup_leftover', subject: id, detail: error.message }),
    }
  }

  #describe(job: number, fields: Partial<OwnFields>): void {
    const row = this.#rows.get(job)
    if (row !== undefined) this.#rows.set(job, { ...row, ...fields })
  }

  #elapsed(job: number): number {
    return this.#parts.clock.nowMs() - (this.#parts.jobs.find(job).row.startedAtMs ?? 0)
  }

  /** The URL as it may be shown. */
  async #admitted(url: string): Promise<string> {
    const location = parseLocation(url)
    await requireAllowed(location, this.#runnerSettings())
    return maskPasswords(location.url)
  }

  #runnerSettings(): RunnerSettings {
    const { archiveAllow, archiveTimeout, archiveConcurrency, httpArchiveHeader, ...rest } = this.#parts.settings()
    const { s3AccessKeyId, s3SecretAccessKey, s3SessionToken, s3Endpoint, s3Region } = rest
    return {
      ...{ archiveTimeout, archiveConcurrency, httpArchiveHeader, storeFormat: this.#parts.storeFormat },
      ...{ s3AccessKeyId, s3SecretAccessKey, s3SessionToken, s3Endpoint, s3Region },
      archiveAllow: archiveAllow.length === 0 ? [this.#folderUrl()] : archiveAllow,
    }
  }

  #folderUrl(): string {
    return pathToFileURL(resolve(this.#parts.settings().dataDir, 'backups')).href
  }
}

const verbs = { backup: 'start a backup', restore: 'start a restore', verify: 'verify a backup' } as const

function factsOf(
  { store, namespaces, origin }: HeldCommit,
  selection: readonly string[] | undefined,
  { serverVersion, keyInputVersion, systemIdentifier, timeline = 0, lsn = '0/0', database }: ServerIdentity,
): SourceFacts {
  // What the store noted belongs to the commit; who the origin is when it noted nothing, the server may know.
  const known = origin ?? (systemIdentifier === undefined ? undefined : { systemIdentifier, timeline, lsn })
  return {
    ...{ serverVersion, keyInputVersion, store, namespaces, selection },
    origin: known === undefined ? undefined : { ...known, database: database ?? '' },
  }
}

function requirePassphrase(passphrase: string | undefined): void {
  if (passphrase !== '') return
  throw new ServerError(conditions.invalidParameterValue, ['encryption_passphrase', ''], {
    hint: 'Leave it out for a backup that is not encrypted.',
  })
}

/** Names of ours are no namespaces to choose: what is derived goes with the whole, and has to be proven. */
function requireNamable(namespaces: readonly string[]): void {
  const reserved = namespaces.find((name) => name.startsWith('$'))
  if (reserved !== undefined) throw new ServerError(conditions.reservedNamespace, [reserved])
}

/** Namespaces of the commit that the backup does not hold (ARC-14). */
function leftOutOf(
  { namespaces }: HeldCommit,
  selection: readonly string[] | undefined,
  unarchived: readonly string[],
): readonly string[] {
  if (selection === undefined) return unarchived
  const names = namespaces.map(({ name }) => name)
  for (const name of selection) {
    if (!names.includes(name)) throw new ServerError(conditions.unknownNamespace, [name])
    if (unarchived.includes(name)) {
      throw new ServerError(conditions.namespaceNotArchived, [name], { hint: 'Its option archive is off.' })
    }
  }
  return names.filter((name) => !selection.includes(name))
}

/** What came after the backup and is not in it (ARC-11), and what of it is of no use here (ARC-12). */
function noticesOf(summary: BackupSummary, { gone, leftOut }: Adoption, here: ServerIdentity): string[] {
  const { createdAt } = summary
  const notices = [
    `keys and labels invalidated one by one since ${createdAt} are not remembered; flushed namespaces are`,
  ]
  for (const { namespace, since } of gone) {
    notices.push(
      since === 'changed'
        ? `cache namespace "${namespace}" was flushed, dropped or made meanwhile: it is left as it is`
        : `cache namespace "${namespace}" was ${since} since ${createdAt}: what the backup holds of it stays gone`,
    )
  }
  if (leftOut > 0 && gone.length === 0) notices.push(`${leftOut} entries are left out: ${whyLeftOut(summary, here)}`)
  return notices
}

function whyLeftOut({ origin, keyInputVersion }: BackupSummary, here: ServerIdentity): string {
  const [there, known] = [origin?.systemIdentifier, here.systemIdentifier]
  if (there === undefined || known === undefined) return 'they are derived, and it is not known of which origin'
  if (there !== known)
    return `they are derived from the origin with system identifier ${there}, and this one has ${known}`
  if (keyInputVersion !== here.keyInputVersion) return 'they are derived, and their keys are made by other rules'
  return 'they depend on relations of the origin, or do not fit'
}
