// Touching, invalidating, flushing: in force here in one turn, durable in L2 before it is acknowledged (G-5).

import { conditions, ServerError } from '../../errors/index.ts'
import type { BlobCore } from './blob-core.ts'
import type { BlobNamespace } from './blob-namespace.ts'
import type { FlushedNamespace } from './blob-rows.ts'
import type { BlobEntry } from './entry.ts'
import type { Generation } from './generation.ts'
import type { InvalidationTarget } from './l2-invalidation.ts'
import { labelsOf, type TouchChange, touchedPolicy } from './l2-touch.ts'
import { checkLabels, isReserved } from './names.ts'
import { checkPolicy } from './policy.ts'
import type { Write } from './store-client.ts'

export interface BlobTarget {
  readonly kind: InvalidationTarget['kind']
  /** Undefined for all namespaces of users: tags and dependencies only. */
  readonly namespace: string | undefined
  readonly subjects: readonly string[]
}

export interface Invalidated {
  /** How many entries each subject took; each entry counts at the first. */
  readonly entries: readonly number[]
  readonly durable: boolean
}

export class BlobChanges {
  readonly #core: BlobCore

  constructor(core: BlobCore) {
    this.#core = core
  }

  /** Which of the keys were there. */
  async touch(name: string, keys: readonly string[], change: TouchChange): Promise<readonly boolean[]> {
    const core = this.#core
    checkChange(change)
    checkLabels(change.tags ?? [], change.dependencies ?? [], core.settings)
    const namespace = core.namespaces.get(name)
    if (namespace === undefined) return keys.map(() => false)
    const generation = namespace.current
    const atMs = core.nowMs()
    const stamp = core.stamp()
    const touched = keys.map((key) => {
      const there = core.living(generation, key)
      if (there !== undefined) this.#touchOne(namespace, there, change, atMs, stamp)
      return there !== undefined
    })
    const asked = keys.filter((key) => core.mayBeInStore(generation, key))
    // A store that cannot be asked now must not come back with what an entry was before.
    if (!core.hasStore) for (const key of keys) core.sendRemoval(generation, key)
    if (asked.length === 0) return touched
    for (const key of asked) core.supersede(generation, key)
    const touch = { scope: generation.scope, keys: asked, change, atMs, stamp }
    const told = this.#tell(generation, asked, { kind: 'touch', touch }, false)
    // If it could not be done the entry is gone there.
    const answer = await told.catch(() => undefined)
    const inL2 = new Map(asked.map((key, index) => [key, answer?.result[index] === true]))
    return touched.map((isThere, index) => isThere || inL2.get(keys[index] as string) === true)
  }

  /** `markStale`: entries with a stale window stay, and are stale from now on (TTL-15). */
  async invalidate(target: BlobTarget, markStale: boolean): Promise<Invalidated> {
    const core = this.#core
    const parts = this.#namespacesOf(target).map((namespace) => this.#invalidateIn(namespace, target, markStale))
    const results = await Promise.all(parts)
    const entries = target.subjects.map((_, index) => results.reduce((sum, counts) => sum + (counts[index] ?? 0), 0))
    this.#count(target.kind, entries)
    return { entries, durable: core.client !== undefined }
  }

  /** Takes out entries that are still those that were read; of two who try one succeeds. */
  async remove(rows: readonly { namespace: string; key: string; stamp: number }[]): Promise<readonly boolean[]> {
    const removed: boolean[] = rows.map(() => false)
    const asked = new Map<BlobNamespace, { key: string; stamp: number; at: number; isKnown: boolean }[]>()
    for (const [at, row] of rows.entries()) this.#removeHere(row, at, removed, asked)
    await Promise.all([...asked].map(([namespace, wanted]) => this.#removeThere(namespace, wanted, removed)))
    const count = removed.filter(Boolean).length
    this.#count('key', [count])
    return removed
  }

  async flush(name: string): Promise<FlushedNamespace> {
    const core = this.#core
    const namespace = core.namespaces.get(name)
    if (namespace === undefined) return { existed: false, generationBefore: 0, generationAfter: 0, entries: 0 }
    const generationBefore = namespace.generation
    const inL1 = namespace.current.entries.size
    core.beginGeneration(namespace)
    namespace.counts.flushes++
    core.counters.namespace_flushes++
    const generationAfter = namespace.generation
    const answer = await this.#tellWide(namespace, {
      kind: 'flush',
      namespace: namespace.id,
      generation: generationAfter,
    })
    return {
      existed: true,
      generationBefore,
      generationAfter,
      entries: Math.max(inL1, (answer as number | undefined) ?? 0),
    }
  }

  #touchOne(namespace: BlobNamespace, entry: BlobEntry, change: TouchChange, atMs: number, stamp: number): void {
    const core = this.#core
    const policy = touchedPolicy(entry.policy, change)
    const attributes = labelsOf(entry.attributes, change) ?? entry.attributes
    const ttlFromMs = change.ttlMs === undefined ? entry.ttlFromMs : atMs
    core.supersede(namespace.current, entry.key)
    core.install(namespace, {
      ...factsOf(entry),
      policy,
      attributes,
      ttlFromMs,
      lastAccessAtMs: Math.max(entry.lastAccessAtMs, atMs),
      stamp,
      hits: entry.hits,
    })
  }

  #namespacesOf(target: BlobTarget): BlobNamespace[] {
    const { namespaces } = this.#core
    if (target.namespace === undefined) return [...namespaces.values()].filter(({ name }) => !isReserved(name))
    const namespace = namespaces.get(target.namespace)
    return namespace === undefined ? [] : [namespace]
  }

  async #invalidateIn(namespace: BlobNamespace, target: BlobTarget, markStale: boolean): Promise<number[]> {
    const core = this.#core
    const generation = namespace.current
    const { kind, subjects } = target
    const known: { key: string; subject: number }[] = []
    for (const [subject, name] of subjects.entries()) {
      this.#makeOld(generation, kind, name)
      for (const entry of matching(generation, kind, name)) {
        // One that became stale may have needed its room.
        if (!generation.entries.holds(entry)) continue
        const there = core.living(generation, entry.key)
        if (there === undefined) {
          // Its life is over, so it was not there; should it be kept for a lost origin, that is over too.
          const retained = generation.entries.get(entry.key)
          if (retained !== undefined) core.take(retained, generation)
          continue
        }
        known.push({ key: entry.key, subject })
        this.#takeOut(namespace, there, markStale)
      }
    }
    const counts = subjects.map(() => 0)
    if (!core.isStoreKept || !this.#mayMatter(generation, kind, subjects)) {
      for (const { subject } of known) counts[subject] = (counts[subject] as number) + 1
    } else {
      const request = { scope: generation.scope, target: { kind, subjects } as InvalidationTarget, markStale }
      const write: Write = { kind: 'invalidate', request, known: known.map(({ key }) => key) }
      const answer =
        kind === 'key'
          ? (await this.#tell(generation, subjects, write, true))?.result
          : ((await this.#tellWide(namespace, write)) as { counts: number[]; known: boolean[] } | undefined)
      for (const [index, { subject }] of known.entries()) {
        if (answer?.known[index] !== true) counts[subject] = (counts[subject] as number) + 1
      }
      for (const [subject, count] of (answer?.counts ?? []).entries())
        counts[subject] = (counts[subject] as number) + count
    }
    namespace.counts.invalidations += counts.reduce((sum, count) => sum + count, 0)
    return counts
  }

  /** L2 has nothing of it for sure. */
  #mayMatter(generation: Generation, kind: BlobTarget['kind'], subjects: readonly string[]): boolean {
    if (!generation.mayBeStored) return false
    return kind !== 'key' || !this.#core.hasStore || subjects.some((key) => this.#core.mayBeInStore(generation, key))
  }

  /** What is under way comes to nothing. */
  #makeOld(generation: Generation, kind: BlobTarget['kind'], subject: string): void {
    const core = this.#core
    if (kind === 'key') {
      core.supersede(generation, subject)
    } else if (kind === 'prefix') {
      generation.makeLateWhere((key) => key.startsWith(subject))
      generation.leases.endPrefix(subject)
      core.promotion.cancelWhere(generation, ({ key }) => key.startsWith(subject))
    } else {
      generation.labelClock.invalidate(kind, subject)
      core.promotion.cancelWhere(generation, ({ attributes }) =>
        (kind === 'tag' ? attributes.tags : attributes.dependencies).includes(subject),
      )
    }
  }

  #takeOut(namespace: BlobNamespace, entry: BlobEntry, markStale: boolean): void {
    const core = this.#core
    if (!markStale || entry.policy.staleWindowMs === 0) {
      core.take(entry, namespace.current)
      return
    }
    const expiresAtMs = Math.min(core.nowMs(), entry.expiresAtMs)
    core.supersede(namespace.current, entry.key)
    core.install(namespace, { ...factsOf(entry), policy: { ...entry.policy, expiresAtMs } })
  }

  #removeHere(
    { namespace: name, key, stamp }: { namespace: string; key: string; stamp: number },
    at: number,
    removed: boolean[],
    asked: Map<BlobNamespace, { key: string; stamp: number; at: number; isKnown: boolean }[]>,
  ): void {
    const core = this.#core
    const namespace = core.namespaces.get(name)
    if (namespace === undefined) return
    const generation = namespace.current
    const there = core.living(generation, key)
    const isKnown = there !== undefined
    if (isKnown && there.stamp !== stamp) return
    if (isKnown) {
      removed[at] = true
      core.supersede(generation, key)
      core.take(there, generation)
      namespace.counts.invalidations++
    }
    if (!core.isStoreKept || !generation.mayBeStored) return
    const wanted = asked.get(namespace) ?? []
    wanted.push({ key, stamp, at, isKnown })
    asked.set(namespace, wanted)
  }

  async #removeThere(
    namespace: BlobNamespace,
    wanted: readonly { key: string; stamp: number; at: number; isKnown: boolean }[],
    removed: boolean[],
  ): Promise<void> {
    const generation = namespace.current
    const known = wanted.filter(({ isKnown }) => isKnown).map(({ key }) => key)
    const unknown = wanted.filter(({ isKnown }) => !isKnown)
    // What L1 had L1 decides: there it goes whatever its stamp says.
    const request = { scope: generation.scope, target: { kind: 'key' as const, subjects: known }, markStale: false }
    const told: Promise<unknown>[] = []
    if (known.length > 0) told.push(this.#tell(generation, known, { kind: 'invalidate', request, known: [] }, true))
    if (unknown.length > 0) {
      for (const { key } of unknown) this.#core.supersede(generation, key)
      const keys = unknown.map(({ key }) => key)
      const asked = this.#tell(generation, keys, { kind: 'remove', scope: generation.scope, rows: unknown }, true)
      told.push(
        asked.then((answer) => {
          for (const [index, { at }] of unknown.entries()) {
            removed[at] = answer?.result[index] === true
            if (removed[at]) namespace.counts.invalidations++
          }
        }),
      )
    }
    await Promise.all(told)
  }

  /** Sends a write of these keys and waits for it. Undefined if there is nobody to tell. */
  async #tell<Request extends Write>(
    generation: Generation,
    keys: readonly string[],
    request: Request,
    durable: boolean,
  ) {
    const { client } = this.#core
    if (client === undefined || !this.#core.isStoreKept) return undefined
    const { number, written } = client.writeAndWait<Request['kind']>(request as never, { durable })
    for (const key of keys) this.#core.noteSent(generation, key, number)
    return await written
  }

  async #tellWide(namespace: BlobNamespace, request: Write): Promise<unknown> {
    const { client } = this.#core
    if (client === undefined || !this.#core.isStoreKept) return undefined
    const { number, written } = client.writeAndWait(request as never, { durable: true })
    namespace.current.sentWide(number)
    return (await written).result
  }

  #count(kind: BlobTarget['kind'], entries: readonly number[]): void {
    const { counters } = this.#core
    const count = entries.reduce((sum, each) => sum + each, 0)
    if (kind === 'key') counters.invalidated_by_key += count
    else if (kind === 'prefix') counters.invalidated_by_prefix += count
    else if (kind === 'tag') counters.invalidated_by_tag += count
    else counters.invalidated_by_dependency += count
  }
}

function matching(generation: Generation, kind: BlobTarget['kind'], subject: string): BlobEntry[] {
  if (kind === 'key') {
    const entry = generation.entries.get(subject)
    return entry === undefined ? [] : [entry]
  }
  if (kind === 'prefix') return generation.entries.where((key) => key.startsWith(subject))
  return generation.labels.under(kind, subject).flatMap((key) => generation.entries.get(key) ?? [])
}

/** Everything of an entry that another one takes over. */
function factsOf(entry: BlobEntry) {
  const { key, value, attributes, policy, version, createdAtMs, ttlFromMs, lastAccessAtMs } = entry
  const { stamp, costUs, bounds, inL2, storedBytes, codec } = entry
  const times = { createdAtMs, ttlFromMs, lastAccessAtMs }
  return { key, value, attributes, policy, version, ...times, stamp, costUs, bounds, inL2, storedBytes, codec }
}

/** Limits as of a put; null takes one away. */
function checkChange({ ttlMs, expiresAtMs, idleTtlMs, staleWindowMs, priority }: TouchChange): void {
  checkPolicy({
    ttlMs: ttlMs ?? undefined,
    expiresAtMs: expiresAtMs ?? undefined,
    idleTtlMs: idleTtlMs ?? undefined,
    staleWindowMs: staleWindowMs ?? undefined,
    priority,
  })
  if (ttlMs === 0 || expiresAtMs === 0) throw new ServerError(conditions.parameterOutOfRange, [0, 'ttl', 1, 2 ** 47])
}
