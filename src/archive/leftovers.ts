// What killed backups left in a collection, taken away by the next one into it (ARC-8): objects, and what is half written.
//
// A writer's mark proves that it died where this machine can tell (writer-mark.ts). Of all others time does: what nobody has written to
// for a week is not being written. Both times are the store's own, so it does not matter whose clock is right. A backup that is whole
// stays, and loses what is half written beside it.

import { isBackupId } from './backup-id.ts'
import type { Collection } from './collection.ts'
import { fileNames, manifestName } from './manifest.ts'
import { type ArchiveStore, readSmall, type Trace } from './store.ts'
import { hasDied, writerBytesMax, writerName } from './writer-mark.ts'

const quietMs = 7 * 24 * 3_600_000
const ownNames = new Set<string | undefined>([...fileNames, manifestName, writerName])

/** What there is of an id. */
interface Parts {
  readonly id: string
  isMarked: boolean
  isBackup: boolean
  /** When something of it was written or begun last; undefined if nobody can tell. */
  lastMs: number | undefined
  readonly halves: Abandon[]
}

type Abandon = NonNullable<Trace['abandon']>

/** `own` is being written here: its mark is fresh, so its time is the store's now. */
export async function sweepLeftovers(collection: Collection, own: string, signal?: AbortSignal): Promise<void> {
  const { store } = collection
  const { traces, failure } = await tracesOf(store, '', signal)
  const nowMs = traces.find(({ name }) => name === `${own}/${writerName}`)?.atMs ?? Number.NaN
  for (const parts of partsIn([...(await store.list('', signal)), ...traces])) {
    if (parts.id === own) continue
    const isDead = parts.isMarked && (await isOfDead(store, parts.id, signal))
    if (parts.isBackup) {
      for (const abandon of parts.halves) await abandon(signal)
      if (isDead) await collection.unmark(parts.id)
    } else if (isDead) await clear(collection, parts, signal)
    else if (nowMs - (parts.lastMs ?? nowMs) >= quietMs) await clearQuiet(collection, parts, signal)
  }
  if (failure !== undefined) throw failure
}

/** How to take away what is half written of an id, as far as the store lets us see it. */
export async function halvesOf(store: ArchiveStore, id: string, signal?: AbortSignal): Promise<readonly Abandon[]> {
  const { traces } = await tracesOf(store, `${id}/`, signal)
  return [...partsIn(traces)].flatMap(({ halves }) => halves)
}

/** What is certain goes also where the store does not let us see all. */
async function tracesOf(
  store: ArchiveStore,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly traces: readonly Trace[]; readonly failure?: unknown }> {
  try {
    return { traces: (await store.traces(prefix, signal)) ?? [] }
  } catch (error) {
    signal?.throwIfAborted()
    return { traces: [], failure: error }
  }
}

async function isOfDead(store: ArchiveStore, id: string, signal: AbortSignal | undefined): Promise<boolean> {
  const mark = await readSmall(store, `${id}/${writerName}`, writerBytesMax, signal)
  return mark !== undefined && hasDied(mark.bytes.toString('latin1'))
}

async function clear(collection: Collection, { id, halves }: Parts, signal: AbortSignal | undefined): Promise<void> {
  for (const abandon of halves) await abandon(signal)
  await collection.remove(id, signal)
}

/** Should its writer be there after all: behind its manifest it looks for its mark, and is believed if it was first. */
async function clearQuiet(collection: Collection, parts: Parts, signal: AbortSignal | undefined): Promise<void> {
  const { store } = collection
  await store.delete(`${parts.id}/${writerName}`, signal)
  if (!(await store.exists(`${parts.id}/${manifestName}`, signal))) await clear(collection, parts, signal)
}

/** By id, what of these names and traces belongs to a backup. */
function partsIn(found: readonly (string | Trace)[]): Iterable<Parts> {
  const ids = new Map<string, Parts>()
  for (const one of found) {
    const trace: Partial<Trace> & { readonly name: string } = typeof one === 'string' ? { name: one } : one
    const [id = '', file, ...more] = trace.name.split('/')
    if (!isBackupId(id) || more.length > 0) continue
    const parts = ids.get(id) ?? { id, isMarked: false, isBackup: false, lastMs: undefined, halves: [] }
    ids.set(id, parts)
    const { abandon } = trace
    if (abandon !== undefined) {
      if (ownNames.has(file)) parts.halves.push(abandon)
    } else if (file === writerName) parts.isMarked = true
    else if (file === manifestName) parts.isBackup = true
    // A time that is not known spoils the sum: it may be now.
    if (trace.atMs !== undefined) parts.lastMs = Math.max(parts.lastMs ?? trace.atMs, trace.atMs)
  }
  return ids.values()
}
