// A row of cache.plans: what is known of statements. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface PlansRow {
  /** shape of the statement */
  readonly fingerprint: string
  /** text with $n for constants */
  readonly statement: string
  /** read, write, ddl … */
  readonly kind: string
  /** of all it calls: immutable, stable or volatile */
  readonly volatility: string | null
  /** relations it reads */
  readonly relations: number[]
  /** types of its parameters; 0 where nobody has said */
  readonly parameter_types: number[]
  /** connections to the origin that have it prepared by name */
  readonly prepared_on: string
  /** times it was found */
  readonly hits: string
  /** times it ran at the origin */
  readonly executions: string
  /** rows it answers, on average */
  readonly mean_rows: number | null
  /** time of the origin, on average */
  readonly mean_ms: number | null
  /** when it was first seen */
  readonly created_at: Date
  /** when it was last used */
  readonly last_used_at: Date
}
