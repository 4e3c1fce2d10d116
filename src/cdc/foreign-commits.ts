// Commits the feed tells of, from their arrival until they are known to be visible (origins.md 4.3, R4, R5 and R9).
//
// The walsender may send a commit before it is visible to others. A read that begins in between sees the old rows, and its answer would
// be kept for good. So what a commit changed is bumped at its arrival, quarantined (no answer derived from it is kept), and bumped once
// more when a snapshot shows it: that voids what began between the two.
//
//   arrival      bump, quarantine                 an acknowledgement of ours before it: nothing is left to do, if it named as much
//   confirmed    bump, release                    by a snapshot in which the transaction is no longer running, or by our acknowledgement
//
// When a stream begins, nothing was heard of what was committed before it, and some of that may not be visible yet. Everything is bumped,
// and quarantined for a short while. Those that ran then are *suspects*: whoever of them is heard of is a commit like any other. Whoever
// is gone without having been heard of may have been committed before the stream: then everything is bumped once more.
//
// Invariants
//   1. A relation's quarantines equal the number of pending commits that changed it; everything's those that changed anything, and the hold.
//   2. What is remembered of our own commits is bounded: to forget one costs a bump, never a row.

import {
  type ChangedBy,
  type DatabaseEpochs,
  type Relation,
  type WriteScope,
  wholeDatabase,
} from '../invalidation/index.ts'
import type { Lsn } from './lsn.ts'
import type { Claim } from './relation-names.ts'
import { isVisible, type Snapshot } from './snapshot.ts'

/** A commit as the feed tells of it. */
export interface HeardCommit {
  readonly xid: number
  /** Behind its commit. */
  readonly end: Lsn
  readonly scope: WriteScope
  /** What the scope was concluded from. */
  readonly claims: readonly Claim[]
  /** Of those, what it truncated. */
  readonly truncated: ReadonlySet<number>
  /** It changed the catalogue. */
  readonly isSchema?: boolean
}

const ackedMax = 10_000

export class ForeignCommits {
  readonly #epochs: DatabaseEpochs
  readonly #nowMs: () => number
  /** In the order of their positions. */
  readonly #pending = new Map<number, HeardCommit>()
  /** Acknowledged through this server and not yet heard of: what was bumped for them. */
  readonly #acked = new Map<number, WriteScope>()
  readonly #expected = new Map<number, (heard: HeardCommit) => void>()
  readonly #suspects = new Set<number>()
  #isHolding = false

  readonly #broken: ReadonlySet<string>

  /** `broken` names rules that are left out on purpose. */
  constructor(epochs: DatabaseEpochs, nowMs: () => number, broken: ReadonlySet<string> = new Set()) {
    this.#epochs = epochs
    this.#nowMs = nowMs
    this.#broken = broken
  }

  /** Commits that are not known to be visible, in the order they were made. */
  get pending(): Iterable<HeardCommit> {
    return this.#pending.values()
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  /** What is pending is all ours, and will be acknowledged. */
  get areAllExpected(): boolean {
    for (const xid of this.#pending.keys()) if (!this.#expected.has(xid)) return false
    return true
  }

  /** Transactions that ran when the stream began, and may have been committed before. */
  get suspectCount(): number {
    return this.#suspects.size
  }

  /** Everything is quarantined because of what was not heard. */
  get isHolding(): boolean {
    return this.#isHolding
  }

  /** Up to where everything is known to be visible, of what was heard up to `position`. */
  settled(position: Lsn): Lsn {
    const [first] = this.#pending.values()
    return first === undefined ? position : first.end - 1n
  }

  /** A commit through this server is acknowledged by the origin, hence visible; its scope has been bumped. */
  acknowledged(xid: number, scope: WriteScope): void {
    this.#notSuspect(xid)
    const pending = this.#pending.get(xid)
    if (pending !== undefined) {
      if (covers(scope, pending.scope)) {
        this.#epochs.placed(pending.scope, pending.end)
        this.#release(pending)
      } else this.#confirm(pending)
      return
    }
    this.#acked.set(xid, scope)
    if (this.#acked.size > ackedMax) this.#acked.delete(this.#acked.keys().next().value as number)
  }

  /** A commit through this server is under way: `tell` is called when the feed tells of it. */
  expect(xid: number, tell: (heard: HeardCommit) => void): void {
    this.#expected.set(xid, tell)
  }

  expectNoMore(xid: number): void {
    this.#expected.delete(xid)
  }

  /**
   * The same as `acknowledged`, for a commit that was heard of before: of what the feed told in rows, and is `proven`, only these rows were
   * changed. The rest of `scope`, which is what the transaction locked, is bumped as a whole.
   */
  acknowledgedInRows(
    heard: HeardCommit,
    proven: ReadonlyMap<Relation, string>,
    scope: WriteScope,
    by: ChangedBy | undefined,
  ): void {
    const pending = this.#pending.get(heard.xid)
    if (pending !== undefined) this.#confirm(pending, by)
    // Its stream was lost meanwhile, perhaps before it was visible: what began then is not void yet.
    else this.#epochs.bump(heard.scope, 'write', this.#nowMs(), by, heard.end)
    this.#notSuspect(heard.xid)
    const rest = scope.relations.filter((relation) => {
      const claim = heard.claims.find(({ named }) => named.oid === relation.oid)
      return heard.scope.rows?.has(relation) !== true || proven.get(relation) !== claim?.rowMark
    })
    if (rest.length > 0)
      this.#epochs.bump({ everything: false, relations: rest }, 'write', this.#nowMs(), by, heard.end)
  }

  /** The feed tells of a commit; it may not be visible yet. True if that has to be found out. */
  arrived(heard: HeardCommit): boolean {
    const earlier = this.#pending.get(heard.xid)
    // Heard of before its rows, as one that changed the catalogue.
    const commit = earlier?.isSchema ? { ...heard, scope: wholeDatabase, claims: [], isSchema: true } : heard
    if (earlier !== undefined) this.#release(earlier)
    const { xid, scope } = commit
    this.#notSuspect(xid)
    const acked = this.#acked.get(xid)
    this.#acked.delete(xid)
    if (acked !== undefined && covers(acked, scope)) {
      this.#epochs.placed(scope, commit.end)
      return false
    }
    // Visible for sure: the bump alone does, and what it was concluded from will not be proven.
    const bumped = acked === undefined ? scope : { everything: scope.everything, relations: scope.relations }
    if (!this.#broken.has('R4-arrival'))
      this.#epochs.bump(bumped, commit.isSchema ? 'schema' : 'write', this.#nowMs(), {
        ...{ cause: commit.isSchema ? 'ddl' : 'feed', lsn: commit.end },
      })
    if (acked !== undefined) return false
    this.#epochs.quarantine(scope)
    this.#pending.set(xid, commit)
    this.#expected.get(xid)?.(commit)
    return true
  }

  /** What the origin showed after these arrivals. Of others, what they were concluded from is not proven yet. */
  seen(snapshot: Snapshot, arrived?: ReadonlySet<number>): void {
    for (const commit of this.#pending.values())
      if (arrived?.has(commit.xid) !== false && isVisible(commit.xid, snapshot)) this.#confirm(commit)
    if (this.#suspects.size === 0) return
    let isAnyUnheard = false
    for (const xid of this.#suspects) {
      if (!isVisible(xid, snapshot)) continue
      this.#suspects.delete(xid)
      isAnyUnheard = true
    }
    if (isAnyUnheard) this.#voidAll()
    if (this.#suspects.size === 0) this.endHold()
  }

  /** What the commits so far were found to have changed may have been something else. */
  doubt(): void {
    this.#epochs.bump(wholeDatabase, 'schema', this.#nowMs(), { cause: 'ddl' })
    for (const commit of [...this.#pending.values()]) {
      this.#epochs.endQuarantine(commit.scope)
      this.#epochs.quarantine(wholeDatabase)
      this.#pending.set(commit.xid, { ...commit, scope: wholeDatabase, claims: [] })
    }
  }

  /** A stream has begun. What was started at the tick `unmovedSince` or later holds, for nothing was committed since then. */
  begin(snapshot: Snapshot, unmovedSince: number | undefined): void {
    if (unmovedSince === undefined) this.#voidAll()
    else if (!this.#broken.has('R9-gap')) this.#epochs.voidBefore(unmovedSince)
    for (const xid of snapshot.running) if (!this.#pending.has(xid)) this.#suspects.add(xid)
    if (this.#suspects.size === 0) return
    this.#epochs.quarantine(wholeDatabase)
    this.#isHolding = true
  }

  /** Answers are kept again, though there may be suspects: what they turn out to have done is bumped then. */
  endHold(): void {
    if (!this.#isHolding) return
    this.#isHolding = false
    this.#voidAll()
    this.#epochs.endQuarantine(wholeDatabase)
  }

  /** The stream is over. */
  clear(): void {
    for (const commit of this.#pending.values()) this.#confirm(commit)
    this.#suspects.clear()
    this.endHold()
    this.#acked.clear()
  }

  /** Nothing will be heard any more: what was kept is void, and so is what had not been heard. */
  giveUp(): void {
    this.#voidAll()
  }

  /** What was not heard may have changed anything. */
  #voidAll(): void {
    if (!this.#broken.has('R9-gap')) this.#epochs.bump(wholeDatabase, 'unknown', this.#nowMs(), { cause: 'feed' })
  }

  /** It was heard of: whatever it did is known. */
  #notSuspect(xid: number): void {
    if (this.#suspects.delete(xid) && this.#suspects.size === 0) this.endHold()
  }

  #confirm(commit: HeardCommit, by?: ChangedBy): void {
    if (!this.#broken.has('R5-confirm'))
      this.#epochs.bump(commit.scope, commit.isSchema ? 'schema' : 'write', this.#nowMs(), by, commit.end)
    this.#release(commit)
  }

  #release(commit: HeardCommit): void {
    this.#pending.delete(commit.xid)
    this.#epochs.endQuarantine(commit.scope)
  }
}

function covers(wide: WriteScope, narrow: WriteScope): boolean {
  if (wide.everything) return true
  return !narrow.everything && narrow.relations.every((relation) => wide.relations.includes(relation))
}
