// May this location be used? Only if it lies under a prefix that the setting archive_allow lists (ARC-17).
//
// Prefixes are compared part by part, never as text: `file:///a` is not a prefix of `file:///ab`. For S3 the service
// counts too: a bucket allowed at the configured endpoint is not allowed at another. For files it is asked twice: of the
// path as written and of where it really leads, since a link inside an allowed folder may lead out of it (BKE-8).

import { lstat, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { conditions, ServerError } from '../errors/index.ts'
import { canonicalEndpoint, type FileLocation, type Location, parseLocation } from './location.ts'

interface AllowRules {
  /** URLs. */
  readonly archiveAllow: readonly string[]
  readonly s3Endpoint: string
}

/** Throws 42501 unless a rule covers the location. A rule that cannot be read covers nothing. */
export async function requireAllowed(location: Location, rules: AllowRules): Promise<void> {
  const prefixes = rules.archiveAllow.map(readRule).filter((prefix) => prefix !== undefined)
  for (const prefix of prefixes) {
    if (covers(prefix, location, rules.s3Endpoint) && (await reallyCovers(prefix, location))) return
  }
  throw new ServerError(conditions.insufficientPrivilege, [`archive "${location.url}"`], {
    hint: 'Only what the setting archive_allow lists can be used.',
  })
}

function readRule(text: string): Location | undefined {
  try {
    return parseLocation(text)
  } catch {
    return undefined
  }
}

function covers(prefix: Location, location: Location, defaultEndpoint: string): boolean {
  if (!prefix.segments.every((segment, index) => location.segments[index] === segment)) return false
  if (prefix.kind === 'file') return location.kind === 'file'
  if (prefix.kind === 'http') return location.kind === 'http' && location.origin === prefix.origin
  if (location.kind !== 's3' || location.bucket !== prefix.bucket) return false
  const serviceOf = (endpoint: string | undefined): string =>
    endpoint ?? (defaultEndpoint === '' ? '' : canonicalEndpoint(defaultEndpoint))
  if (serviceOf(prefix.endpoint) !== serviceOf(location.endpoint)) return false
  return prefix.region === undefined || prefix.region === location.region
}

async function reallyCovers(prefix: Location, location: Location): Promise<boolean> {
  if (prefix.kind !== 'file' || location.kind !== 'file') return true
  const [outer, inner] = [await realPathOf(pathOf(prefix)), await realPathOf(pathOf(location))]
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)
}

export function pathOf(location: FileLocation): string {
  return fileURLToPath(location.url)
}

/** The path with links resolved; of what does not exist yet, the part that does. A link to nowhere is an error. */
export async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const parent = dirname(path)
    if (!isAbsence(error) || parent === path || (await isThere(path))) throw error
    return join(await realPathOf(parent), path.slice(parent.length))
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

function isAbsence(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
