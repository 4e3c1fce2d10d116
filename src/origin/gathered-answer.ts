// Gathers the frames that answer some messages, up to a number of ReadyForQuery.

const headerBytes = 5
const readyForQuery = 0x5a

export class GatheredAnswer {
  #endsLeft: number
  readonly #bytesMax: number
  #bytes: Buffer = Buffer.allocUnsafe(8192)
  #length = 0
  /** Where the next frame begins. */
  #at = 0
  #isTooLong = false

  constructor(ends: number, bytesMax: number) {
    this.#endsLeft = ends
    this.#bytesMax = bytesMax
  }

  /** True when all has come, or too much. */
  add(chunk: Buffer): boolean {
    if (this.#length + chunk.length > this.#bytesMax) {
      this.#isTooLong = true
      return true
    }
    this.#keep(chunk)
    while (this.#length - this.#at >= headerBytes) {
      const end = this.#at + 1 + this.#bytes.readUInt32BE(this.#at + 1)
      if (end > this.#length) break
      if (this.#bytes[this.#at] === readyForQuery) this.#endsLeft--
      this.#at = end
    }
    return this.#endsLeft <= 0 && this.#at === this.#length
  }

  /** Whole frames; undefined if there are too many. */
  get bytes(): Buffer | undefined {
    return this.#isTooLong ? undefined : this.#bytes.subarray(0, this.#length)
  }

  #keep(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    chunk.copy(this.#bytes, this.#length)
    this.#length = length
  }
}
