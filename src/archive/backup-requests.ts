// What statements ask of backups, what they get, and what the service needs of the server around it.

import type { Adoption, HeldCommit, LoadWish } from '../cache/blob/index.ts'
import type { ArchiveSettings } from './open-store.ts'
import type { BackupSummary, StoreQuestions } from './task.ts'

export interface BackupSettings extends ArchiveSettings {
  readonly dataDir: string
  /** Empty: a folder of the data directory. */
  readonly backupUrl: string
}

/** The cache's store, as far as archives need it. */
export interface StoreSide extends StoreQuestions {
  /** In which the store's directories lie; throws 55000 when there is no second tier. */
  directory(): string
  /** Namespaces with the option archive = off (ARC-14). */
  leftOut(): readonly string[]
  /** Commits what waits, and holds that commit. */
  hold(): Promise<HeldCommit & { readonly hold: number }>
  release(hold: number): void
}

/** Who this server is, for manifests. */
export interface ServerIdentity {
  readonly serverVersion: string
  readonly keyInputVersion: number
  /** Of the origin; undefined while nobody knows. */
  readonly systemIdentifier: string | undefined
  readonly timeline?: number
  readonly lsn?: string
  readonly database: string | undefined
}

export interface BackupRequest {
  /** Undefined: what the setting backup_url says. */
  readonly url?: string | undefined
  readonly namespaces?: readonly string[] | undefined
  readonly passphrase?: string | undefined
  readonly owner: string
}

export interface RestoreRequest {
  readonly url: string
  /** Or `LATEST`. */
  readonly id: string
  /** By the name in the backup, and the name that it gets. */
  readonly namespaces?: readonly LoadWish[] | undefined
  readonly verifyOnly?: boolean
  readonly passphrase?: string | undefined
  readonly owner: string
}

export interface BackupResult extends BackupSummary {
  readonly job: number
  readonly elapsedMs: number
}

export interface RestoreResult extends Adoption {
  readonly id: string
  readonly url: string
  readonly state: 'restored' | 'verified'
  readonly bytes: number
  readonly job: number
  readonly elapsedMs: number
  /** For the session: what a restore cannot bring back. */
  readonly notices: readonly string[]
}

/** A row of cache.backups. */
export interface BackupRow {
  readonly id: string | undefined
  readonly kind: 'backup' | 'restore' | 'verify'
  readonly url: string
  readonly state: string
  readonly namespaces: readonly string[] | undefined
  readonly entries: number | undefined
  readonly files: number | undefined
  readonly bytes: number | undefined
  readonly bytesDone: number
  readonly commit: number | undefined
  readonly startedAtMs: number | undefined
  readonly finishedAtMs: number | undefined
  readonly error: string | undefined
  readonly job: number
}

export interface ArchiveEvent {
  readonly severity: 'info' | 'warning' | 'error'
  readonly event: 'backup_done' | 'backup_failed' | 'restore_done' | 'restore_failed' | 'backup_leftover'
  readonly subject: string
  readonly detail: string
}
