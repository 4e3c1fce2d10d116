// Carries a task out, on whatever thread it is called. Knows stores and collections; of the cache's store it only knows
// two files, and two questions to ask about them.

import { readFile, statfs } from 'node:fs/promises'
import { basename } from 'node:path'
import { nodeDisk } from '../base/index.ts'
import { type Adoption, extractStore, type HeldCommit, inspectStore, type LoadWish } from '../cache/blob/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import { writeBackup } from './backup.ts'
import { Collection } from './collection.ts'
import { damaged, newerFormat } from './failures.ts'
import { heldSource } from './held-source.ts'
import type { Manifest } from './manifest.ts'
import { type ArchiveSettings, openArchiveStore } from './open-store.ts'
import { proveBackup } from './prove.ts'
import { type RestoreTarget, restoreBackup } from './restore.ts'
import type { Patience } from './retry.ts'
import type {
  ArchiveResults,
  ArchiveTask,
  BackupSummary,
  HeldSource,
  Identity,
  RestoredSummary,
  ShownFile,
  StoreQuestions,
  TaskProgress,
} from './task.ts'
import { ownMark } from './writer-mark.ts'

export interface RunnerSettings extends ArchiveSettings {
  /** Newest format of a page file that can be opened here. */
  readonly storeFormat: number
}

interface TaskContext {
  readonly settings: RunnerSettings
  readonly patience: Patience
  readonly store: StoreQuestions
  readonly signal: AbortSignal
  onProgress(progress: TaskProgress): void
  /** Something stayed behind that nobody will miss. */
  onLeftover(id: string, error: unknown): void
}

type ResultOf<T extends ArchiveTask> = ArchiveResults[T['kind']]

export async function runTask<T extends ArchiveTask>(task: T, context: TaskContext): Promise<ResultOf<T>> {
  const store = await openArchiveStore(task.url, context.settings, context.patience)
  try {
    return (await carryOut(task, new Collection(store), context)) as ResultOf<T>
  } finally {
    store.close()
  }
}

function carryOut(
  task: ArchiveTask,
  collection: Collection,
  context: TaskContext,
): Promise<ArchiveResults[keyof ArchiveResults]> {
  switch (task.kind) {
    case 'list':
      return list(collection, context)
    case 'show':
      return show(collection, task, context)
    case 'drop':
      return collection.drop(task.id, context.signal)
    case 'backup':
      return backup(collection, task, context)
    case 'restore':
      return restore(collection, task, context)
  }
}

async function list(collection: Collection, { signal }: TaskContext): Promise<ArchiveResults['list']> {
  const { backups, unreadable } = await collection.list(signal)
  return {
    backups: backups.map(({ manifest, latest }) => ({ ...summaryOf(manifest, collection), latest })),
    unreadable,
  }
}

async function show(
  collection: Collection,
  { id, checkFiles, passphrase }: Extract<ArchiveTask, { kind: 'show' }>,
  context: TaskContext,
): Promise<ArchiveResults['show']> {
  const read = await collection.open(id, context.signal)
  const { manifest } = read
  const options = { passphrase, signal: context.signal, lanes: collection.store.lanes }
  const states = checkFiles ? await proveBackup(collection, read, { ...options, onProgress: context.onProgress }) : []
  const files = manifest.files.map(
    (file, index): ShownFile => ({
      path: `${manifest.id}/${file.name}`,
      bytes: file.size,
      sha256: file.sha256,
      segments: file.segments.length,
      state: states[index] ?? 'unchecked',
    }),
  )
  return { summary: summaryOf(manifest, collection), files }
}

async function backup(
  collection: Collection,
  { held, hold, leaveOut, directory, passphrase }: Extract<ArchiveTask, { kind: 'backup' }>,
  { store, signal, onProgress, onLeftover }: TaskContext,
): Promise<BackupSummary> {
  const copy = leaveOut.length === 0 ? undefined : await extractStore(nodeDisk, directory, held, leaveOut)
  const options = { passphrase, signal, onProgress, onLeftover, confirm: () => store.assertHeld(hold) }
  const source = await heldSource(copy === undefined ? held : withoutLeftOut(held, copy.held))
  try {
    return summaryOf(await writeBackup(collection, source, { ...options, writer: ownMark() }), collection)
  } finally {
    await source.close()
    await copy?.remove()
  }
}

function withoutLeftOut(held: HeldSource, { store, namespaces, ...files }: HeldCommit): HeldSource {
  return { ...files, facts: { ...held.facts, store, namespaces } }
}

async function restore(
  collection: Collection,
  { id, directory, passphrase, verifyOnly, identity, namespaces }: Extract<ArchiveTask, { kind: 'restore' }>,
  { settings, store, signal, onProgress }: TaskContext,
): Promise<RestoredSummary> {
  const { lanes } = collection.store
  const target: RestoreTarget<Adoption, Adoption> = {
    disk: nodeDisk,
    directory,
    freeBytes: () => freeBytes(directory),
    admit(manifest) {
      requireFormat(manifest, settings.storeFormat)
      requireNamespaces(manifest, namespaces)
    },
    async prepare(into, manifest) {
      const whole = await inspect(directory, into, manifest, keepsDerived(manifest, identity))
      return wishesOf(manifest, namespaces) === undefined ? whole : outlookOfParts(manifest, namespaces)
    },
    async activate(into, _, manifest) {
      const wishes = wishesOf(manifest, namespaces)
      if (wishes === undefined) return await activate(store, directory, into, keepsDerived(manifest, identity))
      return await load(store, into, wishes)
    },
  }
  const { manifest, prepared, outcome } = await restoreBackup(collection, id, target, {
    ...{ passphrase, verifyOnly, signal, lanes, onProgress },
  })
  return { summary: summaryOf(manifest, collection), outcome: outcome ?? prepared }
}

/** Refused, the pair goes at once: unless CURRENT names it, which says that it was not refused. */
async function activate(
  store: StoreQuestions,
  directory: string,
  into: string,
  keepDerived: boolean,
): Promise<Adoption> {
  try {
    return await store.activate(basename(into), keepDerived)
  } catch (error) {
    const current = await readFile(`${directory}/CURRENT`, 'latin1').catch(() => basename(into))
    if (!current.includes(basename(into))) nodeDisk.remove(into)
    throw error
  }
}

/** Namespaces to be taken out of the pair; undefined if it is to be the live one as a whole. */
function wishesOf(
  { selection, namespaces }: Manifest,
  wishes: readonly LoadWish[] | undefined,
): readonly LoadWish[] | undefined {
  if (wishes !== undefined || selection === undefined) return wishes
  return namespaces.map(({ name }) => ({ from: name, as: name }))
}

/** The pair goes in any case. */
async function load(store: StoreQuestions, into: string, wishes: readonly LoadWish[]): Promise<Adoption> {
  try {
    return await store.load(basename(into), wishes)
  } finally {
    nodeDisk.remove(into)
  }
}

function requireNamespaces({ id, namespaces }: Manifest, wishes: readonly LoadWish[] | undefined): void {
  for (const { from } of wishes ?? []) {
    if (namespaces.some(({ name }) => name === from)) continue
    throw new ServerError(conditions.undefinedObject, [`cache namespace "${from}" in backup "${id}"`])
  }
}

function outlookOfParts(manifest: Manifest, wishes: readonly LoadWish[] | undefined): Adoption {
  const names = new Set(wishesOf(manifest, wishes)?.map(({ from }) => from))
  const chosen = manifest.namespaces.filter(({ name }) => names.has(name))
  const entries = chosen.reduce((sum, namespace) => sum + namespace.entries, 0)
  return { namespaces: chosen.length, entries, leftOut: 0, unproven: 0, gone: [] }
}

/** Page by page and row by row (ARC-10). */
async function inspect(directory: string, into: string, { id }: Manifest, keepDerived: boolean): Promise<Adoption> {
  const { problem, outlook } = await inspectStore(nodeDisk, directory, basename(into), keepDerived)
  if (problem !== undefined) throw damaged(id, problem)
  return outlook
}

/** Results are of use if they are of the same origin, and their keys are made by the same rules (ARC-12). */
function keepsDerived({ origin, keyInputVersion }: Manifest, here: Identity): boolean {
  if (origin === undefined || here.systemIdentifier === undefined) return false
  return origin.systemIdentifier === here.systemIdentifier && keyInputVersion === here.keyInputVersion
}

function requireFormat(manifest: Manifest, newest: number): void {
  const { formatVersion } = manifest.store
  if (formatVersion > newest) throw newerFormat(manifest.id, `page file format ${formatVersion}`)
}

/** Undefined where the system does not say. */
async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  } catch {
    return undefined
  }
}

function summaryOf({ files, encryption, ...rest }: Manifest, { store }: Collection): BackupSummary {
  return {
    ...rest,
    url: store.url,
    encrypted: encryption !== undefined,
    files: files.length + 1,
    entries: rest.namespaces.reduce((sum, { entries }) => sum + entries, 0),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    storedBytes: files.reduce((sum, { storedSize }) => sum + storedSize, 0),
  }
}
