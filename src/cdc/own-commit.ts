// A commit through this server, of relations whose rows answers depend on: it is acknowledged when the feed has told which rows it changed,
// so that only answers from these are void. Past a moment it counts as a change of all it locked.
//
// Names and shapes that the lines were read with are proven while the commit is under way: the locks of the transaction keep the definitions
// of its relations as they are until it is over, so what holds at any time meanwhile holds for its rows.

import type { ChangedBy, Relation, WriteScope } from '../invalidation/index.ts'
import type { Following } from './following.ts'
import type { ForeignCommits, HeardCommit } from './foreign-commits.ts'

/** So long an acknowledgement waits for the feed. */
const waitMsMax = 20

export class OwnCommit {
  readonly #commits: ForeignCommits
  readonly #xid: number
  #heard: HeardCommit | undefined
  #proven: ReadonlyMap<Relation, string> | undefined
  #wake: (() => void) | undefined

  readonly #onMissed: () => void

  /** Before the commit is sent to the origin. `onMissed` is called if the feed does not tell of it in time. */
  constructor(
    commits: ForeignCommits,
    following: Following,
    xid: number,
    relations: readonly Relation[],
    onMissed: () => void,
  ) {
    this.#onMissed = onMissed
    this.#commits = commits
    this.#xid = xid
    commits.expect(xid, (heard) => {
      this.#heard = heard
      this.#wake?.()
    })
    following.prove(relations).then(
      (proven) => {
        this.#proven = proven
        this.#wake?.()
      },
      () => undefined,
    )
  }

  get #isTold(): boolean {
    return this.#heard !== undefined && this.#proven !== undefined
  }

  /** Resolves when everything is known, or nothing more is waited for; undefined if that is so already. */
  told(): Promise<void> | undefined {
    if (this.#isTold) return undefined
    return new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#onMissed()
        resolve()
      }, waitMsMax)
      this.#wake = () => {
        if (!this.#isTold) return
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The origin has acknowledged it. False if the scope has to be bumped as a whole. */
  acknowledged(scope: WriteScope, by: ChangedBy | undefined): boolean {
    this.end()
    if (this.#heard === undefined || this.#proven === undefined) return false
    this.#commits.acknowledgedInRows(this.#heard, this.#proven, scope, by)
    return true
  }

  end(): void {
    this.#commits.expectNoMore(this.#xid)
  }
}
