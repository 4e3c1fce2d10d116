// What a transaction really touched, asked of the origin inside the same transaction (origins.md D5, D6).
//
// One prepared statement per origin connection answers one row: the transaction's id, the session's temporary schema, whether the
// transaction changed the catalogue, and every relation it holds a lock on with the mode. It takes no relation lock itself
// (pg_lock_status is a function), so whatever is listed is the client's doing.
//
// The catalogue counters are those of this session's transactions not yet reported to the statistics system. They may still count an
// earlier transaction of the last second: then a change of the catalogue is assumed that was none, which costs hits and no truth.

import { bindFrame, executeFrame, parseFrame } from '../../wire/index.ts'

/** Name of the helper statement on each origin connection; shows in pg_prepared_statements. */
export const captureStatement = '_larder_capture'

// pg_class, attribute, proc, type, authid, auth_members, rewrite, policy, operator, cast, trigger, namespace, db_role_setting,
// inherits, enum, aggregate, collation, ts_config, ts_config_map, ts_dict, extension, foreign_table, partitioned_table, range
const cataloguesWatched = [
  1259, 1249, 1255, 1247, 1260, 1261, 2618, 3256, 2617, 2605, 2620, 2615, 2964, 2611, 3501, 2600, 3456, 3602, 3603,
  3600, 3079, 3118, 3350, 3541,
]

/** A loop over the catalogues, not an expression with a term for each: setting up 72 calls costs three times running them. */
const catalogueChanges = `(SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(o) OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(o)
   OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(o)) FROM pg_catalog.unnest('{${cataloguesWatched.join(',')}}'::pg_catalog.oid[]) o)`

// Without an id the transaction wrote nothing, so the catalogue is not asked about; with track_counts off it could not say.
const captureText = (
  mark: string,
) => `SELECT pg_catalog.pg_current_xact_id_if_assigned(), pg_catalog.pg_my_temp_schema(),
 CASE WHEN pg_catalog.pg_current_xact_id_if_assigned() IS NULL THEN 0 WHEN pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'off' THEN 1
 ELSE ${catalogueChanges} END, ${mark},
 (SELECT pg_catalog.string_agg(pg_catalog.concat(l.relation, ':', l.mode, ':', CASE WHEN l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock' THEN
   (SELECT pg_catalog.bool_or(t.tgdeferrable) FROM pg_catalog.pg_trigger t
    WHERE t.tgrelid OPERATOR(pg_catalog.=) l.relation AND NOT t.tgisinternal) END), ',')
  FROM pg_catalog.pg_lock_status() l
  WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.locktype OPERATOR(pg_catalog.=) 'relation'
  AND l.relation OPERATOR(pg_catalog.<>) ALL ('{2620,2699,2701,2702}'::pg_catalog.oid[]))`

/** Prepares the helper on a connection; it also answers the mark of the context (context.ts). */
export function prepareCaptureFrame(mark: string): Buffer {
  return parseFrame(captureStatement, captureText(mark))
}

/** Runs it: the origin answers BindComplete, one DataRow, CommandComplete. */
export const captureFrames = Buffer.concat([bindFrame('', captureStatement), executeFrame('')])

interface Lock {
  readonly oid: number
  readonly mode: string
}

export interface Capture {
  /** False if the transaction has no id: it wrote nothing. */
  readonly wrote: boolean
  /** Its id modulo 2^32, as change feeds have it. */
  readonly xid: number | undefined
  /** True if the session has made a temporary relation. */
  readonly temporary: boolean
  readonly catalogueChanged: boolean
  /** True if it holds write locks on catalogues: statements that change them by the way let go of theirs. */
  readonly catalogueLocked: boolean
  /** True if a user's deferred trigger may still write at commit. */
  readonly deferred: boolean
  /** True if users' triggers sit on what it wrote: they may have changed settings of the session. */
  readonly triggers: boolean
  /** Value of contextMark() at the end of the transaction. */
  readonly mark: string
  readonly locks: readonly Lock[]
}

const firstUserOid = 16384
const writeModes = new Set([
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
])

/** Reads the helper's row. */
export function readCapture(row: readonly (string | null)[]): Capture {
  const [xid, temporarySchema, changes, mark, list] = row
  const locks: Lock[] = []
  let deferred = false
  let triggers = false
  for (const item of list ? list.split(',') : []) {
    const [oid, mode, trigger] = item.split(':') as [string, string, string]
    const lock = { oid: Number(oid), mode }
    locks.push(lock)
    // Empty: no trigger of a user; else whether one of them is deferrable.
    if (trigger === '' || !writeModes.has(mode)) continue
    triggers = true
    if (trigger === 't') deferred = true
  }
  const catalogueLocked = locks.some((lock) => lock.oid < firstUserOid && writeModes.has(lock.mode))
  return {
    wrote: xid !== null,
    xid: typeof xid === 'string' ? Number(BigInt.asUintN(32, BigInt(xid))) : undefined,
    temporary: temporarySchema !== '0',
    catalogueChanged: changes !== '0' || catalogueLocked,
    catalogueLocked,
    deferred,
    triggers,
    mark: mark ?? '',
    locks,
  }
}

/** The relations a transaction may have changed: those it holds in a mode that lets it write. */
export function writtenOids(capture: Capture): number[] {
  const oids = new Set<number>()
  for (const lock of capture.locks) if (writeModes.has(lock.mode)) oids.add(lock.oid)
  return [...oids]
}

/** The relations a read depends on. */
export function readOids(capture: Capture): number[] {
  return [...new Set(capture.locks.map((lock) => lock.oid))]
}
