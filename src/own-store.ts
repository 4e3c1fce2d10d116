// Composition: what the statements and relations about the store are given of it, or in its place while there is none.

import type { ArchiveAccess, BlobScan, BlobStore } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { StoreRows, SweepRow, VirtualRequest, Wanted, WantedRows } from './virtual/index.ts'

/** The blob cache and its file, as statements see them. */
export interface StoreDoor {
  /** Backups and jobs; undefined where nothing is kept that could be backed up. */
  readonly archive?: Pick<ArchiveAccess, 'backups' | 'jobs'>
  readonly blobs: BlobStore
  /** What is at hand at any time. */
  readonly rows: StoreRows
  /** What these relations show, gathered now; `scan` says which entries are enough. */
  gather(relations: ReadonlySet<string>, scan: BlobScan): Promise<StoreRows>
  /** What is wrong with it; nothing if it is sound. */
  check(): Promise<readonly StoreFinding[]>
  compact(): Promise<{ readonly extents: number; readonly pages: number; readonly bytes: number }>
  sweep(limits: { readonly entriesMax?: number; readonly msMax?: number }): Promise<SweepRow>
}

interface StoreFinding {
  readonly severity: string
  readonly kind: string
  readonly subject: string
  readonly detail: string
}

/** The relations whose rows lie on the store's thread or on disk. */
const farRelations: ReadonlySet<string> = new Set([
  'blobs',
  'entries',
  'tags',
  'l2',
  'synopsis',
  'compression',
  'pages',
  'bgwriter',
  'sweeps',
])

/** Gathers what a statement needs of these; undefined if it needs nothing of them. */
export async function gatherStore(
  store: StoreDoor,
  { relations, wanted, given, viewer }: Pick<VirtualRequest, 'relations' | 'wanted' | 'given' | 'viewer'>,
  rowCountMax: number,
): Promise<StoreRows | undefined> {
  const far = new Set(relations.filter((name) => farRelations.has(name) && given?.has(name) !== true))
  if (far.has('entries') && !mayBeBlobs(wanted?.get('entries'))) far.delete('entries')
  if (far.size === 0) return undefined
  const names: string[] = []
  for (const { name, readers } of store.blobs.namespaces()) {
    const isSeen = viewer.isMonitor || readers.some((role) => viewer.memberOf(role))
    if (isSeen && !name.startsWith('$')) names.push(name)
  }
  return store.gather(far, scanFor(far, wanted, names, rowCountMax))
}

/** False where only entries of another kind are wanted, as in WHERE kind = 'result'. */
function mayBeBlobs(places: readonly WantedRows[] | undefined): boolean {
  return places === undefined || valuesOf(places, 'kind')?.has('blob') !== false
}

/** Entries need no contents. A statement over both relations gets all there is. */
function scanFor(
  far: ReadonlySet<string>,
  wanted: Wanted | undefined,
  names: readonly string[],
  rowCountMax: number,
): BlobScan {
  if (!far.has('entries')) return scanOf(wanted?.get('blobs'), names, rowCountMax)
  if (far.has('blobs')) return scanOf(undefined, names, rowCountMax)
  return { ...scanOf(wanted?.get('entries'), names, rowCountMax), withValue: false }
}

/** The least that holds all the rows that some place of the statement wants. */
function scanOf(places: readonly WantedRows[] | undefined, names: readonly string[], rowCountMax: number): BlobScan {
  const whole = { namespaces: names, keys: undefined, prefix: undefined, withValue: true, countMax: rowCountMax + 1 }
  if (places === undefined) return whole
  if (places.length === 0) return { ...whole, namespaces: [], withValue: false }
  const withValue = places.some((place) => place.needsContents)
  const namespaces = valuesOf(places, 'namespace')
  const [only] = places
  const prefix = places.length === 1 ? only?.conditions.find(({ column }) => column === 'key')?.prefix : undefined
  return {
    namespaces: namespaces === undefined ? names : names.filter((name) => namespaces.has(name)),
    keys: keysOf(places),
    prefix,
    withValue,
    countMax: countOf(places, rowCountMax),
  }
}

function keysOf(places: readonly WantedRows[]): readonly string[] | undefined {
  const keys = valuesOf(places, 'key')
  return keys === undefined ? undefined : [...keys]
}

/** What all places together accept in a column; undefined as soon as one of them does not say. */
function valuesOf(places: readonly WantedRows[], column: string): ReadonlySet<string> | undefined {
  const all = new Set<string>()
  for (const { conditions: tests } of places) {
    const found = tests.find((test) => test.column === column && test.values !== undefined)?.values
    if (found === undefined) return undefined
    for (const value of found) all.add(value)
  }
  return all
}

/** A LIMIT counts where the scan itself tests all that decides. */
function countOf(places: readonly WantedRows[], rowCountMax: number): number {
  const [only] = places
  const columns = only?.conditions.map(({ column }) => column) ?? []
  const isTested = columns.every((column) => column === 'namespace' || column === 'key')
  const isOnce = new Set(columns).size === columns.length
  const isLimit = places.length === 1 && isTested && isOnce && only !== undefined
  return isLimit ? Math.min(only.rowCountMax, rowCountMax + 1) : rowCountMax + 1
}

function none(): never[] {
  return []
}

function refuse(): never {
  throw new ServerError(conditions.featureNotSupported, ['the blob cache'], {
    detail: 'It comes with a later release.',
  })
}

const noBlobs: BlobStore = {
  get: refuse,
  getMany: refuse,
  look: refuse,
  exists: refuse,
  put: refuse,
  touch: refuse,
  invalidate: refuse,
  remove: refuse,
  flush: refuse,
  namespace: () => undefined,
  namespaces: none,
  createNamespace: refuse,
  alterNamespace: refuse,
  dropNamespace: refuse,
  scan: none,
}

const noStoreRows: StoreRows = {
  blobs: none,
  namespaces: none,
  namespace: () => undefined,
  tags: none,
  l2: () => ({
    state: 'off',
    path: undefined,
    storeId: undefined,
    formatVersion: undefined,
    pageSize: undefined,
    commit: undefined,
    incarnation: undefined,
    proof: undefined,
    feedLsn: undefined,
    pages: undefined,
    freePages: undefined,
    treeHeights: undefined,
    lastError: undefined,
  }),
  promotionPolicy: () => 'never',
  lastBgwriterRoundAtMs: () => undefined,
  synopsis: none,
  compression: none,
  pages: none,
  sweeps: none,
  backups: none,
  jobs: none,
}

export const noStore: StoreDoor = {
  blobs: noBlobs,
  rows: noStoreRows,
  gather: async () => noStoreRows,
  check: async () => [],
  compact: refuse,
  sweep: refuse,
}
