// When views are written to disk, and brought back.
//
//   made, altered, renamed, emptied, dropped ──► the definition, at once, durably
//   its rows were read                       ──► the rows, at most every few seconds, and at the end
//   another store lies there (RESTORE)       ──► what it has beside ours joins us; ours are written to it

import { type SavedView, SavedViews, type ViewFiles } from './saved-views.ts'
import type { Made } from './view.ts'

interface ViewKeeperParts {
  readonly files: ViewFiles
  readonly views: () => Iterable<Made>
  /** `isOurs`: left by the process before us, so ticks can be compared. */
  readonly adopt: (saved: SavedView, isOurs: boolean) => void
  /** False if a tick would not be told from one of the next process. */
  readonly mayCompare: (since: number) => boolean
  readonly onFailure: (subject: string, detail: string) => void
}

/** Rows are not written more often than that. */
const everyMs = 5000

export class ViewKeeper {
  readonly #parts: ViewKeeperParts
  readonly #saved: SavedViews
  /** Views whose rows are not those on disk. */
  readonly #unsaved = new Map<Made, NodeJS.Timeout>()
  readonly #savedAtMs = new WeakMap<Made, number>()
  #incarnation: number | undefined
  #isOpening = false

  constructor(parts: ViewKeeperParts) {
    this.#parts = parts
    this.#saved = new SavedViews(parts.files)
  }

  /** Brings back what was left. Before the first statement is taken. */
  async restore(): Promise<void> {
    this.#incarnation = this.#saved.incarnation
    if (this.#incarnation === undefined) return
    await this.#load(true).catch((error: Error) => this.#parts.onFailure('views', error.message))
  }

  /** Called a few times a second. */
  turn(): void {
    const { incarnation } = this.#saved
    if (incarnation === undefined || incarnation === this.#incarnation || this.#isOpening) return
    this.#incarnation = incarnation
    this.#isOpening = true
    const begun = async () => {
      const ours = [...this.#parts.views()]
      this.#saved.begin()
      await this.#load(false)
      for (const view of ours) {
        await this.#saved.save(view)
        this.rowsRead(view)
      }
    }
    begun()
      .catch((error: Error) => this.#parts.onFailure('views', error.message))
      .finally(() => {
        this.#isOpening = false
      })
  }

  /** Durable when it returns; where there is no place, somebody hears of it. */
  async changed(view: Made): Promise<void> {
    if (this.#saved.incarnation === undefined || view.refresh.isRemoved) return
    await this.#saved.save(view).catch((error: Error) => this.#parts.onFailure(view.name, error.message))
  }

  async forget(view: Made): Promise<void> {
    this.#done(view)
    if (this.#saved.incarnation === undefined) return
    await this.#saved.forget(view.id).catch((error: Error) => this.#parts.onFailure(view.name, error.message))
  }

  async forgetRows(view: Made): Promise<void> {
    this.#done(view)
    if (this.#saved.incarnation === undefined) return
    await this.#saved.forgetRows(view.id).catch((error: Error) => this.#parts.onFailure(view.name, error.message))
  }

  rowsRead(view: Made): void {
    if (view.policy.kind === 'incremental' || this.#unsaved.has(view)) return
    const waitMs = Math.max(0, (this.#savedAtMs.get(view) ?? 0) + everyMs - performance.now())
    const timer = setTimeout(() => void this.#saveRows(view), this.#savedAtMs.has(view) ? waitMs : 0)
    timer.unref()
    this.#unsaved.set(view, timer)
  }

  async close(): Promise<void> {
    for (const view of [...this.#unsaved.keys()]) void this.#saveRows(view)
    await this.#saved.settled()
  }

  #done(view: Made): void {
    clearTimeout(this.#unsaved.get(view))
    this.#unsaved.delete(view)
  }

  async #saveRows(view: Made): Promise<void> {
    this.#done(view)
    const { rows, since, startedAtMs } = view
    if (rows === undefined || since === undefined || view.refresh.isRemoved) return
    if (view.policy.kind === 'incremental' || this.#saved.incarnation === undefined) return
    this.#savedAtMs.set(view, performance.now())
    const told = { rows, since: this.#parts.mayCompare(since) ? since : undefined, startedAtMs }
    await this.#saved.saveRows(view, told).catch((error: Error) => this.#parts.onFailure(view.name, error.message))
  }

  async #load(isOurs: boolean): Promise<void> {
    const damaged = (id: string) => this.#parts.onFailure(id, 'its definition cannot be read')
    for (const saved of await this.#saved.load(damaged)) this.#parts.adopt(saved, isOurs)
  }
}
