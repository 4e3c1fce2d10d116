// Commits of the second tier, one at a time, and what has to be done again should one fail.
//
// A commit that fails takes back everything since the last durable one, also what was removed meanwhile: an old value would
// be in force again although its successor was acknowledged. So each change leaves behind how to take its key out, and after a
// fall that is done again (L2-27, L2-34, L2-35). What a durable commit holds is forgotten; of a write under way, which says what it is about
// to change when it begins, a commit may hold a part: it is forgotten with the first that is sealed behind its end.
//
// It may be much, and the disk full: then commits go between, and until all of it is done nobody may read or write (`isFallen`). A fall of
// which it cannot be made good leaves the store so, and whoever owns it gives it up.

import { assert } from '../../base/index.ts'
import type { Store } from '../../storage/index.ts'
import type { Steps } from './l2-value.ts'
import { isNoRoom } from './no-room.ts'

interface CommitParts {
  readonly store: Store
  /** Writes the counts that belong into the commit. */
  beforeSeal(): void
  /** The trees are what they were at the last durable commit. */
  afterFall(): void
}

/** The disk may fail while a fall is made good. */
const triesMax = 3
const noSteps: readonly undefined[] = []

export class L2Commits {
  readonly #parts: CommitParts
  #unsettled: (() => Iterable<undefined>)[] = []
  /** Said by the write under way: from this place in `#unsettled` on, and before that in commits that were sealed since. */
  #openFrom: number | undefined
  #carried: (() => Iterable<undefined>)[] = []
  #running: Promise<void> | undefined
  #following: Promise<void> | undefined
  #isRepeating = false
  #isFallen = false

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

  /** What was out of force may be there again: nobody may see the store. */
  get isFallen(): boolean {
    return this.#isFallen
  }

  /** Says before a change how to make sure, after a fall, that nothing older is in force. */
  remember(again: () => void): void {
    this.rememberSteps(() => {
      again()
      return noSteps
    })
  }

  /** The same of what may be much; between its steps a commit may be made. */
  rememberSteps(again: () => Steps<unknown>): void
  rememberSteps(again: () => Iterable<undefined>): void
  rememberSteps(again: () => Iterable<undefined>): void {
    if (!this.#isRepeating) this.#unsettled.push(again)
  }

  /** A write begins, in steps; there is one at a time. */
  begin(): void {
    assert(this.#openFrom === undefined, 'writes follow each other')
    this.#openFrom = this.#unsettled.length
  }

  end(): void {
    this.#openFrom = undefined
    this.#unsettled.push(...this.#carried)
    this.#carried = []
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

  /** Everything since the last durable commit never was: takes out again what had been taken out. It is done at once unless it waits for room. */
  fallen(): Promise<void> {
    this.#isFallen = true
    if (this.#running !== undefined) return this.#running.then(ignore, ignore).then(() => this.fallen())
    return this.#start(() => this.#repeat())
  }

  /** There is no room for a change that has to be: all that is not durable goes, pages and all, and what was taken out is taken out again. */
  async fallBack(): Promise<void> {
    this.#isFallen = true
    while (this.#running !== undefined) await this.#running.catch(ignore)
    await this.#start(async () => {
      await this.#parts.store.fallBack()
      await this.#repeat()
    })
  }

  /** None runs: else what is written before the seal would be older than the seal. */
  #start(run = () => this.#run()): Promise<void> {
    assert(this.#running === undefined, 'commits follow each other')
    const running = run().finally(() => {
      this.#running = undefined
    })
    this.#running = running
    return running
  }

  async #run(): Promise<void> {
    const { store } = this.#parts
    const { era } = store
    let sealed: (() => Iterable<undefined>)[] = []
    if (this.#isFallen) await this.#repeat()
    try {
      this.#sealing()
      sealed = this.#seal()
      // The store fixes what the commit holds before this call returns.
      await store.commit()
    } catch (error) {
      this.#unsettled = [...sealed, ...this.#unsettled]
      if (store.era === era && isNoRoom(error)) await store.fallBack()
      if (store.era !== era) await this.#repeat()
      throw error
    }
  }

  #seal(): (() => Iterable<undefined>)[] {
    const sealed = this.#unsettled
    this.#unsettled = []
    if (this.#openFrom !== undefined) {
      this.#carried.push(...sealed.slice(this.#openFrom))
      this.#openFrom = 0
    }
    return sealed
  }

  #sealing(): void {
    this.#parts.store.space.sealing(this.#parts.beforeSeal)
  }

  async #repeat(): Promise<void> {
    const { store, afterFall } = this.#parts
    this.#isFallen = true
    for (let tries = 1; ; tries++) {
      const { era } = store
      try {
        afterFall()
        await this.#takeOutAgain()
        this.#isFallen = false
        return
      } catch (error) {
        // Whatever failed, the store is at its last commit again, and it is all still to be done.
        if (store.era === era || tries === triesMax) throw error
      }
    }
  }

  async #takeOutAgain(): Promise<void> {
    const { store } = this.#parts
    for (const again of [...this.#carried, ...this.#unsettled]) {
      this.#isRepeating = true
      try {
        for (const _ of again()) if (store.space.isTight) await this.#bringPagesBack()
      } finally {
        this.#isRepeating = false
      }
      if (store.space.isTight) await this.#bringPagesBack()
    }
  }

  /** What is unsettled stays so until all of it is done. */
  async #bringPagesBack(): Promise<void> {
    this.#sealing()
    await this.#parts.store.commit()
  }
}

function ignore(): void {}
