// The tiered byte cache, for the rooms above: L1 in this thread, L2 behind the store thread, one namespace table over both.
//
// What memory can answer is answered at once, the rest as a promise. Whatever is refused is a ServerError, and then nothing has
// changed but its counter (G-7).

import { assert, type Clock } from '../../base/index.ts'
import { conditions, ServerError } from '../../errors/index.ts'
import type { Counters } from '../../observe/index.ts'
import { BlobChanges, type BlobTarget, type Invalidated } from './blob-changes.ts'
import { BlobCore } from './blob-core.ts'
import { infoOf, type NamespaceInfo } from './blob-namespace.ts'
import { BlobNamespaces } from './blob-namespaces.ts'
import { type BlobParts, beginParts } from './blob-parts.ts'
import { type BlobPut, BlobPuts, isRefusal, type PutOutcome, type PutReceipt } from './blob-puts.ts'
import { BlobReads } from './blob-reads.ts'
import type { Blob, BlobRead, FlushedNamespace, NamespaceChange } from './blob-rows.ts'
import { type BlobScan, BlobScans, type TagRow } from './blob-scan.ts'
import type { BlobSettings } from './blob-settings.ts'
import { type Epochs, noEpochs } from './epochs.ts'
import { L1 } from './l1.ts'
import type { Adoption } from './l2-adopt.ts'
import type { Finding } from './l2-check.ts'
import type { CompactReport } from './l2-compact.ts'
import type { HeldCommit } from './l2-hold.ts'
import type { LoadWish } from './l2-load.ts'
import type { TouchChange } from './l2-touch.ts'
import type { GivenOptions } from './namespace-options.ts'
import { StoreClient } from './store-client.ts'
import type { StoreLink } from './store-link.ts'
import type { EventMessage, Report, StoreState, StoreStatus } from './store-messages.ts'
import type { SweepLimits, SweepReport } from './sweeper.ts'

type Later<T> = T | Promise<T>

interface BlobCacheParts {
  readonly settings: BlobSettings
  readonly counters: Counters
  readonly clock: Clock
  /** Shared with others who keep things in memory; else the cache has one of its own. */
  readonly l1?: L1
  readonly l1BytesMax: number
  readonly epochs?: Epochs
  readonly onEvent?: (event: EventMessage) => void
  readonly onL2Read?: (us: number) => void
  readonly onL2Commit?: (us: number) => void
}

const sweepsMax = 100
const lateRead = {
  severity: 'warning',
  event: 'l2_read_timeout',
  detail: 'a read of the second tier passed l2_read_timeout and was a miss',
} as const

export class BlobCache {
  readonly l1: L1
  readonly #core: BlobCore
  readonly #link: StoreLink | undefined
  readonly #parts: BlobCacheParts
  readonly #reads: BlobReads
  readonly #puts: BlobPuts
  readonly #changes: BlobChanges
  readonly #scans: BlobScans
  readonly #namespaces: BlobNamespaces
  readonly #sweeps: SweepReport[] = []
  #opened: (() => void) | undefined

  /** Resolves when the store was opened, or could not be; without a link L2 is off. */
  static async open(parts: BlobCacheParts, link?: StoreLink): Promise<BlobCache> {
    const cache = new BlobCache(parts, link)
    if (link !== undefined) await cache.#openStore(link)
    return cache
  }

  private constructor(parts: BlobCacheParts, link: StoreLink | undefined) {
    const { settings, counters, clock, epochs = noEpochs, onEvent = ignore, onL2Read = ignore } = parts
    this.#parts = parts
    this.#link = link
    this.l1 = parts.l1 ?? new L1(parts.l1BytesMax, counters)
    this.#core = new BlobCore({ settings, l1: this.l1, counters, clock, epochs, onEvent, onL2Read })
    this.#reads = new BlobReads(this.#core)
    this.#puts = new BlobPuts(this.#core)
    this.#changes = new BlobChanges(this.#core)
    this.#scans = new BlobScans(this.#core)
    this.#namespaces = new BlobNamespaces(this.#core)
  }

  get storeState(): StoreState | 'off' {
    return this.#core.storeState
  }

  /** Of the store that is open: what is proven is proven under it (L2-30). */
  get incarnation(): number {
    return this.#core.incarnation
  }

  /** The last hundred, newest last. */
  get sweeps(): readonly SweepReport[] {
    return this.#sweeps
  }

  /** The value of a fresh entry of L1; undefined says nothing. Counted as a get if it is there. */
  peek(namespace: string, key: string): Buffer | undefined {
    return this.#reads.peek(namespace, key)
  }

  /** Counted and promoted. `lease`: on a miss or a stale hit one caller gets a token (L1-36). */
  get(namespace: string, key: string, lease = false): Later<BlobRead> {
    return this.#reads.get(namespace, key, lease)
  }

  /** The same for many keys; what is found, in the order of the keys. */
  getMany(namespace: string, keys: readonly string[]): Later<readonly Blob[]> {
    return this.#reads.getMany(namespace, keys)
  }

  /** Neither counted nor promoted. */
  look(namespace: string, keys: readonly string[], withValue: boolean): Later<readonly Blob[]> {
    return this.#reads.look(namespace, keys, withValue)
  }

  /** Whether a put of so many bytes would be taken by L2's queue. */
  hasRoomOnTheWay(bytes: number): boolean {
    return this.#core.client?.hasRoom(bytes) === true
  }

  /** Several entries of L2, to be read one after the other as they stand now; undefined if one of them is not there. */
  async beginParts(namespace: string, keys: readonly string[]): Promise<BlobParts | undefined> {
    const core = this.#core
    const generation = core.namespaces.get(namespace)?.current
    if (generation === undefined || core.client === undefined) return undefined
    const after = keys.reduce((most, key) => Math.max(most, core.afterOf(generation, key)), 0)
    return beginParts(core.client, generation, keys, after)
  }

  exists(namespace: string, key: string, exact = false): Later<'present' | 'maybe' | 'absent'> {
    return this.#reads.exists(namespace, key, exact)
  }

  /** Undefined in place of a receipt: its condition `only` did not hold. */
  put(puts: readonly BlobPut[], durable = false): Later<readonly (PutReceipt | undefined)[]> {
    const outcomes = this.#puts.put(puts, durable)
    const told = (all: readonly PutOutcome[]) => all.map((outcome, index) => receiptOf(puts[index] as BlobPut, outcome))
    return outcomes instanceof Promise ? outcomes.then(told) : told(outcomes)
  }

  /** The same, with the reason of each refusal instead of an error. */
  tryPut(puts: readonly BlobPut[], durable = false): Later<readonly PutOutcome[]> {
    return this.#puts.put(puts, durable)
  }

  /** Which of the keys were there. */
  touch(namespace: string, keys: readonly string[], change: TouchChange): Promise<readonly boolean[]> {
    return this.#changes.touch(namespace, keys, change)
  }

  /** Effective and durable when it returns (G-5). */
  invalidate(target: BlobTarget, markStale = false): Promise<Invalidated> {
    return this.#changes.invalidate(target, markStale)
  }

  /** Takes out what is still what was read, durably; one of two who try gets true. */
  remove(blobs: readonly Pick<Blob, 'namespace' | 'key' | 'stamp'>[]): Promise<readonly boolean[]> {
    return this.#changes.remove(blobs)
  }

  flush(namespace: string): Promise<FlushedNamespace> {
    return this.#changes.flush(namespace)
  }

  namespace(name: string): NamespaceInfo | undefined {
    const namespace = this.#core.namespaces.get(name)
    return namespace === undefined ? undefined : infoOf(namespace)
  }

  hasNamespace(name: string): boolean {
    return this.#core.namespaces.has(name)
  }

  *namespaces(): Generator<NamespaceInfo> {
    for (const namespace of this.#core.namespaces.values()) yield infoOf(namespace)
  }

  /** What the wire counts of the synopsis of a namespace. */
  synopsisCounts(name: string): { readonly skips: number; readonly falsePositives: number } {
    const { synopsisSkips: skips = 0, falsePositives = 0 } = this.#core.namespaces.get(name)?.counts ?? {}
    return { skips, falsePositives }
  }

  createNamespace(name: string, options: GivenOptions = {}, owner?: string): Later<void> {
    return this.#namespaces.create(name, owner === undefined ? options : { ...options, owner })
  }

  alterNamespace(name: string, change: NamespaceChange): Later<void> {
    return this.#namespaces.alter(name, change)
  }

  dropNamespace(name: string): Promise<void> {
    return this.#namespaces.drop(name)
  }

  scan(scan: BlobScan & { readonly keys?: readonly string[] | undefined }): Later<readonly Blob[]> {
    const { keys, namespaces } = scan
    if (keys === undefined || namespaces?.length !== 1) return this.#scans.scan(scan)
    return this.#reads.look(namespaces[0] as string, keys, scan.withValue)
  }

  tags(): Promise<readonly TagRow[]> {
    return this.#scans.tags()
  }

  /** What the store says of itself; undefined if it is off, or does not answer. */
  async status(): Promise<StoreStatus | undefined> {
    const { client } = this.#core
    return await client?.read({ kind: 'status' }, 0, false)
  }

  /** One at a time: who comes while one runs gets its report (SWP-12). */
  async sweep(limits: Partial<SweepLimits> = {}): Promise<SweepReport | undefined> {
    const { client, settings } = this.#core
    this.#core.reap(Number.POSITIVE_INFINITY)
    return await client?.ask<'sweep'>({
      kind: 'sweep',
      limits: { ...settings.store.sweepLimits, ...limits },
      cause: 'call',
    })
  }

  async check(): Promise<readonly Finding[]> {
    return (await this.#core.client?.ask<'check'>({ kind: 'check' })) ?? []
  }

  /** Gives free space of the file back (L2-24); undefined if there is no store. */
  async compact(): Promise<CompactReport | undefined> {
    return await this.#core.client?.ask<'compact'>({ kind: 'compact' })
  }

  /** Commits what waits and holds that commit for a backup, until released. */
  async hold(): Promise<HeldCommit & { readonly hold: number }> {
    const { client } = this.#core
    if (client === undefined) throw new ServerError(conditions.storeNotOpen, [this.storeState])
    return await client.ask<'hold'>({ kind: 'hold' })
  }

  /** Throws if that commit is held no longer, since the store was read anew or set aside: what was read of it means nothing (L2-34). */
  async assertHeld(hold: number): Promise<void> {
    const { client } = this.#core
    if (client === undefined) throw new ServerError(conditions.storeNotOpen, [this.storeState])
    await client.ask<'held'>({ kind: 'held', hold })
  }

  release(hold: number): void {
    this.#core.client?.chore({ kind: 'release', hold })
  }

  /** A restored store, which lies beside the live one under this name, takes its place (ARC-13). */
  async activate(name: string, keepDerived: boolean): Promise<Adoption> {
    const { client } = this.#core
    if (client === undefined) throw new ServerError(conditions.storeNotOpen, [this.storeState])
    return await client.ask<'activate'>({ kind: 'activate', name, keepDerived })
  }

  /** Namespaces of a restored store, which lies beside the live one under this name, join the live one (ARC-14). */
  load(name: string, wishes: readonly LoadWish[]): Promise<Adoption> {
    return this.#namespaces.load(name, wishes)
  }

  /** Rows that others keep in the store: the epochs, definitions. Durable when the promise says so. */
  async note(
    kind: string,
    rows: readonly (readonly [name: string, bytes: Uint8Array | undefined])[],
    durable: boolean,
  ): Promise<void> {
    const { client, isStoreKept } = this.#core
    if (client === undefined || !isStoreKept) return
    await client.writeAndWait({ kind: 'note', of: kind, rows }, { durable }).written
  }

  async noted(kind: string): Promise<readonly (readonly [name: string, bytes: Uint8Array])[]> {
    const { client } = this.#core
    return (await client?.read({ kind: 'catalog', of: kind }, client.lastNumber, false)) ?? []
  }

  /** New bounds act at once, or stop growth and are reached in slices (MEM-4). */
  configure(settings: BlobSettings, l1BytesMax: number): void {
    const core = this.#core
    core.settings = settings
    core.promotion.configure(settings.promotion)
    core.client?.configure(settings.queue)
    core.client?.chore({ kind: 'configure', settings: settings.store })
    if (this.#parts.l1 === undefined) this.l1.configure(l1BytesMax)
  }

  /** Installs what waits, makes everything durable, and closes the store. */
  async close(): Promise<void> {
    const core = this.#core
    core.promotion.close()
    for (const namespace of core.namespaces.values()) {
      for (const entry of namespace.current.entries.values()) core.reportAccess(namespace.current, entry)
    }
    core.sendAccesses()
    const { client } = core
    if (client !== undefined && !client.isLost) await client.ask<'close'>({ kind: 'close' }).catch(ignore)
    core.storeState = 'closed'
    client?.lost()
    await this.#link?.end()
  }

  /** Asserts that L1, the namespaces and their labels agree; for tests. */
  verify(): void {
    this.l1.verify()
    let bytes = 0
    for (const { current } of this.#core.namespaces.values()) {
      let charged = 0
      current.entries.verify()
      for (const entry of current.entries.values()) {
        assert(this.l1.rows.isHeld(entry) && entry.home === current, 'an entry is where it says')
        charged += entry.charge
      }
      assert(charged === current.bytes, 'the bytes of a namespace are those of its entries')
      for (const [kind, label, keys] of current.labels.labels()) {
        for (const key of keys) {
          const { tags = [], dependencies = [] } = current.entries.get(key)?.attributes ?? {}
          assert((kind === 'tag' ? tags : dependencies).includes(label), 'a label leads to an entry that carries it')
        }
      }
      bytes += charged
    }
    assert(bytes <= this.l1.bytesInUse, 'what namespaces hold is in the budget')
  }

  async #openStore(link: StoreLink): Promise<void> {
    const { settings, counters, clock } = this.#parts
    const opened = new Promise<void>((resolve) => {
      this.#opened = resolve
    })
    this.#core.storeState = 'opening'
    this.#core.client = new StoreClient(link.port, {
      limits: settings.queue,
      clock,
      counters,
      onReport: (report) => this.#take(report),
      onLateRead: () => this.#core.onEvent({ ...lateRead, subject: undefined }),
    })
    link.onLost = (reason) => this.#lost(reason)
    await opened
  }

  #take(report: Report): void {
    const core = this.#core
    core.storeState = report.state
    if (report.opened !== undefined) this.#namespaces.opened(report.opened)
    core.settle(report.done)
    for (const [name, by] of report.moved) core.counters[name] += by
    for (const [name, value] of report.gauges) core.counters[name] = value
    for (const { scope, shared } of report.synopses) core.takeSynopsis(scope, shared)
    for (const { id, entries, bytes } of report.namespaces) core.takeCounts(id, entries, bytes)
    for (const event of report.events) core.onEvent(event)
    for (const sweep of report.sweeps) this.#noteSweep(sweep)
    for (const us of report.commitUs) this.#parts.onL2Commit?.(us)
    if (report.opened !== undefined || report.state === 'failed') this.#opened?.()
  }

  #noteSweep(report: SweepReport): void {
    this.#sweeps.push(report)
    if (this.#sweeps.length > sweepsMax) this.#sweeps.shift()
  }

  /** Nobody can say what L2 holds now; it is not asked again. */
  #lost(detail: string): void {
    const core = this.#core
    core.storeState = 'failed'
    core.client?.lost()
    core.onEvent({ severity: 'error', event: 'store_thread_lost', subject: undefined, detail })
    this.#opened?.()
  }
}

function receiptOf(put: BlobPut, outcome: PutOutcome): PutReceipt | undefined {
  if (!isRefusal(outcome)) return outcome
  const { refused, version = 0 } = outcome
  if (refused === 'older') throw new ServerError(conditions.versionNotHigher, [put.version ?? 0, put.key, version])
  if (refused === 'lease') throw new ServerError(conditions.leaseLost, [put.key])
  if (refused === 'moved') throw new ServerError(conditions.fillOutdated, [put.key])
  return undefined
}

function ignore(): void {}
