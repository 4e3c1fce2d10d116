// A row of cache.events: the latest things worth telling an operator. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface EventsRow {
  /** when it first happened */
  readonly at: Date
  /** info, warning or error */
  readonly severity: string
  /** what happened: a fixed word */
  readonly event: string
  /** what it happened to */
  readonly subject: string | null
  /** more about it, and how often within the minute */
  readonly detail: string | null
}
