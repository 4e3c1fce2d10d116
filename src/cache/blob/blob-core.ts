// What all operations of the blob cache share: the namespaces, L1, the way to L2, and the moves of one entry between them.
//
// The wire thread is where things happen: an entry is put, invalidated or flushed here first, in one turn, and L2 follows in
// the same order. So what L1 holds is never older than what L2 holds, and a key that L1 holds need not be asked for there.
//
// Invariants
//   1. Whatever makes an entry old does three things in one turn: takes it out of L1, makes reads and promotions of it that are
//      under way come to nothing, ends its lease (`supersede`), and sends the same to L2.
//   2. What L2 could not be told is gone there: a put that finds no room in the queue leaves a removal behind, and if even that has
//      none, a new generation of the namespace (G-6).

import type { Clock, RecentTime } from '../../base/index.ts'
import type { Counters } from '../../observe/index.ts'
import type { BlobNamespace, NamespaceKeeper } from './blob-namespace.ts'
import type { BlobSettings } from './blob-settings.ts'
import { BlobEntry, type EntryFacts, stampsPerMs } from './entry.ts'
import { type Epochs, hasMoved, isSuspended } from './epochs.ts'
import { type Freshness, freshness } from './freshness.ts'
import type { Generation } from './generation.ts'
import { hashText } from './key-hash.ts'
import type { EvictionCause, L1 } from './l1.ts'
import type { InvalidationTarget } from './l2-invalidation.ts'
import type { Scope } from './l2-keys.ts'
import type { Policy } from './policy.ts'
import { Promotion } from './promotion.ts'
import { nextOver } from './quota.ts'
import type { StoreClient, Write } from './store-client.ts'
import type { EventMessage, StoreState } from './store-messages.ts'
import { Synopsis } from './synopsis.ts'

/** held: a change of what it was derived from is being committed. moved: that has changed. */
type EntryState = Freshness | 'held' | 'moved'

/** Why an entry leaves L1 otherwise than for room. */
type RemovalReason = 'expired' | 'idle' | 'moved' | 'invalidated' | 'replaced'

interface CoreParts {
  readonly settings: BlobSettings
  readonly l1: L1
  readonly counters: Counters
  readonly clock: Clock
  readonly epochs: Epochs
  readonly onEvent: (event: EventMessage) => void
  readonly onL2Read: (us: number) => void
}

/** Entries of flushed generations that leave L1 in one turn. */
const reapedPerTurn = 500
/** Policies that are known to be shared; with more it is as if none were. */
const policiesMax = 256
/** Accesses that wait to be told to L2; more are forgotten, oldest first. */
const accessesMax = 4096
const copiedBytesMax = 16 * 1024

export class BlobCore implements NamespaceKeeper {
  readonly l1: L1
  readonly counters: Counters
  readonly epochs: Epochs
  readonly promotion: Promotion
  readonly onEvent: (event: EventMessage) => void
  /** How long L2 took for an answer. */
  readonly onL2Read: (us: number) => void
  readonly namespaces = new Map<string, BlobNamespace>()
  readonly byId = new Map<number, BlobNamespace>()
  settings: BlobSettings
  /** Undefined: L2 is off. */
  client: StoreClient | undefined
  storeState: StoreState | 'off' = 'off'
  incarnation = 0
  lastNamespaceId = 0
  /** For marks of use alone. */
  readonly recent: RecentTime
  readonly #clock: Clock
  #lastNowMs = 0
  #lastStamp = 0
  readonly #policies = new Map<string, Policy>()
  #dead: Generation[] = []
  #isReaping = false
  #accesses: [scope: Scope, key: string, atMs: number][] = []
  #sent: { generation: Generation; key: string; number: number }[] = []

  constructor(parts: CoreParts) {
    this.settings = parts.settings
    this.l1 = parts.l1
    this.counters = parts.counters
    this.epochs = parts.epochs
    this.onEvent = parts.onEvent
    this.onL2Read = parts.onL2Read
    this.#clock = parts.clock
    this.recent = parts.clock.recent
    this.promotion = new Promotion(parts.settings.promotion, parts.counters)
  }

  /** Wall time that never steps back (G-1). */
  nowMs(): number {
    this.#lastNowMs = Math.max(this.#lastNowMs, this.#clock.nowMs())
    return this.#lastNowMs
  }

  /** Grows, over restarts as well. */
  stamp(): number {
    this.#lastStamp = Math.max(this.#lastStamp + 1, this.nowMs() * stampsPerMs)
    return this.#lastStamp
  }

  /** L2 can be asked. */
  get hasStore(): boolean {
    return this.client !== undefined && (this.storeState === 'open' || this.storeState === 'full')
  }

  /** L2 can be asked, or will be again, and has to know what is old. */
  get isStoreKept(): boolean {
    if (this.client === undefined) return false
    return this.hasStore || this.storeState === 'fenced' || this.storeState === 'restoring'
  }

  stateOf(entry: BlobEntry, nowMs: number): EntryState {
    const state = freshness(entry, nowMs)
    if (entry.bounds === undefined || state === 'expired' || state === 'idle') return state
    if (hasMoved(entry.bounds)) return 'moved'
    return isSuspended(entry.bounds) ? 'held' : state
  }

  /** An entry in L1 that counts as there: fresh, stale, or held back for a moment. What is not leaves. */
  living(generation: Generation, key: string): BlobEntry | undefined {
    const entry = generation.entries.get(key)
    if (entry === undefined) return undefined
    const state = this.stateOf(entry, this.nowMs())
    if (state === 'fresh' || state === 'stale' || state === 'held') return entry
    if (state !== 'retained') this.remove(entry, generation, state)
    return undefined
  }

  /** Puts an entry into L1 where the one of its key is; undefined if L1 may not or cannot hold it. */
  install(namespace: BlobNamespace, facts: EntryFacts): BlobEntry | undefined {
    const generation = namespace.current
    const entry = new BlobEntry(generation, { ...facts, policy: this.#shared(facts.policy) })
    const old = generation.entries.get(facts.key)
    const home = this.#mayHold(namespace, entry, old) ? generation.entries.reserve(entry) : undefined
    if (home === undefined) {
      if (old !== undefined) this.take(old, generation)
      return undefined
    }
    this.#keepQuota(namespace, entry)
    if (!this.#admit(generation, entry)) {
      generation.entries.release(home)
      return undefined
    }
    generation.hold(entry, home)
    return entry
  }

  #admit(generation: Generation, entry: BlobEntry): boolean {
    // The old one may have left to make room for the namespace's own quota.
    const old = generation.entries.get(entry.key)
    if (old === undefined) return this.l1.admit(entry, entry.costUs)
    generation.forget(old)
    return this.l1.replace(old, entry, entry.costUs)
  }

  /** L2 has it, or has it not; nothing if it has left L1 since. */
  noteStored(
    generation: Generation,
    entry: BlobEntry,
    stored: { storedBytes: number; codec: number } | undefined,
  ): void {
    const { storedBytes, codec } = stored ?? entry
    generation.entries.noteStored(entry, { inL2: stored !== undefined, storedBytes, codec })
  }

  /** Takes an entry out of L1 and counts why. */
  remove(entry: BlobEntry, generation: Generation, reason: RemovalReason): void {
    const counts = this.byId.get(generation.scope.id)?.counts
    this.take(entry, generation)
    if (reason === 'expired' || reason === 'idle') {
      this.counters.l1_expirations++
      if (counts !== undefined) counts.expirations++
    }
    if (reason === 'idle') this.counters.l1_idle_evictions++
    if (reason === 'moved') {
      this.counters.invalidated_by_dependency++
      if (counts !== undefined) counts.invalidations++
    }
    // L2 may have rounded the access up, or know nothing of the epochs: what is over here is over there.
    if ((reason === 'idle' || reason === 'moved') && entry.inL2) this.sendRemoval(generation, entry.key)
  }

  /** Takes an entry out of L1. */
  take(entry: BlobEntry, generation: Generation): void {
    if (generation.forget(entry)) this.l1.remove(entry)
  }

  /** The key was put, touched or invalidated: what is under way with it comes to nothing. */
  supersede(generation: Generation, key: string): void {
    generation.makeLate(key)
    generation.leases.end(key)
    this.promotion.cancel(generation, key)
  }

  /** Whether L2 may hold the key, and can be asked; false needs no message (SYN-1). */
  mayBeInStore(generation: Generation, key: string): boolean {
    return this.hasStore && this.#mayBeKept(generation, key)
  }

  #mayBeKept(generation: Generation, key: string): boolean {
    if (!this.isStoreKept || !generation.mayBeStored) return false
    if (this.isPending(generation, key)) return true
    return generation.synopsis?.mayHold(hashText(key)) ?? true
  }

  isPending(generation: Generation, key: string): boolean {
    return generation.afterOf(key, this.client?.done ?? 0) > 0
  }

  /** The write that a read of this key has to wait for. */
  afterOf(generation: Generation, key: string): number {
    return generation.afterOf(key, this.client?.done ?? 0)
  }

  /** A write of one key went out. */
  noteSent(generation: Generation, key: string, number: number): void {
    generation.sent(key, number)
    this.#sent.push({ generation, key, number })
  }

  /** Writes up to this number are done. */
  settle(done: number): void {
    let count = 0
    for (const { generation, key, number } of this.#sent) {
      if (number > done) break
      generation.settled(key, number)
      count++
    }
    if (count > 0) this.#sent.splice(0, count)
  }

  /** Makes sure that L2 does not hold what it has not been told is old. */
  sendRemoval(generation: Generation, key: string): void {
    if (!this.#mayBeKept(generation, key)) return
    if (!this.#hasUrgentRoom) {
      this.flushForRoom(generation)
      return
    }
    const target: InvalidationTarget = { kind: 'key', subjects: [key] }
    const number = this.client?.write({
      kind: 'invalidate',
      request: { scope: generation.scope, target, markStale: false },
      known: [],
    })
    if (number !== undefined) this.noteSent(generation, key, number)
  }

  /** The last resort of a full queue: one small message makes all of a namespace old in L2, and here. */
  flushForRoom(generation: Generation): void {
    const namespace = this.byId.get(generation.scope.id)
    if (namespace === undefined || namespace.current !== generation) return
    this.beginGeneration(namespace)
    this.sendWide(namespace, { kind: 'flush', namespace: namespace.id, generation: namespace.generation })
    const { name } = namespace
    this.onEvent({ severity: 'warning', event: 'queue_overflow', subject: name, detail: 'the namespace was flushed' })
  }

  /** A write that concerns more than one key. */
  sendWide(namespace: BlobNamespace, request: Write): void {
    const number = this.client?.write(request)
    if (number !== undefined) namespace.current.sentWide(number)
  }

  /** Another generation, here; L2 is told by the caller. */
  beginGeneration(namespace: BlobNamespace): Generation {
    const before = namespace.begin(namespace.generation + 1)
    before.makeLateWhere(() => true)
    before.leases.endAll()
    this.promotion.cancelWhere(before, () => true)
    this.#dead.push(before)
    this.#reapSoon()
    return before
  }

  /** A value for L2, that is not the one in L1 if it is going to be moved. */
  valueToSend(value: Buffer, isShared: boolean): { value: Uint8Array; moved: ArrayBuffer | undefined } {
    if (isShared && value.length <= copiedBytesMax) return { value, moved: undefined }
    const own = isShared ? Uint8Array.from(value) : value
    const whole = own.byteOffset === 0 && own.byteLength === own.buffer.byteLength
    const sent = whole ? own : Uint8Array.from(own)
    return { value: sent, moved: sent.buffer as ArrayBuffer }
  }

  /** The store has another synopsis of a namespace. */
  takeSynopsis(scope: Scope, shared: SharedArrayBuffer | undefined): void {
    const generation = this.byId.get(scope.id)?.current
    if (generation?.scope.generation !== scope.generation) return
    generation.synopsis = shared === undefined ? undefined : new Synopsis(shared)
  }

  takeCounts(id: number, entries: number, bytes: number): void {
    const namespace = this.byId.get(id)
    if (namespace === undefined) return
    namespace.l2Entries = entries
    namespace.l2Bytes = bytes
  }

  entryEvicted(namespace: BlobNamespace, generation: Generation, entry: BlobEntry, _cause: EvictionCause): void {
    if (namespace.current !== generation) return
    namespace.counts.evictions++
    this.reportAccess(generation, entry)
  }

  /** An entry that was used since L2 last heard of it (L1-41). */
  reportAccess(generation: Generation, entry: BlobEntry): void {
    if (!entry.inL2 || !entry.isUnreported || !this.hasStore) return
    generation.entries.noteReported(entry)
    if (this.#accesses.length === 0) setImmediate(() => this.sendAccesses())
    else if (this.#accesses.length >= accessesMax) this.#accesses.shift()
    this.#accesses.push([generation.scope, entry.key, entry.lastAccessAtMs])
  }

  promote(namespace: BlobNamespace, generation: Generation, facts: EntryFacts): boolean {
    if (namespace.current !== generation || namespace.isDropped || generation.entries.has(facts.key)) return false
    const state = this.stateOf(new BlobEntry(generation, facts), this.nowMs())
    return state !== 'expired' && state !== 'idle' && state !== 'moved' && this.install(namespace, facts) !== undefined
  }

  /** Removals may use half as much again as the queue holds. */
  get #hasUrgentRoom(): boolean {
    const { client } = this
    return client !== undefined && client.depth < this.settings.queue.requestsMax * 1.5
  }

  /** Equal policies are one, so that entries that came from L2 can share theirs too. */
  #shared(policy: Policy): Policy {
    if (Object.isFrozen(policy) || policy.expiresAtMs !== undefined) return policy
    const { ttlMs, bytesMax, admission, priority, idleTtlMs, staleWindowMs, staleIfErrorMs, jitterPercent } = policy
    const times = `${ttlMs} ${idleTtlMs} ${staleWindowMs} ${staleIfErrorMs} ${jitterPercent}`
    const name = `${times} ${bytesMax} ${admission} ${priority}`
    const known = this.#policies.get(name)
    if (known !== undefined) return known
    if (this.#policies.size >= policiesMax) this.#policies.clear()
    this.#policies.set(name, policy)
    return policy
  }

  #mayHold(namespace: BlobNamespace, entry: BlobEntry, old: BlobEntry | undefined): boolean {
    const { bytesMax, entriesMax } = namespace.options
    if (entry.charge > this.l1.bytesMax || entry.charge > (bytesMax ?? entry.charge)) return false
    return old !== undefined || entriesMax === undefined || entriesMax >= 1
  }

  /** Over its own quota a namespace gives up its own entries (L1-38). */
  #keepQuota(namespace: BlobNamespace, entry: BlobEntry): void {
    const { bytesMax = Number.POSITIVE_INFINITY, entriesMax = Number.POSITIVE_INFINITY } = namespace.options
    const generation = namespace.current
    const isOver = (): boolean => {
      const replaced = generation.entries.get(entry.key)
      const entries = generation.entries.size + (replaced === undefined ? 1 : 0)
      return entries > entriesMax || generation.bytes - (replaced?.charge ?? 0) + entry.charge > bytesMax
    }
    while (isOver()) {
      const victim = nextOver(namespace, entry.key)
      if (victim === undefined) return
      this.take(victim, generation)
      this.counters.l1_evictions++
      namespace.counts.evictions++
      this.reportAccess(generation, victim)
    }
  }

  #reapSoon(): void {
    if (this.#isReaping) return
    this.#isReaping = true
    setImmediate(() => {
      this.#isReaping = false
      this.reap(reapedPerTurn)
      if (this.#dead.length > 0) this.#reapSoon()
    })
  }

  /** Takes entries of generations that are over out of L1. */
  reap(countMax: number): void {
    let count = 0
    while (this.#dead.length > 0) {
      const generation = this.#dead[0] as Generation
      for (let entry = generation.entries.any(); entry !== undefined; entry = generation.entries.any()) {
        if (count++ === countMax) return
        this.take(entry, generation)
      }
      this.#dead.shift()
    }
  }

  /** Tells L2 which entries were used. */
  sendAccesses(): void {
    const entries = this.#accesses
    this.#accesses = []
    if (this.hasStore && entries.length > 0) this.client?.chore({ kind: 'accessed', entries })
  }
}
