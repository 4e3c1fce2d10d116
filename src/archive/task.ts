// What the archive thread is asked to do, and what it answers: plain data that can be sent between threads.

import type { Manifest } from './manifest.ts'
import type { SourceFacts } from './source.ts'

/** A commit that the store thread holds until it is told to let go (L2-42). Its pages do not change meanwhile. */
export interface HeldCommit {
  readonly hold: number
  readonly pagerPath: string
  readonly pagerBytes: number
  /** Free stretches of the pager: offset, length, offset, length …, ascending. */
  readonly holes: Float64Array
  /** The control file that belongs to this commit alone. */
  readonly control: Uint8Array
  readonly facts: SourceFacts
}

export type ArchiveTask =
  | { readonly kind: 'list'; readonly url: string }
  | {
      readonly kind: 'show'
      readonly url: string
      readonly id: string
      readonly checkFiles: boolean
      readonly passphrase: string | undefined
    }
  | { readonly kind: 'drop'; readonly url: string; readonly id: string }
  | {
      readonly kind: 'backup'
      readonly url: string
      readonly passphrase: string | undefined
      readonly held: HeldCommit
    }
  | {
      readonly kind: 'restore'
      readonly url: string
      readonly id: string
      readonly passphrase: string | undefined
      readonly verifyOnly: boolean
      /** In which the store's directories lie. */
      readonly directory: string
    }

/** A manifest without its segments, and what they add up to. */
export interface BackupSummary extends Omit<Manifest, 'files' | 'encryption'> {
  readonly url: string
  readonly encrypted: boolean
  /** Objects, the manifest among them. */
  readonly files: number
  readonly entries: number
  /** Of the files as they were. */
  readonly bytes: number
  /** Of the objects. */
  readonly storedBytes: number
}

export interface ShownFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly segments: number
  readonly state: 'unchecked' | 'ok' | 'damaged'
}

/** What comes of each kind of task. */
export interface ArchiveResults {
  readonly list: {
    readonly backups: readonly (BackupSummary & { readonly latest: boolean })[]
    readonly unreadable: readonly { readonly id: string; readonly reason: string }[]
  }
  readonly show: { readonly summary: BackupSummary; readonly files: readonly ShownFile[] }
  readonly drop: { readonly files: number; readonly bytes: number }
  readonly backup: BackupSummary
  readonly restore: RestoredSummary
}

export interface RestoredSummary {
  readonly summary: BackupSummary
  readonly outcome: RestoreOutcome
}

/** What the store says of a pair it has taken over, or would. */
export interface RestoreOutcome {
  readonly namespaces: number
  readonly entries: number
  /** Entries of results and views' rows that are of no use here (ARC-12). */
  readonly leftOut: number
  /** Entries that are served only once they are proven (L2-30). */
  readonly unproven: number
}

export interface TaskProgress {
  readonly id: string
  readonly bytes: number
  readonly bytesDone: number
}

/** What a restore needs of the store; asked across threads. */
export interface StoreQuestions {
  /** Checks the pair in this directory and raises its generations (ARC-10, ARC-11). Throws to refuse. */
  prepare(directory: string, summary: BackupSummary): Promise<RestoreOutcome>
  /** Makes it the live store. */
  activate(directory: string): Promise<void>
}
