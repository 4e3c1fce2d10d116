// How a store comes back that fell to its last commit: its device failed, or what has to leave found no room (L2-34, L2-35).
//
// Nothing of it is seen before what was to leave has left (l2-commits.ts).

import type { HostReport } from './host-report.ts'
import type { L2 } from './l2.ts'

interface FallParts {
  readonly report: HostReport
  readonly path: string
  readonly l2: () => L2 | undefined
  readonly retryDelayMs: () => number
  commit(): void
  /** Something went wrong that no operation could deal with. */
  meet(error: unknown): void
  /** There may be something to say, and to do. */
  goOn(): void
}

export class HostFalls {
  readonly #parts: FallParts
  #timer: NodeJS.Timeout | undefined

  constructor(parts: FallParts) {
    this.#parts = parts
  }

  /** A fenced store is read anew from its last commit, in a while. */
  retryLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#reopen()
    }, this.#parts.retryDelayMs())
    this.#timer.unref()
  }

  /** All that is not durable goes, so that there is room for what has to leave. */
  fallBack(l2: L2): void {
    this.#whenBack(l2, l2.commits.fallBack())
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #reopen(): void {
    const { l2: current, report, path, meet, goOn } = this.#parts
    const l2 = current()
    if (l2 === undefined || l2.store.state !== 'fenced') return
    try {
      l2.store.reopen()
      report.event({ severity: 'info', event: 'store_reopened', subject: path, detail: undefined })
      this.#whenBack(l2, l2.commits.fallen())
    } catch (error) {
      meet(error)
      goOn()
    }
  }

  #whenBack(l2: L2, back: Promise<void>): void {
    const { l2: current, commit, meet, goOn } = this.#parts
    back
      .then(commit, (error: unknown) => {
        if (current() === l2) meet(error)
      })
      .finally(goOn)
  }
}
