// The second tier: entries on disk, in the trees and extents of one store. Runs on the store thread and is called by nobody else.
//
// Operations are generators of steps: they yield where other work may go between, and what they change for others to see they
// change in one turn. Writes run one after the other; reads may run between their steps.
//
// Invariants
//   1. What a put or an invalidation took out of force does not come back (l2-commits.ts).
//   2. `l2_bytes_in_use` never passes its bound: room is made before a value is written (L2-5, MEM-3).
//   3. An entry is found only under the generation of its namespace that is in force (L2-20).

import type { Clock } from '../../base/index.ts'
import type { Strategy } from '../../eviction/index.ts'
import type { Counters } from '../../observe/index.ts'
import { type BackgroundWriterSettings, type Store, touching } from '../../storage/index.ts'
import { Compressor, type CompressorOptions, type Encoded, type EncodedValue } from './compressor.ts'
import { type Freshness, freshness } from './freshness.ts'
import { L2Commits } from './l2-commits.ts'
import { type EntryObserver, isDamage, L2Entries } from './l2-entries.ts'
import { L2Eviction } from './l2-eviction.ts'
import { L2Invalidation } from './l2-invalidation.ts'
import { behind, catalogKey, recordKey as recordKeyOf, type Scope } from './l2-keys.ts'
import type { LoadedPart } from './l2-load.ts'
import { type L2Namespace, L2Namespaces } from './l2-namespaces.ts'
import type { Attributes, L2Record, RecordHead } from './l2-record.ts'
import { L2Rows } from './l2-rows.ts'
import { L2Synopses, type SynopsisListener } from './l2-synopses.ts'
import { L2Touch } from './l2-touch.ts'
import { L2Values, type Steps } from './l2-value.ts'
import { VisitedBits } from './l2-visited.ts'
import { isNoRoom } from './no-room.ts'
import type { Policy } from './policy.ts'
import { decodeSynopses, encodeSynopses } from './saved-synopses.ts'
import { L2Sweeper } from './sweeper.ts'

export interface L2Options {
  readonly bytesMax: number
  readonly compression: CompressorOptions
  readonly synopsisBytesMax: number
  readonly synopsisKeysInitial: number
  readonly backgroundWriter?: BackgroundWriterSettings
}

export interface L2Observer extends EntryObserver {
  readonly synopsis: SynopsisListener
}

/** What must hold for a put to be stored. */
export type PutCondition =
  | { readonly kind: 'absent' }
  /** It has this version, or is absent. */
  | { readonly kind: 'version'; readonly version: number }
  /** It is still the entry with this stamp. */
  | { readonly kind: 'stamp'; readonly stamp: number }

export interface PutRequest {
  readonly scope: Scope
  readonly key: string
  readonly value: Uint8Array
  readonly attributes: Attributes
  readonly policy: Policy
  readonly version: number | undefined
  /** The version must exceed the one that is stored (L1-15); else whoever asks has made sure of it. */
  readonly checksVersion: boolean
  readonly only: PutCondition | undefined
  readonly createdAtMs: number
  readonly stamp: number
  readonly costUs: number
}

export type PutResult =
  | { readonly kind: 'stored'; readonly storedBytes: number; readonly codec: number }
  /** The condition did not hold, or the version is not above the one that is stored; nothing was changed. */
  | Refusal
  /** Nothing lies under the key here; the value may live in L1. */
  | { readonly kind: 'rejected'; readonly why: 'too_large' | 'no_room' | 'gone' }

interface Refusal {
  readonly kind: 'refused'
  /** version: not the one asked for. older: not above the one that is there. */
  readonly why: 'exists' | 'version' | 'changed' | 'older'
  readonly version: number | undefined
}

export interface Found {
  readonly record: L2Record
  readonly attributes: Attributes
  readonly state: Freshness
  readonly value: Uint8Array | undefined
}

interface EncodedEntry {
  readonly head: Omit<RecordHead, keyof Encoded>
  readonly attributes: Attributes
  readonly encoded: EncodedValue
  readonly strategy?: Strategy
}

/** `quiet`: leaves no mark of use (MET-8). `fleeting`: the value need not outlive the next read. */
interface ReadManner {
  readonly withValue: boolean
  readonly quiet: boolean
  readonly fleeting?: boolean
}

/** One turn makes room by at most so many entries. */
const evictionsPerStep = 16

export class L2 {
  readonly store: Store
  readonly counters: Counters
  readonly namespaces: L2Namespaces
  readonly rows: L2Rows
  readonly entries: L2Entries
  readonly values: L2Values
  readonly compressor: Compressor
  readonly synopses: L2Synopses
  readonly commits: L2Commits
  readonly invalidation: L2Invalidation
  readonly touching: L2Touch
  readonly sweeper: L2Sweeper
  readonly #eviction: L2Eviction
  #options: L2Options
  /** A put found no room on the disk; whoever makes room says so. */
  lacksRoom = false

  constructor(store: Store, parts: { options: L2Options; counters: Counters; clock: Clock; observer: L2Observer }) {
    const { options, counters, clock, observer } = parts
    const visited = new VisitedBits()
    this.store = store
    this.counters = counters
    this.#options = options
    if (options.backgroundWriter !== undefined) store.writer.configure(options.backgroundWriter)
    this.compressor = new Compressor(options.compression, counters)
    this.namespaces = new L2Namespaces(store)
    this.rows = new L2Rows(store, this.namespaces)
    this.values = new L2Values(store, this.compressor)
    this.synopses = new L2Synopses(
      { store, namespaces: this.namespaces, counters },
      { bytesMax: options.synopsisBytesMax, keysInitial: options.synopsisKeysInitial },
      observer.synopsis,
    )
    this.commits = new L2Commits({
      store,
      beforeSeal: () => this.#beforeSeal(),
      afterFall: () => this.#afterFall(),
    })
    const { namespaces, rows, synopses, commits } = this
    this.entries = new L2Entries({ store, namespaces, rows, synopses, visited, commits, counters, clock, observer })
    const { entries, values } = this
    this.#eviction = new L2Eviction({ store, namespaces, entries, visited })
    this.invalidation = new L2Invalidation({ store, namespaces, rows, entries, commits })
    this.touching = new L2Touch({ namespaces, entries, rows, values })
    this.sweeper = new L2Sweeper({ store, namespaces, rows, entries, clock, counters })
    this.synopses.forgetAll()
    this.#restoreSynopses()
    this.entries.gauges()
  }

  configure(options: L2Options): void {
    this.#options = options
    this.compressor.configure(options.compression)
    this.synopses.configure(options.synopsisBytesMax)
    if (options.backgroundWriter !== undefined) this.store.writer.configure(options.backgroundWriter)
  }

  *put(request: PutRequest): Steps<PutResult> {
    const { scope, key, attributes } = request
    const namespace = this.namespaces.alive(scope)
    if (namespace === undefined) return { kind: 'rejected', why: 'gone' }
    const recordKey = recordKeyOf(scope, key)
    const refusal = refusalOf(request, this.entries.living(recordKey))
    if (refusal !== undefined) return refusal
    this.entries.remember(recordKey)
    let result: PutResult | undefined
    try {
      const wanted = namespace.stored.compression ?? true
      const encoded = yield* this.values.encode(request.value, attributes.contentType, wanted)
      const { policy, version, createdAtMs, stamp, costUs } = request
      const times = { createdAtMs, ttlFromMs: createdAtMs, lastAccessAtMs: createdAtMs }
      const head = { policy, version, ...times, stamp, costUs, queueNumber: 0 }
      const placed = yield* this.place(namespace, recordKey, { head, attributes, encoded })
      if (placed === 'stored') result = { kind: placed, storedBytes: encoded.storedBytes, codec: encoded.codec }
      else result = { kind: 'rejected', why: placed }
    } finally {
      // What lies under the key is older than what the caller believes to have put.
      if (result?.kind !== 'stored') this.entries.takeKey(recordKey, 'invalidated')
    }
    if (result.kind === 'stored') this.counters.l2_puts++
    else this.counters.l2_rejections++
    return result
  }

  /** Puts an entry under a key whose value is encoded, if it fits or can be made to. */
  *place(
    namespace: L2Namespace,
    recordKey: Uint8Array,
    given: EncodedEntry,
  ): Steps<'stored' | 'too_large' | 'no_room'> {
    const { head, attributes, encoded, strategy } = given
    const bytes = recordKey.length + this.values.bytesFor(head, attributes, encoded)
    if (bytes > Math.min(this.#options.bytesMax, namespace.stored.bytesMax ?? bytes)) return 'too_large'
    try {
      if (!(yield* this.#makeRoom(namespace, recordKey, bytes, strategy))) return 'no_room'
      const record = yield* this.values.place(head, attributes, encoded)
      touching(this.store.trees, strategy, () => this.entries.keep(recordKey, record, attributes))
    } catch (error) {
      if (!isNoRoom(error)) throw error
      this.lacksRoom = true
      return 'no_room'
    }
    return 'stored'
  }

  /** The entry under a key, unless its life is over. A value that cannot be read is a miss, and leaves. */
  *get(scope: Scope, key: string, how: ReadManner): Steps<Found | undefined> {
    const { withValue, quiet, fleeting = false } = how
    if (!quiet) this.counters.l2_record_reads++
    if (this.namespaces.alive(scope) === undefined) return undefined
    const recordKey = recordKeyOf(scope, key)
    const record = this.entries.living(recordKey)
    if (record === undefined) return undefined
    const { era } = this.store
    try {
      const state = freshness(this.rows.lifetime(recordKey, record), this.entries.nowMs)
      const attributes = this.rows.attributesOf(record)
      const value = withValue ? yield* this.values.load(record, fleeting) : undefined
      if (!quiet) this.entries.noteRead(recordKey, record)
      return { record, attributes, state, value }
    } catch (error) {
      // Between two steps it may have been replaced, and the store may have fallen back.
      const isSame = this.store.era === era && this.entries.find(recordKey)?.stamp === record.stamp
      if (isSame) this.entries.takeDamaged(recordKey, error)
      else if (!isDamage(error)) throw error
      return undefined
    }
  }

  /** Makes a namespace, or gives one new options. */
  define(name: string, scope: Scope, options: string): void {
    // After a fall the commit that failed may be found whole, and with it that the namespace was dropped later on.
    this.commits.remember(() => {
      if (this.namespaces.find(scope.id)?.dropped !== true) this.namespaces.define(name, scope, options)
    })
    const before = this.namespaces.find(scope.id)?.generation
    const namespace = this.namespaces.define(name, scope, options)
    if (namespace.generation !== before) this.synopses.start(namespace)
  }

  /** Everything in the namespace is of an earlier generation from now on; returns how much that is (L2-21). */
  flush(id: number, generation: number): number {
    const namespace = this.namespaces.find(id)
    if (namespace === undefined || namespace.dropped || generation <= namespace.generation) return 0
    const { entries } = namespace
    this.commits.remember(() => void this.flush(id, generation))
    this.namespaces.flush(namespace, generation)
    this.synopses.start(namespace)
    return entries
  }

  /** What was loaded under an id takes the place of what has its name, with the commit that follows (ARC-14). */
  admit({ part, scope, options, lineage }: LoadedPart): void {
    const { id, as: name, replaced } = part
    this.commits.remember(() => this.namespaces.admit(id, name, options, replaced, lineage))
    this.namespaces.admit(id, name, options, replaced, lineage)
    if (replaced !== undefined) this.synopses.forget(replaced)
    const namespace = this.namespaces.alive(scope)
    if (namespace !== undefined) this.synopses.start(namespace)
  }

  drop(id: number): number {
    const namespace = this.namespaces.find(id)
    if (namespace === undefined || namespace.dropped) return 0
    const { entries } = namespace
    this.commits.remember(() => void this.drop(id))
    this.namespaces.drop(namespace)
    this.synopses.forget(id)
    return entries
  }

  commit(): Promise<void> {
    return this.commits.commit()
  }

  /** Commits what is open, with the synopses, and closes the store. */
  async close(): Promise<void> {
    if (this.store.state === 'open' || this.store.state === 'full') {
      // So that no other commit runs: what is saved must be all that the last one holds.
      await this.commit().catch(() => {})
      if (this.commits.isFallen) return await this.store.giveUp('what was out of force is there again')
      this.#saveSynopses()
      this.#beforeSeal()
    }
    await this.store.close()
  }

  /** Keeps, changes or takes out (undefined) a row of the catalog. */
  note(kind: string, name: string, bytes: Uint8Array | undefined): void {
    const { catalog } = this.store.trees
    const key = catalogKey(kind, name)
    const change = (): void => void (bytes === undefined ? catalog.delete(key) : catalog.set(key, bytes, true))
    this.commits.remember(change)
    change()
  }

  noted(kind: string): [name: string, bytes: Uint8Array][] {
    const from = catalogKey(kind, '')
    const rows = [...this.store.trees.catalog.scan({ from, to: behind(from) })]
    return rows.map(([key, bytes]) => [Buffer.from(key.subarray(from.length)).toString(), bytes])
  }

  /** Takes out a tenth of everything, so that a full disk has room again (L2-35). */
  *relieve(): Steps<void> {
    this.lacksRoom = false
    const target = this.namespaces.bytes * 0.9
    while (this.namespaces.bytes > target) {
      for (let count = 0; count < evictionsPerStep && this.namespaces.bytes > target; count++) {
        if (!this.#eviction.evictOne(undefined)) return
        if (this.store.space.isTight) break
      }
      yield
    }
  }

  /** Brings the bytes in use under a bound that was lowered (MEM-4). */
  *shrink(): Steps<void> {
    while (this.namespaces.bytes > this.#options.bytesMax) {
      if (!this.#eviction.evictOne(undefined)) return
      yield
    }
  }

  *#makeRoom(namespace: L2Namespace, recordKey: Uint8Array, bytes: number, how?: Strategy): Steps<boolean> {
    const { bytesMax = Number.POSITIVE_INFINITY, entriesMax = Number.POSITIVE_INFINITY } = namespace.stored
    for (let count = 1; ; count++) {
      const old = this.#bytesUnder(recordKey, how)
      const entries = namespace.entries + (old === 0 ? 1 : 0)
      const overQuota = entries > entriesMax || namespace.bytes - old + bytes > bytesMax
      if (!overQuota && this.namespaces.bytes - old + bytes <= this.#options.bytesMax) return true
      const evicted = overQuota ? this.#eviction.evictOwn(namespace, recordKey) : this.#eviction.evictOne(recordKey)
      if (!evicted) return false
      if (count % evictionsPerStep === 0 || this.store.space.isTight) yield
    }
  }

  #bytesUnder(recordKey: Uint8Array, how: Strategy | undefined): number {
    const record = this.entries.find(recordKey, how)
    return record === undefined ? 0 : this.rows.bytesOf(recordKey, record, how)
  }

  #beforeSeal(): void {
    this.namespaces.persist()
    this.rows.writeMark(this.sweeper.search)
    this.store.note({ bytesInUse: this.namespaces.bytes, recordCount: this.namespaces.entries })
  }

  /** Not a word to the store if it has no room for them: they are built anew. */
  #saveSynopses(): void {
    const saved = this.synopses.complete()
    if (saved.length === 0 || this.store.state !== 'open') return
    try {
      const pieces = encodeSynopses(saved, this.store.openCommit)
      const synopsisBytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
      this.store.note({ synopsis: this.store.chains.write(pieces), synopsisBytes })
    } catch (error) {
      if (!isNoRoom(error)) throw error
    }
  }

  /** What was saved is good once: the next commit holds changes of which it knows nothing. */
  #restoreSynopses(): void {
    const { clean, synopsis, synopsisBytes, commit } = this.store.header
    if (synopsis.length === 0) return
    try {
      const saved = clean ? decodeSynopses(this.store.chains.read(synopsis, 0, synopsisBytes), commit) : []
      for (const one of saved) this.synopses.restore(one)
    } catch (error) {
      if (!isDamage(error)) throw error
    }
    this.store.chains.free(synopsis)
    this.store.note({ synopsis: [], synopsisBytes: 0 })
  }

  #afterFall(): void {
    this.namespaces.reload()
    this.rows.readMark()
    this.synopses.forgetAll()
    this.entries.gauges()
  }
}

function refusalOf(request: PutRequest, old: L2Record | undefined): Refusal | undefined {
  const { only, version, checksVersion } = request
  const refuse = (why: Refusal['why']): Refusal => ({ kind: 'refused', why, version: old?.version })
  if (only?.kind === 'stamp' && old?.stamp !== only.stamp) return refuse('changed')
  if (old === undefined) return undefined
  if (only?.kind === 'absent') return refuse('exists')
  if (only?.kind === 'version' && old.version !== only.version) return refuse('version')
  if (!checksVersion || version === undefined || old.version === undefined) return undefined
  return version <= old.version ? refuse('older') : undefined
}
