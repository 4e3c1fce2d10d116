// Composition: the blob cache with its store thread, as the statements and relations about it see it.

import type { Clock } from './base/index.ts'
import { BlobCache, type EpochSource, type L1, startStoreThread } from './cache/blob/index.ts'
import { originNoted } from './cache/results/index.ts'
import { answerStoreOf } from './cache-answers.ts'
import { type OriginIdentity, openCacheBackups } from './cache-backups.ts'
import { blobSettingsOf, storeOptionsOf } from './cache-settings.ts'
import type { BlobScan } from './commands/index.ts'
import type { Settings } from './config/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { DatabaseEpochs, Epochs, Relation } from './invalidation/index.ts'
import type { EventRing, Metrics } from './observe/index.ts'
import { noStore, type StoreDoor } from './own-store.ts'
import type { L2Row, StoreRows, SweepRow } from './virtual/index.ts'

interface CacheStore extends StoreDoor {
  readonly cache: BlobCache
  /** How derived entries of before the start are known to hold; told by who derives them. */
  proof: () => string
  /** Which origin it stands in front of; told by who knows one. */
  origin: () => Promise<OriginIdentity | undefined>
  configure(settings: Settings): void
  close(): Promise<void>
}

interface CacheStoreParts {
  readonly settings: Settings
  readonly dataDirectory: string
  readonly metrics: Metrics
  readonly events: EventRing
  readonly epochs: Epochs
  readonly clock: Clock
  /** Shared with the answers of a server; else it has one of its own. */
  readonly l1?: L1
  /** For tests: where the store gets its thread from. */
  readonly startStore?: typeof startStoreThread
}

/** Opens it; without a store, or with one that cannot be opened, L1 serves alone. */
export async function openCacheStore(parts: CacheStoreParts): Promise<CacheStore> {
  const { settings, dataDirectory, metrics, events, epochs, clock, startStore = startStoreThread } = parts
  const options = storeOptionsOf(settings, dataDirectory)
  const cache: BlobCache = await BlobCache.open(
    {
      settings: blobSettingsOf(settings),
      counters: metrics.counters,
      clock,
      ...(parts.l1 === undefined ? {} : { l1: parts.l1 }),
      l1BytesMax: settings.l1BytesMax,
      epochs: {
        bind: (relation) => bind(epochs, relation),
        find: (id) => find(epochs, id),
        // Ticks begin anew with each process: what an earlier one proved nobody can compare.
        holds: (incarnation) => incarnation === cache.incarnation,
      },
      onEvent: (event) => events.record(event),
      onL2Read: (us) => metrics.histograms.l2_read_us.record(us),
      onL2Commit: (us) => metrics.histograms.l2_commit_us.record(us),
    },
    options === undefined ? undefined : startStore(options),
  )
  let current = settings
  const archive = openCacheBackups({
    ...{ cache, dataDirectory, metrics, events, clock },
    l2Directory: options?.directory,
    settings: () => current,
    origin: () => store.origin(),
  })
  const rows = {
    ...rowsAtHand(cache, () => current),
    backups: () => archive.backups.rows(),
    jobs: () => archive.jobs.rows(),
  }
  const store: CacheStore = {
    cache,
    proof: () => 'none',
    origin: () => lastOrigin(cache),
    archive,
    blobs: cache,
    rows,
    gather: async (relations, scan) => ({
      ...rows,
      ...(await gathered(cache, relations, scan, options?.directory, store.proof())),
    }),
    async check() {
      cache.verify()
      return cache.check()
    },
    async compact() {
      const report = await cache.compact()
      if (report === undefined) throw new ServerError(conditions.storeNotOpen, ['off'])
      return report
    },
    async sweep(limits) {
      const report = await cache.sweep(limits)
      if (report === undefined) throw new ServerError(conditions.storeNotOpen, ['off'])
      return sweepRow(report)
    },
    configure: (changed) => {
      current = changed
      cache.configure(blobSettingsOf(changed), changed.l1BytesMax)
      archive.configure()
    },
    async close() {
      await archive.close()
      await cache.close()
    },
  }
  return store
}

/** Which origin the server before stood in front of. */
async function lastOrigin(cache: BlobCache): Promise<OriginIdentity | undefined> {
  const facts = originNoted(await answerStoreOf(cache).noted())
  return facts === undefined ? undefined : { ...facts, database: '' }
}

/** What is in memory. */
function rowsAtHand(cache: BlobCache, settings: () => Settings): StoreRows {
  return {
    ...noStore.rows,
    namespaces: () => cache.namespaces(),
    namespace: (name) => cache.namespace(name),
    promotionPolicy: () => settings().promotionPolicy,
    sweeps: () => cache.sweeps.map(sweepRow),
  }
}

function sweepRow({ elapsedUs, orphanRows: _, ...report }: BlobCache['sweeps'][number]): SweepRow {
  return { ...report, namespace: undefined, pages: report.orphanPages, elapsedMs: elapsedUs / 1000 }
}

/** What has to be asked for. */
async function gathered(
  cache: BlobCache,
  relations: ReadonlySet<string>,
  scan: BlobScan,
  path: string | undefined,
  proof: string,
): Promise<Partial<StoreRows>> {
  const wants = (...names: string[]): boolean => names.some((name) => relations.has(name))
  const [blobs, tags, status] = await Promise.all([
    wants('blobs', 'entries') ? cache.scan(scan) : [],
    wants('tags') ? cache.tags() : [],
    wants('l2', 'synopsis', 'compression', 'pages', 'bgwriter') ? cache.status() : undefined,
  ])
  const names = new Map([...cache.namespaces()].map((namespace) => [namespace.id, namespace]))
  const l2: L2Row = {
    ...noStore.rows.l2(),
    path,
    ...status,
    state: stateOf(cache),
    proof: status === undefined ? undefined : proof,
  }
  return {
    blobs: () => blobs,
    tags: () => tags,
    l2: () => l2,
    synopsis: () =>
      (status?.synopses ?? []).flatMap(({ id, ...facts }) => {
        const namespace = names.get(id)
        if (namespace === undefined) return []
        return [{ namespace: namespace.name, ...facts, ...cache.synopsisCounts(namespace.name) }]
      }),
    compression: () => status?.compression ?? [],
    pages: () => status?.areas ?? [],
    lastBgwriterRoundAtMs: () => status?.lastRoundAtMs,
  }
}

function stateOf(cache: BlobCache): L2Row['state'] {
  const { storeState } = cache
  if (storeState === 'opening' || storeState === 'closed') return 'off'
  return storeState
}

/** What a dependency on `schema.name` hangs on, in whatever database a relation of that name is known (DEP-8). */
function bind(epochs: Epochs, name: string): readonly EpochSource[] | undefined {
  const sources: EpochSource[] = []
  for (const database of epochs.databases.values()) {
    for (const relation of database.relations.values()) {
      if (relation.name === name) sources.push(sourceOf(database, relation), wholeOf(database))
    }
  }
  return sources.length === 0 ? undefined : sources
}

function find(epochs: Epochs, id: string): EpochSource | undefined {
  const at = id.lastIndexOf('/')
  const database = epochs.databases.get(id.slice(0, at))
  const oid = id.slice(at + 1)
  if (database === undefined) return undefined
  if (oid === '*') return wholeOf(database)
  const relation = database.relations.get(Number(oid))
  return relation === undefined ? undefined : sourceOf(database, relation)
}

function sourceOf(database: DatabaseEpochs, relation: Relation): EpochSource {
  return {
    id: `${database.name}/${relation.oid}`,
    get epoch() {
      return relation.stamp
    },
    get isSuspended() {
      return relation.suspensions > 0 || relation.commits > 0
    },
  }
}

/** Changes that could not be narrowed. */
function wholeOf(database: DatabaseEpochs): EpochSource {
  return {
    id: `${database.name}/*`,
    get epoch() {
      return database.stamp
    },
    get isSuspended() {
      return database.suspensions > 0
    },
  }
}
