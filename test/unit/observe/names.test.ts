// The names of counters and gauges, as users have them in their queries and dashboards: one that is changed or gone breaks those,
// so it is changed here too, and told in the CHANGELOG. New ones are added at the end.

import { expect, it } from 'vitest'
import { counterTable } from '../../../src/observe/index.ts'

const counters = `
  result_hits result_misses result_bypasses result_passes result_fills result_fill_rejects result_too_large
  result_invalidations result_evictions result_expirations result_coalesced result_audits
  result_audit_divergences result_audits_inconclusive plan_hits plan_misses plan_evictions
  plan_expirations plan_invalidations epoch_bumps epoch_bumps_global suspensions unknown_outcomes
  sessions_opened sessions_refused origin_connections_opened origin_connections_lost protocol_errors cancels
  client_bytes_in client_bytes_out origin_bytes_in origin_bytes_out lock_captures shape_probes context_probes
  virtual_statements own_statements system_database_starts blob_gets blob_puts blob_puts_unstored blob_too_large
  blob_metadata_too_large blob_version_mismatches blob_fill_rejects blob_leases invalidated_by_key
  invalidated_by_prefix invalidated_by_tag invalidated_by_dependency namespace_flushes l1_hits l1_misses
  l1_stale_hits l1_expirations l1_idle_evictions l1_late_replies l1_evictions promotion_queued
  promotion_completed promotion_dropped promotion_cancelled promotion_refused l2_hits l2_misses l2_read_timeouts
  l2_put_skips l2_commit_records synopsis_skips synopsis_false_positives l2_record_reads l2_puts l2_rejections
  l2_evictions l2_expirations l2_corrupt_pages l2_commits l2_pages_written l2_pages_freed l2_disk_full l2_fences
  page_hits page_misses page_insertions page_evictions page_writebacks page_ring_overflows bgwriter_rounds
  bgwriter_pages_written bgwriter_rounds_full bgwriter_write_errors synopsis_rebuilds sweep_runs sweep_scanned
  sweep_expired sweep_dead_records sweep_orphan_pages sweep_bytes_reclaimed sweep_truncated compress_lz4
  compress_raw_off compress_raw_small compress_raw_type compress_raw_ratio compress_bytes_in compress_bytes_out
  decompress_errors backups_completed backups_failed backup_bytes restores_completed restores_failed
  restore_bytes archive_requests archive_retries archive_errors`

const gauges = `
  result_entries result_bytes_in_use result_payload_bytes plan_entries sessions origin_connections l1_entries
  l1_bytes_in_use l1_payload_bytes promotion_queue_depth l2_queue_depth l2_file_bytes l2_free_pages l2_entries
  l2_bytes_in_use page_slots page_dirty page_pinned bgwriter_dirty_fraction synopsis_bytes memory_rss`

it.each([
  ['counter', counters],
  ['gauge', gauges],
] as const)('no %s that was ever there has another name or is gone (MET-1)', (kind, names) => {
  const there = new Set(counterTable.filter((row) => row.kind === kind).map(({ name }): string => name))
  const pinned = names.trim().split(/\s+/)
  expect(new Set(pinned).size).toBe(pinned.length)
  expect(pinned.filter((name) => !there.has(name))).toEqual([])
})
