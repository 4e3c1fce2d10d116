// When the queries of views are run again: by their policies, when somebody asks, and after a failure.
//
//   manual            when somebody asks
//   on change         a while behind the first change, so that a burst of them is one run
//   every t           t behind the beginning of the last run
//   after n writes    when so many commits have changed what it reads
//
// Invariants
//   1. A view is never run twice at once, and not more views at once than is said.
//   2. Who asks is answered by a run that began behind the asking: what was committed before is in it.
//   3. What changes while a run is on its way may not be in it: the view is stale behind it, and due by its policy.
//   4. A run that fails changes nothing but the count of failures; by itself it is tried again after 1 s, 2 s, and so on up to 5 minutes.

import type { Clock } from '../../base/index.ts'

export type RefreshPolicy =
  | { readonly kind: 'manual' }
  | { readonly kind: 'on change' }
  | { readonly kind: 'every'; readonly ms: number }
  | { readonly kind: 'after'; readonly writes: number }

interface RefreshesParts {
  readonly clock: Pick<Clock, 'nowMs'>
  /** Runs it later; returns what cancels it. */
  readonly later: (ms: number, run: () => void) => () => void
  /** Most runs at once. */
  readonly concurrency: () => number
  /** So long changes are gathered. */
  readonly changeDelayMs: () => number
}

const retryMsFirst = 1000
const retryMsMost = 300_000

/** The runs of one view. */
export class Refresh {
  policy: RefreshPolicy
  /** Reads what it reads now and puts it in the place of what was read before. */
  readonly run: () => Promise<void>
  isStale = true
  /** Commits that changed what it reads, since the last run began. */
  writes = 0
  failures = 0
  lastError: Error | undefined
  /** When the last run that succeeded began, and how long it took. */
  lastAtMs: number | undefined
  lastMs: number | undefined
  nextAtMs: number | undefined
  cancelTimer: (() => void) | undefined
  isRunning = false
  isRemoved = false
  /** Those who wait for a run that has not begun. */
  waiting: { resolve(): void; reject(error: Error): void }[] = []

  constructor(policy: RefreshPolicy, run: () => Promise<void>) {
    this.policy = policy
    this.run = run
  }
}

export class Refreshes {
  readonly #parts: RefreshesParts
  readonly #all = new Set<Refresh>()
  /** In the order they became due. */
  readonly #due = new Set<Refresh>()
  #runningCount = 0

  constructor(parts: RefreshesParts) {
    this.#parts = parts
  }

  /** `refreshed`: when its rows were read, if it has any. What it reads may have changed since. */
  add(policy: RefreshPolicy, run: () => Promise<void>, refreshed?: number): Refresh {
    const refresh = new Refresh(policy, run)
    refresh.lastAtMs = refreshed
    this.#all.add(refresh)
    if (refreshed !== undefined) this.#plan(refresh)
    return refresh
  }

  /** Who waits for a run hears that there will be none. */
  remove(refresh: Refresh): void {
    this.#all.delete(refresh)
    this.#due.delete(refresh)
    refresh.isRemoved = true
    this.#unplan(refresh)
    for (const { reject } of refresh.waiting.splice(0)) reject(new Error('the view was dropped'))
  }

  setPolicy(refresh: Refresh, policy: RefreshPolicy): void {
    refresh.policy = policy
    this.#unplan(refresh)
    this.#plan(refresh)
  }

  /** A commit has changed what it reads; none that counts if it was told of before. */
  changed(refresh: Refresh, writes = 1): void {
    refresh.isStale = true
    refresh.writes += writes
    if (refresh.nextAtMs === undefined) this.#plan(refresh)
  }

  /** Runs it now, or when the run at hand is over. Throws what the run throws. */
  ask(refresh: Refresh): Promise<void> {
    if (refresh.isRemoved) return Promise.reject(new Error('the view was dropped'))
    const answered = new Promise<void>((resolve, reject) => refresh.waiting.push({ resolve, reject }))
    this.#due.add(refresh)
    this.#turn()
    return answered
  }

  close(): void {
    for (const refresh of [...this.#all]) this.remove(refresh)
  }

  /** When its policy, or its failures, want it to be run again; nothing while that is known already. */
  #plan(refresh: Refresh): void {
    if (refresh.isRemoved || refresh.nextAtMs !== undefined) return
    const ms = this.#waitOf(refresh)
    if (ms === undefined) return
    refresh.nextAtMs = this.#parts.clock.nowMs() + ms
    refresh.cancelTimer = this.#parts.later(ms, () => {
      this.#unplan(refresh)
      this.#due.add(refresh)
      this.#turn()
    })
  }

  /** Undefined if it is not to be run by itself. */
  #waitOf({ policy, failures, isStale, writes, lastAtMs }: Refresh): number | undefined {
    if (policy.kind === 'manual') return undefined
    const isWanted =
      policy.kind === 'every' || (policy.kind === 'on change' ? isStale : failures > 0 || writes >= policy.writes)
    if (!isWanted) return undefined
    if (failures > 0) return Math.min(retryMsMost, retryMsFirst * 2 ** (failures - 1))
    if (policy.kind === 'on change') return this.#parts.changeDelayMs()
    if (policy.kind === 'after') return 0
    return Math.max(0, (lastAtMs ?? 0) + policy.ms - this.#parts.clock.nowMs())
  }

  #unplan(refresh: Refresh): void {
    refresh.cancelTimer?.()
    refresh.cancelTimer = undefined
    refresh.nextAtMs = undefined
  }

  #turn(): void {
    for (const refresh of this.#due) {
      if (this.#runningCount >= this.#parts.concurrency()) return
      if (refresh.isRunning) continue
      this.#due.delete(refresh)
      void this.#run(refresh)
    }
  }

  async #run(refresh: Refresh): Promise<void> {
    const { clock } = this.#parts
    const asked = refresh.waiting.splice(0)
    const beganMs = clock.nowMs()
    this.#unplan(refresh)
    this.#runningCount++
    const before = { isStale: refresh.isStale, writes: refresh.writes }
    refresh.isRunning = true
    // What changes from now on may come too late for it.
    refresh.isStale = false
    refresh.writes = 0
    let failure: Error | undefined
    try {
      await refresh.run()
      refresh.failures = 0
      refresh.lastError = undefined
      refresh.lastAtMs = beganMs
      refresh.lastMs = clock.nowMs() - beganMs
    } catch (error) {
      failure = error as Error
      refresh.failures++
      refresh.lastError = failure
      refresh.isStale ||= before.isStale
      refresh.writes += before.writes
    }
    refresh.isRunning = false
    this.#runningCount--
    for (const { resolve, reject } of asked) {
      if (failure === undefined) resolve()
      else reject(failure)
    }
    this.#plan(refresh)
    this.#turn()
  }
}
