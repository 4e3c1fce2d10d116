// The closed vocabulary of verdicts and reasons (sql.md section 6). `cache.reasons` is this table.

export type Verdict =
  | 'hit'
  | 'stale_hit'
  | 'coalesced'
  | 'view'
  | 'aggregate'
  | 'rollup'
  | 'standby'
  | 'miss'
  | 'bypass'
  | 'pass'

export interface ReasonRow {
  readonly verdict: Verdict | 'unstored'
  readonly code: string
  /** What stands in brackets behind the code, if anything. */
  readonly argument: string | undefined
  readonly summary: string
  readonly remedy: string | undefined
}

function row<const C extends string>(
  verdict: ReasonRow['verdict'],
  code: C,
  argument: string | undefined,
  summary: string,
  remedy?: string,
): ReasonRow & { readonly code: C } {
  return { verdict, code, argument, summary, remedy }
}

export const reasons = [
  row('miss', 'cold', undefined, 'nothing was stored for it yet'),
  row('miss', 'expired', undefined, 'its time to live had passed', 'raise result_ttl'),
  row(
    'miss',
    'too_old',
    undefined,
    'the session asked for a shorter time to live than its age',
    'raise result_ttl in this session',
  ),
  row('miss', 'ttl_zero', undefined, 'the time to live is zero', 'set a result_ttl'),
  row('miss', 'evicted', undefined, 'it left to make room', 'raise l1_bytes_max'),
  row('miss', 'invalidated', 'relation', 'a relation it was derived from changed'),
  row('miss', 'flushed', undefined, 'the cache was flushed'),
  row('miss', 'schema_changed', undefined, 'the catalogue changed'),
  row('miss', 'suspended', 'relation', 'a write to a relation it depends on is being committed'),
  row(
    'miss',
    'floor',
    undefined,
    'the change feed is behind what this session knows, or asks for',
    'see cache.feed; raise floor_wait',
  ),
  row('miss', 'lagging', 'ms', 'the change feed is further behind than max_staleness', 'raise max_staleness'),
  row(
    'miss',
    'feed_down',
    'relation',
    'nothing tells now what others change in it',
    'see cache.feed: restore it, or allow eventual',
  ),
  row('miss', 'undescribed', undefined, 'this result format or description was not stored yet'),
  row('bypass', 'off', undefined, 'result_cache is off', 'SET cache.result_cache = on'),
  row(
    'bypass',
    'undeclared',
    undefined,
    'result_cache is declared and the statement has no hint',
    'add the hint cache',
  ),
  row('bypass', 'hint', undefined, 'a hint forbids it', 'remove the hint'),
  row('bypass', 'wrote', undefined, 'the transaction has written', 'commit first'),
  row('bypass', 'in_transaction', undefined, 'inside a transaction block the origin answers', 'read outside the block'),
  row('bypass', 'isolation', 'level', 'the isolation level asks for one snapshot', 'use READ COMMITTED'),
  row(
    'bypass',
    'volatile',
    'function',
    'it calls a volatile function',
    'pass the value as a parameter, or declare the true volatility',
  ),
  row(
    'bypass',
    'stable',
    'function',
    'it calls a stable function whose input is not in the key',
    'pass the value as a parameter, or declare the true volatility',
  ),
  row('bypass', 'temporary', 'relation', 'a temporary relation belongs to one session'),
  row('bypass', 'catalog', 'relation', 'catalogue relations change without notice'),
  row('bypass', 'sequence', 'relation', 'a sequence moves without notice'),
  row(
    'bypass',
    'unfed',
    'relation',
    'nothing tells when this relation changes',
    'unlogged or foreign: keep a view of it',
  ),
  row('bypass', 'unknown_dependency', 'subject', 'what it depends on is not known', 'see EXPLAIN (CACHE)'),
  row(
    'bypass',
    'unknown_key',
    'setting',
    'the settings of the session are not known',
    'change settings with SET, not inside a query',
  ),
  row(
    'bypass',
    'row_security',
    'policy',
    'a policy depends on more than the key',
    'let the policy read settings or immutable functions only',
  ),
  row('bypass', 'locking', undefined, 'it locks rows', 'drop FOR UPDATE or FOR SHARE if no lock is needed'),
  row(
    'bypass',
    'cursor',
    undefined,
    'cursors and row-limited portals are read from the origin',
    'send one plain SELECT',
  ),
  row('bypass', 'copy', undefined, 'COPY is read from the origin', 'send one plain SELECT'),
  row('bypass', 'several_statements', undefined, 'several statements in one text', 'send one plain SELECT'),
  row('bypass', 'unreadable', undefined, 'our grammar did not read it', 'report it if it is common'),
  row('bypass', 'memory', undefined, 'no memory for a recording', 'raise memory_max'),
  row('bypass', 'overload', undefined, 'a queue was full', 'see cache.stats'),
  row(
    'bypass',
    'quarantined',
    undefined,
    'an audit found a wrong answer of it',
    'report it with its rows of cache.audit, then FLUSH CACHE PLANS',
  ),
  row('pass', 'write', undefined, 'it writes'),
  row('pass', 'ddl', undefined, 'it changes the catalogue'),
  row('pass', 'transaction', undefined, 'transaction control'),
  row('pass', 'utility', undefined, 'neither a read nor a write of rows'),
  row('pass', 'replication', undefined, 'a replication connection'),
  row('unstored', 'moved', 'relation', 'a change crossed the fill'),
  row('unstored', 'too_large', 'bytes', 'larger than result_bytes_max', 'raise result_bytes_max'),
  row('unstored', 'busy', undefined, 'no room for the recording', 'raise connection_bytes_max'),
  row('unstored', 'notice', undefined, 'answers with notices are not kept'),
  row('unstored', 'failed', undefined, 'errors are not kept'),
  row('unstored', 'unfinished', undefined, 'not all rows were read'),
] as const

export type ReasonCode = (typeof reasons)[number]['code']

/** A text of ours with the name that our schema really has (the setting virtual_schema). */
export function inSchema(text: string, schemaName: string): string {
  return text.replace(/\bcache\.(?=[a-z])/g, () => `${schemaName}.`)
}

export function reasonsIn(schemaName: string): ReasonRow[] {
  return reasons.map((row) => ({
    ...row,
    remedy: row.remedy === undefined ? undefined : inSchema(row.remedy, schemaName),
  }))
}
