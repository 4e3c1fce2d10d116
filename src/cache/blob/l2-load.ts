// Brings chosen namespaces of a restored store, which lies beside the live one, into the live one (ARC-14).
//
//   (1) each is loaded under a new id, slice by slice, while everything goes on; a crash leaves it to the sweeper
//   (2) one write puts what was loaded in the place of what has its name, in one commit (L2.admit)
//
// The rule is that nothing goes back (G-4): what was flushed or dropped since the backup stays gone, where the backup was made of
// this very store, as their store ids say. What hangs on relations of the origin would have to be proven again (ARC-12): such
// entries are left out.

import type { Disk } from '../../base/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import { Store } from '../../storage/index.ts'
import { freshness } from './freshness.ts'
import type { L2 } from './l2.ts'
import type { Gone } from './l2-adopt.ts'
import { layBeside } from './l2-beside.ts'
import { keyOfRecordKey, recordKey as recordKeyOf, type Scope, scopeOfRecordKey } from './l2-keys.ts'
import type { Lineage } from './l2-lineage.ts'
import type { L2Namespace } from './l2-namespaces.ts'
import { decodeRecord } from './l2-record.ts'
import type { Steps } from './l2-value.ts'

/** Of one namespace: what it is called in the backup, and here. */
export interface LoadWish {
  readonly from: string
  readonly as: string
}

interface LoadPart extends LoadWish {
  /** Of the namespace to be made. */
  readonly id: number
  /** The one of that name that is there now. */
  readonly replaced: number | undefined
  /** Its options; undefined: those of the backup. */
  readonly options: string | undefined
}

export interface LoadRequest {
  /** The store to load from, by its name in the directory. */
  readonly store: string
  readonly parts: readonly LoadPart[]
}

/** What came of a part: loaded and not yet in force, or why there is nothing to load. */
export interface LoadedPart {
  readonly part: LoadPart
  readonly gone: Gone['since'] | undefined
  readonly scope: Scope
  readonly options: string
  readonly lineage: Lineage | undefined
  readonly entries: number
  /** Entries of the backup that are not brought back. */
  readonly leftOut: number
}

const rowsPerStep = 64
/** So many bytes are made durable at a time, so that nobody waits for all of them at the end. */
const batchBytes = 32 << 20

export function* loadNamespaces(
  live: L2,
  disk: Disk,
  directory: string,
  { store: name, parts }: LoadRequest,
): Steps<LoadedPart[]> {
  const store = Store.openBeside(disk, directory, name, { readOnly: true, poolBytes: 8 << 20 })
  const begun: L2Namespace[] = []
  const { era } = live.store
  let isComplete = false
  try {
    const from = layBeside(store)
    const loads = parts.map((part) => planOf(live, from, part))
    for (const load of loads) {
      if (load.plan.gone === undefined) begun.push(beginLoad(live, load))
    }
    yield* copyAll(live, from, loads, era)
    isComplete = true
    return loads.map(({ plan, namespace, leftOut }) => ({ ...plan, entries: namespace?.entries ?? 0, leftOut }))
  } finally {
    if (!isComplete && live.store.era === era) for (const namespace of begun) abandon(live, namespace)
    // It was opened to be read: nothing of it can fail.
    void store.close().catch(() => undefined)
  }
}

interface Load {
  readonly plan: Omit<LoadedPart, 'entries' | 'leftOut'>
  /** In the other store. */
  readonly source: Scope
  namespace: L2Namespace | undefined
  leftOut: number
}

function planOf(live: L2, from: L2, part: LoadPart): Load {
  const source = [...from.namespaces.living()].find(({ name }) => name === part.from)
  if (source === undefined) throw new ServerError(conditions.unknownNamespace, [part.from])
  const options = part.options ?? source.options
  const replaced = part.replaced === undefined ? undefined : live.namespaces.find(part.replaced)
  const gone = storeIdOf(live) === storeIdOf(from) ? goneSince(live, source) : undefined
  const generation = Math.max(source.generation, replaced?.generation ?? 0) + 1
  const lineage = replaced === undefined ? undefined : { root: replaced.root, generation, floor: replaced.floor }
  return {
    plan: { part, gone, scope: { id: part.id, generation }, options, lineage },
    source: source.scope,
    namespace: undefined,
    leftOut: gone === undefined ? 0 : source.entries,
  }
}

/** Whether what a backup of this store holds is out of force since. */
function goneSince(live: L2, { root, generation }: L2Namespace): LoadedPart['gone'] {
  const here = [...live.namespaces.living()].find((namespace) => namespace.root === root)
  if (here === undefined) return root <= live.namespaces.lastId ? 'dropped' : undefined
  return generation < here.floor ? 'flushed' : undefined
}

function beginLoad(live: L2, load: Load): L2Namespace {
  const { part, scope, options } = load.plan
  load.namespace = live.namespaces.load(part.as, scope, options)
  return load.namespace
}

/** In the order of the queue, so that who was to leave first still is. */
function* copyAll(live: L2, from: L2, loads: readonly Load[], era: number): Steps<void> {
  const byId = new Map(loads.map((load) => [load.source.id, load]))
  let rows = 0
  let bytes = 0
  for (const [, key] of from.store.trees.queue.scan({}, 'bulk_read')) {
    if (++rows % rowsPerStep === 0) yield
    requireSame(live, era)
    const scope = scopeOfRecordKey(key)
    const load = byId.get(scope.id)
    if (load?.namespace === undefined || scope.generation !== load.source.generation) continue
    const copied = yield* copyOne(live, from, key, load)
    if (copied === undefined) load.leftOut++
    bytes += copied ?? 0
    requireSame(live, era)
    if (bytes < batchBytes) continue
    bytes = 0
    // Should it fail, the era is another one.
    live.commit().catch(() => undefined)
  }
}

/** Bytes that were copied; undefined if the entry is left out. */
function* copyOne(live: L2, from: L2, key: Uint8Array, { namespace, plan }: Load): Steps<number | undefined> {
  const row = from.store.trees.records.get(key, 'bulk_read')
  if (row === undefined || namespace === undefined) return 0
  const record = decodeRecord(row)
  const state = freshness(from.rows.lifetime(key, record), live.entries.nowMs)
  if (state === 'expired' || state === 'idle') return 0
  const attributes = from.rows.attributesOf(record)
  if (attributes.proof !== undefined) return undefined
  const stored = yield* from.values.stored(record)
  const { codec, rawBytes, storedBytes, rawCrc, storedCrc } = record
  const encoded = { codec, rawBytes, storedBytes, rawCrc, storedCrc, pieces: [stored] }
  const newKey = recordKeyOf(plan.scope, keyOfRecordKey(key))
  const placed = yield* live.place(namespace, newKey, { head: record, attributes, encoded, strategy: 'bulk_write' })
  if (placed === 'no_room') throw new ServerError(conditions.diskFull, ['the disk is full'])
  return placed === 'too_large' ? undefined : storedBytes
}

function requireSame(live: L2, era: number): void {
  if (live.store.era !== era) throw new ServerError(conditions.storeNotOpen, ['another one'])
}

/** The sweeper takes what is there of it. */
function abandon(live: L2, namespace: L2Namespace): void {
  try {
    live.namespaces.drop(namespace)
  } catch {
    // The store cannot be used: read anew, it says the same.
  }
}

function storeIdOf(l2: L2): string {
  return Buffer.from(l2.store.header.storeId).toString('hex')
}
