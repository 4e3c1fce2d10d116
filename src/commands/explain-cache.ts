// What EXPLAIN (CACHE) shows: the node *Cache*, then the origin's plan.

export interface ExplainedRelation {
  readonly name: string
  readonly proof: 'exact' | 'own_writes' | 'ttl'
  readonly feed: string | undefined
  readonly lagMs: number | undefined
}

export interface ExplainCache {
  readonly verdict: string
  readonly reason: string | undefined
  /** Argument of the reason: `volatile(random)` has `random`. */
  readonly argument: string | undefined
  readonly remedy: string | undefined
  readonly fingerprint: string | undefined
  /** Name of its cache. */
  readonly cache: string | undefined
  readonly consistency: string
  readonly ttlMs: number | undefined
  /** Where that came from: default, file, session, hint … */
  readonly ttlSource: string | undefined
  /** What the key of the answer holds besides the text: role, database, search_path … */
  readonly keyInputs: readonly string[]
  readonly relations: readonly ExplainedRelation[]
  readonly entry: { readonly ageMs: number; readonly tier: string; readonly bytes: number } | undefined
  readonly expectedUs: {
    readonly hit: number | undefined
    readonly miss: number | undefined
    readonly origin: number | undefined
  }
  /** The origin's EXPLAIN: its lines (FORMAT TEXT), or its parsed JSON; undefined if the origin cannot be reached. */
  readonly originPlan: readonly string[] | object | undefined
}
