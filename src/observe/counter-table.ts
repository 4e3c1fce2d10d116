// The table of counters and gauges: one row, then the field, the column of `cache.stats` and the line in docs/counters.md.
//
// A counter only grows until it is reset; a gauge says how things stand. Names are pinned: changing one is a change for
// users (MET-1). A row is moved by at least one fixture or test (MET-2).

type CounterKind = 'counter' | 'gauge'

interface CounterRow<Name extends string = string> {
  readonly name: Name
  readonly kind: CounterKind
  readonly summary: string
}

function counter<const Name extends string>(name: Name, summary: string): CounterRow<Name> {
  return { name, kind: 'counter', summary }
}

function gauge<const Name extends string>(name: Name, summary: string): CounterRow<Name> {
  return { name, kind: 'gauge', summary }
}

export const counterTable = [
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
  counter('result_coalesced', 'reads answered by joining an equal miss already under way'),
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
  counter('suspensions', 'commits during which hits on what they may change were held back'),
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
  counter('l1_evictions', 'entries that left the first tier to make room'),
  gauge('l1_entries', 'entries in the first tier'),
  gauge('l1_bytes_in_use', 'bytes charged for these entries, overhead included'),
  gauge('l1_payload_bytes', 'bytes of the values they hold'),
  counter('l2_record_reads', 'records of the second tier that were looked up'),
  counter('l2_puts', 'values written to the second tier'),
  counter('l2_rejections', 'values refused by the second tier: larger than it, or no room'),
  counter('l2_evictions', 'entries that left the second tier to make room'),
  counter('l2_expirations', 'entries that left the second tier because their life was over'),
  counter('l2_corrupt_pages', 'pages and values of the second tier that could not be read back; each was a miss'),
  gauge('l2_entries', 'entries in the second tier, those of generations that are over included'),
  gauge('l2_bytes_in_use', 'bytes of these entries as stored, with their records'),
  counter('synopsis_rebuilds', 'times the synopsis of a namespace was built from its keys'),
  gauge('synopsis_bytes', 'bytes of the synopses of all namespaces'),
  counter('sweep_runs', 'runs of the sweeper'),
  counter('sweep_scanned', 'rows the sweeper looked at'),
  counter('sweep_expired', 'entries the sweeper removed because their life was over'),
  counter('sweep_dead_records', 'entries the sweeper removed because a flush had put them out of force'),
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
