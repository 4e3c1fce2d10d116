// What a change feed tells, whatever plugin the origin decodes with.

/** Columns of a row by name: text as the origin prints it, null for NULL, undefined where it was not sent (an unchanged TOAST value). */
export type Row = ReadonlyMap<string, string | null | undefined>

export interface RelationName {
  readonly schema: string
  readonly name: string
}

interface RowChange {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly relation: RelationName
  /** The replica identity, where it was sent: of an update only if it changed, or if all columns are in it. May leave NULLs out. */
  readonly old: Row | undefined
  /** Undefined for a delete, and where the origin sent no row. */
  readonly new: Row | undefined
}

/** Events between a `begin` and its `commit` are of that transaction; messages may come without (PostgreSQL 15, or sent as non-transactional). */
export type FeedEvent =
  | { readonly kind: 'begin'; readonly xid: number }
  | { readonly kind: 'commit'; readonly xid: number }
  | RowChange
  | { readonly kind: 'truncate'; readonly relations: readonly RelationName[] }
  | { readonly kind: 'message'; readonly transactional: boolean; readonly prefix: string; readonly content: string }
  | { readonly kind: 'prepare'; readonly gid: string; readonly xid: number }
  /** What became of a prepared transaction. */
  | { readonly kind: 'fate'; readonly gid: string; readonly xid: number; readonly commits: boolean }

/** What a decoder cannot read. Nothing may be concluded from what it was a part of: the feed counts as lost. */
export class UnreadableChange extends Error {
  override readonly name = 'UnreadableChange'
}
