// A duration as node-pg reads it; every field that is zero is left out. Drizzle, which has strings for it, does not use this.

export interface Interval {
  readonly years?: number
  readonly months?: number
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly milliseconds?: number
  /** As PostgreSQL takes it: `1 hours 30 minutes`. */
  toPostgres(): string
  toISOString(): string
}
