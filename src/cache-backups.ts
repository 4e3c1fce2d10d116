// Composition: backups of the blob cache, as jobs, by statement and by the clock.

import { ArchiveThread, BackupService, BackupTimer, cacheStoreSide, JobList } from './archive/index.ts'
import type { Clock } from './base/index.ts'
import type { BlobCache } from './cache/blob/index.ts'
import type { OriginFacts } from './cache/results/index.ts'
import type { Settings } from './config/index.ts'
import type { EventRing, Metrics } from './observe/index.ts'
import { version } from './version.ts'

/** Which origin the cache stands in front of, as far as anybody knows. */
export type OriginIdentity = OriginFacts & { readonly database: string }

interface CacheBackupsParts {
  readonly cache: BlobCache
  /** Undefined: there is no second tier. */
  readonly l2Directory: string | undefined
  readonly dataDirectory: string
  readonly settings: () => Settings
  readonly origin: () => Promise<OriginIdentity | undefined>
  readonly metrics: Metrics
  readonly events: EventRing
  readonly clock: Clock
}

interface CacheBackups {
  readonly backups: BackupService
  readonly jobs: JobList
  configure(): void
  close(): Promise<void>
}

/** Of page files; raised with storage's. */
const storeFormat = 1
/** Of what makes the key of a result. */
const keyInputVersion = 1

export function openCacheBackups(parts: CacheBackupsParts): CacheBackups {
  const { cache, l2Directory = '', dataDirectory, settings, metrics, events, clock } = parts
  const jobs = new JobList(clock, () => settings().jobsMax)
  const backups = new BackupService({
    settings: () => ({ ...settings(), dataDir: dataDirectory }),
    store: cacheStoreSide(cache, l2Directory),
    worker: new ArchiveThread(() => metrics.counters.client_bytes_in),
    jobs,
    counters: metrics.counters,
    clock,
    async identity() {
      const origin = (await parts.origin()) ?? { systemIdentifier: undefined, database: undefined }
      return { serverVersion: version, keyInputVersion, ...origin }
    },
    storeFormat,
    onEvent: (event) => events.record(event),
  })
  const timer = new BackupTimer({
    service: backups,
    intervalMs: () => settings().backupInterval,
    after(ms, call) {
      const handle = setTimeout(call, ms).unref()
      return () => clearTimeout(handle)
    },
    onEvent: (event) => events.record(event),
  })
  let interval = settings().backupInterval
  timer.restart()
  return {
    backups,
    jobs,
    configure() {
      if (interval === settings().backupInterval) return
      interval = settings().backupInterval
      timer.restart()
    },
    async close() {
      timer.stop()
      await backups.close()
    },
  }
}
