// What statements about materialized views are given of them. The composition root fills it.

/** As ViewPolicy of `cache/views`. */
export type ViewPolicy =
  | { readonly kind: 'manual' }
  | { readonly kind: 'on change' }
  | { readonly kind: 'every'; readonly ms: number }
  | { readonly kind: 'after'; readonly writes: number }
  | { readonly kind: 'incremental' }

export interface ViewOrder {
  readonly name: string
  /** As it stands behind AS. */
  readonly query: string
  /** Characters of the statement before it. */
  readonly queryOffset: number
  readonly columnNames: readonly string[]
  readonly policy: ViewPolicy
  readonly readers: readonly string[]
  readonly bytesMax: number | undefined
  readonly rollup?: {
    readonly relation: string
    readonly dimensions: readonly string[]
    readonly measures: readonly string[]
  }
}

export interface ViewChange {
  readonly policy?: ViewPolicy
  readonly readers?: readonly string[]
  /** Null: as view_bytes_max says. */
  readonly bytesMax?: number | null
  readonly owner?: string
  /** Null: none. */
  readonly comment?: string | null
}

/** The views of the session's database. Each takes effect before its promise resolves. */
export interface ViewAccess {
  /** Undefined if there is none of that name. */
  owner(name: string): string | undefined
  /** Gives the number of its rows. Throws 42P07, and whatever the origin says of its query. */
  create(order: ViewOrder, isEmpty: boolean): Promise<number>
  refresh(name: string): Promise<number>
  /** Forgets its rows. */
  empty(name: string): Promise<void>
  drop(name: string): Promise<void>
  /** Undefined: it stays as it is. */
  alter(name: string, change: ViewChange): Promise<void>
  /** Throws 42P07. */
  rename(name: string, into: string): Promise<void>
  readers(name: string): readonly string[]
  /** Of memory, about. */
  bytes(name: string): number | undefined
  /** Made by CREATE ROLLUP CACHE. */
  isRollup(name: string): boolean
}
