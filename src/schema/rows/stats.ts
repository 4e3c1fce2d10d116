// A row of cache.stats: counters and gauges of the whole server, one row. Made by `npm run docs` from src/virtual/tables/; do not edit.

import type { Interval } from '../interval.ts'

export interface StatsRow {
  /** reads of materialized views by their names */
  readonly view_reads: string
  /** of these, reads of rows that were read before something changed */
  readonly view_stale_reads: string
  /** of the misses, reads that views answered which they do not name, by what they ask or have gathered */
  readonly view_rewrites: string
  /** refreshes of materialized views that succeeded */
  readonly view_refreshes: string
  /** refreshes of materialized views that failed */
  readonly view_refresh_failures: string
  /** milliseconds that refreshes of materialized views took */
  readonly view_refresh_ms: string
  /** reads answered from the result cache */
  readonly result_hits: string
  /** eligible reads that asked the origin */
  readonly result_misses: string
  /** reads that were not eligible and went to the origin */
  readonly result_bypasses: string
  /** statements that are not reads and went to the origin */
  readonly result_passes: string
  /** answers of the origin that were stored */
  readonly result_fills: string
  /** complete answers not stored because a change crossed them or their dependencies were unknown */
  readonly result_fill_rejects: string
  /** answers not stored because they passed result_bytes_max */
  readonly result_too_large: string
  /** entries that a change of a relation, a flush or an INVALIDATE removed */
  readonly result_invalidations: string
  /** entries that left to make room */
  readonly result_evictions: string
  /** entries that left because their time to live had passed */
  readonly result_expirations: string
  /** reads held back until the feed had come as far as their level of consistency asks */
  readonly feed_waits: string
  /** of the misses, reads that the standby answered */
  readonly standby_answers: string
  /** reads that the origin answered because the standby had not come far enough */
  readonly standby_too_old: string
  /** answers of the standby thrown away because they showed what the origin did not show in time */
  readonly standby_too_new: string
  /** reads of the standby that failed, there or on the way, and were asked of the origin */
  readonly standby_failures: string
  /** reads answered by joining an equal miss already under way */
  readonly result_coalesced: string
  /** hits that were run again at the origin, and compared */
  readonly result_audits: string
  /** of these, answers that were wrong */
  readonly result_audit_divergences: string
  /** of these, differences that prove nothing */
  readonly result_audits_inconclusive: string
  /** entries in the result cache */
  readonly result_entries: string
  /** bytes charged for these entries, overhead included */
  readonly result_bytes_in_use: string
  /** bytes of the answers they hold */
  readonly result_payload_bytes: string
  /** statements whose text was known */
  readonly plan_hits: string
  /** statements whose text had to be parsed */
  readonly plan_misses: string
  /** plans that left to make room */
  readonly plan_evictions: string
  /** plans that left because plan_ttl had passed */
  readonly plan_expirations: string
  /** plans dropped because the catalogue changed */
  readonly plan_invalidations: string
  /** plans in the plan cache */
  readonly plan_entries: string
  /** changes of a relation noted */
  readonly epoch_bumps: string
  /** changes that may concern any relation */
  readonly epoch_bumps_global: string
  /** registrations of answers that changes told in rows ended */
  readonly invalidation_fanout: string
  /** answers that are found by the rows they depend on, and relations these are of */
  readonly graph_nodes: string
  /** registrations of these answers with these relations */
  readonly graph_edges: string
  /** bytes of memory charged for them */
  readonly graph_bytes_in_use: string
  /** answers left to depend on their relations as a whole because graph_bytes_max was reached */
  readonly graph_refusals: string
  /** answers that left to make room in the graph */
  readonly graph_evictions: string
  /** times a part of the graph could not be read back, and all in it was hidden */
  readonly graph_partitions_lost: string
  /** parts of the graph written to files */
  readonly spill_writes: string
  /** files of the graph read because a change concerned what is in them */
  readonly spill_reloads: string
  /** bytes of these files written */
  readonly spill_bytes_written: string
  /** bytes of these files read */
  readonly spill_bytes_read: string
  /** bytes of these files there are */
  readonly spill_disk_bytes: string
  /** files of the graph that could not be written, read or removed */
  readonly spill_failures: string
  /** commits during which hits on what they may change were held back */
  readonly suspensions: string
  /** commits that a change feed told of */
  readonly feed_transactions: string
  /** changes of rows, and truncations, that a change feed told of */
  readonly feed_changes: string
  /** streams of changes that broke off: everything read before the next one is void */
  readonly feed_gaps: string
  /** databases whose change feed is streaming */
  readonly feeds_streaming: string
  /** commits whose origin connection was lost before it answered */
  readonly unknown_outcomes: string
  /** client sessions that completed their start-up */
  readonly sessions_opened: string
  /** client sessions open */
  readonly sessions: string
  /** connections refused, by a limit, a timeout or a failed start-up */
  readonly sessions_refused: string
  /** connections opened to the origin */
  readonly origin_connections_opened: string
  /** connections to the origin that ended unasked */
  readonly origin_connections_lost: string
  /** connections to the origin open */
  readonly origin_connections: string
  /** connections closed because the client broke the protocol */
  readonly protocol_errors: string
  /** cancel requests that found their session */
  readonly cancels: string
  /** bytes read from clients */
  readonly client_bytes_in: string
  /** bytes written to clients */
  readonly client_bytes_out: string
  /** bytes read from the origin */
  readonly origin_bytes_in: string
  /** bytes written to the origin */
  readonly origin_bytes_out: string
  /** times pg_locks was asked which relations a statement touched */
  readonly lock_captures: string
  /** times the catalogue was asked what a statement means */
  readonly shape_probes: string
  /** times the origin was asked for the role, search_path and settings of a session */
  readonly context_probes: string
  /** statements over relations of the virtual schema */
  readonly virtual_statements: string
  /** statements the server executed itself (SHOW CACHES, FLUSH, SET of a cache setting) */
  readonly own_statements: string
  /** starts of the system database behind the virtual schema */
  readonly system_database_starts: string
  /** entries asked for by key */
  readonly blob_gets: string
  /** entries put */
  readonly blob_puts: string
  /** entries put that no tier may or can hold */
  readonly blob_puts_unstored: string
  /** values refused because they are larger than an entry or the tiers may be */
  readonly blob_too_large: string
  /** puts refused because of metadata_keys_max or metadata_bytes_max */
  readonly blob_metadata_too_large: string
  /** puts whose condition or version did not hold against what was there */
  readonly blob_version_mismatches: string
  /** puts refused because the value was older than a change, or its lease was over */
  readonly blob_fill_rejects: string
  /** leases given out */
  readonly blob_leases: string
  /** entries invalidated by key */
  readonly invalidated_by_key: string
  /** entries invalidated by prefix */
  readonly invalidated_by_prefix: string
  /** entries invalidated by tag */
  readonly invalidated_by_tag: string
  /** entries invalidated by dependency, or by a change of a relation they depend on */
  readonly invalidated_by_dependency: string
  /** flushes of namespaces */
  readonly namespace_flushes: string
  /** entries found in the first tier */
  readonly l1_hits: string
  /** entries not found there */
  readonly l1_misses: string
  /** hits, of either tier, on entries in their stale window */
  readonly l1_stale_hits: string
  /** entries that left the first tier because their life was over */
  readonly l1_expirations: string
  /** those of them that were not used for idle_ttl */
  readonly l1_idle_evictions: string
  /** replies of the second tier dropped because their key was put, invalidated or flushed meanwhile */
  readonly l1_late_replies: string
  /** entries that left the first tier to make room */
  readonly l1_evictions: string
  /** entries in the first tier */
  readonly l1_entries: string
  /** bytes charged for these entries, overhead included */
  readonly l1_bytes_in_use: string
  /** bytes of the values they hold */
  readonly l1_payload_bytes: string
  /** entries of the second tier that were to enter the first */
  readonly promotion_queued: string
  /** those that did */
  readonly promotion_completed: string
  /** those pushed out of the queue by later ones */
  readonly promotion_dropped: string
  /** those that were put, invalidated, flushed or expired meanwhile */
  readonly promotion_cancelled: string
  /** entries that the queue did not take */
  readonly promotion_refused: string
  /** entries that wait to enter the first tier */
  readonly promotion_queue_depth: string
  /** entries found in the second tier */
  readonly l2_hits: string
  /** entries asked for there and not found, not proven, or not in time */
  readonly l2_misses: string
  /** reads of the second tier given up after l2_read_timeout */
  readonly l2_read_timeouts: string
  /** puts that the first tier alone keeps because the second was not open or its queue full */
  readonly l2_put_skips: string
  /** changes made durable by commits of the second tier */
  readonly l2_commit_records: string
  /** requests to the second tier that wait or are under way */
  readonly l2_queue_depth: string
  /** entries that the synopsis ruled out without asking the second tier */
  readonly synopsis_skips: string
  /** entries that it did not rule out and that were not there */
  readonly synopsis_false_positives: string
  /** records of the second tier that were looked up */
  readonly l2_record_reads: string
  /** values written to the second tier */
  readonly l2_puts: string
  /** values refused by the second tier: larger than it, or no room */
  readonly l2_rejections: string
  /** entries that left the second tier to make room */
  readonly l2_evictions: string
  /** entries that left the second tier because their life was over */
  readonly l2_expirations: string
  /** pages and values of the second tier that could not be read back; each was a miss */
  readonly l2_corrupt_pages: string
  /** commits of the second tier */
  readonly l2_commits: string
  /** pages written to the file of the second tier */
  readonly l2_pages_written: string
  /** pages of that file given back by commits */
  readonly l2_pages_freed: string
  /** times the second tier met a full disk */
  readonly l2_disk_full: string
  /** times the second tier was closed to reads and writes after a failed sync or write */
  readonly l2_fences: string
  /** size of the file of the second tier */
  readonly l2_file_bytes: string
  /** pages of that file that hold nothing */
  readonly l2_free_pages: string
  /** entries in the second tier, those of generations that are over included */
  readonly l2_entries: string
  /** bytes of these entries as stored, with their records */
  readonly l2_bytes_in_use: string
  /** pages of the second tier found in memory */
  readonly page_hits: string
  /** pages read from its file */
  readonly page_misses: string
  /** pages that came into memory, read or made */
  readonly page_insertions: string
  /** pages that left memory for others */
  readonly page_evictions: string
  /** of these, written first because they were changed */
  readonly page_writebacks: string
  /** pages that found every slot in use: of a ring, which gave way to the pool, or of the pool */
  readonly page_ring_overflows: string
  /** pages that memory has room for, rings of scans included */
  readonly page_slots: string
  /** pages in memory that are changed and not yet written */
  readonly page_dirty: string
  /** pages in memory that are in use at this moment */
  readonly page_pinned: string
  /** rounds of the background writer of the second tier */
  readonly bgwriter_rounds: string
  /** pages it wrote ahead of commits */
  readonly bgwriter_pages_written: string
  /** rounds that wrote as many pages as they may */
  readonly bgwriter_rounds_full: string
  /** pages it could not write */
  readonly bgwriter_write_errors: string
  /** share of the memory of pages that is changed and not yet written */
  readonly bgwriter_dirty_fraction: number
  /** times the synopsis of a namespace was built from its keys */
  readonly synopsis_rebuilds: string
  /** bytes of the synopses of all namespaces */
  readonly synopsis_bytes: string
  /** runs of the sweeper */
  readonly sweep_runs: string
  /** rows the sweeper looked at */
  readonly sweep_scanned: string
  /** entries the sweeper removed because their life was over */
  readonly sweep_expired: string
  /** entries the sweeper removed because a flush had put them out of force */
  readonly sweep_dead_records: string
  /** pages the sweeper freed that nothing referred to */
  readonly sweep_orphan_pages: string
  /** stored bytes of what the sweeper removed */
  readonly sweep_bytes_reclaimed: string
  /** runs of the sweeper that left work for the next */
  readonly sweep_truncated: string
  /** values stored in the second tier as LZ4 */
  readonly compress_lz4: string
  /** values stored raw because compression is off */
  readonly compress_raw_off: string
  /** values stored raw because they are below l2_compression_bytes_min */
  readonly compress_raw_small: string
  /** values stored raw because their content type is compressed already */
  readonly compress_raw_type: string
  /** values stored raw because LZ4 gained too little */
  readonly compress_raw_ratio: string
  /** bytes of the values given to the compressor */
  readonly compress_bytes_in: string
  /** bytes that these values take as stored */
  readonly compress_bytes_out: string
  /** stored values that could not be made whole again */
  readonly decompress_errors: string
  /** backups written */
  readonly backups_completed: string
  /** backups that failed or were cancelled */
  readonly backups_failed: string
  /** bytes stored by backups */
  readonly backup_bytes: string
  /** restores that became the live store */
  readonly restores_completed: string
  /** restores and verifications that failed or were cancelled */
  readonly restores_failed: string
  /** bytes fetched and proven by restores and verifications */
  readonly restore_bytes: string
  /** requests to folders, services and servers of backups, each try counted */
  readonly archive_requests: string
  /** of these, tries after a first one that failed */
  readonly archive_retries: string
  /** requests that failed for good */
  readonly archive_errors: string
  /** resident memory of the process in bytes */
  readonly memory_rss: string
  /** from the frame of a read to its answer from the cache: half took no longer */
  readonly hit_us_p50: string
  /** from the frame of a read to its answer from the cache: 99 of 100 took no longer */
  readonly hit_us_p99: string
  /** from the frame of a read to its answer from the cache: the longest */
  readonly hit_us_max: string
  /** from the frame of a statement to the last byte of its answer by the origin: half took no longer */
  readonly origin_us_p50: string
  /** from the frame of a statement to the last byte of its answer by the origin: 99 of 100 took no longer */
  readonly origin_us_p99: string
  /** from the frame of a statement to the last byte of its answer by the origin: the longest */
  readonly origin_us_max: string
  /** from the acknowledgement of a change by the origin to the epochs moved: half took no longer */
  readonly invalidate_us_p50: string
  /** from the acknowledgement of a change by the origin to the epochs moved: 99 of 100 took no longer */
  readonly invalidate_us_p99: string
  /** from the acknowledgement of a change by the origin to the epochs moved: the longest */
  readonly invalidate_us_max: string
  /** from a read of the second tier asked for to what it found: half took no longer */
  readonly l2_read_us_p50: string
  /** from a read of the second tier asked for to what it found: 99 of 100 took no longer */
  readonly l2_read_us_p99: string
  /** from a read of the second tier asked for to what it found: the longest */
  readonly l2_read_us_max: string
  /** a commit of the second tier, until it is durable: half took no longer */
  readonly l2_commit_us_p50: string
  /** a commit of the second tier, until it is durable: 99 of 100 took no longer */
  readonly l2_commit_us_p99: string
  /** a commit of the second tier, until it is durable: the longest */
  readonly l2_commit_us_max: string
  /** when the counters were last zero */
  readonly since: Date
  /** how long the server has been up */
  readonly uptime: Interval
}
