// What the relations about the store are made from: the blob cache, its file, and what is archived. Times are milliseconds since
// 1970, durations milliseconds, and `undefined` becomes NULL.
//
// Some of this lies on another thread or on disk. Who runs a statement gathers it before the turn in which rows are copied.

/** One entry of the blob cache. */
export interface BlobRow {
  readonly namespace: string
  readonly key: string
  /** Undefined where nobody asked for it. */
  readonly value: Uint8Array | undefined
  readonly contentType: string | undefined
  /** A JSON object as text. */
  readonly metadata: string | undefined
  readonly tags: readonly string[]
  readonly dependencies: readonly string[]
  readonly ttlMs: number | undefined
  /** When it stops being fresh, whatever limits that. */
  readonly expiresAtMs: number | undefined
  readonly idleTtlMs: number | undefined
  readonly staleWindowMs: number | undefined
  readonly jitterPercent: number | undefined
  readonly priority: number
  readonly admission: string
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
}

export interface NamespaceRow {
  readonly name: string
  readonly id: number
  readonly generation: number
  readonly entries: number
  readonly l1Bytes: number
  readonly l2Bytes: number
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  readonly expirations: number
  readonly invalidations: number
  readonly flushes: number
  readonly bytesMax: number | undefined
  readonly entriesMax: number | undefined
  /** As CREATE CACHE NAMESPACE … WITH takes them. */
  readonly options: Readonly<Record<string, unknown>>
  readonly owner: string | undefined
  /** Roles that may read, and that may write. */
  readonly readers: readonly string[]
  readonly writers: readonly string[]
}

export interface TagRow {
  readonly namespace: string
  readonly kind: 'tag' | 'dependency'
  readonly tag: string
  readonly entries: number
  readonly bytes: number
}

export interface L2Row {
  readonly state: 'off' | 'open' | 'full' | 'fenced' | 'failed' | 'restoring'
  readonly path: string | undefined
  readonly storeId: string | undefined
  readonly formatVersion: number | undefined
  readonly pageSize: number | undefined
  readonly commit: number | undefined
  readonly incarnation: number | undefined
  readonly proof: string | undefined
  readonly feedLsn: string | undefined
  readonly pages: number | undefined
  readonly freePages: number | undefined
  readonly treeHeights: Readonly<Record<string, number>> | undefined
  readonly lastError: string | undefined
}

export interface SynopsisRow {
  readonly namespace: string
  readonly keys: number
  readonly removedKeys: number
  readonly capacity: number
  readonly bytes: number
  readonly fillRatio: number
  readonly skips: number
  readonly falsePositives: number
  readonly rebuilding: boolean
}

export interface CompressionRow {
  readonly outcome: string
  readonly blobs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface PageAreaRow {
  readonly area: string
  readonly slots: number
  readonly used: number
  readonly dirty: number
  readonly pinned: number
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  readonly writebacks: number
}

export interface SweepRow {
  readonly startedAtMs: number
  readonly cause: string
  readonly namespace: string | undefined
  readonly scanned: number
  readonly evicted: number
  readonly recordsDead: number
  readonly orphanPages: number
  readonly bytes: number
  readonly pages: number
  readonly elapsedMs: number
  readonly truncated: boolean
}

export interface BackupRow {
  readonly id: string | undefined
  readonly kind: 'backup' | 'restore' | 'verify'
  readonly url: string
  readonly state: string
  readonly namespaces: readonly string[] | undefined
  readonly entries: number | undefined
  readonly files: number | undefined
  readonly bytes: number | undefined
  readonly bytesDone: number
  readonly commit: number | undefined
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly error: string | undefined
  readonly job: number
}

export interface JobRow {
  readonly id: number
  readonly kind: string
  readonly description: string
  readonly owner: string
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  readonly fractionCompleted: number | undefined
  readonly detail: Readonly<Record<string, unknown>> | undefined
  readonly createdAtMs: number
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly error: string | undefined
}

export interface StoreRows {
  blobs(): Iterable<BlobRow>
  namespaces(): Iterable<NamespaceRow>
  /** A namespace's row by name, for who may see what lies in it. */
  namespace(name: string): NamespaceRow | undefined
  tags(): Iterable<TagRow>
  l2(): L2Row
  promotionPolicy(): string
  lastBgwriterRoundAtMs(): number | undefined
  synopsis(): Iterable<SynopsisRow>
  compression(): Iterable<CompressionRow>
  pages(): Iterable<PageAreaRow>
  sweeps(): Iterable<SweepRow>
  backups(): Iterable<BackupRow>
  jobs(): Iterable<JobRow>
}
