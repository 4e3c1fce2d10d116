// A blob cache that is one Map: what the statements over cache.blobs are tried on, without tiers, threads or files.
//
// It keeps to the contract of BlobStore: checks before effects, stamps that never come again, generations that only grow.

import { ManualClock } from '../../src/base/index.ts'
import type {
  Blob,
  BlobPut,
  BlobRead,
  BlobScan,
  BlobStore,
  BlobTarget,
  BlobTouch,
  FlushedNamespace,
  NamespaceChange,
  PutReceipt,
} from '../../src/commands/index.ts'
import { conditions, ServerError } from '../../src/errors/index.ts'
import type { NamespaceRow } from '../../src/virtual/index.ts'

interface Namespace {
  readonly name: string
  readonly id: number
  generation: number
  options: Record<string, unknown>
  owner: string
  readonly entries: Map<string, Blob>
}

export class MemoryBlobs implements BlobStore {
  readonly clock = new ManualClock()
  /** What was asked, in order. */
  readonly noted: string[] = []
  /** Called before each put, in place of another session. */
  beforePut: (() => void) | undefined
  readonly #namespaces = new Map<string, Namespace>()
  #lastId = 0
  #lastStamp = 0
  #leases = 0

  get(namespace: string, key: string, lease: boolean): BlobRead {
    this.noted.push(`get ${namespace} ${key}`)
    const blob = this.#alive(namespace, key)
    if (blob === undefined) {
      return { state: 'absent', blob, staleMs: undefined, lease: lease ? `lease-${++this.#leases}` : undefined }
    }
    const read = { ...blob, hits: blob.hits + 1, lastAccessAtMs: this.clock.nowMs() }
    this.#namespaces.get(namespace)?.entries.set(key, read)
    const staleMs =
      read.state === 'stale' ? (read.expiresAtMs ?? 0) + (read.staleWindowMs ?? 0) - this.clock.nowMs() : undefined
    return { state: read.state, blob: read, staleMs, lease: undefined }
  }

  getMany(namespace: string, keys: readonly string[]): readonly Blob[] {
    return keys.flatMap((key) => this.get(namespace, key, false).blob ?? [])
  }

  look(namespace: string, keys: readonly string[], withValue: boolean): readonly Blob[] {
    this.noted.push(`look ${namespace} ${keys.join(' ')}`)
    return keys.flatMap((key) => {
      const blob = this.#alive(namespace, key)
      return blob === undefined ? [] : [withValue ? blob : { ...blob, value: undefined }]
    })
  }

  exists(namespace: string, key: string): 'present' | 'absent' {
    return this.#alive(namespace, key) === undefined ? 'absent' : 'present'
  }

  async put(puts: readonly BlobPut[], durable: boolean): Promise<readonly (PutReceipt | undefined)[]> {
    this.beforePut?.()
    for (const put of puts) this.#check(put)
    return puts.map((put) => this.putNow(put, durable))
  }

  touch(namespace: string, keys: readonly string[], change: BlobTouch): readonly boolean[] {
    this.noted.push(`touch ${namespace} ${keys.join(' ')}`)
    return keys.map((key) => {
      const blob = this.#alive(namespace, key)
      if (blob === undefined) return false
      const { ttlMs = blob.ttlMs, expiresAtMs = blob.givenExpiresAtMs, idleTtlMs = blob.idleTtlMs, ...labels } = change
      const limits = {
        ttlMs: ttlMs ?? undefined,
        givenExpiresAtMs: expiresAtMs ?? undefined,
        idleTtlMs: idleTtlMs ?? undefined,
      }
      const touched = { ...blob, ...labels, ...limits }
      this.#namespaces.get(namespace)?.entries.set(key, { ...touched, expiresAtMs: this.#expiry(touched) })
      return true
    })
  }

  async invalidate(target: BlobTarget): Promise<{ entries: readonly number[]; durable: boolean }> {
    this.noted.push(`invalidate ${target.kind} ${target.namespace ?? '*'} ${target.subjects.join(' ')}`)
    const entries = target.subjects.map((subject) => {
      let count = 0
      for (const namespace of this.#named(target.namespace)) {
        for (const blob of [...namespace.entries.values()]) {
          if (!matches(blob, target.kind, subject)) continue
          if (this.#alive(blob.namespace, blob.key) !== undefined) count++
          namespace.entries.delete(blob.key)
        }
      }
      return count
    })
    return { entries, durable: true }
  }

  async remove(blobs: readonly Blob[]): Promise<readonly boolean[]> {
    return blobs.map(({ namespace, key, stamp }) => {
      const isThere = this.#alive(namespace, key)?.stamp === stamp
      if (isThere) this.#namespaces.get(namespace)?.entries.delete(key)
      return isThere
    })
  }

  async flush(name: string): Promise<FlushedNamespace> {
    const namespace = this.#namespaces.get(name)
    if (namespace === undefined) return { existed: false, generationBefore: 0, generationAfter: 0, entries: 0 }
    const entries = namespace.entries.size
    namespace.entries.clear()
    const generationBefore = namespace.generation++
    return { existed: true, generationBefore, generationAfter: namespace.generation, entries }
  }

  namespace(name: string): NamespaceRow | undefined {
    const namespace = this.#namespaces.get(name)
    return namespace === undefined ? undefined : rowOf(namespace)
  }

  namespaces(): Iterable<NamespaceRow> {
    return [...this.#namespaces.values()].map(rowOf)
  }

  createNamespace(name: string, options: Readonly<Record<string, unknown>>, owner: string): void {
    const id = ++this.#lastId
    this.#namespaces.set(name, { name, id, generation: 1, options: { ...options }, owner, entries: new Map() })
  }

  alterNamespace(name: string, change: NamespaceChange): void {
    const namespace = this.#namespaces.get(name) as Namespace
    for (const [option, value] of Object.entries(change.options ?? {})) {
      if (value === null) delete namespace.options[option]
      else namespace.options[option] = value
    }
    namespace.owner = change.owner ?? namespace.owner
  }

  async dropNamespace(name: string): Promise<void> {
    this.#namespaces.delete(name)
  }

  scan({ namespaces, keys, prefix, withValue, countMax }: BlobScan): readonly Blob[] {
    this.noted.push(`scan ${namespaces?.join(' ') ?? '*'}`)
    const found: Blob[] = []
    for (const namespace of namespaces === undefined
      ? this.#named(undefined)
      : namespaces.flatMap((name) => this.#named(name))) {
      for (const { key } of [...namespace.entries.values()]) {
        const blob = this.#alive(namespace.name, key)
        if (blob === undefined || keys?.includes(key) === false || !key.startsWith(prefix ?? '')) continue
        if (found.length < countMax) found.push(withValue ? blob : { ...blob, value: undefined })
      }
    }
    return found
  }

  #named(name: string | undefined): Namespace[] {
    return [...this.#namespaces.values()].filter((each) => name === undefined || each.name === name)
  }

  #alive(name: string, key: string): Blob | undefined {
    const entries = this.#namespaces.get(name)?.entries
    const blob = entries?.get(key)
    if (blob === undefined) return undefined
    const { expiresAtMs = Number.POSITIVE_INFINITY, staleWindowMs = 0 } = blob
    const nowMs = this.clock.nowMs()
    if (nowMs < expiresAtMs) return blob
    if (nowMs < expiresAtMs + staleWindowMs) return { ...blob, state: 'stale' }
    entries?.delete(key)
    return undefined
  }

  #check(put: BlobPut): void {
    if (this.#namespaces.get(put.namespace) === undefined) {
      throw new ServerError(conditions.unknownNamespace, [put.namespace])
    }
    if (put.key === '' || Buffer.byteLength(put.key) > 1024) throw new ServerError(conditions.invalidName, [put.key])
    for (const limit of [put.ttlMs, put.idleTtlMs]) {
      if (limit !== undefined && limit <= 0)
        throw new ServerError(conditions.parameterOutOfRange, [limit, 'ttl', 1, 2 ** 47])
    }
  }

  putNow(put: BlobPut, durable = false): PutReceipt | undefined {
    const namespace = this.#namespaces.get(put.namespace) as Namespace
    const there = this.#alive(put.namespace, put.key)
    this.noted.push(`put ${put.namespace} ${put.key}`)
    const { only } = put
    if (only?.kind === 'absent' && there !== undefined) return undefined
    if (only?.kind === 'version' && there !== undefined && there.version !== only.version) return undefined
    if (only?.kind === 'stamp' && there?.stamp !== only.stamp) return undefined
    if (put.version !== undefined && there?.version !== undefined && put.version <= there.version) {
      throw new ServerError({ sqlstate: '55000', severity: 'ERROR', message: 'version %s is not higher' }, [
        put.version,
      ])
    }
    const nowMs = this.clock.nowMs()
    const { expiresAtMs: givenExpiresAtMs, only: _, lease: __, ...given } = put
    const limits = { ttlMs: put.ttlMs, givenExpiresAtMs, createdAtMs: nowMs }
    const blob: Blob = {
      contentType: undefined,
      metadata: undefined,
      idleTtlMs: undefined,
      staleWindowMs: undefined,
      jitterPercent: undefined,
      version: undefined,
      priority: 128,
      admission: 'auto',
      ...given,
      ...limits,
      expiresAtMs: this.#expiry(limits),
      generation: namespace.generation,
      state: 'fresh',
      tier: 'l1',
      bytes: put.value.length,
      storedBytes: put.value.length,
      codec: 'raw',
      lastAccessAtMs: nowMs,
      hits: 0,
      stamp: ++this.#lastStamp,
    }
    namespace.entries.set(put.key, blob)
    return { version: put.version, generation: blob.generation, tier: 'l1', storedBytes: blob.bytes, durable }
  }

  #expiry({
    ttlMs,
    givenExpiresAtMs,
    createdAtMs,
  }: Pick<Blob, 'ttlMs' | 'givenExpiresAtMs' | 'createdAtMs'>): number | undefined {
    const relative = ttlMs === undefined ? Number.POSITIVE_INFINITY : createdAtMs + ttlMs
    const earlier = Math.min(relative, givenExpiresAtMs ?? Number.POSITIVE_INFINITY)
    return Number.isFinite(earlier) ? earlier : undefined
  }
}

function matches(blob: Blob, kind: BlobTarget['kind'], subject: string): boolean {
  switch (kind) {
    case 'key':
      return blob.key === subject
    case 'prefix':
      return blob.key.startsWith(subject)
    case 'tag':
      return blob.tags.includes(subject)
    default:
      return blob.dependencies.includes(subject)
  }
}

function rowOf({ name, id, generation, options, owner, entries }: Namespace): NamespaceRow {
  const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
  return {
    name,
    id,
    generation,
    entries: entries.size,
    l1Bytes: 0,
    l2Bytes: 0,
    hits: 0,
    misses: 0,
    evictions: 0,
    expirations: 0,
    invalidations: 0,
    flushes: generation - 1,
    bytesMax: undefined,
    entriesMax: undefined,
    options,
    owner,
    readers: list(options.readers),
    writers: list(options.writers),
  }
}
