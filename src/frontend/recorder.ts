// Copies what passes: an answer that may be kept, or the description of a statement.

import { type AnswerBytes, type PartWriter, packedBytesMax } from '../cache/results/index.ts'
import { backend } from '../wire/index.ts'

/** Where the rows of an answer go that becomes too large for memory. */
interface Spill {
  /** Undefined if there is no place. */
  open(): PartWriter | undefined
}

const partBytes = 1 << 20
const nothing = Buffer.alloc(0)

/** Copies the frames of an answer while they pass; stops for good when it grows too large. */
export class Recorder {
  #bytesMax: number
  #spill: Spill | undefined
  readonly #memoryBytes: number
  readonly #memoryBytesMax: number
  #held = 0
  /** Where the rows are, if not here. */
  writer: PartWriter | undefined
  #pieces: Buffer[] | undefined
  #bytes = 0
  descriptionBytes = 0
  /** ParameterDescription of the statement, if it came along. */
  parameterDescription: Buffer | undefined
  tooLargeBytes = 0

  /**
   * @param memoryBytes longest answer that has a place in memory
   * @param memoryBytesMax the longest that has one if there is no other
   */
  constructor(bytesMax: number, spill?: Spill, memoryBytes = bytesMax, memoryBytesMax = bytesMax) {
    this.#bytesMax = bytesMax
    this.#spill = spill
    this.#memoryBytes = memoryBytes
    this.#memoryBytesMax = memoryBytesMax
  }

  describe(bytes: Buffer, start: number, end: number): boolean {
    if (this.#bytes === 0) this.descriptionBytes = end - start
    return this.add(bytes, start, end)
  }

  /** True if it has begun to refer to this chunk: then `settle` must be called before the chunk goes. */
  add(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes += end - start
    if (this.#bytes > this.#bytesMax) {
      this.#giveUp()
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

  /** The whole answer, on its own; of one whose rows are elsewhere, the description. Nothing if it has become too large even now. */
  finish(): AnswerBytes {
    if (this.writer !== undefined) return this.#finishParts(this.writer)
    const packed = this.#bytes <= packedBytesMax
    const last = this.#lastPiece
    if (packed && last !== undefined && this.#pieces === undefined) {
      // All of it lies in the chunk at hand, as nearly always.
      this.#lastPiece = undefined
      return last.source.latin1Slice(last.start, last.end)
    }
    this.#settle()
    if (this.writer !== undefined) return this.#finishParts(this.writer)
    const whole = Buffer.allocUnsafeSlow(this.tooLargeBytes > 0 ? 0 : this.#bytes)
    let at = 0
    for (const piece of this.#pieces ?? []) at += piece.copy(whole, at)
    return packed ? whole.latin1Slice(0, whole.length) : whole
  }

  #finishParts(writer: PartWriter): AnswerBytes {
    this.#settle()
    if (this.#held > 0 && !writer.add(Buffer.concat(this.#pieces ?? []))) this.#giveUp()
    return this.#description.length <= packedBytesMax ? this.#description.latin1Slice() : this.#description
  }

  #description: Buffer = nothing

  #lastPiece: { source: Buffer; start: number; end: number } | undefined

  #settle(): void {
    const last = this.#lastPiece
    if (last === undefined) return
    this.#lastPiece = undefined
    if (this.tooLargeBytes > 0) return
    this.#pieces ??= []
    this.#pieces.push(Buffer.from(last.source.subarray(last.start, last.end)))
    this.#held += last.end - last.start
    if (this.writer !== undefined) this.#passOn(this.writer)
    else if (this.#spill !== undefined && this.#bytes > this.#memoryBytes) this.#leaveMemory(this.#spill)
  }

  #leaveMemory(spill: Spill): void {
    this.#spill = undefined
    this.writer = spill.open()
    if (this.writer === undefined) {
      this.#bytesMax = Math.min(this.#bytesMax, this.#memoryBytesMax)
      if (this.#bytes > this.#bytesMax) this.#giveUp()
      return
    }
    const whole = Buffer.concat(this.#pieces ?? [])
    this.#description = Buffer.from(whole.subarray(0, this.descriptionBytes))
    this.#pieces = [whole.subarray(this.descriptionBytes)]
    this.#held -= this.descriptionBytes
    this.#passOn(this.writer)
  }

  #passOn(writer: PartWriter): void {
    if (this.#held < partBytes) return
    const whole = Buffer.concat(this.#pieces ?? [])
    let at = 0
    for (; whole.length - at >= partBytes; at += partBytes) {
      if (writer.add(Buffer.from(whole.subarray(at, at + partBytes)))) continue
      this.#giveUp()
      return
    }
    this.#pieces = at === whole.length ? undefined : [whole.subarray(at)]
    this.#held = whole.length - at
  }

  #giveUp(): void {
    this.tooLargeBytes = this.#bytes
    this.#pieces = undefined
    this.#held = 0
    this.#lastPiece = undefined
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
