// From a URL to a store, if archive_allow says so.

import { conditions, ServerError } from '../errors/index.ts'
import { pathOf, requireAllowed } from './allow.ts'
import { HttpStore } from './http-store.ts'
import { LocalStore } from './local-store.ts'
import { canonicalEndpoint, type Location, parseLocation } from './location.ts'
import type { Patience } from './retry.ts'
import type { ArchiveStore } from './store.ts'

/** The settings that concern stores, by the names of the snapshot. Some are secrets. */
export interface ArchiveSettings {
  readonly archiveAllow: readonly string[]
  readonly archiveTimeout: number
  readonly archiveConcurrency: number
  readonly s3AccessKeyId: string
  readonly s3SecretAccessKey: string
  readonly s3SessionToken: string
  readonly s3Endpoint: string
  readonly s3Region: string
  readonly httpArchiveHeader: string
}

/** Throws 22023 for what is no URL of an archive, 42501 for one that is not allowed. Nothing is contacted yet. */
export async function openArchiveStore(
  url: string,
  settings: ArchiveSettings,
  patience: Patience,
): Promise<ArchiveStore> {
  if (/^origin:/i.test(url)) throw new ServerError(conditions.featureNotSupported, ['an archive at the origin'])
  const location = parseLocation(url)
  await requireAllowed(location, settings)
  return await openAt(location, settings, patience)
}

async function openAt(location: Location, settings: ArchiveSettings, patience: Patience): Promise<ArchiveStore> {
  if (location.kind === 'file') return new LocalStore(location.url, pathOf(location), patience)
  if (location.kind === 'http') return new HttpStore(location, settings, patience)
  const { S3Store } = await import('./s3-store.ts')
  const s3Endpoint = settings.s3Endpoint === '' ? '' : canonicalEndpoint(settings.s3Endpoint)
  return await S3Store.open(location, { ...settings, s3Endpoint }, patience)
}
