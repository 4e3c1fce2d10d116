// What the statements need of the blob cache. What memory can answer is answered at once, the rest as a promise. Whatever is refused
// is a ServerError, and then nothing has changed (G-7).

import type { BlobRow, NamespaceRow } from '../../virtual/index.ts'

/** An entry as it was read. */
export interface Blob extends BlobRow {
  /** The absolute limit it was given; `expiresAtMs` is the earlier of this and what its ttl comes to. */
  readonly givenExpiresAtMs: number | undefined
  /** Another number after every put of this key: tells whether it is still the one that was read. */
  readonly stamp: number
}

export interface BlobRead {
  readonly state: 'fresh' | 'stale' | 'absent' | 'wait'
  /** With its value, if it is fresh or stale. */
  readonly blob: Blob | undefined
  /** How long a stale one may still be served. */
  readonly staleMs: number | undefined
  /** Token that entitles one caller to put it anew. */
  readonly lease: string | undefined
}

interface BlobPolicy {
  readonly ttlMs?: number
  readonly expiresAtMs?: number
  readonly idleTtlMs?: number
  readonly staleWindowMs?: number
  readonly jitterPercent?: number
  readonly priority?: number
  readonly admission?: string
}

/** What is not given is left to the namespace. */
export interface BlobPut extends BlobPolicy {
  readonly namespace: string
  readonly key: string
  readonly value: Uint8Array
  readonly contentType?: string
  /** A JSON object as text. */
  readonly metadata?: string
  readonly tags: readonly string[]
  readonly dependencies: readonly string[]
  readonly version?: number
  readonly lease?: string
  readonly only?: PutCondition
}

/** When a put takes place. absent: nothing alive is there. version: that, or an entry of this version. stamp: the very entry read. */
type PutCondition =
  | { readonly kind: 'absent' }
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'stamp'; readonly stamp: number }

export interface PutReceipt {
  readonly version: number | undefined
  readonly generation: number
  readonly tier: 'none' | 'l1' | 'l2' | 'both'
  readonly storedBytes: number
  readonly durable: boolean
}

/** Null takes a limit away. */
export interface BlobTouch {
  readonly ttlMs?: number | null
  readonly expiresAtMs?: number | null
  readonly idleTtlMs?: number | null
  readonly tags?: readonly string[]
  readonly dependencies?: readonly string[]
  readonly priority?: number
}

export interface BlobTarget {
  readonly kind: 'key' | 'prefix' | 'tag' | 'dependency'
  /** Undefined for all namespaces of users: tags and dependencies only. */
  readonly namespace: string | undefined
  readonly subjects: readonly string[]
}

export interface BlobScan {
  /** Undefined for all of users. */
  readonly namespaces: readonly string[] | undefined
  readonly keys: readonly string[] | undefined
  readonly prefix: string | undefined
  readonly withValue: boolean
  readonly countMax: number
}

export interface FlushedNamespace {
  readonly existed: boolean
  readonly generationBefore: number
  readonly generationAfter: number
  readonly entries: number
}

type Later<T> = T | Promise<T>

export interface BlobStore {
  /** Counted and promoted. `lease`: on a miss or a stale hit one caller gets a token. */
  get(namespace: string, key: string, lease: boolean): Later<BlobRead>
  /** The same for many keys; what is found, in the order of the keys. */
  getMany(namespace: string, keys: readonly string[]): Later<readonly Blob[]>
  /** Neither counted nor promoted. */
  look(namespace: string, keys: readonly string[], withValue: boolean): Later<readonly Blob[]>
  exists(namespace: string, key: string, exact: boolean): Later<'present' | 'maybe' | 'absent'>
  /** Undefined in place of a receipt: its condition did not hold. */
  put(puts: readonly BlobPut[], durable: boolean): Later<readonly (PutReceipt | undefined)[]>
  /** Which of the keys were there. */
  touch(namespace: string, keys: readonly string[], change: BlobTouch): Later<readonly boolean[]>
  /** Entries removed (or marked) per subject, each counted at the first that meets it; effective and durable when it returns. */
  invalidate(target: BlobTarget, markStale: boolean): Promise<{ entries: readonly number[]; durable: boolean }>
  /** Removes the entries if they are still those that were read, durably; one of two who try gets true. */
  remove(blobs: readonly Blob[]): Promise<readonly boolean[]>
  flush(namespace: string): Promise<FlushedNamespace>
  namespace(name: string): NamespaceRow | undefined
  namespaces(): Iterable<NamespaceRow>
  createNamespace(name: string, options: Readonly<Record<string, unknown>>, owner: string): Later<void>
  /** Options that are null go back to their default. */
  alterNamespace(name: string, change: NamespaceChange): Later<void>
  dropNamespace(name: string): Promise<void>
  scan(scan: BlobScan): Later<readonly Blob[]>
}

export interface NamespaceChange {
  readonly options?: Readonly<Record<string, unknown>>
  readonly owner?: string
}
