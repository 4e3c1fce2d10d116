// What a materialized view is.

import type { Refresh, RefreshPolicy } from './refreshes.ts'
import type { ViewColumn, ViewRows } from './view-rows.ts'

/** `incremental`: its rows follow the stream of changes and need no run. */
export type ViewPolicy = RefreshPolicy | { readonly kind: 'incremental' }

export interface ViewWish {
  readonly database: string
  readonly name: string
  readonly owner: string
  /** Of one statement, as readQuery() gives it. */
  readonly query: string
  /** For the first columns, in place of the query's own. */
  readonly columnNames: readonly string[]
  readonly policy: ViewPolicy
  /** Roles whose members may read beside the owner's. */
  readonly readers: readonly string[]
  readonly bytesMax: number | undefined
  /** As SET takes it. */
  readonly searchPath: string
  readonly comment?: string | undefined
  /** As CREATE ROLLUP CACHE made it. */
  readonly rollup?: Rollup | undefined
}

interface Rollup {
  readonly relation: string
  readonly dimensions: readonly string[]
  readonly measures: readonly string[]
}

export interface View extends ViewWish {
  readonly columns: readonly ViewColumn[]
  /** Undefined while it is not populated. */
  readonly rows: ViewRows | undefined
  /** OIDs of what it was read from. */
  readonly relations: readonly number[]
  readonly refresh: Refresh
  readonly id: string
  readonly answered: number
}

export interface Made extends ViewWish {
  /** It has one name for the queries that follow, whatever it is renamed to. */
  readonly id: string
  name: string
  owner: string
  comment?: string | undefined
  policy: ViewPolicy
  readers: readonly string[]
  bytesMax: number | undefined
  columns: readonly ViewColumn[]
  readonly refresh: Refresh
  rows: ViewRows | undefined
  relations: readonly number[]
  /** As last read, if it follows changes. */
  rowCount: number
  /** The tick its rows were asked for at, and the time; undefined while it has none. */
  since: number | undefined
  startedAtMs: number
  /** Statements that were answered by it and do not name it. */
  answered: number
  /** Counts how often its rows were forgotten: a run that began before brings none back. */
  emptied: number
}

export interface ViewChange {
  readonly policy?: ViewPolicy
  readonly readers?: readonly string[]
  /** Null: as the limits say. */
  readonly bytesMax?: number | null
  readonly owner?: string
  /** Null: none. */
  readonly comment?: string | null
}

export interface FollowedShown {
  readonly isCurrent: boolean
  /** Of memory, about. */
  readonly bytes: number
  readonly reason: string | undefined
  /** When it was last read. */
  readonly rowCount: number | undefined
  /** What was committed before it is in its rows. */
  readonly position: bigint | undefined
}
