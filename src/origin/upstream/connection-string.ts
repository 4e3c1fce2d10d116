// Reads the two notations of libpq for where a server is: `postgresql://` URIs and lists of `key=value`.
//
// Invariant: no message made here holds a password, or a piece of one that was not encoded as it should have been. So what
// is wrong is described, and only names of parameters are ever quoted.
//
// Source: PostgreSQL documentation, "Connection Strings"; fe-connect.c, conninfo_parse and conninfo_uri_parse.

import { StartupError } from '../../errors/index.ts'

/** By libpq's names; a value is never empty, because libpq takes an empty value for a missing one. */
export type ConnectionParameters = Map<string, string>

export function parseConnectionString(text: string): ConnectionParameters {
  return /^postgres(ql)?:\/\//.test(text) ? parseUri(text) : parseKeyValues(text)
}

const uriPattern = /^postgres(?:ql)?:\/\/(?:([^@/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s

function parseUri(text: string): ConnectionParameters {
  const match = uriPattern.exec(text)
  if (match === null) throw invalid('the URL cannot be read')
  const [, userInfoText, authority = '', database, query] = match
  const parameters: ConnectionParameters = new Map()
  if (userInfoText !== undefined) {
    const colon = userInfoText.indexOf(':')
    setIfAny(parameters, 'user', decode(colon < 0 ? userInfoText : userInfoText.slice(0, colon)))
    if (colon >= 0) setIfAny(parameters, 'password', decode(userInfoText.slice(colon + 1)))
  }
  if (authority.includes('@') || (userInfoText === undefined && database?.includes('@') === true)) {
    throw invalid(
      'the URL holds more than one "@", or a "/" before it',
      'In a password write "@" as %40 and "/" as %2F.',
    )
  }
  parseAuthority(authority, parameters)
  if (database !== undefined) setIfAny(parameters, 'dbname', decode(database))
  if (query !== undefined) parseQuery(query, parameters)
  return parameters
}

function parseAuthority(authority: string, parameters: ConnectionParameters): void {
  if (authority.includes(',')) throw invalid('more than one host is not supported', 'Name one host.')
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(authority)
  if (match === null) throw invalid('the host cannot be read', 'Write an IPv6 address in brackets.')
  const host = match[1] ?? ''
  setIfAny(parameters, 'host', host.startsWith('[') ? host.slice(1, -1) : decode(host))
  setIfAny(parameters, 'port', match[2] ?? '')
}

function parseQuery(query: string, parameters: ConnectionParameters): void {
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.indexOf('=', equals + 1) >= 0) {
      throw invalid('a URL parameter is not of the form name=value', 'Write "=" in a value as %3D.')
    }
    const name = decode(pair.slice(0, equals))
    const value = decode(pair.slice(equals + 1))
    if (name === 'ssl' && value === 'true') parameters.set('sslmode', 'require')
    else setIfAny(parameters, name, value)
  }
}

function decode(text: string): string {
  if (/%(?![0-9a-f]{2})/i.test(text) || /%00/.test(text)) {
    throw invalid('a "%" in the URL is not followed by two hexadecimal digits', 'Write "%" itself as %25.')
  }
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('an encoded part of the URL is not UTF-8', 'Encode it as UTF-8, byte by byte.')
  }
}

function parseKeyValues(text: string): ConnectionParameters {
  const parameters: ConnectionParameters = new Map()
  const pair = /\s*([^\s=]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|)(?=\s|$)\s*/suy
  while (pair.lastIndex < text.length) {
    const match = pair.exec(text)
    if (match === null) {
      throw invalid(
        'an origin is a URL or a list of key=value pairs',
        'For example postgresql://user@localhost:5432/database.',
      )
    }
    const [, name = '', raw = ''] = match
    const value = (raw.startsWith("'") ? raw.slice(1, -1) : raw).replace(/\\(.)/gs, '$1')
    setIfAny(parameters, name, value)
  }
  return parameters
}

/** An empty value counts as a missing one, as in libpq. */
function setIfAny(parameters: ConnectionParameters, name: string, value: string): void {
  if (value !== '') parameters.set(name, value)
  else parameters.delete(name)
}

/** The error for a connection string that cannot be used. `problem` must not quote a value. */
export function invalid(
  problem: string,
  hint = 'A URL looks like postgresql://user:password@host:5432/database.',
): Error {
  return new StartupError(`invalid origin: ${problem}`, hint, { exitCode: 2 })
}
