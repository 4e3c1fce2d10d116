// A row of cache.last_statement: the decision about the last statement of this session. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface LastStatementRow {
  /** grows with every decision */
  readonly id: string
  /** when the statement arrived */
  readonly at: Date
  /** id of its session */
  readonly session: string
  /** database of the session */
  readonly database: string
  /** role in force */
  readonly role: string
  /** what the client calls itself */
  readonly application_name: string
  /** shape of the statement */
  readonly fingerprint: string | null
  /** hit, miss, bypass, pass … (see reasons) */
  readonly verdict: string
  /** why (see reasons) */
  readonly reason: string | null
  /** argument of the reason */
  readonly detail: string | null
  /** why the answer of a miss was not kept */
  readonly unstored: string | null
  /** entry that answered or was stored */
  readonly entry: string | null
  /** name of its cache */
  readonly cache: string | null
  /** level it was to be answered at */
  readonly consistency: string
  /** age of the entry that answered */
  readonly age_ms: number | null
  /** of a hit: what anybody had been told is committed so long before is in it; NULL where nobody tells */
  readonly lag_ms: number | null
  /** rows answered */
  readonly rows: string | null
  /** bytes answered */
  readonly bytes: string | null
  /** from the statement to the end of its answer */
  readonly total_us: string | null
  /** of this, waiting for the origin */
  readonly origin_us: string | null
  /** time of the origin a hit saved */
  readonly saved_us: string | null
  /** trace the statement belongs to */
  readonly traceparent: string | null
  /** its text */
  readonly statement: string
  /** what would change the verdict */
  readonly remedy: string | null
}
