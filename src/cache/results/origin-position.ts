// Where an origin stands: enough to prove, later, that nothing was written there in between (systems.md L2-30 b).
//
// The proof: every transaction that writes has an id, and an id that ends raises the upper end of every later snapshot. So if all
// ids below X had ended when X was the upper end, and X is the upper end still, nothing was committed in between.
//
// It fails safe where that does not hold: on a standby; while a transaction with an id runs; at another server, another timeline, another
// version. An origin that falls may lose the end of its log and give ids again, also those of commits that answers have seen; its
// counters tell, which a fall resets and an orderly restart does not. What changes without an id is not proven by it: unlogged
// relations, which a fall empties.

import type { DatabaseStamps } from '../../invalidation/index.ts'

export interface OriginPosition {
  /** Identifier of the cluster, timeline and version: as they came. */
  readonly server: string
  /** Upper end of the snapshot: no id from here on has ended. */
  readonly nextXid: string
  /** Where the log ended. */
  readonly lsn: string
  /** No transaction below `nextXid` runs. */
  readonly isQuiet: boolean
  /** When the origin's counters were last reset: by a fall, if by nothing else. */
  readonly countersSince: string
}

/** Answers one row; all NULL from a standby. */
export const positionQuestion = `SELECT (pg_catalog.pg_control_system()).system_identifier, pg_catalog.left(pg_catalog.pg_walfile_name(l.inserted), 8),
 pg_catalog.current_setting('server_version_num'), pg_catalog.pg_snapshot_xmin(l.snapshot), pg_catalog.pg_snapshot_xmax(l.snapshot),
 pg_catalog.pg_wal_lsn_diff(l.inserted, '0/0'), pg_catalog.date_part('epoch', pg_catalog.pg_stat_get_bgwriter_stat_reset_time())
 FROM (SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_snapshot() END AS snapshot,
  CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_insert_lsn() END AS inserted OFFSET 0) l`

/** Undefined if the origin cannot say where it stands. */
export function readPosition(row: readonly (string | null)[] | undefined): OriginPosition | undefined {
  if (row === undefined || row.length !== 7 || row.some((value) => value === null)) return undefined
  const [system, timeline, version, least, next, inserted, countersSince] = row as readonly string[]
  return {
    server: JSON.stringify([system, timeline, version]),
    nextXid: next as string,
    lsn: inserted as string,
    isQuiet: least === next,
    countersSince: countersSince as string,
  }
}

/** Which origin, in the words of PostgreSQL. */
export interface OriginFacts {
  readonly systemIdentifier: string
  readonly timeline: number
  readonly lsn: string
}

export function factsOf({ server, lsn }: OriginPosition): OriginFacts {
  const [systemIdentifier, timeline] = JSON.parse(server) as [string, string]
  const at = BigInt(lsn)
  const half = (bits: bigint): string => (bits & 0xffff_ffffn).toString(16).toUpperCase()
  return { systemIdentifier, timeline: Number.parseInt(timeline, 16), lsn: `${half(at >> 32n)}/${half(at)}` }
}

/** The origin that a process left word of. */
export function originNoted(text: string | undefined): OriginFacts | undefined {
  const position = text === undefined ? undefined : readLegacy(text)?.position
  return position === undefined ? undefined : factsOf(position)
}

/** True if nothing was committed since the origin stood at `before`. */
export function nothingWritten(before: OriginPosition, now: OriginPosition): boolean {
  if (!before.isQuiet || before.server !== now.server || before.nextXid !== now.nextXid) return false
  return before.countersSince === now.countersSince && BigInt(now.lsn) >= BigInt(before.lsn)
}

/** What one process leaves to the next. */
export interface Legacy {
  readonly position: OriginPosition | undefined
  /** Every tick that an answer was stored with is below. */
  readonly clockMax: number
  readonly stamps: readonly DatabaseStamps[]
}

const legacyVersion = 1

export function writeLegacy({ position, clockMax, stamps }: Legacy): string {
  return JSON.stringify({ version: legacyVersion, position: position ?? null, clockMax, stamps })
}

/** Undefined if it is not what this version writes. */
export function readLegacy(text: string): Legacy | undefined {
  try {
    const { version, position, clockMax, stamps } = JSON.parse(text)
    if (version !== legacyVersion || !Number.isSafeInteger(clockMax) || !Array.isArray(stamps)) return undefined
    return { position: position ?? undefined, clockMax, stamps }
  } catch {
    return undefined
  }
}
