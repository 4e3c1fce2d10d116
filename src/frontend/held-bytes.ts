// What a client has sent and nobody may look at yet, gathered so that a long message is copied about twice however it comes.

export class HeldBytes {
  #bytes: Buffer | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  append(bytes: Buffer, start: number, end: number): void {
    const length = this.#length + end - start
    if (this.#bytes === undefined) this.#bytes = Buffer.allocUnsafeSlow(length)
    else if (length > this.#bytes.length) {
      // Never as much as a message says it has: that costs its sender nothing to say.
      const grown = Buffer.allocUnsafeSlow(Math.max(length, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    bytes.copy(this.#bytes, this.#length, start, end)
    this.#length = length
  }

  /** All of it, which is the caller's from now on; undefined if there is nothing. */
  take(): Buffer | undefined {
    const bytes = this.#bytes?.subarray(0, this.#length)
    this.#bytes = undefined
    this.#length = 0
    return bytes
  }
}
