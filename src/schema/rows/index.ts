// The rows of all relations of schema `cache`, by name. Made by `npm run docs` from src/virtual/tables/; do not edit.

import type { AuditRow } from './audit.ts'
import type { BackupsRow } from './backups.ts'
import type { BgwriterRow } from './bgwriter.ts'
import type { BlobsInsert, BlobsRow } from './blobs.ts'
import type { BypassesRow } from './bypasses.ts'
import type { CachesRow } from './caches.ts'
import type { CompressionRow } from './compression.ts'
import type { DecisionsRow } from './decisions.ts'
import type { DependenciesRow } from './dependencies.ts'
import type { EntriesRow } from './entries.ts'
import type { EventsRow } from './events.ts'
import type { FeedRow } from './feed.ts'
import type { GraphPartitionsRow } from './graph-partitions.ts'
import type { GuaranteesRow } from './guarantees.ts'
import type { InvalidationsRow } from './invalidations.ts'
import type { JobsRow } from './jobs.ts'
import type { L2Row } from './l2.ts'
import type { LastStatementRow } from './last-statement.ts'
import type { MaterializedViewsRow } from './materialized-views.ts'
import type { MemoryRow } from './memory.ts'
import type { NamespacesRow } from './namespaces.ts'
import type { PagesRow } from './pages.ts'
import type { PlansRow } from './plans.ts'
import type { PromotionRow } from './promotion.ts'
import type { QueriesRow } from './queries.ts'
import type { ReasonsRow } from './reasons.ts'
import type { RelationsRow } from './relations.ts'
import type { ResultsRow } from './results.ts'
import type { RollupRewritesRow } from './rollup-rewrites.ts'
import type { RollupsRow } from './rollups.ts'
import type { SessionsRow } from './sessions.ts'
import type { SettingsRow } from './settings.ts'
import type { StatsRow } from './stats.ts'
import type { SweepsRow } from './sweeps.ts'
import type { SynopsisRow } from './synopsis.ts'
import type { TagsRow } from './tags.ts'

export type {
  AuditRow,
  BackupsRow,
  BgwriterRow,
  BlobsInsert,
  BlobsRow,
  BypassesRow,
  CachesRow,
  CompressionRow,
  DecisionsRow,
  DependenciesRow,
  EntriesRow,
  EventsRow,
  FeedRow,
  GraphPartitionsRow,
  GuaranteesRow,
  InvalidationsRow,
  JobsRow,
  L2Row,
  LastStatementRow,
  MaterializedViewsRow,
  MemoryRow,
  NamespacesRow,
  PagesRow,
  PlansRow,
  PromotionRow,
  QueriesRow,
  ReasonsRow,
  RelationsRow,
  ResultsRow,
  RollupRewritesRow,
  RollupsRow,
  SessionsRow,
  SettingsRow,
  StatsRow,
  SweepsRow,
  SynopsisRow,
  TagsRow,
}

export interface Rows {
  readonly audit: AuditRow
  readonly backups: BackupsRow
  readonly bgwriter: BgwriterRow
  readonly blobs: BlobsRow
  readonly bypasses: BypassesRow
  readonly caches: CachesRow
  readonly compression: CompressionRow
  readonly decisions: DecisionsRow
  readonly dependencies: DependenciesRow
  readonly entries: EntriesRow
  readonly events: EventsRow
  readonly feed: FeedRow
  readonly graph_partitions: GraphPartitionsRow
  readonly guarantees: GuaranteesRow
  readonly invalidations: InvalidationsRow
  readonly jobs: JobsRow
  readonly l2: L2Row
  readonly last_statement: LastStatementRow
  readonly materialized_views: MaterializedViewsRow
  readonly memory: MemoryRow
  readonly namespaces: NamespacesRow
  readonly pages: PagesRow
  readonly plans: PlansRow
  readonly promotion: PromotionRow
  readonly queries: QueriesRow
  readonly reasons: ReasonsRow
  readonly relations: RelationsRow
  readonly results: ResultsRow
  readonly rollup_rewrites: RollupRewritesRow
  readonly rollups: RollupsRow
  readonly sessions: SessionsRow
  readonly settings: SettingsRow
  readonly stats: StatsRow
  readonly sweeps: SweepsRow
  readonly synopsis: SynopsisRow
  readonly tags: TagsRow
}
