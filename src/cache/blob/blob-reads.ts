// Reading: L1 answers at once; what it does not have is asked of L2 if the synopsis does not rule it out.
//
//   L1 ──► synopsis ──► L2 (a promise) ──► still true? ──► promotion
//
// Counting (MET-4): each get is an L1 hit or an L1 miss; with L2 open each L1 miss is an L2 hit, an L2 miss or a skip.

import type { RecentTime } from '../../base/index.ts'
import type { Counters } from '../../observe/index.ts'
import type { BlobCore } from './blob-core.ts'
import type { BlobNamespace } from './blob-namespace.ts'
import { type Blob, type BlobRead, blobOf } from './blob-rows.ts'
import { BlobEntry, type EntryFacts } from './entry.ts'
import type { EntryRows } from './entry-rows.ts'
import { type Bound, rebind } from './epochs.ts'
import { factsOf } from './found-facts.ts'
import { staleLeftMs } from './freshness.ts'
import type { Generation, ReadTicket } from './generation.ts'
import type { FoundMessage } from './store-messages.ts'

type Later<T> = T | Promise<T>

/** A key that L1 does not have, and its place among those asked for. */
interface Missing {
  readonly key: string
  readonly at: number
}

/** Of an entry that L1 does not have: the length of its value, which may not have come along. */
interface InStore {
  readonly tier: 'l2'
  readonly bytes: number
}

/** What a read of L2 came to. */
interface Fetched {
  readonly entry: BlobEntry
  readonly facts: EntryFacts
}

const absent: BlobRead = Object.freeze({ state: 'absent', blob: undefined, staleMs: undefined, lease: undefined })

export class BlobReads {
  readonly #core: BlobCore
  /** The namespace that was asked for last: mostly it is the next one, too. */
  #last: BlobNamespace | undefined

  /** At hand for peek(), where each step on the way to them counts. */
  readonly #rows: EntryRows
  readonly #counters: Counters
  readonly #recent: RecentTime

  constructor(core: BlobCore) {
    this.#core = core
    this.#rows = core.l1.rows
    this.#counters = core.counters
    this.#recent = core.recent
  }

  /** The value of an entry that may be served as fresh, from L1 alone: for those who ask often. Counts nothing if there is none. */
  peek(name: string, key: string): Buffer | undefined {
    let namespace = this.#last
    if (namespace === undefined || namespace.name !== name || namespace.isDropped) {
      namespace = this.#core.namespaces.get(name)
      if (namespace === undefined) return undefined
      this.#last = namespace
    }
    const place = namespace.current.entries.find(key)
    if (place === -1) return undefined
    const value = this.#rows.serve(place, this.#recent)
    if (value === undefined) return this.#peekClosely(namespace, place)
    this.#counters.blob_gets++
    this.#counters.l1_hits++
    namespace.counts.hits++
    return value
  }

  /** One that has a limit or is an object, or the first that is asked for in a while. */
  #peekClosely(namespace: BlobNamespace, place: number): Buffer | undefined {
    const core = this.#core
    const { l1, counters } = core
    const { rows } = l1
    const value = rows.plainAt(place)
    if (value === undefined) {
      const entry = namespace.current.entries.at(place)
      const nowMs = core.nowMs()
      if (core.stateOf(entry, nowMs) !== 'fresh') return undefined
      counters.blob_gets++
      this.#hit(namespace, entry, nowMs)
      return entry.value
    }
    if (rows.isLimited(place) && core.nowMs() >= rows.expiresAtMs(place)) return undefined
    const { recent } = core
    if (recent.ms() < rows.lastAccessAtMs(place)) recent.forget()
    counters.blob_gets++
    counters.l1_hits++
    namespace.counts.hits++
    if (!rows.use(place, recent.ms())) l1.lift(place)
    return value
  }

  get(name: string, key: string, lease: boolean): Later<BlobRead> {
    const core = this.#core
    core.counters.blob_gets++
    const namespace = core.namespaces.get(name)
    if (namespace === undefined) {
      core.counters.l1_misses++
      if (core.hasStore) core.counters.l2_misses++
      return absent
    }
    const entry = namespace.current.entries.get(key)
    const nowMs = core.nowMs()
    if (entry !== undefined) {
      const state = core.stateOf(entry, nowMs)
      if (state === 'fresh') {
        this.#hit(namespace, entry, nowMs)
        return { state, blob: blobOf(entry, nowMs), staleMs: undefined, lease: undefined }
      }
      if (state === 'stale') {
        this.#hit(namespace, entry, nowMs)
        return this.#stale(namespace.current, entry, nowMs, lease)
      }
      core.counters.l1_misses++
      // What L1 says of its key L2 would say too; it is not asked.
      if (core.hasStore) this.#l2Miss(namespace)
      else namespace.counts.misses++
      if (state !== 'held' && state !== 'retained') core.remove(entry, namespace.current, state)
      return this.#nothing(namespace.current, key, nowMs, lease)
    }
    core.counters.l1_misses++
    if (!core.hasStore) {
      namespace.counts.misses++
      return this.#nothing(namespace.current, key, nowMs, lease)
    }
    if (!core.mayBeInStore(namespace.current, key)) {
      this.#skip(namespace)
      return this.#nothing(namespace.current, key, nowMs, lease)
    }
    return this.#getFromStore(namespace, key, lease)
  }

  async #getFromStore(namespace: BlobNamespace, key: string, lease: boolean): Promise<BlobRead> {
    const fetched = await this.#fetch(namespace, [key])
    return this.#answer(namespace, key, fetched[0], lease)
  }

  /** What is found, in the order of the keys; one trip to the store for all that L1 does not have (L1-40). */
  getMany(name: string, keys: readonly string[]): Later<readonly Blob[]> {
    const core = this.#core
    const namespace = core.namespaces.get(name)
    const found: (Blob | undefined)[] = []
    const missing: { key: string; at: number }[] = []
    for (const [at, key] of keys.entries()) {
      const isInL1 = namespace === undefined || namespace.current.entries.has(key)
      if (isInL1 || !core.mayBeInStore(namespace.current, key)) {
        const read = this.get(name, key, false)
        found.push(read instanceof Promise ? undefined : read.blob)
        continue
      }
      core.counters.blob_gets++
      core.counters.l1_misses++
      found.push(undefined)
      missing.push({ key, at })
    }
    if (namespace === undefined || missing.length === 0) return found.filter(isThere)
    const wanted = missing.map(({ key }) => key)
    return this.#fetch(namespace, wanted).then((fetched) => {
      for (const [index, { key, at }] of missing.entries()) {
        const { blob } = this.#answer(namespace, key, fetched[index], false)
        found[at] = blob
      }
      return found.filter(isThere)
    })
  }

  /** A look: neither counted nor promoted, and nothing moves (MET-8). */
  look(name: string, keys: readonly string[], withValue: boolean): Later<readonly Blob[]> {
    const core = this.#core
    const namespace = core.namespaces.get(name)
    if (namespace === undefined) return []
    const nowMs = core.nowMs()
    const found: (Blob | undefined)[] = []
    const missing: Missing[] = []
    for (const [at, key] of keys.entries()) {
      const entry = namespace.current.entries.get(key)
      found.push(entry === undefined ? undefined : this.#seen(entry, nowMs, withValue))
      if (entry === undefined && core.mayBeInStore(namespace.current, key)) missing.push({ key, at })
    }
    return missing.length === 0
      ? found.filter(isThere)
      : this.#lookInStore(namespace.current, found, missing, withValue)
  }

  async #lookInStore(
    generation: Generation,
    found: (Blob | undefined)[],
    missing: readonly Missing[],
    withValue: boolean,
  ): Promise<readonly Blob[]> {
    const core = this.#core
    const { scope } = generation
    const keys = missing.map(keyOf)
    const after = this.#lastWriteOf(generation, keys)
    const messages = await core.client?.read({ kind: 'get', scope, keys, withValue, quiet: true }, after)
    for (const [index, { key, at }] of missing.entries()) {
      const message = messages?.[index]
      if (message === undefined) continue
      const bounds = this.#boundsOf(message)
      if (bounds === 'unproven' || bounds === 'moved') continue
      const entry = new BlobEntry(generation, factsOf(key, message, bounds))
      found[at] = this.#seen(entry, core.nowMs(), withValue, { tier: 'l2', bytes: message.head.rawBytes })
    }
    return found.filter(isThere)
  }

  /** The last write that a read of these keys must see. */
  #lastWriteOf(generation: Generation, keys: readonly string[]): number {
    let last = 0
    for (const key of keys) last = Math.max(last, this.#core.afterOf(generation, key))
    return last
  }

  /** Whether get would serve the key now (L1-33). */
  exists(name: string, key: string, exact: boolean): Later<'present' | 'maybe' | 'absent'> {
    const core = this.#core
    const namespace = core.namespaces.get(name)
    if (namespace === undefined) return 'absent'
    const entry = namespace.current.entries.get(key)
    if (entry !== undefined) {
      const state = core.stateOf(entry, core.nowMs())
      return state === 'fresh' || state === 'stale' ? 'present' : 'absent'
    }
    if (!core.mayBeInStore(namespace.current, key)) return 'absent'
    if (!exact) return 'maybe'
    const found = this.look(name, [key], false)
    const tell = (blobs: readonly Blob[]): 'present' | 'absent' => (blobs.length > 0 ? 'present' : 'absent')
    return found instanceof Promise ? found.then(tell) : tell(found)
  }

  #seen(entry: BlobEntry, nowMs: number, withValue: boolean, from?: InStore): Blob | undefined {
    const state = this.#core.stateOf(entry, nowMs)
    if (state !== 'fresh' && state !== 'stale') return undefined
    const blob = blobOf(entry, nowMs, from?.tier)
    return withValue ? blob : { ...blob, value: undefined, bytes: from?.bytes ?? blob.bytes }
  }

  /** Reads keys from L2; what became old on the way is not among them. */
  async #fetch(namespace: BlobNamespace, keys: readonly string[]): Promise<(Fetched | undefined)[]> {
    const core = this.#core
    const generation = namespace.current
    const after = this.#lastWriteOf(generation, keys)
    const synopsis = generation.synopsis
    const startUs = performance.now() * 1000
    const tickets: ReadTicket[] = []
    for (const key of keys) tickets.push(generation.beginRead(key))
    const messages = await core.client?.read(
      { kind: 'get', scope: generation.scope, keys, withValue: true, quiet: false },
      after,
    )
    core.onL2Read(performance.now() * 1000 - startUs)
    const fetched: (Fetched | undefined)[] = []
    for (const [index, ticket] of tickets.entries()) {
      const message = messages?.[index]
      const isLate = generation.endRead(ticket, message?.attributes)
      if (message !== undefined) {
        fetched.push(this.#takeIn(namespace, generation, ticket.key, isLate, message))
        continue
      }
      const saidMaybe = messages !== undefined && synopsis !== undefined && after === 0 && !isLate
      if (saidMaybe) {
        core.counters.synopsis_false_positives++
        namespace.counts.falsePositives++
      }
      fetched.push(this.#l2Miss(namespace))
    }
    return fetched
  }

  /** A reply has come: is it still true, and may it be served? */
  #takeIn(
    namespace: BlobNamespace,
    generation: Generation,
    key: string,
    isLate: boolean,
    message: FoundMessage,
  ): Fetched | undefined {
    const core = this.#core
    const { counters } = core
    if (isLate || namespace.current !== generation || namespace.isDropped) {
      counters.l1_late_replies++
      return this.#l2Miss(namespace)
    }
    const bounds = this.#boundsOf(message)
    if (bounds === 'unproven' || bounds === 'moved') {
      if (bounds === 'moved') core.sendRemoval(generation, key)
      return this.#l2Miss(namespace)
    }
    const facts = factsOf(key, message, bounds)
    const entry = new BlobEntry(generation, facts)
    const state = core.stateOf(entry, core.nowMs())
    if (state !== 'fresh' && state !== 'stale') return this.#l2Miss(namespace)
    counters.l2_hits++
    namespace.counts.hits++
    if (entry.policy.admission !== 'never' && !this.#isForL2Alone(entry)) {
      core.promotion.consider(generation, namespace.name, { ...facts, lastAccessAtMs: core.nowMs() })
    }
    return { entry, facts }
  }

  #isForL2Alone(entry: BlobEntry): boolean {
    return entry.policy.admission === 'auto' && entry.value.length > this.#core.settings.l1AdmitBytesMax
  }

  #answer(namespace: BlobNamespace, key: string, fetched: Fetched | undefined, lease: boolean): BlobRead {
    const core = this.#core
    const nowMs = core.nowMs()
    // Somebody may have put it while we asked.
    const current = namespace.current.entries.get(key)
    const entry = fetched?.entry ?? current
    if (entry !== undefined) {
      const state = core.stateOf(entry, nowMs)
      const tier = entry === current ? undefined : 'l2'
      if (state === 'fresh') return { state, blob: blobOf(entry, nowMs, tier), staleMs: undefined, lease: undefined }
      if (state === 'stale') return this.#stale(namespace.current, entry, nowMs, lease, tier)
    }
    return this.#nothing(namespace.current, key, nowMs, lease)
  }

  #stale(generation: Generation, entry: BlobEntry, nowMs: number, lease: boolean, tier?: 'l2'): BlobRead {
    this.#core.counters.l1_stale_hits++
    return {
      state: 'stale',
      blob: blobOf(entry, nowMs, tier),
      staleMs: staleLeftMs(entry, nowMs),
      lease: lease ? this.#lease(generation, entry.key, nowMs) : undefined,
    }
  }

  #nothing(generation: Generation, key: string, nowMs: number, lease: boolean): BlobRead {
    if (!lease) return absent
    const token = this.#lease(generation, key, nowMs)
    if (token !== undefined) return { ...absent, lease: token }
    return generation.leases.isHeld(key, nowMs) ? { ...absent, state: 'wait' } : absent
  }

  #lease(generation: Generation, key: string, nowMs: number): string | undefined {
    const token = generation.leases.take(key, nowMs, this.#core.settings.leaseTtlMs)
    if (token !== undefined) this.#core.counters.blob_leases++
    return token
  }

  #boundsOf({ attributes }: FoundMessage): readonly Bound[] | undefined | 'unproven' | 'moved' {
    return attributes.proof === undefined ? undefined : rebind(attributes.proof, this.#core.epochs)
  }

  #hit(namespace: BlobNamespace, entry: BlobEntry, nowMs: number): void {
    const core = this.#core
    core.counters.l1_hits++
    namespace.counts.hits++
    if (!core.l1.rows.use(entry.place, nowMs)) core.l1.lift(entry.place)
    entry.hits++
    entry.lastAccessAtMs = nowMs
    entry.isUnreported = core.l1.rows.isUnreported(entry.place)
    const { idleTtlMs } = entry.policy
    if (idleTtlMs > 0 && nowMs - entry.reportedAtMs >= idleTtlMs / 8) core.reportAccess(namespace.current, entry)
  }

  #skip(namespace: BlobNamespace): void {
    this.#core.counters.synopsis_skips++
    namespace.counts.synopsisSkips++
    namespace.counts.misses++
  }

  #l2Miss(namespace: BlobNamespace): undefined {
    this.#core.counters.l2_misses++
    namespace.counts.misses++
    return undefined
  }
}

function keyOf({ key }: Missing): string {
  return key
}

function isThere(blob: Blob | undefined): blob is Blob {
  return blob !== undefined
}
