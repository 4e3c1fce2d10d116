// The columns of the relations of schema `cache`: name, type and what CREATE TABLE would say. Made by `npm run docs` from src/virtual/tables/; do not edit.

export const relations = {
  audit: `
    at timestamptz not null, cache text not null, fingerprint text not null, parameters text[], entry text not null,
    verdict text not null, cache_digest text not null, origin_digest text, first_difference jsonb, lsn_before pg_lsn,
    lsn_after pg_lsn, action text not null`,
  backups: `
    id text, kind text not null, url text not null, state text not null, namespaces text[], entries int8, files int8,
    bytes int8, bytes_done int8 not null, commit int8, started_at timestamptz, finished_at timestamptz, error text,
    job int8 not null`,
  bgwriter: `
    bgwriter_rounds int8 not null, bgwriter_pages_written int8 not null, bgwriter_rounds_full int8 not null,
    bgwriter_write_errors int8 not null, bgwriter_dirty_fraction float8 not null, last_round_at timestamptz`,
  blobs: `
    namespace text not null, key text not null, value bytea not null, content_type text, metadata jsonb,
    tags text[] not null, dependencies text[] not null, ttl interval, expires_at timestamptz, idle_ttl interval,
    stale_window interval, jitter_percent int8, priority int8 not null, admission text not null, version int8,
    generation int8 not null generated, state text not null generated, tier text not null generated,
    bytes int8 not null generated, stored_bytes int8 not null generated, codec text not null generated,
    created_at timestamptz not null generated, last_access_at timestamptz not null generated,
    hits int8 not null generated`,
  bypasses: `
    reason text not null, statements int8 not null, last_at timestamptz not null, last_statement text not null,
    remedy text`,
  caches: `
    fingerprint text not null, database text not null, name text not null, owner text, declared bool not null,
    statement text not null, options jsonb not null, enabled bool not null, pinned bool not null,
    quarantined bool not null, entries int8 not null, bytes int8 not null, hits int8 not null, stale_hits int8 not null,
    misses int8 not null, coalesced int8 not null, invalidations int8 not null, hit_ratio float8,
    saved_ms float8 not null, regret_ms float8 not null, created_at timestamptz not null, last_hit_at timestamptz,
    comment text`,
  compression: `
    outcome text not null, blobs int8 not null, bytes_in int8 not null, bytes_out int8 not null, ratio float8,
    bytes_saved int8 not null`,
  decisions: `
    id int8 not null, at timestamptz not null, session int8 not null, database text not null, role text not null,
    application_name text not null, fingerprint text, verdict text not null, reason text, detail text, unstored text,
    entry text, cache text, consistency text not null, age_ms float8, lag_ms float8, rows int8, bytes int8,
    total_us int8, origin_us int8, saved_us int8, traceparent text`,
  dependencies: `
    kind text not null, node text not null, relation oid not null, relation_name text, epoch int8 not null,
    current_epoch int8 not null, partition int8`,
  entries: `
    id text not null, kind text not null, namespace text not null, key text not null, cache text, fingerprint text,
    database text, role text, relations oid[] not null, tags text[] not null, state text not null, tier text not null,
    bytes int8 not null, stored_bytes int8 not null, priority int8 not null, hits int8 not null, saved_ms float8,
    created_at timestamptz not null, last_access_at timestamptz not null, expires_at timestamptz`,
  events: `
    at timestamptz not null, severity text not null, event text not null, subject text, detail text`,
  feed: `
    name text not null, kind text not null, slot text, plugin text, state text not null, position pg_lsn,
    origin_lsn pg_lsn, lag interval, lag_bytes int8, watermark_at timestamptz, transactions int8 not null,
    changes int8 not null, gaps int8 not null, retained_bytes int8, since timestamptz not null, last_error text`,
  graph_partitions: `
    id int8 not null, database text not null, root oid not null, root_name text, nodes int8 not null,
    edges int8 not null, bytes int8 not null, score float8 not null, spilled bool not null, disk_bytes int8 not null,
    last_access_at timestamptz not null`,
  guarantees: `
    oid oid not null, name text not null, proof text not null, feed text, consistency text not null, staleness interval,
    reason text, since timestamptz, precision text not null`,
  invalidations: `
    at timestamptz not null, cause text not null, kind text not null, subject text not null, relation oid, lsn pg_lsn,
    session int8, entries int8, elapsed_us int8`,
  jobs: `
    id int8 not null, kind text not null, description text not null, owner text not null, state text not null,
    fraction_completed float8, detail jsonb, created_at timestamptz not null, started_at timestamptz,
    finished_at timestamptz, error text`,
  l2: `
    state text not null, path text, store_id text, format_version int8, page_size int8, commit int8, incarnation int8,
    proof text, feed_lsn pg_lsn, pages int8, free_pages int8, tree_heights jsonb, last_error text,
    l2_hits int8 not null, l2_misses int8 not null, l2_read_timeouts int8 not null, l2_put_skips int8 not null,
    l2_commit_records int8 not null, l2_queue_depth int8 not null, l2_record_reads int8 not null, l2_puts int8 not null,
    l2_rejections int8 not null, l2_evictions int8 not null, l2_expirations int8 not null,
    l2_corrupt_pages int8 not null, l2_commits int8 not null, l2_pages_written int8 not null,
    l2_pages_freed int8 not null, l2_disk_full int8 not null, l2_fences int8 not null, l2_file_bytes int8 not null,
    l2_entries int8 not null, l2_bytes_in_use int8 not null`,
  last_statement: `
    id int8 not null, at timestamptz not null, session int8 not null, database text not null, role text not null,
    application_name text not null, fingerprint text, verdict text not null, reason text, detail text, unstored text,
    entry text, cache text, consistency text not null, age_ms float8, lag_ms float8, rows int8, bytes int8,
    total_us int8, origin_us int8, saved_us int8, traceparent text, statement text not null, remedy text`,
  materialized_views: `
    schema text not null, name text not null, owner text not null, query text, policy text not null,
    populated bool not null, stale bool not null, row_count int8, bytes int8, relations oid[] not null,
    writes_since_refresh int8 not null, last_refresh_at timestamptz, last_refresh_duration interval,
    next_refresh_at timestamptz, failures int8 not null, last_error text, readers text[] not null, comment text`,
  memory: `
    part text not null, setting text, bytes_max int8, bytes_in_use int8 not null, peak int8 not null, share float8,
    refusals int8 not null`,
  namespaces: `
    name text not null, id int8 not null, generation int8 not null, entries int8 not null, l1_bytes int8 not null,
    l2_bytes int8 not null, bytes_max int8, entries_max int8, hits int8 not null, misses int8 not null,
    evictions int8 not null, expirations int8 not null, invalidations int8 not null, flushes int8 not null,
    options jsonb not null, owner text, readers text[] not null, writers text[] not null`,
  pages: `
    area text not null, slots int8 not null, used int8 not null, dirty int8 not null, pinned int8 not null,
    hits int8 not null, misses int8 not null, evictions int8 not null, writebacks int8 not null`,
  plans: `
    fingerprint text not null, statement text not null, kind text not null, volatility text, relations oid[] not null,
    parameter_types oid[] not null, prepared_on int8 not null, hits int8 not null, executions int8 not null,
    mean_rows float8, mean_ms float8, created_at timestamptz not null, last_used_at timestamptz not null`,
  promotion: `
    policy text not null, promotion_queued int8 not null, promotion_completed int8 not null,
    promotion_dropped int8 not null, promotion_cancelled int8 not null, promotion_refused int8 not null,
    promotion_queue_depth int8 not null`,
  queries: `
    fingerprint text not null, database text not null, queryid int8 not null, statement text not null,
    kind text not null, supported bool not null, reason text, cache text, calls int8 not null, hits int8 not null,
    misses int8 not null, bypasses int8 not null, rows int8 not null, hit_us float8, miss_us float8, origin_us float8,
    p50_us int8, p99_us int8, projected_hit_ratio float8, saved_ms float8 not null, first_at timestamptz not null,
    last_at timestamptz not null`,
  reasons: `
    verdict text not null, code text not null, argument text, summary text not null, remedy text`,
  relations: `
    oid oid not null, name text, epoch int8 not null, proof text not null, feed text, lag interval,
    dependents int8 not null, last_change_at timestamptz, last_change_lsn pg_lsn`,
  results: `
    key text not null, fingerprint text not null, statement text not null, parameters text[], role text not null,
    database text not null, relations oid[] not null, epochs int8[] not null, tags text[] not null, rows int8 not null,
    bytes int8 not null, tier text not null, state text not null, hits int8 not null, saved_ms float8 not null,
    created_at timestamptz not null, expires_at timestamptz`,
  rollup_rewrites: `
    at timestamptz not null, fingerprint text not null, rollup text not null, statement text not null`,
  rollups: `
    name text not null, relation text not null, dimensions text[] not null, measures text[] not null, rows int8,
    bytes int8, stale bool not null, as_of_lsn pg_lsn, answers int8 not null`,
  sessions: `
    id int8 not null, pid int8 not null, database text not null, login text not null, role text not null,
    application_name text not null, client_addr text, tls text, state text not null, transaction text not null,
    consistency text not null, floor pg_lsn, connection int8, hits int8 not null, misses int8 not null,
    bypasses int8 not null, prepared int8 not null, settings jsonb not null, connected_at timestamptz not null,
    last_at timestamptz not null`,
  settings: `
    name text not null, value text not null, type text not null, initial text not null, change text not null,
    category text not null, summary text not null, source text not null, pending_restart bool not null`,
  stats: `
    view_reads int8 not null, view_stale_reads int8 not null, view_rewrites int8 not null, view_refreshes int8 not null,
    view_refresh_failures int8 not null, view_refresh_ms int8 not null, result_hits int8 not null,
    result_misses int8 not null, result_bypasses int8 not null, result_passes int8 not null, result_fills int8 not null,
    result_fill_rejects int8 not null, result_too_large int8 not null, result_invalidations int8 not null,
    result_evictions int8 not null, result_expirations int8 not null, feed_waits int8 not null,
    standby_answers int8 not null, standby_too_old int8 not null, standby_too_new int8 not null,
    standby_failures int8 not null, result_coalesced int8 not null, result_audits int8 not null,
    result_audit_divergences int8 not null, result_audits_inconclusive int8 not null, result_entries int8 not null,
    result_bytes_in_use int8 not null, result_payload_bytes int8 not null, plan_hits int8 not null,
    plan_misses int8 not null, plan_evictions int8 not null, plan_expirations int8 not null,
    plan_invalidations int8 not null, plan_entries int8 not null, epoch_bumps int8 not null,
    epoch_bumps_global int8 not null, invalidation_fanout int8 not null, graph_nodes int8 not null,
    graph_edges int8 not null, graph_bytes_in_use int8 not null, graph_refusals int8 not null,
    graph_evictions int8 not null, graph_partitions_lost int8 not null, spill_writes int8 not null,
    spill_reloads int8 not null, spill_bytes_written int8 not null, spill_bytes_read int8 not null,
    spill_disk_bytes int8 not null, spill_failures int8 not null, suspensions int8 not null,
    feed_transactions int8 not null, feed_changes int8 not null, feed_gaps int8 not null, feeds_streaming int8 not null,
    unknown_outcomes int8 not null, sessions_opened int8 not null, sessions int8 not null,
    sessions_refused int8 not null, origin_connections_opened int8 not null, origin_connections_lost int8 not null,
    origin_connections int8 not null, protocol_errors int8 not null, cancels int8 not null,
    client_bytes_in int8 not null, client_bytes_out int8 not null, origin_bytes_in int8 not null,
    origin_bytes_out int8 not null, lock_captures int8 not null, shape_probes int8 not null,
    context_probes int8 not null, virtual_statements int8 not null, own_statements int8 not null,
    system_database_starts int8 not null, blob_gets int8 not null, blob_puts int8 not null,
    blob_puts_unstored int8 not null, blob_too_large int8 not null, blob_metadata_too_large int8 not null,
    blob_version_mismatches int8 not null, blob_fill_rejects int8 not null, blob_leases int8 not null,
    invalidated_by_key int8 not null, invalidated_by_prefix int8 not null, invalidated_by_tag int8 not null,
    invalidated_by_dependency int8 not null, namespace_flushes int8 not null, l1_hits int8 not null,
    l1_misses int8 not null, l1_stale_hits int8 not null, l1_expirations int8 not null, l1_idle_evictions int8 not null,
    l1_late_replies int8 not null, l1_evictions int8 not null, l1_entries int8 not null, l1_bytes_in_use int8 not null,
    l1_payload_bytes int8 not null, promotion_queued int8 not null, promotion_completed int8 not null,
    promotion_dropped int8 not null, promotion_cancelled int8 not null, promotion_refused int8 not null,
    promotion_queue_depth int8 not null, l2_hits int8 not null, l2_misses int8 not null, l2_read_timeouts int8 not null,
    l2_put_skips int8 not null, l2_commit_records int8 not null, l2_queue_depth int8 not null,
    synopsis_skips int8 not null, synopsis_false_positives int8 not null, l2_record_reads int8 not null,
    l2_puts int8 not null, l2_rejections int8 not null, l2_evictions int8 not null, l2_expirations int8 not null,
    l2_corrupt_pages int8 not null, l2_commits int8 not null, l2_pages_written int8 not null,
    l2_pages_freed int8 not null, l2_disk_full int8 not null, l2_fences int8 not null, l2_file_bytes int8 not null,
    l2_free_pages int8 not null, l2_entries int8 not null, l2_bytes_in_use int8 not null, page_hits int8 not null,
    page_misses int8 not null, page_insertions int8 not null, page_evictions int8 not null,
    page_writebacks int8 not null, page_ring_overflows int8 not null, page_slots int8 not null,
    page_dirty int8 not null, page_pinned int8 not null, bgwriter_rounds int8 not null,
    bgwriter_pages_written int8 not null, bgwriter_rounds_full int8 not null, bgwriter_write_errors int8 not null,
    bgwriter_dirty_fraction float8 not null, synopsis_rebuilds int8 not null, synopsis_bytes int8 not null,
    sweep_runs int8 not null, sweep_scanned int8 not null, sweep_expired int8 not null,
    sweep_dead_records int8 not null, sweep_orphan_pages int8 not null, sweep_bytes_reclaimed int8 not null,
    sweep_truncated int8 not null, compress_lz4 int8 not null, compress_raw_off int8 not null,
    compress_raw_small int8 not null, compress_raw_type int8 not null, compress_raw_ratio int8 not null,
    compress_bytes_in int8 not null, compress_bytes_out int8 not null, decompress_errors int8 not null,
    backups_completed int8 not null, backups_failed int8 not null, backup_bytes int8 not null,
    restores_completed int8 not null, restores_failed int8 not null, restore_bytes int8 not null,
    archive_requests int8 not null, archive_retries int8 not null, archive_errors int8 not null,
    memory_rss int8 not null, hit_us_p50 int8 not null, hit_us_p99 int8 not null, hit_us_max int8 not null,
    origin_us_p50 int8 not null, origin_us_p99 int8 not null, origin_us_max int8 not null,
    invalidate_us_p50 int8 not null, invalidate_us_p99 int8 not null, invalidate_us_max int8 not null,
    l2_read_us_p50 int8 not null, l2_read_us_p99 int8 not null, l2_read_us_max int8 not null,
    l2_commit_us_p50 int8 not null, l2_commit_us_p99 int8 not null, l2_commit_us_max int8 not null,
    since timestamptz not null, uptime interval not null`,
  sweeps: `
    started_at timestamptz not null, cause text not null, namespace text, scanned int8 not null, evicted int8 not null,
    records_dead int8 not null, orphan_pages int8 not null, bytes int8 not null, pages int8 not null,
    elapsed interval not null, truncated bool not null`,
  synopsis: `
    namespace text not null, keys int8 not null, removed_keys int8 not null, capacity int8 not null,
    bytes int8 not null, fill_ratio float8 not null, skips int8 not null, false_positives int8 not null,
    false_positive_ratio float8, rebuilding bool not null`,
  tags: `
    namespace text not null, kind text not null, tag text not null, entries int8 not null, bytes int8 not null`,
} as const

export type RelationName = keyof typeof relations
