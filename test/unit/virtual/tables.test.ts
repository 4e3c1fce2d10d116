// The relations of the virtual schema: names pinned, rows rendered, hidden from whom they should be.

import { expect, it } from 'vitest'
import { counterTable, histogramTable } from '../../../src/observe/index.ts'
import { reasons } from '../../../src/sql/index.ts'
import { findVirtualTable, laterRelations, valueText, virtualTables } from '../../../src/virtual/index.ts'
import { resultRow, sourcesWith, viewerWith } from '../../support/virtual-sources.ts'

const names = (table: string): string[] => findVirtualTable(table)?.columns.map(({ name }) => name) ?? []

it.each([
  [
    'entries',
    `id kind namespace key cache fingerprint database role relations tags state tier bytes stored_bytes priority hits
     saved_ms created_at last_access_at expires_at`,
  ],
  [
    'results',
    `key fingerprint statement parameters role database relations epochs tags rows bytes tier state hits saved_ms
     created_at expires_at`,
  ],
  [
    'caches',
    `fingerprint database name owner declared statement options enabled pinned quarantined entries bytes hits stale_hits
     misses coalesced invalidations hit_ratio saved_ms regret_ms created_at last_hit_at comment`,
  ],
  [
    'queries',
    `fingerprint database queryid statement kind supported reason cache calls hits misses bypasses rows hit_us miss_us
     origin_us p50_us p99_us projected_hit_ratio saved_ms first_at last_at`,
  ],
  [
    'decisions',
    `id at session database role application_name fingerprint verdict reason detail unstored entry cache consistency age_ms
     lag_ms rows bytes total_us origin_us saved_us traceparent`,
  ],
  [
    'last_statement',
    `id at session database role application_name fingerprint verdict reason detail unstored entry cache consistency age_ms
     lag_ms rows bytes total_us origin_us saved_us traceparent statement remedy`,
  ],
  ['bypasses', 'reason statements last_at last_statement remedy'],
  ['reasons', 'verdict code argument summary remedy'],
  ['settings', 'name value type initial change category summary source pending_restart'],
  ['memory', 'part setting bytes_max bytes_in_use peak share refusals'],
  ['events', 'at severity event subject detail'],
  [
    'sessions',
    `id pid database login role application_name client_addr tls state transaction consistency floor connection hits misses
     bypasses prepared settings connected_at last_at`,
  ],
  [
    'feed',
    'name kind slot plugin state position origin_lsn lag lag_bytes watermark_at transactions changes gaps retained_bytes since last_error',
  ],
  ['relations', 'oid name epoch proof feed lag dependents last_change_at last_change_lsn'],
  ['dependencies', 'kind node relation relation_name epoch current_epoch partition'],
  [
    'plans',
    `fingerprint statement kind volatility relations parameter_types prepared_on hits executions mean_rows mean_ms
     created_at last_used_at`,
  ],
])('cache.%s has its columns, in their order', (table, columns) => {
  expect(names(table)).toEqual(columns.split(/\s+/))
})

it('cache.stats has a column per counter, of its name, and three per histogram (G-9, MET-6)', () => {
  const histograms = histogramTable.flatMap(({ name }) => [`${name}_p50`, `${name}_p99`, `${name}_max`])
  expect(names('stats')).toEqual([...counterTable.map(({ name }) => name), ...histograms, 'since', 'uptime'])
})

it('a relation is either here or comes later, and its key is among its columns', () => {
  for (const table of virtualTables) {
    expect(laterRelations.has(table.name)).toBe(false)
    expect(new Set(names(table.name)).size).toBe(table.columns.length)
    for (const column of table.key) expect(names(table.name)).toContain(column)
  }
})

it('a row has a value for each column, of the type it is said to have', () => {
  const sources = sourcesWith({ results: () => [resultRow()] })
  for (const table of virtualTables) {
    for (const row of table.rows(sources, viewerWith())) {
      expect(row).toHaveLength(table.columns.length)
      for (const [index, column] of table.columns.entries()) {
        expect(() => valueText(column.type, row[index])).not.toThrow()
      }
    }
  }
})

it('cache.reasons is the vocabulary', () => {
  const rows = [...(findVirtualTable('reasons')?.rows(sourcesWith(), viewerWith()) ?? [])]
  expect(rows.map(([verdict, code]) => `${verdict} ${code}`)).toEqual(
    reasons.map((row) => `${row.verdict} ${row.code}`),
  )
})

it('cache.caches adds up what each eligible shape holds', () => {
  const query = {
    fingerprint: 'q_1',
    database: 'app',
    queryId: 1n,
    statement: 'select $1',
    kind: 'read',
    supported: true,
    reason: undefined,
    cache: undefined,
    calls: 4,
    hits: 3,
    misses: 1,
    bypasses: 0,
    rows: 4,
    hitUs: 1,
    missUs: 2,
    originUs: 2,
    p50Us: 1,
    p99Us: 2,
    projectedHitRatio: undefined,
    savedMs: 5,
    firstAtMs: 0,
    lastAtMs: 0,
    roles: ['bob'],
  }
  const sources = sourcesWith({
    queries: () => [query, { ...query, fingerprint: 'q_2', supported: false }],
    results: () => [
      resultRow({ fingerprint: 'q_1', storedBytes: 10 }),
      resultRow({ fingerprint: 'q_1', storedBytes: 20 }),
      resultRow({ fingerprint: 'q_1', database: 'other' }),
    ],
  })
  const rowsFor = (viewer: Parameters<typeof viewerWith>[0]) =>
    [...(findVirtualTable('caches')?.rows(sources, viewerWith(viewer)) ?? [])].map((row) =>
      Object.fromEntries(names('caches').map((name, index) => [name, row[index]])),
    )
  expect(rowsFor({})).toMatchObject([
    { fingerprint: 'q_1', name: 'q_1', entries: 2, bytes: 30, hits: 3, hit_ratio: 0.75 },
  ])
  expect(rowsFor({ isMonitor: false, isAdmin: false, memberOf: (role) => role === 'bob' })).toHaveLength(1)
  expect(rowsFor({ isMonitor: false, isAdmin: false, memberOf: () => false })).toEqual([])
})

it('cache.sessions shows a session itself, and all to a monitor', () => {
  const session = (id: number) => ({
    id,
    pid: id,
    database: 'app',
    login: 'alice',
    role: 'alice',
    applicationName: '',
    clientAddr: undefined,
    tls: undefined,
    state: 'idle',
    transaction: 'idle' as const,
    consistency: 'session',
    floor: undefined,
    connection: undefined,
    hits: 0,
    misses: 0,
    bypasses: 0,
    prepared: 0,
    settings: {},
    connectedAtMs: 0,
    lastAtMs: 0,
  })
  const sources = sourcesWith({ sessions: () => [session(1), session(2)] })
  const ids = (isMonitor: boolean) =>
    [...(findVirtualTable('sessions')?.rows(sources, viewerWith({ isMonitor })) ?? [])].map(([id]) => id)
  expect(ids(false)).toEqual([1])
  expect(ids(true)).toEqual([1, 2])
})
