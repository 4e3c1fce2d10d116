// What the archive thread is asked to do, and what it answers: plain data that can be sent between threads.

import type { Adoption, HeldCommit, LoadWish } from '../cache/blob/index.ts'
import type { Manifest } from './manifest.ts'
import type { SourceFacts } from './source.ts'

/** A held commit, and what the manifest says of it. */
export interface HeldSource extends Pick<HeldCommit, 'pagerPath' | 'pagerBytes' | 'holes' | 'control'> {
  readonly facts: SourceFacts
}

/** What results depend on beside data: they are of use only where this is the same (ARC-12). */
export interface Identity {
  /** Of the origin; undefined while nobody knows. */
  readonly systemIdentifier: string | undefined
  readonly keyInputVersion: number
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
      readonly held: HeldSource
      readonly hold: number
      /** Namespaces that are not to be in it, and in which directory there is room for a copy without them. */
      readonly leaveOut: readonly string[]
      readonly directory: string
    }
  | {
      readonly kind: 'restore'
      readonly url: string
      readonly id: string
      readonly passphrase: string | undefined
      readonly verifyOnly: boolean
      /** In which the store's directories lie. */
      readonly directory: string
      readonly identity: Identity
      /** Undefined: everything, or if the backup is of chosen namespaces, those. */
      readonly namespaces: readonly LoadWish[] | undefined
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
  readonly outcome: Adoption
}

export interface TaskProgress {
  readonly id: string
  readonly bytes: number
  readonly bytesDone: number
}

/** What backups and restores need of the store; asked across threads. */
export interface StoreQuestions {
  /** Throws if that commit is held no longer (L2-34): what was copied of it is no backup. */
  assertHeld(hold: number): Promise<void>
  /** Makes the restored pair in this directory the live store, with its generations raised (ARC-11, ARC-13). */
  activate(name: string, keepDerived: boolean): Promise<Adoption>
  /** Takes namespaces out of the pair in this directory into the live store; the pair stays where it is (ARC-14). */
  load(name: string, wishes: readonly LoadWish[]): Promise<Adoption>
}
