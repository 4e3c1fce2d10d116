// The relations of the virtual schema, one file each.

import type { VirtualTable } from '../virtual-table.ts'
import { auditTable } from './audit.ts'
import { backupsTable } from './backups.ts'
import { bgwriterTable } from './bgwriter.ts'
import { blobsTable } from './blobs.ts'
import { bypassesTable } from './bypasses.ts'
import { cachesTable } from './caches.ts'
import { compressionTable } from './compression.ts'
import { decisionsTable } from './decisions.ts'
import { dependenciesTable } from './dependencies.ts'
import { entriesTable } from './entries.ts'
import { eventsTable } from './events.ts'
import { feedTable } from './feed.ts'
import { graphPartitionsTable } from './graph-partitions.ts'
import { guaranteesTable } from './guarantees.ts'
import { invalidationsTable } from './invalidations.ts'
import { jobsTable } from './jobs.ts'
import { l2Table } from './l2.ts'
import { lastStatementTable } from './last-statement.ts'
import { materializedViewsTable } from './materialized-views.ts'
import { memoryTable } from './memory.ts'
import { namespacesTable } from './namespaces.ts'
import { pagesTable } from './pages.ts'
import { plansTable } from './plans.ts'
import { promotionTable } from './promotion.ts'
import { queriesTable } from './queries.ts'
import { reasonsTable } from './reasons.ts'
import { relationsTable } from './relations.ts'
import { resultsTable } from './results.ts'
import { rollupRewritesTable, rollupsTable } from './rollups.ts'
import { sessionsTable } from './sessions.ts'
import { settingsTable } from './settings.ts'
import { statsTable } from './stats.ts'
import { sweepsTable } from './sweeps.ts'
import { synopsisTable } from './synopsis.ts'
import { tagsTable } from './tags.ts'

export const virtualTables: readonly VirtualTable[] = [
  statsTable,
  queriesTable,
  cachesTable,
  resultsTable,
  entriesTable,
  decisionsTable,
  lastStatementTable,
  bypassesTable,
  reasonsTable,
  feedTable,
  relationsTable,
  guaranteesTable,
  dependenciesTable,
  graphPartitionsTable,
  invalidationsTable,
  auditTable,
  plansTable,
  sessionsTable,
  settingsTable,
  memoryTable,
  eventsTable,
  blobsTable,
  namespacesTable,
  tagsTable,
  l2Table,
  pagesTable,
  bgwriterTable,
  synopsisTable,
  promotionTable,
  compressionTable,
  sweepsTable,
  backupsTable,
  jobsTable,
  materializedViewsTable,
  rollupsTable,
  rollupRewritesTable,
]

const byName: ReadonlyMap<string, VirtualTable> = new Map(virtualTables.map((table) => [table.name, table]))

export function findVirtualTable(name: string): VirtualTable | undefined {
  return byName.get(name)
}

/** Relations that come with a later release: known names, not yet served. */
export const laterRelations: ReadonlySet<string> = new Set([
  'aggregates',
  'connections',
  'evictions',
  'limitations',
  'recommendations',
  'schedules',
])
