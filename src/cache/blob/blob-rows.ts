// Entries as those see them who ask for one, and what a read, a put and a flush answer.

import { codecs } from './compressor.ts'
import type { BlobEntry } from './entry.ts'
import { freshness } from './freshness.ts'
import type { GivenOptions } from './namespace-options.ts'
import type { Admission } from './policy.ts'

/** A row of `cache.blobs`. */
export interface Blob {
  readonly namespace: string
  readonly key: string
  /** Read-only. Undefined where nobody asked for it. */
  readonly value: Uint8Array | undefined
  readonly contentType: string | undefined
  /** A JSON object as text. */
  readonly metadata: string | undefined
  readonly tags: readonly string[]
  readonly dependencies: readonly string[]
  readonly ttlMs: number | undefined
  /** When it stops being fresh, whatever limits that. */
  readonly expiresAtMs: number | undefined
  /** The absolute limit it was given. */
  readonly givenExpiresAtMs: number | undefined
  readonly idleTtlMs: number | undefined
  readonly staleWindowMs: number | undefined
  readonly jitterPercent: number | undefined
  readonly priority: number
  readonly admission: Admission
  readonly version: number | undefined
  readonly generation: number
  readonly state: 'fresh' | 'stale'
  readonly tier: 'l1' | 'l2' | 'both'
  readonly bytes: number
  readonly storedBytes: number
  readonly codec: string
  readonly createdAtMs: number
  readonly lastAccessAtMs: number
  readonly hits: number
  /** Another number after every put and touch of this key. */
  readonly stamp: number
}

export interface BlobRead {
  /** wait: another caller holds the lease. */
  readonly state: 'fresh' | 'stale' | 'absent' | 'wait'
  /** With its value, if it is fresh or stale. */
  readonly blob: Blob | undefined
  /** How long a stale one may still be served. */
  readonly staleMs: number | undefined
  /** Token that entitles one caller to put it anew. */
  readonly lease: string | undefined
}

export interface FlushedNamespace {
  readonly existed: boolean
  readonly generationBefore: number
  readonly generationAfter: number
  /** An estimate. */
  readonly entries: number
}

export interface NamespaceChange {
  /** Options that are null go back to their default. */
  readonly options?: GivenOptions
  readonly owner?: string
}

const codecNames = Object.fromEntries(Object.entries(codecs).map(([name, code]) => [code, name]))

/** `tier` of an entry that is not in L1. */
export function blobOf(entry: BlobEntry, nowMs: number, tier?: 'l2'): Blob {
  const { policy, attributes } = entry
  return {
    namespace: entry.home.name,
    key: entry.key,
    value: entry.value,
    contentType: attributes.contentType,
    metadata: attributes.metadata,
    tags: attributes.tags,
    dependencies: attributes.dependencies,
    ttlMs: policy.ttlMs,
    expiresAtMs: Number.isFinite(entry.expiresAtMs) ? entry.expiresAtMs : undefined,
    givenExpiresAtMs: policy.expiresAtMs,
    idleTtlMs: orNone(policy.idleTtlMs),
    staleWindowMs: orNone(policy.staleWindowMs),
    jitterPercent: orNone(policy.jitterPercent),
    priority: policy.priority,
    admission: policy.admission,
    version: entry.version,
    generation: entry.home.scope.generation,
    state: freshness(entry, nowMs) === 'fresh' ? 'fresh' : 'stale',
    tier: tier ?? (entry.inL2 ? 'both' : 'l1'),
    bytes: entry.value.length,
    storedBytes: entry.storedBytes === 0 ? entry.value.length : entry.storedBytes,
    codec: codecNames[entry.codec] ?? String(entry.codec),
    createdAtMs: entry.createdAtMs,
    lastAccessAtMs: entry.lastAccessAtMs,
    hits: entry.hits,
    stamp: entry.stamp,
  }
}

function orNone(value: number): number | undefined {
  return value === 0 ? undefined : value
}
