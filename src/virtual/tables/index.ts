// The relations of the virtual schema, one file each.

import type { VirtualTable } from '../virtual-table.ts'
import { bypassesTable } from './bypasses.ts'
import { cachesTable } from './caches.ts'
import { decisionsTable } from './decisions.ts'
import { dependenciesTable } from './dependencies.ts'
import { entriesTable } from './entries.ts'
import { eventsTable } from './events.ts'
import { lastStatementTable } from './last-statement.ts'
import { memoryTable } from './memory.ts'
import { plansTable } from './plans.ts'
import { queriesTable } from './queries.ts'
import { reasonsTable } from './reasons.ts'
import { relationsTable } from './relations.ts'
import { resultsTable } from './results.ts'
import { sessionsTable } from './sessions.ts'
import { settingsTable } from './settings.ts'
import { statsTable } from './stats.ts'

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
  relationsTable,
  dependenciesTable,
  plansTable,
  sessionsTable,
  settingsTable,
  memoryTable,
  eventsTable,
]

const byName: ReadonlyMap<string, VirtualTable> = new Map(virtualTables.map((table) => [table.name, table]))

export function findVirtualTable(name: string): VirtualTable | undefined {
  return byName.get(name)
}

/** Relations that come with a later release: known names, not yet served. */
export const laterRelations: ReadonlySet<string> = new Set([
  'aggregates',
  'audit',
  'backups',
  'bgwriter',
  'blobs',
  'compression',
  'connections',
  'evictions',
  'feed',
  'graph_partitions',
  'guarantees',
  'invalidations',
  'jobs',
  'l2',
  'limitations',
  'materialized_views',
  'namespaces',
  'pages',
  'promotion',
  'recommendations',
  'rollup_rewrites',
  'rollups',
  'schedules',
  'sweeps',
  'synopsis',
  'tags',
])
