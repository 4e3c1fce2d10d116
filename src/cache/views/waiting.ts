// Those who wait for something to change.

export class Waiting {
  readonly #looks = new Set<() => void>()

  /** Something has. */
  wake(): void {
    for (const look of [...this.#looks]) look()
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return
        this.#looks.delete(look)
        resolve()
      }
      this.#looks.add(look)
      look()
    })
  }

  /** Something has changed, or the time is over. */
  next(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        this.#looks.delete(end)
        resolve()
      }
      const timer = setTimeout(end, Math.max(0, ms))
      signal?.addEventListener('abort', end, { once: true })
      this.#looks.add(end)
    })
  }
}
