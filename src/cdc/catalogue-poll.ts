// Looks after the catalogue of a database on a connection of its own, where no feed does.
//
// A connection that is lost is followed by another; what has changed meanwhile is found by what was seen before. What was kept before the
// first look is bounded by its time to live.

import { setTimeout as sleep } from 'node:timers/promises'
import { type OriginTarget, SideClient } from '../origin/index.ts'
import { CatalogueWatch, type CatalogueWatchParts, type Seen } from './catalogue-watch.ts'

type PollParts = Omit<CatalogueWatchParts, 'side'> & { readonly target: () => OriginTarget }

const pauseMsFirst = 1000
const pauseMsMost = 60_000
const answerMsMax = 30_000

export class CataloguePoll {
  readonly #parts: PollParts
  readonly #abort = new AbortController()
  readonly #running: Promise<void>
  #watch: CatalogueWatch | undefined

  constructor(parts: PollParts) {
    this.#parts = parts
    this.#running = this.#run()
  }

  /** Resolves when its connection is gone. */
  async close(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  poke(): void {
    this.#watch?.poke()
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    let seen: Seen | undefined
    let pauseMs = pauseMsFirst
    while (!signal.aborted) {
      const before = seen
      seen = await this.#once(seen).catch((error: Error) => {
        if (!signal.aborted) this.#parts.onFailure(error)
        return before
      })
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
      pauseMs = Math.min(pauseMsMost, pauseMs * 2)
    }
  }

  /** Until the connection is over; what was seen last. */
  async #once(seen: Seen | undefined): Promise<Seen | undefined> {
    const { signal } = this.#abort
    const side = await SideClient.open(this.#parts.target(), { ...sideOptions, signal })
    let fail: (error: Error) => void = () => undefined
    const failed = new Promise<Error>((resolve) => {
      fail = resolve
    })
    signal.addEventListener('abort', () => fail(new Error('closed')), { once: true })
    const watch = new CatalogueWatch({ ...this.#parts, side, onFailure: fail })
    this.#watch = watch
    try {
      await watch.begin(seen)
      const error = await Promise.race([side.over, failed])
      if (!signal.aborted) this.#parts.onFailure(error)
      return watch.seen
    } finally {
      this.#watch = undefined
      watch.close()
      await side.leave()
    }
  }
}

const sideOptions = {
  applicationName: 'larder catalogue',
  answerMsMax,
  settings: {
    ...{ statement_timeout: `${answerMsMax}`, lock_timeout: '5s', idle_session_timeout: '0' },
    // Operators of users do not get in the way of ours.
    search_path: 'pg_catalog',
  },
}
