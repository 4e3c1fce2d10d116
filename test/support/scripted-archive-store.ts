// A store in memory whose every step is numbered and can fail, for tests that stop a backup at each of them.
//
// A step is a request, or within a write the arrival of a chunk. A fault strikes before the step had its effect, or after
// it, as when only the answer is lost. With `forGood` everything from there on fails too: that is how a killed process
// looks to the store, which then sees nobody clean up.

import type { ArchiveStore, Content, ReadOptions, StoredObject, WriteOutcome } from '../../src/archive/store.ts'
import { impatience } from './archive.ts'

export interface Fault {
  readonly step: number
  readonly when: 'before' | 'after'
  readonly forGood?: boolean
}

export class ScriptedArchiveStore implements ArchiveStore {
  readonly url = 'memory://collection'
  readonly patience = impatience()
  lanes = 2
  readonly objects: Map<string, Buffer>
  fault: Fault | undefined
  steps = 0
  /** Called at each step. */
  onStep: (name: string) => void = () => undefined

  constructor(objects = new Map<string, Buffer>()) {
    this.objects = objects
  }

  read(name: string, { range, signal }: ReadOptions = {}): Promise<StoredObject | undefined> {
    return this.#step(`read ${name}`, signal, () => {
      const object = this.objects.get(name)
      if (object === undefined) return undefined
      const bytes = object.subarray(range?.from ?? 0, range?.to ?? object.length)
      return { length: bytes.length, version: object.toString('latin1', 0, 200), bytes: this.#stream(bytes) }
    })
  }

  async write(name: string, content: Content, signal?: AbortSignal): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of content.open()) {
      await this.#step(`chunk of ${name}`, signal, () => chunks.push(Buffer.from(chunk)))
    }
    const bytes = Buffer.concat(chunks)
    if (bytes.length !== content.size) throw new Error(`${bytes.length} bytes instead of ${content.size}`)
    await this.#step(`write ${name}`, signal, () => this.objects.set(name, bytes))
  }

  exists(name: string, signal?: AbortSignal): Promise<boolean> {
    return this.#step(`exists ${name}`, signal, () => this.objects.has(name))
  }

  delete(name: string, signal?: AbortSignal): Promise<void> {
    return this.#step(`delete ${name}`, signal, () => void this.objects.delete(name))
  }

  list(prefix: string, signal?: AbortSignal): Promise<string[]> {
    return this.#step(`list ${prefix}`, signal, () =>
      [...this.objects.keys()].filter((name) => name.startsWith(prefix)).sort(),
    )
  }

  traces(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  writeIf(name: string, bytes: Uint8Array, expected: string | undefined, signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#step(`writeIf ${name}`, signal, () => {
      if (this.objects.get(name)?.toString('latin1', 0, 200) !== expected) return 'changed'
      this.objects.set(name, Buffer.from(bytes))
      return 'written'
    })
  }

  close(): void {}

  async #step<T>(name: string, signal: AbortSignal | undefined, effect: () => T): Promise<T> {
    const number = this.steps++
    this.onStep(name)
    await new Promise((resolve) => setImmediate(resolve))
    signal?.throwIfAborted()
    if (this.fault !== undefined) {
      const { step, when, forGood } = this.fault
      if (forGood === true && number > step) throw new Error('the store is gone')
      if (number === step) {
        if (when === 'after') effect()
        throw new Error(`step ${number} failed: ${name}`)
      }
    }
    return effect()
  }

  async *#stream(bytes: Buffer): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000)
  }
}
