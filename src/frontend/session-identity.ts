// Who a session is, as its start-up has settled it.

export interface SessionIdentity {
  readonly id: number
  readonly login: string
  readonly database: string
  readonly clientAddress: string
  readonly pid: number
  readonly key: Buffer
  readonly replication: boolean
  /** Connected to an admin database: there is no origin behind it. */
  readonly admin: boolean
  /** An admin session that no origin vouches for: it was let in by trust, by admin_password or by the control socket. */
  readonly adminTrusted: boolean
  readonly parameters: Map<string, string>
  /** As its start-up packet had them. */
  readonly startup: ReadonlyMap<string, string>
  readonly connectedAtMs: number
}

/** In other encodings, or where backslashes escape, a text may not be what our grammar reads in it. */
export function meansWhatItSays(parameters: ReadonlyMap<string, string>): boolean {
  return parameters.get('client_encoding') === 'UTF8' && parameters.get('standard_conforming_strings') !== 'off'
}
