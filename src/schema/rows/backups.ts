// A row of cache.backups: backups and restores of this server, running and past. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface BackupsRow {
  /** name of the backup in its collection */
  readonly id: string | null
  /** backup, restore or verify */
  readonly kind: string
  /** the collection */
  readonly url: string
  /** pending, running, succeeded, failed or cancelled */
  readonly state: string
  /** namespaces it was asked for; NULL for all */
  readonly namespaces: string[] | null
  /** entries in it */
  readonly entries: string | null
  /** files in it */
  readonly files: string | null
  /** bytes of these */
  readonly bytes: string | null
  /** of these, copied */
  readonly bytes_done: string
  /** the commit it holds */
  readonly commit: string | null
  /** when it began */
  readonly started_at: Date | null
  /** when it ended */
  readonly finished_at: Date | null
  /** why it failed */
  readonly error: string | null
  /** its job */
  readonly job: string
}
