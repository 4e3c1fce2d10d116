// Commits of the second tier, one at a time, and what has to be done again should one fail.
//
// A commit that fails takes back everything since the last durable one, also what was removed meanwhile: an old value would
// be in force again although its successor was acknowledged. So each change leaves behind how to take its key out, and after a
// fall that is done again (L2-27, L2-34, L2-35). What a durable commit holds is forgotten.

import { assert } from '../../base/index.ts'
import type { Store } from '../../storage/index.ts'

interface CommitParts {
  readonly store: Store
  /** Writes the counts that belong into the commit. */
  beforeSeal(): void
  /** The trees are what they were at the last durable commit. */
  afterFall(): void
}

export class L2Commits {
  readonly #parts: CommitParts
  #unsettled: (() => void)[] = []
  #running: Promise<void> | undefined
  #following: Promise<void> | undefined
  #isRepeating = false

  constructor(parts: CommitParts) {
    this.#parts = parts
  }

  /** Changes that are not durable yet. */
  get unsettledCount(): number {
    return this.#unsettled.length
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Says before a change how to make sure, after a fall, that nothing older is in force. */
  remember(again: () => void): void {
    if (!this.#isRepeating) this.#unsettled.push(again)
  }

  /** Resolves when everything changed before the call is durable. Those who come while one runs share the next (L2-25). */
  commit(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    this.#following ??= this.#running.then(ignore, ignore).then(() => {
      this.#following = undefined
      // Somebody who heard of the end earlier may have begun one already; it holds all that was to be in this one.
      return this.#running ?? this.#start()
    })
    return this.#following
  }

  /** Everything since the last durable commit never was: takes out again what had been taken out. */
  fallen(): void {
    this.#parts.afterFall()
    this.#isRepeating = true
    try {
      for (const again of this.#unsettled) again()
    } finally {
      this.#isRepeating = false
    }
  }

  /** None runs: else what is written before the seal would be older than the seal. */
  #start(): Promise<void> {
    assert(this.#running === undefined, 'commits follow each other')
    const running = this.#run().finally(() => {
      this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #run(): Promise<void> {
    const { store } = this.#parts
    const { era } = store
    this.#parts.beforeSeal()
    const sealed = this.#unsettled
    this.#unsettled = []
    try {
      // The store fixes what the commit holds before this call returns.
      await store.commit()
    } catch (error) {
      this.#unsettled = [...sealed, ...this.#unsettled]
      if (store.era !== era) this.fallen()
      throw error
    }
  }
}

function ignore(): void {}
