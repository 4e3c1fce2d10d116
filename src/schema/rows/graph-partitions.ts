// A row of cache.graph_partitions: what answers depend on of the rows of a relation, and where that is kept. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface GraphPartitionsRow {
  /** its number, since the start */
  readonly id: string
  /** database of the relation */
  readonly database: string
  /** OID of the relation */
  readonly root: number
  /** its name */
  readonly root_name: string | null
  /** the relation, and the answers */
  readonly nodes: string
  /** registrations of answers, in memory and in files */
  readonly edges: string
  /** bytes of memory charged */
  readonly bytes: string
  /** how much it was used lately: registrations and changes */
  readonly score: number
  /** some of it is in files */
  readonly spilled: boolean
  /** bytes of these files */
  readonly disk_bytes: string
  /** when it was last used so */
  readonly last_access_at: Date
}
