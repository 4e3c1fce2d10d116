// A row of cache.jobs: long work of the server, running and past. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface JobsRow {
  /** its number */
  readonly id: string
  /** backup, restore, verify, compact or check */
  readonly kind: string
  /** what it does, without secrets */
  readonly description: string
  /** role that started it */
  readonly owner: string
  /** pending, running, succeeded, failed or cancelled */
  readonly state: string
  /** how far it is, from 0 to 1 */
  readonly fraction_completed: number | null
  /** what it did so far */
  readonly detail: unknown
  /** when it was asked for */
  readonly created_at: Date
  /** when it began */
  readonly started_at: Date | null
  /** when it ended */
  readonly finished_at: Date | null
  /** why it failed */
  readonly error: string | null
}
