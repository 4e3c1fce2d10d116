// Backups by the clock: one every backup_interval, tried again sooner when one failed (ARC-18).
//
// The first comes one interval after the start. A failure is told by the service's event; the next try comes after a minute,
// then two, then four, at most after the interval. Serving is not affected: it is a job like any other.

import type { ArchiveEvent } from './backup-requests.ts'
import type { BackupService } from './backup-service.ts'

const retryMsFirst = 60_000

interface TimerParts {
  readonly service: Pick<BackupService, 'backup' | 'defaultUrl'>
  /** 0: never. */
  readonly intervalMs: () => number
  /** Calls back once, later; returns what takes that back. */
  readonly after: (ms: number, call: () => void) => () => void
  readonly onEvent: (event: ArchiveEvent) => void
}

export class BackupTimer {
  readonly #parts: TimerParts
  #takeBack: (() => void) | undefined
  #failures = 0

  constructor(parts: TimerParts) {
    this.#parts = parts
  }

  /** At the start, and when the setting has changed. */
  restart(): void {
    this.stop()
    this.#failures = 0
    this.#arm()
  }

  stop(): void {
    this.#takeBack?.()
    this.#takeBack = undefined
  }

  #arm(): void {
    const interval = this.#parts.intervalMs()
    if (interval === 0) return
    const retry = this.#failures === 0 ? interval : Math.min(interval, retryMsFirst * 2 ** (this.#failures - 1))
    this.#takeBack = this.#parts.after(retry, () => void this.#run())
  }

  async #run(): Promise<void> {
    this.#takeBack = undefined
    let jobbed = false
    try {
      const job = await this.#parts.service.backup({ owner: 'larder' })
      jobbed = true
      await job.result
      this.#failures = 0
    } catch (error) {
      this.#failures++
      if (!jobbed) this.#tell(error)
    }
    if (this.#takeBack === undefined) this.#arm()
  }

  /** Of a backup that did not even become a job; the service tells the rest. */
  #tell(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error)
    this.#parts.onEvent({ severity: 'error', event: 'backup_failed', subject: this.#parts.service.defaultUrl, detail })
  }
}
