// Composition: a backup or restore without a server. The command is the server of the data directory for a moment: it takes its lock,
// opens the store as a server does, and closes it again.

import { existsSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BackupOrder, BackupOutcome, BackupProgress } from './backup-order.ts'
import { systemClock } from './base/index.ts'
import { storeOptionsOf } from './cache-settings.ts'
import { openCacheStore } from './cache-store.ts'
import type { Settings } from './config/index.ts'
import { conditions, ServerError, StartupError } from './errors/index.ts'
import { Epochs } from './invalidation/index.ts'
import { createLog, EventRing, Metrics } from './observe/index.ts'
import { DataDirectory } from './origin/index.ts'

type CacheStore = Awaited<ReturnType<typeof openCacheStore>>
type Archive = NonNullable<CacheStore['archive']>
type Job = Awaited<ReturnType<Archive['backups']['backup']>> | Awaited<ReturnType<Archive['backups']['restore']>>

export async function backupHere(
  order: BackupOrder,
  given: Settings,
  signal: AbortSignal,
  onProgress: (progress: BackupProgress) => void,
): Promise<BackupOutcome> {
  const settings = offlineSettings(order, given)
  const directory = resolve(settings.dataDir)
  const l2 = storeOptionsOf(settings, directory)?.directory
  if (l2 === undefined)
    throw new ServerError(conditions.storeNotOpen, ['off'], { hint: 'The setting l2_path is empty.' })
  requireOwnStore(order, l2)
  const was = { directory: existsSync(directory), l2: existsSync(l2) }
  const lock = await DataDirectory.open(directory)
  let keep = false
  try {
    const outcome = await withStore(settings, lock.path, (archive) => run(order, archive, signal, onProgress))
    keep = outcome.state !== 'verified'
    return outcome
  } finally {
    // Where nothing was before, nothing is when nothing was restored.
    if (!keep && !was.l2) rmSync(l2, { recursive: true, force: true })
    await lock.close()
    if (!keep && !was.directory) removeEmpty(directory)
  }
}

/** What a server does besides, nobody waits for here; and a look at a store is no reason to set it aside. */
function offlineSettings({ verb, verifyOnly }: BackupOrder, settings: Settings): Settings {
  return {
    ...settings,
    backupInterval: 0,
    sweepInterval: 0,
    sweepOnStart: 'off',
    l2ClearOnStart: 'off',
    l2OnDamage: verb === 'backup' || verifyOnly ? 'refuse' : settings.l2OnDamage,
  }
}

/** A file that somebody else's server cannot open afterwards would cost it its second tier. */
function requireOwnStore({ verb }: BackupOrder, l2: string): void {
  const current = join(l2, 'CURRENT')
  if (!existsSync(current)) {
    if (verb === 'restore') return
    throw new StartupError(
      `there is no store in "${l2}"`,
      'Name the data directory of the server with --data-dir, and its l2_path if it has one.',
    )
  }
  const { uid } = statSync(current)
  if (process.getuid === undefined || process.getuid() === uid) return
  throw new StartupError(
    `the store in "${l2}" belongs to user ${uid}, and this command runs as user ${process.getuid()}`,
    `Run it as that user, such as with sudo -u '#${uid}'.`,
  )
}

async function withStore<T>(
  settings: Settings,
  dataDirectory: string,
  use: (archive: Archive) => Promise<T>,
): Promise<T> {
  const clock = systemClock
  // What goes wrong is one line at the end, not a log.
  const events = new EventRing({ clock, log: createLog({ write: () => undefined }), countMax: 100 })
  const parts = { settings, dataDirectory, metrics: new Metrics(clock), events, epochs: new Epochs(), clock }
  const store = await openCacheStore(parts)
  try {
    if (store.cache.storeState === 'failed' || store.archive === undefined) throw notOpened(events)
    return await use(store.archive)
  } finally {
    await store.close()
  }
}

function notOpened(events: EventRing): StartupError {
  const why = events.rows().findLast(({ severity }) => severity === 'error')
  return new StartupError(
    `could not open the store: ${why?.detail ?? why?.event ?? 'no reason was given'}`,
    'larder check DIR says what is wrong with it.',
  )
}

async function run(
  order: BackupOrder,
  { backups }: Archive,
  signal: AbortSignal,
  onProgress: (progress: BackupProgress) => void,
): Promise<BackupOutcome> {
  const { verb, namespaces, passphrase, id, verifyOnly, url = backups.defaultUrl } = order
  const wish = { url, namespaces, passphrase, owner: 'larder' }
  if (verb === 'backup') {
    const done = await watched(await backups.backup(wish), signal, onProgress)
    return { id: done.id, url: done.url, state: 'written', entries: done.entries, bytes: done.bytes, notices: [] }
  }
  const chosen = namespaces?.map((name) => ({ from: name, as: name }))
  const done = await watched(await backups.restore({ ...wish, id, verifyOnly, namespaces: chosen }), signal, onProgress)
  return {
    ...{ id: done.id, url: done.url, state: done.state, entries: done.entries, bytes: done.bytes },
    notices: done.notices,
  }
}

async function watched<J extends Job>(
  job: J,
  signal: AbortSignal,
  onProgress: (progress: BackupProgress) => void,
): Promise<Awaited<J['result']>> {
  const cancel = (): void => job.cancel()
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  const stop = job.listen(({ detail }) => {
    onProgress({ bytes: Number(detail?.bytes ?? 0), bytesDone: Number(detail?.bytes_done ?? 0) })
  })
  try {
    return (await job.result) as Awaited<J['result']>
  } finally {
    stop()
    signal.removeEventListener('abort', cancel)
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // Something came into it meanwhile; it stays.
  }
}
