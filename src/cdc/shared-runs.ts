// Something that takes its time and that many ask for: whoever asks shares a run that begins after he asked. At most one runs and one waits.

export class SharedRuns<Result> {
  readonly #run: () => Promise<Result>
  #running: Promise<Result> | undefined
  #next: Promise<Result> | undefined

  constructor(run: () => Promise<Result>) {
    this.#run = run
  }

  ask(): Promise<Result> {
    if (this.#running === undefined) return this.#begin()
    const begin = () => this.#begin()
    this.#next ??= this.#running.then(begin, begin)
    return this.#next
  }

  #begin(): Promise<Result> {
    this.#next = undefined
    const running = this.#run()
    this.#running = running
    const end = () => {
      if (this.#running === running) this.#running = undefined
    }
    running.then(end, end)
    return running
  }
}
