// Where a collection of backups lies: a URL, read once into its parts and a canonical form.
//
//   file:///var/backups/larder          s3://bucket/prefix?endpoint=http://host:9000&region=eu-west-1
//   http(s)://host:port/prefix
//
// What has two spellings is refused or brought to one, so that comparing two locations part by part is safe: dot
// segments are resolved, empty ones dropped, percent-encoding undone; an encoded slash, backslash or control character
// is no URL of ours. Credentials never stand in one (ARC-17): a URL is logged, listed and shown.

import { conditions, ServerError } from '../errors/index.ts'

export interface FileLocation {
  readonly kind: 'file'
  readonly url: string
  /** Names of the directories from the root, decoded. */
  readonly segments: readonly string[]
}

export interface S3Location {
  readonly kind: 's3'
  readonly url: string
  readonly bucket: string
  readonly segments: readonly string[]
  /** Undefined: what the setting s3_endpoint says. */
  readonly endpoint: string | undefined
  readonly region: string | undefined
}

export interface HttpLocation {
  readonly kind: 'http'
  readonly url: string
  /** Scheme, host and port. */
  readonly origin: string
  readonly segments: readonly string[]
}

export type Location = FileLocation | S3Location | HttpLocation

const label = 'url'
const credentialHint =
  'Use the settings s3_access_key_id, s3_secret_access_key, s3_session_token and http_archive_header instead.'
const formHint = 'Expected file:///directory, s3://bucket/prefix or https://host/prefix.'

/** Throws 22023, with a message that shows no more of the text than is surely no secret. */
export function parseLocation(text: string): Location {
  const url = wellFormed(text)
  if (url.username !== '' || url.password !== '') {
    throw refusal(text, 'It holds credentials.', credentialHint)
  }
  if (url.hash !== '') throw refusal(text, 'It has a fragment.', formHint)
  switch (url.protocol) {
    case 'file:':
      return fileLocation(text, url)
    case 's3:':
      return s3Location(text, url)
    case 'http:':
    case 'https:':
      return httpLocation(text, url)
    default:
      throw refusal(text, 'Its scheme is not known.', formHint)
  }
}

function wellFormed(text: string): URL {
  // URL would drop tabs and line breaks, and take a backslash for a slash: what is read would not be what is written.
  if (!/^[a-z][a-z0-9]*:\/\/[^\s\\]*$/i.test(text) || hasControls(text)) {
    throw refusal(text, 'It is not a URL of an archive.', formHint)
  }
  try {
    return new URL(text)
  } catch {
    throw refusal(text, 'It is not a URL.', formHint)
  }
}

function fileLocation(text: string, url: URL): FileLocation {
  if (url.hostname !== '') throw refusal(text, 'A file URL names no host.', 'Write three slashes: file:///directory.')
  requireParameters(text, url, [])
  const segments = segmentsOf(text, url)
  return { kind: 'file', url: `file:///${encoded(segments)}`, segments }
}

function httpLocation(text: string, url: URL): HttpLocation {
  requireParameters(text, url, [])
  const segments = segmentsOf(text, url)
  const path = encoded(segments)
  return { kind: 'http', url: `${url.origin}/${path}`, origin: url.origin, segments }
}

function s3Location(text: string, url: URL): S3Location {
  const bucket = url.hostname
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || url.port !== '') {
    throw refusal(text, 'It names no bucket.', formHint)
  }
  requireParameters(text, url, ['endpoint', 'region'])
  const endpoint = url.searchParams.get('endpoint') ?? undefined
  const region = url.searchParams.get('region') ?? undefined
  if (region !== undefined && !/^[a-z0-9-]{1,64}$/.test(region)) throw refusal(text, 'Its region is none.', formHint)
  const segments = segmentsOf(text, url)
  const canonical = endpoint === undefined ? undefined : canonicalEndpoint(endpoint, text)
  const query = new URLSearchParams()
  if (canonical !== undefined) query.set('endpoint', canonical)
  if (region !== undefined) query.set('region', region)
  const shown = `s3://${bucket}/${encoded(segments)}${query.size === 0 ? '' : `?${query}`}`
  return { kind: 's3', url: shown, bucket, segments, endpoint: canonical, region }
}

/** The origin of an S3 service: scheme, host and port, nothing else. */
export function canonicalEndpoint(endpoint: string, text = endpoint): string {
  const location = /^https?:/i.test(endpoint) ? parseLocation(endpoint) : undefined
  if (location?.kind !== 'http' || location.segments.length > 0) {
    throw refusal(text, 'Its endpoint is none.', 'Expected http://host:port or https://host.')
  }
  return location.origin
}

function requireParameters(text: string, url: URL, known: readonly string[]): void {
  const names = [...url.searchParams.keys()]
  if (names.length === 0 && url.search === '') return
  if (names.every((name) => known.includes(name)) && new Set(names).size === names.length && names.length > 0) return
  // People paste presigned URLs and the AWS_SECRET_ACCESS_KEY=… of other tools.
  throw refusal(text, 'It has parameters that are not known.', credentialHint)
}

function segmentsOf(text: string, url: URL): string[] {
  const segments = url.pathname.split('/').filter((segment) => segment !== '')
  return segments.map((segment) => {
    const decoded = decode(segment)
    if (decoded === undefined || decoded === '.' || decoded === '..' || /[/\\]/.test(decoded) || hasControls(decoded)) {
      throw refusal(text, 'Its path has a part that is no name.', formHint)
    }
    return decoded
  })
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

function encoded(segments: readonly string[]): string {
  return segments.map(encodeURIComponent).join('/')
}

function hasControls(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true
  }
  return false
}

function refusal(text: string, detail: string, hint: string): ServerError {
  return new ServerError(conditions.invalidParameterValue, [label, shownPart(text)], { detail, hint })
}

/** Scheme, host and path, without user, password, parameters and fragment; of what is no URL, the scheme alone. */
function shownPart(text: string): string {
  const parts = /^([a-z][a-z0-9]*:\/\/)(?:[^/?#\s]*@)?([^/?#\s@:\\]*(?::\d+)?)(\/[^?#\s@]*)?(?:[?#].*)?$/i.exec(text)
  if (parts === null) return `${/^[a-z][a-z0-9]{0,10}:/i.exec(text)?.[0] ?? ''}…`
  return `${parts[1]}${parts[2]}${parts[3] ?? ''}`
}
