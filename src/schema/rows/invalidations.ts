// A row of cache.invalidations: the latest changes that stored answers were hidden for. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface InvalidationsRow {
  /** when it took effect */
  readonly at: Date
  /** write, feed, ddl, statement, view, audit or unknown_outcome */
  readonly cause: string
  /** relation, database (all of it), key, prefix, tag, cache, namespace … */
  readonly kind: string
  /** name of what changed */
  readonly subject: string
  /** OID of the relation */
  readonly relation: number | null
  /** position behind the commit, where the feed told of it */
  readonly lsn: string | null
  /** id of the session that did it, if one of this server */
  readonly session: string | null
  /** what it hid, where that was counted */
  readonly entries: string | null
  /** how long that took */
  readonly elapsed_us: string | null
}
