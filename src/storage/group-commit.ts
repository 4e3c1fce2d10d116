// Lets callers share commits: one who comes while none runs starts one, those who come meanwhile share the next (L2-25).

interface Group {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

export class GroupCommit {
  readonly #commit: () => Promise<void>
  #waiting: Group | undefined
  /** The commits that are under way, one after another. */
  #running: Promise<void> | undefined

  /** `commit` makes everything durable that was changed before it was called. */
  constructor(commit: () => Promise<void>) {
    this.#commit = commit
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Resolves when a commit that began after this call has ended, or rejects as it did. */
  join(): Promise<void> {
    this.#waiting ??= newGroup()
    const { promise } = this.#waiting
    this.#running ??= this.#run()
    return promise
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting !== undefined) {
      const group = this.#waiting
      this.#waiting = undefined
      try {
        await this.#commit()
        group.resolve()
      } catch (error) {
        // Those who wait for the next one have lost what they changed as well.
        const next = this.#waiting as Group | undefined
        this.#waiting = undefined
        group.reject(error)
        next?.reject(error)
      }
    }
    this.#running = undefined
  }
}

function newGroup(): Group {
  let resolve = (): void => {}
  let reject = (_: unknown): void => {}
  const promise = new Promise<void>((onDone, onFailure) => {
    resolve = onDone
    reject = onFailure
  })
  return { promise, resolve, reject }
}
