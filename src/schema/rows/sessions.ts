// A row of cache.sessions: clients connected now; without the monitor role only the own session. Made by `npm run docs` from src/virtual/tables/; do not edit.

export interface SessionsRow {
  /** id of the session */
  readonly id: string
  /** process id the client was told */
  readonly pid: string
  /** database it connected to */
  readonly database: string
  /** role that logged in */
  readonly login: string
  /** role in force */
  readonly role: string
  /** what the client calls itself */
  readonly application_name: string
  /** where it connects from */
  readonly client_addr: string | null
  /** version of TLS; NULL without */
  readonly tls: string | null
  /** what it does now */
  readonly state: string
  /** idle, open, wrote or failed */
  readonly transaction: string
  /** level it asks for */
  readonly consistency: string
  /** nothing older is an answer to it */
  readonly floor: string | null
  /** id of its connection to the origin */
  readonly connection: string | null
  /** its reads answered from memory */
  readonly hits: string
  /** its reads that asked the origin */
  readonly misses: string
  /** its reads that were not eligible */
  readonly bypasses: string
  /** prepared statements it has */
  readonly prepared: string
  /** settings of this server it has changed */
  readonly settings: unknown
  /** when it connected */
  readonly connected_at: Date
  /** when its last statement arrived */
  readonly last_at: Date
}
