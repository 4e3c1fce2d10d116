// The table of counters and gauges: one row, then the field, the column of `cache.stats` and the line in docs/counters.md.
//
// A counter only grows until it is reset; a gauge says how things stand. Names are pinned: changing one is a change for
// users (MET-1). A row is moved by at least one fixture or test (MET-2).

type CounterKind = 'counter' | 'gauge'

interface CounterRow<Name extends string = string> {
  readonly name: Name
  readonly kind: CounterKind
  /** Of its columns. */
  readonly type: 'int8' | 'float8'
  readonly summary: string
}

function counter<const Name extends string>(name: Name, summary: string): CounterRow<Name> {
  return { name, kind: 'counter', type: 'int8', summary }
}

function gauge<const Name extends string>(name: Name, summary: string): CounterRow<Name> {
  return { name, kind: 'gauge', type: 'int8', summary }
}

/** A gauge between 0 and 1. */
function share<const Name extends string>(name: Name, summary: string): CounterRow<Name> {
  return { name, kind: 'gauge', type: 'float8', summary }
}

export const counterTable = [
  counter('view_reads', 'reads of materialized views by their names'),
  counter('view_stale_reads', 'of these, reads of rows that were read before something changed'),
  counter(
    'view_rewrites',
    'of the misses, reads that views answered which they do not name, by what they ask or have gathered',
  ),
  counter('view_refreshes', 'refreshes of materialized views that succeeded'),
  counter('view_refresh_failures', 'refreshes of materialized views that failed'),
  counter('view_refresh_ms', 'milliseconds that refreshes of materialized views took'),
  counter('result_hits', 'reads answered from the result cache'),
  counter('result_misses', 'eligible reads that asked the origin'),
  counter('result_bypasses', 'reads that were not eligible and went to the origin'),
  counter('result_passes', 'statements that are not reads and went to the origin'),
  counter('result_fills', 'answers of the origin that were stored'),
  counter(
    'result_fill_rejects',
    'complete answers not stored because a change crossed them or their dependencies were unknown',
  ),
  counter('result_too_large', 'answers not stored because they passed result_bytes_max'),
  counter('result_invalidations', 'entries that a change of a relation, a flush or an INVALIDATE removed'),
  counter('result_evictions', 'entries that left to make room'),
  counter('result_expirations', 'entries that left because their time to live had passed'),
  counter('feed_waits', 'reads held back until the feed had come as far as their level of consistency asks'),
  counter('standby_answers', 'of the misses, reads that the standby answered'),
  counter('standby_too_old', 'reads that the origin answered because the standby had not come far enough'),
  counter(
    'standby_too_new',
    'answers of the standby thrown away because they showed what the origin did not show in time',
  ),
  counter('standby_failures', 'reads of the standby that failed, there or on the way, and were asked of the origin'),
  counter('result_coalesced', 'reads answered by joining an equal miss already under way'),
  counter('result_audits', 'hits that were run again at the origin, and compared'),
  counter('result_audit_divergences', 'of these, answers that were wrong'),
  counter('result_audits_inconclusive', 'of these, differences that prove nothing'),
  gauge('result_entries', 'entries in the result cache'),
  gauge('result_bytes_in_use', 'bytes charged for these entries, overhead included'),
  gauge('result_payload_bytes', 'bytes of the answers they hold'),
  counter('plan_hits', 'statements whose text was known'),
  counter('plan_misses', 'statements whose text had to be parsed'),
  counter('plan_evictions', 'plans that left to make room'),
  counter('plan_expirations', 'plans that left because plan_ttl had passed'),
  counter('plan_invalidations', 'plans dropped because the catalogue changed'),
  gauge('plan_entries', 'plans in the plan cache'),
  counter('epoch_bumps', 'changes of a relation noted'),
  counter('epoch_bumps_global', 'changes that may concern any relation'),
  counter('invalidation_fanout', 'registrations of answers that changes told in rows ended'),
  gauge('graph_nodes', 'answers that are found by the rows they depend on, and relations these are of'),
  gauge('graph_edges', 'registrations of these answers with these relations'),
  gauge('graph_bytes_in_use', 'bytes of memory charged for them'),
  counter('graph_refusals', 'answers left to depend on their relations as a whole because graph_bytes_max was reached'),
  counter('graph_evictions', 'answers that left to make room in the graph'),
  counter('graph_partitions_lost', 'times a part of the graph could not be read back, and all in it was hidden'),
  counter('spill_writes', 'parts of the graph written to files'),
  counter('spill_reloads', 'files of the graph read because a change concerned what is in them'),
  counter('spill_bytes_written', 'bytes of these files written'),
  counter('spill_bytes_read', 'bytes of these files read'),
  gauge('spill_disk_bytes', 'bytes of these files there are'),
  counter('spill_failures', 'files of the graph that could not be written, read or removed'),
  counter('suspensions', 'commits during which hits on what they may change were held back'),
  counter('feed_transactions', 'commits that a change feed told of'),
  counter('feed_changes', 'changes of rows, and truncations, that a change feed told of'),
  counter('feed_gaps', 'streams of changes that broke off: everything read before the next one is void'),
  gauge('feeds_streaming', 'databases whose change feed is streaming'),
  counter('unknown_outcomes', 'commits whose origin connection was lost before it answered'),
  counter('sessions_opened', 'client sessions that completed their start-up'),
  gauge('sessions', 'client sessions open'),
  counter('sessions_refused', 'connections refused, by a limit, a timeout or a failed start-up'),
  counter('origin_connections_opened', 'connections opened to the origin'),
  counter('origin_connections_lost', 'connections to the origin that ended unasked'),
  gauge('origin_connections', 'connections to the origin open'),
  counter('protocol_errors', 'connections closed because the client broke the protocol'),
  counter('cancels', 'cancel requests that found their session'),
  counter('client_bytes_in', 'bytes read from clients'),
  counter('client_bytes_out', 'bytes written to clients'),
  counter('origin_bytes_in', 'bytes read from the origin'),
  counter('origin_bytes_out', 'bytes written to the origin'),
  counter('lock_captures', 'times pg_locks was asked which relations a statement touched'),
  counter('shape_probes', 'times the catalogue was asked what a statement means'),
  counter('context_probes', 'times the origin was asked for the role, search_path and settings of a session'),
  counter('virtual_statements', 'statements over relations of the virtual schema'),
  counter('own_statements', 'statements the server executed itself (SHOW CACHES, FLUSH, SET of a cache setting)'),
  counter('system_database_starts', 'starts of the system database behind the virtual schema'),
  counter('blob_gets', 'entries asked for by key'),
  counter('blob_puts', 'entries put'),
  counter('blob_puts_unstored', 'entries put that no tier may or can hold'),
  counter('blob_too_large', 'values refused because they are larger than an entry or the tiers may be'),
  counter('blob_metadata_too_large', 'puts refused because of metadata_keys_max or metadata_bytes_max'),
  counter('blob_version_mismatches', 'puts whose condition or version did not hold against what was there'),
  counter('blob_fill_rejects', 'puts refused because the value was older than a change, or its lease was over'),
  counter('blob_leases', 'leases given out'),
  counter('invalidated_by_key', 'entries invalidated by key'),
  counter('invalidated_by_prefix', 'entries invalidated by prefix'),
  counter('invalidated_by_tag', 'entries invalidated by tag'),
  counter(
    'invalidated_by_dependency',
    'entries invalidated by dependency, or by a change of a relation they depend on',
  ),
  counter('namespace_flushes', 'flushes of namespaces'),
  counter('l1_hits', 'entries found in the first tier'),
  counter('l1_misses', 'entries not found there'),
  counter('l1_stale_hits', 'hits, of either tier, on entries in their stale window'),
  counter('l1_expirations', 'entries that left the first tier because their life was over'),
  counter('l1_idle_evictions', 'those of them that were not used for idle_ttl'),
  counter(
    'l1_late_replies',
    'replies of the second tier dropped because their key was put, invalidated or flushed meanwhile',
  ),
  counter('l1_evictions', 'entries that left the first tier to make room'),
  gauge('l1_entries', 'entries in the first tier'),
  gauge('l1_bytes_in_use', 'bytes charged for these entries, overhead included'),
  gauge('l1_payload_bytes', 'bytes of the values they hold'),
  counter('promotion_queued', 'entries of the second tier that were to enter the first'),
  counter('promotion_completed', 'those that did'),
  counter('promotion_dropped', 'those pushed out of the queue by later ones'),
  counter('promotion_cancelled', 'those that were put, invalidated, flushed or expired meanwhile'),
  counter('promotion_refused', 'entries that the queue did not take'),
  gauge('promotion_queue_depth', 'entries that wait to enter the first tier'),
  counter('l2_hits', 'entries found in the second tier'),
  counter('l2_misses', 'entries asked for there and not found, not proven, or not in time'),
  counter('l2_read_timeouts', 'reads of the second tier given up after l2_read_timeout'),
  counter('l2_put_skips', 'puts that the first tier alone keeps because the second was not open or its queue full'),
  counter('l2_commit_records', 'changes made durable by commits of the second tier'),
  gauge('l2_queue_depth', 'requests to the second tier that wait or are under way'),
  counter('synopsis_skips', 'entries that the synopsis ruled out without asking the second tier'),
  counter('synopsis_false_positives', 'entries that it did not rule out and that were not there'),
  counter('l2_record_reads', 'records of the second tier that were looked up'),
  counter('l2_puts', 'values written to the second tier'),
  counter('l2_rejections', 'values refused by the second tier: larger than it, or no room'),
  counter('l2_evictions', 'entries that left the second tier to make room'),
  counter('l2_expirations', 'entries that left the second tier because their life was over'),
  counter('l2_corrupt_pages', 'pages and values of the second tier that could not be read back; each was a miss'),
  counter('l2_commits', 'commits of the second tier'),
  counter('l2_pages_written', 'pages written to the file of the second tier'),
  counter('l2_pages_freed', 'pages of that file given back by commits'),
  counter('l2_disk_full', 'times the second tier met a full disk'),
  counter('l2_fences', 'times the second tier was closed to reads and writes after a failed sync or write'),
  gauge('l2_file_bytes', 'size of the file of the second tier'),
  gauge('l2_free_pages', 'pages of that file that hold nothing'),
  gauge('l2_entries', 'entries in the second tier, those of generations that are over included'),
  gauge('l2_bytes_in_use', 'bytes of these entries as stored, with their records'),
  counter('page_hits', 'pages of the second tier found in memory'),
  counter('page_misses', 'pages read from its file'),
  counter('page_insertions', 'pages that came into memory, read or made'),
  counter('page_evictions', 'pages that left memory for others'),
  counter('page_writebacks', 'of these, written first because they were changed'),
  counter(
    'page_ring_overflows',
    'pages that found every slot in use: of a ring, which gave way to the pool, or of the pool',
  ),
  gauge('page_slots', 'pages that memory has room for, rings of scans included'),
  gauge('page_dirty', 'pages in memory that are changed and not yet written'),
  gauge('page_pinned', 'pages in memory that are in use at this moment'),
  counter('bgwriter_rounds', 'rounds of the background writer of the second tier'),
  counter('bgwriter_pages_written', 'pages it wrote ahead of commits'),
  counter('bgwriter_rounds_full', 'rounds that wrote as many pages as they may'),
  counter('bgwriter_write_errors', 'pages it could not write'),
  share('bgwriter_dirty_fraction', 'share of the memory of pages that is changed and not yet written'),
  counter('synopsis_rebuilds', 'times the synopsis of a namespace was built from its keys'),
  gauge('synopsis_bytes', 'bytes of the synopses of all namespaces'),
  counter('sweep_runs', 'runs of the sweeper'),
  counter('sweep_scanned', 'rows the sweeper looked at'),
  counter('sweep_expired', 'entries the sweeper removed because their life was over'),
  counter('sweep_dead_records', 'entries the sweeper removed because a flush had put them out of force'),
  counter('sweep_orphan_pages', 'pages the sweeper freed that nothing referred to'),
  counter('sweep_bytes_reclaimed', 'stored bytes of what the sweeper removed'),
  counter('sweep_truncated', 'runs of the sweeper that left work for the next'),
  counter('compress_lz4', 'values stored in the second tier as LZ4'),
  counter('compress_raw_off', 'values stored raw because compression is off'),
  counter('compress_raw_small', 'values stored raw because they are below l2_compression_bytes_min'),
  counter('compress_raw_type', 'values stored raw because their content type is compressed already'),
  counter('compress_raw_ratio', 'values stored raw because LZ4 gained too little'),
  counter('compress_bytes_in', 'bytes of the values given to the compressor'),
  counter('compress_bytes_out', 'bytes that these values take as stored'),
  counter('decompress_errors', 'stored values that could not be made whole again'),
  counter('backups_completed', 'backups written'),
  counter('backups_failed', 'backups that failed or were cancelled'),
  counter('backup_bytes', 'bytes stored by backups'),
  counter('restores_completed', 'restores that became the live store'),
  counter('restores_failed', 'restores and verifications that failed or were cancelled'),
  counter('restore_bytes', 'bytes fetched and proven by restores and verifications'),
  counter('archive_requests', 'requests to folders, services and servers of backups, each try counted'),
  counter('archive_retries', 'of these, tries after a first one that failed'),
  counter('archive_errors', 'requests that failed for good'),
  gauge('memory_rss', 'resident memory of the process in bytes'),
] as const

type CounterName = (typeof counterTable)[number]['name']

/** One plain numeric field per row of the table: `counters.result_hits++` is one store. */
export type Counters = Record<CounterName, number>

/** A new set of counters, sealed so that a misspelt name throws instead of counting nowhere. */
export function createCounters(): Counters {
  const counters = Object.fromEntries(counterTable.map((row) => [row.name, 0])) as Counters
  return Object.seal(counters)
}

/** Zeroes counters and leaves gauges, which are facts about the present (MET-7). */
export function resetCounters(counters: Counters): void {
  for (const row of counterTable) if (row.kind === 'counter') counters[row.name] = 0
}
