// Copies what passes: an answer that may be kept, or the description of a statement.

import { type AnswerBytes, packedBytesMax } from '../cache/results/index.ts'
import { backend } from '../wire/index.ts'

/** Copies the frames of an answer while they pass; stops for good when it grows too large. */
export class Recorder {
  readonly #bytesMax: number
  #pieces: Buffer[] = []
  #bytes = 0
  descriptionBytes = 0
  /** ParameterDescription of the statement, if it came along. */
  parameterDescription: Buffer | undefined
  tooLargeBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  describe(bytes: Buffer, start: number, end: number): boolean {
    if (this.#bytes === 0) this.descriptionBytes = end - start
    return this.add(bytes, start, end)
  }

  /** True if it has begun to refer to this chunk: then `settle` must be called before the chunk goes. */
  add(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes += end - start
    if (this.#bytes > this.#bytesMax) {
      this.tooLargeBytes = this.#bytes
      this.#pieces = []
      return false
    }
    if (this.tooLargeBytes > 0) return false
    const last = this.#lastPiece
    // Rows of one chunk lie side by side: one copy for all of them instead of one per row.
    if (last !== undefined && last.source === bytes && last.end === start) {
      last.end = end
      return false
    }
    this.#settle()
    this.#lastPiece = { source: bytes, start, end }
    return true
  }

  /** What was noted is copied. */
  settle(): void {
    this.#settle()
  }

  /** The whole answer, on its own. */
  finish(): AnswerBytes {
    const packed = this.#bytes <= packedBytesMax
    const last = this.#lastPiece
    if (packed && last !== undefined && this.#pieces.length === 0) {
      // All of it lies in the chunk at hand, as nearly always.
      this.#lastPiece = undefined
      return last.source.latin1Slice(last.start, last.end)
    }
    this.#settle()
    const whole = Buffer.allocUnsafeSlow(this.#bytes)
    let at = 0
    for (const piece of this.#pieces) at += piece.copy(whole, at)
    return packed ? whole.latin1Slice(0, whole.length) : whole
  }

  #lastPiece: { source: Buffer; start: number; end: number } | undefined

  #settle(): void {
    const last = this.#lastPiece
    if (last === undefined) return
    this.#lastPiece = undefined
    if (this.tooLargeBytes === 0) this.#pieces.push(Buffer.from(last.source.subarray(last.start, last.end)))
  }
}

/** Collects the answer to a Describe of a statement. */
export class DescriptionRecorder {
  readonly #pieces: Buffer[] = []
  complete = false

  take(type: number, bytes: Buffer, start: number, end: number): void {
    if (this.complete) return
    if (type !== backend.parameterDescription && type !== backend.rowDescription && type !== backend.noData) return
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)))
    this.complete = type !== backend.parameterDescription
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }
}
