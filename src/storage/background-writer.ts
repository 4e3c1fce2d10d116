// Writes dirty pages ahead of the commit, so that the commit has little left to write.
//
// A page written early is unreachable until its commit, so a crash cannot expose it, and the control file is never touched
// (BGW-6). The writes do not hold up the thread: between two pages whoever waits for a read is served (BGW-9). Turned off,
// commits do the work, and nothing else changes (BGW-11).
//
//   asleep     nothing is dirty; the first change wakes it
//   waiting    a round comes when the delay is over
//   writing    a round is under way

import type { Clock } from '../base/index.ts'
import type { Pager } from './pager.ts'

export interface BackgroundWriterSettings {
  readonly enabled: boolean
  /** Between two rounds. */
  readonly delayMs: number
  /** Most pages of a round. */
  readonly pagesMax: number
  /** A round writes so many times what is changed between two rounds. */
  readonly multiplier: number
  /** Above this share of dirty pages in the pool a round writes as many as it may. */
  readonly dirtyFractionMax: number
}

export const defaultBackgroundWriter: BackgroundWriterSettings = {
  enabled: true,
  delayMs: 200,
  pagesMax: 100,
  multiplier: 2,
  dirtyFractionMax: 0.5,
}

/** A quiet round takes a sixteenth off the average, a busier one sets it: ready for bursts, slow to forget them. */
const smoothing = 16

export class BackgroundWriter {
  readonly stats = {
    rounds: 0,
    pagesWritten: 0,
    roundsFull: 0,
    writeErrors: 0,
    lastRoundAtMs: undefined as number | undefined,
  }
  readonly #pager: Pager
  readonly #clock: Clock
  #settings: BackgroundWriterSettings
  #timer: NodeJS.Timeout | undefined
  #round: Promise<number> | undefined
  #isStopped = false
  #smoothed = 0
  #dirtiedBefore = 0

  constructor(pager: Pager, settings: BackgroundWriterSettings, clock: Clock) {
    this.#pager = pager
    this.#settings = settings
    this.#clock = clock
    pager.pool.onFirstDirty = () => this.#wait()
  }

  configure(settings: BackgroundWriterSettings): void {
    this.#settings = settings
    if (!settings.enabled) this.#cancel()
    else if (this.#pager.pool.dirtyCount > 0) this.#wait()
  }

  /** Share of the pool's pages that are dirty. */
  get dirtyFraction(): number {
    return this.#pager.pool.dirtyCount / this.#pager.pool.capacity
  }

  /** One round, at once; gives the number of pages written. */
  async round(): Promise<number> {
    this.#round ??= this.#write().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  /** Ends the loop; resolves when nothing is on its way to the file (BGW-4). */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancel()
    await this.#round
  }

  async #write(): Promise<number> {
    const { pool, health } = this.#pager
    const budget = this.#budget()
    this.stats.rounds++
    this.stats.lastRoundAtMs = this.#clock.nowMs()
    let written = 0
    for (const { slot, change } of pool.oldestDirty(budget)) {
      if (this.#isStopped || health.state === 'fenced' || health.state === 'closed') break
      // Written, freed or changed again meanwhile: what it is now may wait for the next round.
      if (!pool.isDirty(slot) || pool.changeOf(slot) !== change || this.#pager.beingWritten.has(pool.pageAt(slot)))
        continue
      try {
        await this.#pager.writeLater(slot)
        written++
      } catch {
        this.stats.writeErrors++
      }
    }
    if (written === this.#settings.pagesMax) this.stats.roundsFull++
    this.stats.pagesWritten += written
    return written
  }

  /** Pages that this round may write (BGW-1, BGW-2, BGW-3, BGW-7). */
  #budget(): number {
    const { pagesMax, multiplier, dirtyFractionMax } = this.#settings
    const { dirtied } = this.#pager.pool
    const recent = dirtied - this.#dirtiedBefore
    this.#dirtiedBefore = dirtied
    this.#smoothed = recent >= this.#smoothed ? recent : this.#smoothed + (recent - this.#smoothed) / smoothing
    if (this.dirtyFraction > dirtyFractionMax) return pagesMax
    return Math.min(pagesMax, Math.max(1, Math.ceil(this.#smoothed * multiplier)))
  }

  #wait(): void {
    if (this.#timer !== undefined || this.#isStopped || !this.#settings.enabled) return
    this.#timer = setTimeout(() => {
      void this.round().then(() => {
        this.#timer = undefined
        if (this.#pager.pool.dirtyCount > 0) this.#wait()
      })
    }, this.#settings.delayMs)
    this.#timer.unref()
  }

  #cancel(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
