// A commit through this server, of relations whose rows answers depend on: only answers from the rows it changed are void, and these the feed tells.
//
//   acknowledged by the origin ──► told of already, or in a moment ──► answered
//                                └──► answered; its relations stay suspended until it is told of, so that nothing is served from them
//
// Names and shapes that the lines were read with are proven while the commit is under way: the locks of the transaction keep the definitions
// of its relations as they are until it is over, so what holds at any time meanwhile holds for its rows.

import type { ChangedBy, Relation, WriteScope } from '../invalidation/index.ts'
import type { Following } from './following.ts'
import type { ForeignCommits, HeardCommit } from './foreign-commits.ts'

interface OwnCommitParts {
  readonly commits: ForeignCommits
  readonly following: Following
  /** Those whose rows are of interest. */
  readonly relations: readonly Relation[]
  /** So long an acknowledgement waits to be told. */
  readonly waitMs: number
  /** Resolves when all is heard of that was acknowledged before the call. */
  readonly fence: () => Promise<void>
  /** Called with whether it was told of in that time. */
  readonly onTold: (isInTime: boolean) => void
}

/** After so long it counts as a change of all that it locked. */
const lateMsMax = 5000

export class OwnCommit {
  readonly #parts: OwnCommitParts
  readonly #xid: number
  #heard: HeardCommit | undefined
  #proven: ReadonlyMap<Relation, string> | undefined
  readonly #proof: Promise<void>
  #wake: (() => void) | undefined

  /** Before the commit is sent to the origin. */
  constructor(xid: number, parts: OwnCommitParts) {
    this.#parts = parts
    this.#xid = xid
    parts.commits.expect(xid, (heard) => {
      this.#heard = heard
      this.#wake?.()
    })
    const proven = (marks: ReadonlyMap<Relation, string>) => {
      this.#proven = marks
      this.#wake?.()
    }
    this.#proof = parts.following.prove(parts.relations).then(proven, () => proven(new Map()))
  }

  /** All is known that there is to know. */
  get isTold(): boolean {
    return this.#heard !== undefined && this.#proven !== undefined
  }

  /** The origin has acknowledged it: resolves when it is told of, or the client is not to wait any longer; undefined if that is so now. */
  told(): Promise<void> | undefined {
    const { waitMs, onTold } = this.#parts
    if (this.isTold || waitMs === 0) return undefined
    return this.#untilTold(waitMs, onTold)
  }

  /** Resolves when it is told of, or will not be. */
  async settled(): Promise<void> {
    // What it changed, if anything, was in no stream when all before the fence has come, and it has not.
    const passed = this.#parts.fence().then(
      () => this.#proof,
      () => undefined,
    )
    await Promise.race([passed, this.#untilTold(lateMsMax, () => undefined)])
  }

  /** Makes void what it changed. False if the scope has to be bumped as a whole. */
  acknowledged(scope: WriteScope, by: ChangedBy | undefined): boolean {
    this.end()
    if (this.#heard === undefined || this.#proven === undefined) return false
    this.#parts.commits.acknowledgedInRows(this.#heard, this.#proven, scope, by)
    return true
  }

  end(): void {
    this.#parts.commits.expectNoMore(this.#xid)
  }

  #untilTold(withinMs: number, onTold: (isInTime: boolean) => void): Promise<void> {
    if (this.isTold) return Promise.resolve()
    return new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        onTold(false)
        resolve()
      }, withinMs)
      timer.unref()
      this.#wake = () => {
        if (!this.isTold) return
        clearTimeout(timer)
        onTold(true)
        resolve()
      }
    })
  }
}
