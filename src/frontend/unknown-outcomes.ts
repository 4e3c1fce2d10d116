// Commits whose origin connection was lost before it answered (R8): until the backend is known to be gone the commit may still happen.
//
// What it may have changed stays suspended. Any session with a healthy connection asks which of the lost backends still run; one that
// does not run any more has committed or never will: its scope is bumped, then released.

import type { DatabaseEpochs, WriteScope } from '../invalidation/index.ts'

interface LostCommit {
  readonly pid: number
  readonly database: DatabaseEpochs
  readonly scope: WriteScope
  /** Of this server, which has ended. */
  readonly session?: number | undefined
}

export class UnknownOutcomes {
  readonly #lost = new Set<LostCommit>()
  #asking = false

  get count(): number {
    return this.#lost.size
  }

  /** True if somebody should ask now. */
  get wantsAsking(): boolean {
    return this.#lost.size > 0 && !this.#asking
  }

  /** The scope is suspended already; it stays so until the fate is known. */
  add(lost: LostCommit): void {
    this.#lost.add(lost)
  }

  /** `ask` answers which of the pids still have a backend, or undefined if it could not be asked. */
  async resolve(
    ask: (pids: readonly number[]) => Promise<ReadonlySet<number> | undefined>,
    nowMs: () => number,
  ): Promise<void> {
    if (!this.wantsAsking) return
    this.#asking = true
    try {
      const asked = [...this.#lost]
      const alive = await ask(asked.map((lost) => lost.pid))
      if (alive === undefined) return
      for (const lost of asked) {
        if (alive.has(lost.pid)) continue
        this.#lost.delete(lost)
        lost.database.bump(lost.scope, 'unknown', nowMs(), { cause: 'unknown_outcome', session: lost.session })
        lost.database.release(lost.scope)
      }
    } finally {
      this.#asking = false
    }
  }
}
