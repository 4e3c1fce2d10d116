// One query that follows the stream: filled by the rows of one snapshot, then told of every transaction behind it.
//
//   wanted ──► seeding ──► following        transactions are held back until it is known which of them the snapshot has
//     ▲           │            │
//     └───────────┴── failed ◄─┘            what was told does not fit: all is read anew
//
// Invariants
//   1. What it answers is what PostgreSQL answers at `position`, the end of a transaction: of none there is a part in it.
//   2. Of those that commit at or before the consistent point of the seed nothing is told, of those behind it everything.

import type { FeedEvent, Lsn } from '../../cdc/index.ts'
import { type MaintainedQuery, NotMaintainable } from '../../deltas/index.ts'
import type { SideColumn } from '../../origin/index.ts'
import type { FollowedSubject } from './followed-parts.ts'
import type { FollowedRelation } from './followed-relations.ts'

export interface FollowedWish {
  readonly id: string
  readonly text: string
  /** As SET takes it. */
  readonly searchPath: string
  /** Whose rights it is filled with; undefined for those of the connection. */
  readonly owner: string | undefined
}

type Change = Extract<FeedEvent, { kind: 'insert' | 'update' | 'delete' }>

export type FollowedState = 'seeding' | 'following' | 'failed' | 'refused'

interface Held {
  readonly end: Lsn
  readonly changes: readonly (readonly [number, Change])[]
}

interface Filled {
  readonly query: MaintainedQuery
  readonly relations: readonly FollowedRelation[]
  /** Of the snapshot. */
  readonly from: Lsn
  /** Of its rows, about. */
  readonly bytes: number
  /** As the origin describes its answer. */
  readonly description: readonly SideColumn[]
}

/** Beside its values a row takes about so much, with its places in indexes. */
const rowBytes = 200
const valueBytes = 16
/** How often it is looked at how much memory is used, and rows are measured. */
const lookEvery = 1024
const measureEvery = 16

/** What a row takes in memory, about. */
export function bytesOfRow(values: Iterable<string | null | undefined>): number {
  let bytes = rowBytes
  for (const value of values) bytes += valueBytes + (value?.length ?? 0)
  return bytes
}

export function tooLarge(bytesMax: number): NotMaintainable {
  return new NotMaintainable('relation', `its rows take more than ${bytesMax} bytes of memory`)
}

/** timestamptz, timetz, and arrays of them. */
const zoned: ReadonlySet<number> = new Set([1184, 1266, 1185, 1270])

export class FollowedQuery {
  readonly wish: FollowedWish
  state: FollowedState = 'seeding'
  /** Why it is not following. */
  reason: string | undefined
  /** OIDs of what it reads, by the names the stream has for it. */
  watched: ReadonlyMap<string, number> = new Map()
  relations: readonly FollowedRelation[] = []
  description: readonly SideColumn[] = []
  /** Since it was last known to be visible. */
  unshown: number[] = []
  attempts = 0
  /** When it last began to follow. */
  filledAtMs = performance.now()
  /** Of those that fill it the last. */
  attempt: object | undefined
  #query: MaintainedQuery | undefined
  /** Behind it all is applied. */
  #from: Lsn | undefined
  #held: Held[] = []
  /** Of the transaction at hand, while it is not known whether the snapshot has it. */
  #changes: [number, Change][] = []
  #isTouched = false
  readonly #bytesMax: () => number
  #changeCount = 0
  /** Rows that were measured, and what they take together. */
  #measured = { rowCount: 0, bytes: 0 }

  constructor(wish: FollowedWish, bytesMax: () => number) {
    this.wish = wish
    this.#bytesMax = bytesMax
  }

  /** In memory, about: as many rows as there are, each as large as those that were measured. */
  get bytes(): number {
    let rowCount = this.#changes.length
    for (const { changes } of this.#held) rowCount += changes.length
    for (const source of this.#query?.sources.values() ?? []) rowCount += source.rowCount
    const { rowCount: measuredCount, bytes } = this.#measured
    return measuredCount === 0 ? rowCount * rowBytes : Math.round((rowCount * bytes) / measuredCount)
  }

  get query(): MaintainedQuery | undefined {
    return this.state === 'following' ? this.#query : undefined
  }

  /** What its answers are of, while it follows. */
  get subject(): FollowedSubject | undefined {
    const { query } = this
    if (query === undefined) return undefined
    const columns = [...query.columns, ...[...query.sources.values()].flatMap((source) => source.columns)]
    return {
      relations: this.relations.map(({ facts }) => facts.oid),
      isZoned: columns.some(({ type }) => zoned.has(type.oid)),
      keyCount: query.gathering?.keys.length,
    }
  }

  /** What the stream tells of these is kept from now on. */
  watch(relations: readonly FollowedRelation[], keyOf: (relation: FollowedRelation) => string): void {
    this.watched = new Map(relations.map((relation) => [keyOf(relation), relation.facts.oid]))
    this.#held = []
    this.#changes = []
    this.#from = undefined
    this.#query = undefined
    this.unshown = []
  }

  /** A change in the transaction at hand, which will be committed behind `position`. Throws NotMaintainable if it takes too much memory. */
  tell(oid: number, change: Change, position: Lsn): void {
    this.#isTouched = true
    this.#measure(change)
    const isBehind = this.#from !== undefined && position >= this.#from && this.#changes.length === 0
    if (isBehind) this.#apply(oid, change)
    else this.#changes.push([oid, change])
  }

  committed(xid: number, end: Lsn): void {
    if (this.#isTouched) this.unshown.push(xid)
    this.#isTouched = false
    if (this.#changes.length === 0) return
    const held: Held = { end, changes: this.#changes }
    this.#changes = []
    if (this.#query === undefined) this.#held.push(held)
    else this.#release(held)
  }

  #measure({ new: row }: Change): void {
    this.#changeCount++
    if (row !== undefined && this.#changeCount % measureEvery === 0) {
      this.#measured.rowCount++
      this.#measured.bytes += bytesOfRow(row.values())
    }
    if (this.#changeCount % lookEvery === 0 && this.bytes > this.#bytesMax()) throw tooLarge(this.#bytesMax())
  }

  fill({ query, relations, from, bytes, description }: Filled): void {
    this.#query = query
    this.description = description
    this.#measured = { rowCount: 0, bytes }
    for (const source of query.sources.values()) this.#measured.rowCount += source.rowCount
    this.relations = relations
    this.#from = from
    for (const held of this.#held.splice(0)) this.#release(held)
    this.state = 'following'
    this.reason = undefined
    this.filledAtMs = performance.now()
  }

  fail(state: 'failed' | 'refused', reason: string): void {
    this.state = state
    this.reason = reason
    this.#query = undefined
    this.#held = []
    this.#changes = []
    this.watched = new Map()
  }

  /**
   * Of a record of the log, `end` is behind it and `from` between two: one that begins at `from` or behind it ends behind it, any other does not.
   * The snapshot has what was committed before `from` (SnapBuildXactNeedsSkip and SnapBuildInitialSnapshot in snapbuild.c).
   */
  #release({ end, changes }: Held): void {
    if (end <= (this.#from as Lsn)) return
    for (const [oid, change] of changes) this.#apply(oid, change)
  }

  #apply(oid: number, change: Change): void {
    this.#query?.sources.get(oid)?.apply(change)
  }
}
