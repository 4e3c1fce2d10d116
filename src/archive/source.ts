// What a backup is made of: the pair of files as one commit left them, which stay that way until released (ARC-6).

import type { ArchiveFileName, Manifest } from './manifest.ts'
import type { Hole } from './manifest-consistency.ts'

export interface SourceFile {
  readonly name: ArchiveFileName
  /** Bytes, holes included. */
  readonly size: number
  /** Stretches of [from, to) that nothing needs, ascending and apart; they come back as zeros. */
  holes(from: number, to: number): readonly Hole[]
  /** Fills `into` with the bytes from `at` on. */
  read(into: Uint8Array, at: number): Promise<void>
}

/** What the manifest says of where the files are from. */
export type SourceFacts = Pick<
  Manifest,
  'serverVersion' | 'store' | 'keyInputVersion' | 'origin' | 'selection' | 'namespaces'
>

export interface ArchiveSource {
  /** l2.pager, then l2.ctl. */
  readonly files: readonly SourceFile[]
  readonly facts: SourceFacts
}
