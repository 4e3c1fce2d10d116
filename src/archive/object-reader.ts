// Reads an object, or a part of it, in order and piece by piece into buffers of the caller.
//
// The pieces are what the caller can verify (segments with a digest), so they are also the unit of trying again: when the
// stream breaks, it is opened anew at the beginning of the piece under way, never behind bytes nobody has checked (BKE-7).

import { TransferError, withRetries } from './retry.ts'
import type { ArchiveStore } from './store.ts'

export class ObjectReader {
  readonly #store: ArchiveStore
  readonly #name: string
  readonly #to: number
  readonly #signal: AbortSignal | undefined
  /** Where the next piece begins. */
  #position: number
  #stream: AsyncIterator<Uint8Array> | undefined
  /** The rest of a chunk that the last piece did not need. */
  #rest: Uint8Array = new Uint8Array(0)

  constructor(store: ArchiveStore, name: string, from: number, to: number, signal: AbortSignal | undefined) {
    this.#store = store
    this.#name = name
    this.#position = from
    this.#to = to
    this.#signal = signal
  }

  /** The next piece. False if the object is absent or ends before the piece is whole: that will not pass. */
  async fill(into: Uint8Array): Promise<boolean> {
    if (into.length === 0) return true
    const whole = await withRetries(this.#store.patience, this.#signal, async () => {
      try {
        return await this.#fillOnce(into)
      } catch (error) {
        await this.close()
        throw error
      }
    })
    if (whole) this.#position += into.length
    return whole
  }

  async #fillOnce(into: Uint8Array): Promise<boolean> {
    if (this.#stream === undefined && !(await this.#open())) return false
    let filled = 0
    while (filled < into.length) {
      if (this.#rest.length === 0) {
        const { done, value } = await (this.#stream as AsyncIterator<Uint8Array>).next()
        if (done === true) return false
        this.#rest = value
        continue
      }
      const taken = this.#rest.subarray(0, into.length - filled)
      into.set(taken, filled)
      filled += taken.length
      this.#rest = this.#rest.subarray(taken.length)
    }
    return true
  }

  async #open(): Promise<boolean> {
    const range = { from: this.#position, to: this.#to }
    const object = await this.#store.read(this.#name, { range, signal: this.#signal })
    if (object === undefined) return false
    this.#stream = object.bytes[Symbol.asyncIterator]()
    this.#rest = new Uint8Array(0)
    return true
  }

  async close(): Promise<void> {
    const stream = this.#stream
    this.#stream = undefined
    this.#rest = new Uint8Array(0)
    try {
      await stream?.return?.()
    } catch (error) {
      // It broke before, and that is what the caller hears about.
      if (!(error instanceof TransferError)) throw error
    }
  }
}
