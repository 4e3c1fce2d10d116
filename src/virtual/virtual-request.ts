// One batch for the system database, and what became of it.

import type { Viewer } from './viewer.ts'
import type { RowSet } from './virtual-table.ts'
import type { Wanted } from './wanted-rows.ts'

export interface VirtualRequest {
  /** True: `frames` is one Query frame. False: extended frames of one batch, without Sync and Flush. */
  readonly simple: boolean
  readonly frames: Buffer
  /** Relations of the virtual schema the batch reads; names unknown here are left to PostgreSQL. */
  readonly relations: readonly string[]
  /** Of some of these relations, which rows are enough. */
  readonly wanted?: Wanted | undefined
  /** Rows to be copied in place of those that the relations have, by relation. */
  readonly given?: ReadonlyMap<string, RowSet> | undefined
  /** What functions of ours in the statement have answered, as the text reads it. */
  readonly calls?: string | undefined
  /** True if it changes what was copied. That is rolled back with it; what it would have come to, it has answered. */
  readonly changes?: boolean
  readonly viewer: Viewer
  /**
   * Settings of the client's session by name, those of the virtual schema included (`cache.result_ttl`); those that
   * matter here are mirrored.
   */
  readonly settings: ReadonlyMap<string, string>
  /** For a statement of ours that runs as another text: its tag, in place of SELECT n. */
  readonly tag?: string | undefined
  /** Where a position in the text that runs is in the client's, if they differ; undefined if it is nowhere. */
  readonly positionOf?: ((position: number) => number | undefined) | undefined
  /** Sees the rows that are answered. */
  watch?(row: Buffer): void
  /**
   * True if the origin is the next to be asked: a first statement that names a function, type or relation unknown here
   * is then not answered but reported as `unresolved`.
   */
  readonly mayBeElsewhere?: boolean | undefined
}

export interface VirtualOutcome {
  readonly failed: boolean
  /** Nothing was answered: what the statement names is not in the system database. */
  readonly unresolved: boolean
}

/** Gets whole backend frames. While a promise it returned is pending, nothing more is read from the system database. */
export type VirtualOutput = (bytes: Buffer) => void | Promise<void>
