// Where an origin is and how to reach it: a connection string, read once and made explicit.
//
// As in libpq, the PG* environment variables fill in what the string leaves out. A parameter that we cannot honour is an
// error that names it, never ignored in silence.
//
// Source: PostgreSQL documentation, "Database Connection Control Functions"; fe-connect.c.

import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { type ConnectionParameters, invalid, parseConnectionString } from './connection-string.ts'

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
type SslMode = (typeof sslModes)[number]

export interface OriginTarget {
  /** A host name, an address, or the directory of a unix socket (then it begins with a slash). */
  readonly host: string
  /** libpq's `hostaddr`: connect here, but check certificates against `host`. */
  readonly hostAddress: string | undefined
  readonly port: number
  /** Path of the unix socket; undefined over TCP. */
  readonly socketPath: string | undefined
  readonly user: string
  readonly password: string | undefined
  readonly database: string
  readonly sslMode: SslMode
  /** `direct` opens with the TLS handshake instead of an SSLRequest (PostgreSQL 17). */
  readonly sslNegotiation: 'postgres' | 'direct'
  /** Path of the trusted roots, or `system`; undefined is libpq's default file, where it exists. */
  readonly sslRootCert: string | undefined
  readonly sslCert: string | undefined
  readonly sslKey: string | undefined
  readonly sslPassword: string | undefined
  /** Whether the host name is sent in the TLS handshake. */
  readonly sslSni: boolean
  /** 0 waits for ever; undefined leaves the limit to whoever connects. */
  readonly connectTimeoutMs: number | undefined
  readonly applicationName: string | undefined
  /** Command-line options for the backend, as in `-c statement_timeout=5s`. */
  readonly options: string | undefined
  /** The target as a URL that may be shown to anybody: without the password. */
  readonly display: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Reads a connection string; missing parts come from `env` and then from libpq's defaults. Throws a StartupError. */
export function parseOriginUrl(text: string, env: Environment = process.env): OriginTarget {
  const given = parseConnectionString(text)
  checkNames(given)
  return makeTarget({ ...partsOf(withEnvironment(given, env)) })
}

/** The target of a server that listens on a unix socket in `directory`. */
export function socketTarget(directory: string, user: string, database: string, port = 5432): OriginTarget {
  const given: ConnectionParameters = new Map([
    ['host', directory],
    ['port', String(port)],
    ['user', user],
    ['dbname', database],
  ])
  return makeTarget(partsOf(given))
}

/** Parameters we honour, with the environment variable that stands in for each. */
const honoured: Readonly<Record<string, string | undefined>> = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  sslsni: 'PGSSLSNI',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  application_name: 'PGAPPNAME',
  fallback_application_name: undefined,
  options: 'PGOPTIONS',
}

/** Parameters that are accepted as long as they ask for nothing: the values listed, or any where it only tunes a timer. */
const neutral: Readonly<Record<string, readonly string[] | 'any'>> = {
  gssencmode: ['disable', 'prefer'],
  channel_binding: ['disable', 'prefer'],
  target_session_attrs: ['any'],
  load_balance_hosts: ['disable'],
  client_encoding: ['auto', 'UTF8', 'utf8', 'UTF-8', 'utf-8'],
  sslcompression: ['0'],
  keepalives: 'any',
  keepalives_idle: 'any',
  keepalives_interval: 'any',
  keepalives_count: 'any',
  tcp_user_timeout: 'any',
}

function checkNames(given: ConnectionParameters): void {
  for (const [name, value] of given) {
    if (Object.hasOwn(honoured, name)) continue
    const allowed = Object.hasOwn(neutral, name) ? neutral[name] : undefined
    if (allowed === 'any' || allowed?.includes(value)) continue
    const shown = /^\w{1,40}$/.test(name) ? `"${name}"` : 'with an unreadable name'
    if (allowed !== undefined) throw invalid(`this value of the parameter ${shown} is not supported`, 'Leave it out.')
    throw invalid(`there is no parameter ${shown}, or it is not supported`, 'Leave it out, or check its spelling.')
  }
}

function withEnvironment(given: ConnectionParameters, env: Environment): ConnectionParameters {
  const parameters = new Map(given)
  for (const [name, variable] of Object.entries(honoured)) {
    const value = variable === undefined ? undefined : env[variable]
    if (!parameters.has(name) && value !== undefined && value !== '') parameters.set(name, value)
  }
  return parameters
}

/** What a socket's address has room for. */
const socketPathBytesMax = process.platform === 'linux' ? 107 : 103

type Parts = Omit<OriginTarget, 'display'>

function partsOf(given: ConnectionParameters): Parts {
  const port = integer(given, 'port', 1, 65_535) ?? 5432
  const host = given.get('host') ?? given.get('hostaddr') ?? defaultHost(port)
  const isSocket = host.startsWith('/') && !given.has('hostaddr')
  if (host.includes(',') && !isSocket) throw invalid('more than one host is not supported', 'Name one host.')
  const socketPath = isSocket ? `${host.replace(/\/+$/, '')}/.s.PGSQL.${port}` : undefined
  if (socketPath !== undefined && Buffer.byteLength(socketPath) > socketPathBytesMax) {
    throw invalid(
      `the path of its unix socket is too long: ${Buffer.byteLength(socketPath)} bytes, and the system takes ${socketPathBytesMax}`,
      'Name a shorter directory, such as a link to it.',
    )
  }
  if (host.startsWith('@')) throw invalid('abstract unix sockets are not supported', 'Name a directory.')
  const user = given.get('user') ?? systemUser()
  const sslRootCert = given.get('sslrootcert')
  const sslMode = choice(given, 'sslmode', sslModes) ?? (sslRootCert === 'system' ? 'verify-full' : 'prefer')
  const sslNegotiation = choice(given, 'sslnegotiation', ['postgres', 'direct'] as const) ?? 'postgres'
  if (sslRootCert === 'system' && sslMode !== 'verify-full') {
    throw invalid('sslrootcert=system needs sslmode=verify-full', 'Use sslmode=verify-full, or name a file of roots.')
  }
  if (sslNegotiation === 'direct' && ['disable', 'allow', 'prefer'].includes(sslMode)) {
    throw invalid('sslnegotiation=direct needs sslmode=require or stronger', 'Add sslmode=require.')
  }
  const timeoutSeconds = integer(given, 'connect_timeout', -1, 2_000_000)
  return {
    host,
    hostAddress: given.get('hostaddr'),
    port,
    socketPath,
    user,
    password: given.get('password'),
    database: given.get('dbname') ?? user,
    sslMode,
    sslNegotiation,
    sslRootCert,
    sslCert: given.get('sslcert'),
    sslKey: given.get('sslkey'),
    sslPassword: given.get('sslpassword'),
    sslSni: choice(given, 'sslsni', ['0', '1'] as const) !== '0',
    connectTimeoutMs: timeoutSeconds === undefined ? undefined : Math.max(0, timeoutSeconds) * 1000,
    applicationName: given.get('application_name') ?? given.get('fallback_application_name'),
    options: given.get('options'),
  }
}

function makeTarget(parts: Parts): OriginTarget {
  return Object.freeze({ ...parts, display: displayOf(parts) })
}

function displayOf(parts: Parts): string {
  const user = encodeURIComponent(parts.user)
  const database = encodeURIComponent(parts.database)
  const query: string[] = []
  let authority = ''
  if (parts.socketPath === undefined) {
    const host = parts.host.includes(':') ? `[${parts.host}]` : parts.host
    authority = `${host}:${parts.port}`
  } else {
    query.push(`host=${encodeURIComponent(parts.host).replaceAll('%2F', '/')}`)
    if (parts.port !== 5432) query.push(`port=${parts.port}`)
  }
  if (parts.sslMode !== 'prefer') query.push(`sslmode=${parts.sslMode}`)
  return `postgresql://${user}@${authority}/${database}${query.length > 0 ? `?${query.join('&')}` : ''}`
}

function defaultHost(port: number): string {
  if (process.platform === 'win32') return 'localhost'
  const directory = ['/var/run/postgresql', '/tmp'].find((path) => existsSync(`${path}/.s.PGSQL.${port}`))
  return directory ?? 'localhost'
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    throw invalid('no user is named and the system does not know ours', 'Name the user in the URL or in PGUSER.')
  }
}

function integer(given: ConnectionParameters, name: string, least: number, most: number): number | undefined {
  const text = given.get(name)
  if (text === undefined) return undefined
  const value = Number(text.trim())
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalid(`the parameter "${name}" is not a number from ${Math.max(0, least)} to ${most}`)
  }
  return value
}

function choice<const Value extends string>(
  given: ConnectionParameters,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const text = given.get(name)
  if (text === undefined) return undefined
  const value = values.find((candidate) => candidate === text)
  if (value === undefined) throw invalid(`the parameter "${name}" is none of ${values.join(', ')}`)
  return value
}
