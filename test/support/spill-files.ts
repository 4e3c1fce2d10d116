// Files of the graph in memory: what is asked of them waits until the test lets it happen, and may fail or come back damaged.

import { setImmediate } from 'node:timers/promises'
import type { SpillFiles } from '../../src/invalidation/index.ts'

export class ScriptedFiles implements SpillFiles {
  readonly contents = new Map<number, Buffer>()
  /** Writes fail with this. */
  fault: Error | undefined
  readonly #waiting: (() => void)[] = []

  write(number: number, bytes: Buffer): Promise<void> {
    return this.#later(() => {
      if (this.fault !== undefined) throw this.fault
      this.contents.set(number, Buffer.from(bytes))
    })
  }

  read(number: number): Promise<Buffer> {
    return this.#later(() => {
      const bytes = this.contents.get(number)
      if (bytes === undefined) throw new Error('no such file')
      return Buffer.from(bytes)
    })
  }

  remove(number: number): Promise<void> {
    return this.#later(() => void this.contents.delete(number))
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Lets the next happen; false if there was none. */
  async step(): Promise<boolean> {
    await setImmediate()
    const next = this.#waiting.shift()
    next?.()
    await setImmediate()
    return next !== undefined
  }

  async settle(): Promise<void> {
    while (await this.step());
    // What began behind the last of them.
    for (let turn = 0; turn < 3; turn++) while (await this.step());
  }

  #later<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
    })
  }
}
