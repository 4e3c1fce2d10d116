// Writes and reads the fields of records: little-endian numbers, texts and bytes behind their lengths.
//
// The writer asserts that a value fits its field, so no length wraps (L2-31). The reader checks every length against the end of what it
// was given and throws Damage, so garbage can neither be read past its end nor ask for memory it does not have.

import { assert } from '../../base/index.ts'
import { sound } from './damage.ts'

const scratchBytes = 4096
/** Memory of the writer that was finished last, for the next one. */
let scratch: Buffer | undefined

export class ByteWriter {
  #bytes = scratch ?? Buffer.allocUnsafe(scratchBytes)
  #length = 0

  constructor() {
    scratch = undefined
  }

  uint(value: number, width: 1 | 2 | 4 | 6): void {
    assert(Number.isInteger(value) && value >= 0 && value < 2 ** (8 * width), 'a number fits its field')
    let at = this.#take(width)
    const bytes = this.#bytes
    for (let left = width > 4 ? 4 : width, low = value % 0x1_0000_0000; left > 0; left--) {
      bytes[at++] = low
      low >>>= 8
    }
    if (width === 6) {
      const high = Math.floor(value / 0x1_0000_0000)
      bytes[at] = high
      bytes[at + 1] = high >>> 8
    }
  }

  /** Up to 2^53 - 1. */
  safeInteger(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a number fits its field')
    this.uint(value % 0x1_0000_0000, 4)
    this.uint(Math.floor(value / 0x1_0000_0000), 4)
  }

  /** Behind its length in one byte, two or four. */
  text(value: string, width: 1 | 2 | 4): void {
    const length = Buffer.byteLength(value)
    this.uint(length, width)
    const at = this.#take(length)
    this.#bytes.write(value, at, length, 'utf8')
  }

  raw(value: Uint8Array): void {
    const at = this.#take(value.length)
    this.#bytes.set(value, at)
  }

  /** What was written, in memory of its own. */
  finish(): Buffer {
    const written = Buffer.from(this.#bytes.subarray(0, this.#length))
    if (this.#bytes.length <= scratchBytes) scratch = this.#bytes
    return written
  }

  #take(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    return at
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  uint(width: 1 | 2 | 4 | 6): number {
    const at = this.#take(width)
    const bytes = this.#bytes
    if (width === 1) return bytes[at] as number
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    if (width === 2) return low
    const four = (low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0
    if (width === 4) return four
    return four + ((bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8)) * 0x1_0000_0000
  }

  safeInteger(): number {
    const low = this.uint(4)
    const value = this.uint(4) * 0x1_0000_0000 + low
    sound(Number.isSafeInteger(value), 'a number is too large')
    return value
  }

  text(width: 1 | 2 | 4): string {
    const length = this.uint(width)
    const at = this.#take(length)
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString('utf8')
  }

  /** A view of what was given. */
  raw(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  #take(count: number): number {
    sound(count <= this.left, 'a field runs past the end')
    const at = this.#at
    this.#at += count
    return at
  }
}
