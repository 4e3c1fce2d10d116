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
import type { MaintainedQuery } from '../../deltas/index.ts'
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
}

export class FollowedQuery {
  readonly wish: FollowedWish
  state: FollowedState = 'seeding'
  /** Why it is not following. */
  reason: string | undefined
  /** OIDs of what it reads, by the names the stream has for it. */
  watched: ReadonlyMap<string, number> = new Map()
  relations: readonly FollowedRelation[] = []
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

  constructor(wish: FollowedWish) {
    this.wish = wish
  }

  get query(): MaintainedQuery | undefined {
    return this.state === 'following' ? this.#query : undefined
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

  /** A change in the transaction at hand, which will be committed behind `position`. */
  tell(oid: number, change: Change, position: Lsn): void {
    this.#isTouched = true
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

  fill({ query, relations, from }: Filled): void {
    this.#query = query
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
