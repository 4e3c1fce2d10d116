// Sources for tests of the virtual schema: empty unless told otherwise, and a viewer who may see everything.

import { ManualClock } from '../../src/base/index.ts'
import { SettingsStore } from '../../src/config/index.ts'
import { Metrics } from '../../src/observe/index.ts'
import { reasons } from '../../src/sql/index.ts'
import type { ResultRow, StoreRows, Viewer, VirtualSources } from '../../src/virtual/index.ts'

export function sourcesWith(overrides: Partial<VirtualSources> = {}): VirtualSources {
  const none = (): never[] => []
  return {
    metrics: new Metrics(new ManualClock()),
    reasons,
    results: none,
    queries: none,
    plans: none,
    decisions: none,
    lastStatement: () => undefined,
    bypasses: none,
    feeds: none,
    relations: none,
    dependencies: none,
    graphPartitions: none,
    sessions: none,
    settings: () => SettingsStore.open({ flags: new Map([['data_dir', '/nonexistent']]) }).rows(),
    invalidations: none,
    audits: none,
    guarantees: none,
    events: none,
    memory: none,
    views: none,
    rollups: none,
    rewrites: none,
    store: storeWith(),
    ...overrides,
  }
}

export function storeWith(overrides: Partial<StoreRows> = {}): StoreRows {
  const none = (): never[] => []
  const unknown = () => undefined
  return {
    blobs: none,
    namespaces: none,
    namespace: unknown,
    tags: none,
    l2: () => noL2,
    promotionPolicy: () => 'on_second_hit',
    lastBgwriterRoundAtMs: unknown,
    synopsis: none,
    compression: none,
    pages: none,
    sweeps: none,
    backups: none,
    jobs: none,
    ...overrides,
  }
}

const noL2 = {
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
} as const

export function viewerWith(overrides: Partial<Viewer> = {}): Viewer {
  return {
    sessionId: 1,
    role: 'alice',
    loginRole: 'alice',
    database: 'app',
    isAdmin: true,
    isMonitor: true,
    canRead: true,
    memberOf: () => true,
    ...overrides,
  }
}

export function resultRow(overrides: Partial<ResultRow> = {}): ResultRow {
  return {
    key: '00ff',
    fingerprint: 'q_0000000000000001',
    statement: 'select 42',
    shape: 'select $1',
    parameters: ['7', null],
    role: 'alice',
    database: 'app',
    relations: [16_384, 4_000_000_000],
    epochs: [1, 2],
    tags: ['a"b', 'c\\d'],
    rowCount: 1,
    bytes: 100,
    storedBytes: 150,
    tier: 'l1',
    state: 'fresh',
    priority: 128,
    hits: 3,
    savedMs: 1.5,
    createdAtMs: Date.UTC(2024, 0, 31, 12),
    lastAccessAtMs: Date.UTC(2024, 0, 31, 13),
    expiresAtMs: undefined,
    ...overrides,
  }
}
