// The embedded origin, started again whenever it ends unasked: killed for want of memory, or by hand.
//
// Its address stays. Who connects meanwhile is refused, as before any origin that is down. The first attempt comes at once;
// each that fails, or that lasts no longer than a moment, makes the next one wait twice as long.

import type { OriginTarget } from '../upstream/target.ts'
import { type EmbeddedOptions, EmbeddedPostgres } from './embedded-postgres.ts'
import type { PostmasterExit } from './postmaster.ts'

interface KeptPostgresOptions extends EmbeddedOptions {
  ended(exit: PostmasterExit): void
  startedAgain(): void
  /** It did not start; the next attempt follows after `retryMs`. */
  failed(error: unknown, retryMs: number): void
}

const retryMinMs = 500
const retryMaxMs = 30_000
/** Who ran as long as this had started well. */
const steadyMs = 10_000

export class KeptPostgres {
  readonly #options: KeptPostgresOptions
  #server: EmbeddedPostgres
  #startedAt = performance.now()
  #retryMs = 0
  #timer: NodeJS.Timeout | undefined
  #starting: Promise<void> | undefined
  #isClosed = false

  private constructor(options: KeptPostgresOptions, server: EmbeddedPostgres) {
    this.#options = options
    this.#server = server
    this.#watch(server)
  }

  static async open(options: KeptPostgresOptions): Promise<KeptPostgres> {
    return new KeptPostgres(options, await EmbeddedPostgres.open(options))
  }

  get target(): OriginTarget {
    return this.#server.target
  }

  get version(): string {
    return this.#server.version
  }

  get notices(): readonly string[] {
    return this.#server.notices
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#starting
    await this.#server.close()
  }

  #watch(server: EmbeddedPostgres): void {
    void server.closed.then((exit) => {
      if (exit.expected || this.#isClosed) return
      this.#options.ended(exit)
      if (performance.now() - this.#startedAt >= steadyMs) this.#retryMs = 0
      this.#startAfter(this.#retryMs)
    })
  }

  #startAfter(delayMs: number): void {
    this.#retryMs = Math.min(Math.max(retryMinMs, 2 * delayMs), retryMaxMs)
    this.#timer = setTimeout(() => {
      this.#starting = this.#start()
    }, delayMs)
  }

  async #start(): Promise<void> {
    try {
      const server = await EmbeddedPostgres.open(this.#options)
      this.#server = server
      this.#startedAt = performance.now()
      this.#watch(server)
      this.#options.startedAgain()
    } catch (error) {
      if (this.#isClosed) return
      this.#options.failed(error, this.#retryMs)
      this.#startAfter(this.#retryMs)
    }
  }
}
