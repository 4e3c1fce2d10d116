// Decides whether L2 stores a value raw or as LZ4, and makes it raw again. Runs on the store thread; L1 keeps raw bytes.
//
//   off -> small -> type -> (trial) -> ratio: the first that says so keeps a value raw, in this order
//
//   codec 1:  | length of chunk 0 (4 bytes, little-endian) | … | chunk 0 | chunk 1 | …
//             chunks are 64 KiB of the value each, the last may be shorter; a length with the top bit set is of a raw chunk
//
// Encoding and decoding are generators that yield between chunks, so that a read waits for one chunk at most (CMP-12).
// Checksums: of the stored bytes before anything is decoded, of the value after (CMP-15).

import { crc32 } from '../../base/index.ts'
import type { Counters } from '../../observe/index.ts'
import { sound } from './damage.ts'
import { decodeBlock, encodeBlock } from './lz4-block.ts'

export const codecs = { raw: 0, lz4: 1 } as const

export interface CompressorOptions {
  readonly enabled: boolean
  /** Values below this stay raw. */
  readonly bytesMin: number
  /** A value whose encoded size is this share of its size, or more, stays raw. */
  readonly ratioMax: number
  /** No value is larger, so nothing larger is decoded. */
  readonly valueBytesMax: number
}

export interface Encoded {
  readonly codec: number
  readonly rawBytes: number
  readonly storedBytes: number
  readonly rawCrc: number
  readonly storedCrc: number
}

export interface EncodedValue extends Encoded {
  /** What is stored, in order. Raw values are not copied. */
  readonly pieces: readonly Uint8Array[]
}

const outcomes = ['lz4', 'raw_off', 'raw_small', 'raw_type', 'raw_ratio'] as const

type Outcome = (typeof outcomes)[number]

/** A row of `cache.compression`. */
interface OutcomeTotals {
  blobs: number
  bytesIn: number
  bytesOut: number
}

const chunkBytes = 64 * 1024
const trialBytes = 256 * 1024
const rawMark = 0x8000_0000
const checksumStepBytes = 1024 * 1024

export class Compressor {
  #options: CompressorOptions
  readonly #counters: Counters
  readonly totals: Readonly<Record<Outcome, OutcomeTotals>> = Object.fromEntries(
    outcomes.map((outcome) => [outcome, { blobs: 0, bytesIn: 0, bytesOut: 0 }]),
  ) as Record<Outcome, OutcomeTotals>

  constructor(options: CompressorOptions, counters: Counters) {
    this.#options = options
    this.#counters = counters
  }

  configure(options: CompressorOptions): void {
    this.#options = options
  }

  /** `wanted` is the namespace's own switch (CMP-16). The caller checked the size of the value. */
  *encode(
    value: Uint8Array,
    contentType: string | undefined,
    wanted: boolean,
  ): Generator<undefined, EncodedValue, undefined> {
    const { enabled, bytesMin } = this.#options
    if (!enabled || !wanted) return yield* this.#keepRaw(value, 'raw_off')
    if (value.length < bytesMin) return yield* this.#keepRaw(value, 'raw_small')
    if (contentType !== undefined && isCompressedType(contentType)) return yield* this.#keepRaw(value, 'raw_type')
    const chunks = yield* this.#encodeChunks(value)
    if (chunks === undefined) return yield* this.#keepRaw(value, 'raw_ratio')
    let storedBytes = 0
    let storedCrc = 0
    for (const piece of chunks) {
      storedBytes += piece.length
      storedCrc = crc32(piece, storedCrc)
    }
    const rawCrc = yield* checksum(value)
    this.#count('lz4', value.length, storedBytes)
    return { codec: codecs.lz4, rawBytes: value.length, storedBytes, rawCrc, storedCrc, pieces: chunks }
  }

  /** The value, in memory of its own unless it is stored raw; Damage if it is not what was encoded. */
  *decode(stored: Uint8Array, facts: Encoded): Generator<undefined, Uint8Array, undefined> {
    try {
      sound(facts.rawBytes <= this.#options.valueBytesMax, 'a value larger than any may be')
      sound(stored.length === facts.storedBytes, 'a stored value of another length')
      sound((yield* checksum(stored)) === facts.storedCrc, 'checksum of the stored value')
      if (facts.codec === codecs.raw) {
        sound(facts.rawBytes === facts.storedBytes && facts.rawCrc === facts.storedCrc, 'a raw value is as stored')
        return stored
      }
      sound(facts.codec === codecs.lz4, `unknown codec ${facts.codec}`)
      const value = new Uint8Array(facts.rawBytes)
      yield* decodeChunks(stored, value)
      sound((yield* checksum(value)) === facts.rawCrc, 'checksum of the value')
      return value
    } catch (error) {
      this.#counters.decompress_errors++
      throw error
    }
  }

  /** Undefined if it is not worth it. */
  *#encodeChunks(value: Uint8Array): Generator<undefined, Uint8Array[] | undefined, undefined> {
    const lengths = new DataView(new ArrayBuffer(Math.ceil(value.length / chunkBytes) * 4))
    const pieces: Uint8Array[] = [new Uint8Array(lengths.buffer)]
    let storedBytes = lengths.byteLength
    for (let at = 0, index = 0; at < value.length; at += chunkBytes, index++) {
      const chunk = value.subarray(at, at + chunkBytes)
      const block = encodeBlock(chunk)
      const piece = block ?? chunk
      lengths.setUint32(index * 4, piece.length + (block === undefined ? rawMark : 0), true)
      pieces.push(piece)
      storedBytes += piece.length
      if (index === 0 && value.length > trialBytes && this.#gainsNothing(piece.length, chunk.length)) return undefined
      yield
    }
    return this.#gainsNothing(storedBytes, value.length) ? undefined : pieces
  }

  #gainsNothing(storedBytes: number, rawBytes: number): boolean {
    return storedBytes >= rawBytes * this.#options.ratioMax
  }

  *#keepRaw(value: Uint8Array, outcome: Exclude<Outcome, 'lz4'>): Generator<undefined, EncodedValue, undefined> {
    const crc = yield* checksum(value)
    this.#count(outcome, value.length, value.length)
    const bytes = value.length
    return { codec: codecs.raw, rawBytes: bytes, storedBytes: bytes, rawCrc: crc, storedCrc: crc, pieces: [value] }
  }

  #count(outcome: Outcome, bytesIn: number, bytesOut: number): void {
    const totals = this.totals[outcome]
    totals.blobs++
    totals.bytesIn += bytesIn
    totals.bytesOut += bytesOut
    const counters = this.#counters
    counters.compress_bytes_in += bytesIn
    counters.compress_bytes_out += bytesOut
    if (outcome === 'lz4') counters.compress_lz4++
    else if (outcome === 'raw_off') counters.compress_raw_off++
    else if (outcome === 'raw_small') counters.compress_raw_small++
    else if (outcome === 'raw_type') counters.compress_raw_type++
    else counters.compress_raw_ratio++
  }
}

/** CRC32, a megabyte a step. */
function* checksum(bytes: Uint8Array): Generator<undefined, number, undefined> {
  let crc = 0
  for (let at = 0; at < bytes.length; at += checksumStepBytes) {
    if (at > 0) yield
    crc = crc32(bytes.subarray(at, at + checksumStepBytes), crc)
  }
  return crc
}

function* decodeChunks(stored: Uint8Array, value: Uint8Array): Generator<undefined, void, undefined> {
  const count = Math.ceil(value.length / chunkBytes)
  sound(stored.length >= count * 4, 'chunk lengths run past the end')
  const lengths = new DataView(stored.buffer, stored.byteOffset, count * 4)
  let at = count * 4
  for (let index = 0; index < count; index++) {
    const mark = lengths.getUint32(index * 4, true)
    const length = mark % rawMark
    sound(length <= stored.length - at, 'a chunk runs past the end')
    const from = stored.subarray(at, at + length)
    const into = value.subarray(index * chunkBytes, (index + 1) * chunkBytes)
    if (mark >= rawMark) {
      sound(length === into.length, 'a raw chunk of another length')
      into.set(from)
    } else decodeBlock(from, into)
    at += length
    if (index + 1 < count) yield
  }
  sound(at === stored.length, 'bytes behind the last chunk')
}

const compressedTypes = /^(?:image\/(?!svg\+xml$)|video\/|audio\/(?!(?:x-|vnd\.)?wave?$))/
const compressedApplications =
  /^application\/(?:x-)?(?:zip|zip-compressed|gzip|br|brotli|zstd|7z-compressed|rar-compressed|xz|bzip2?)$/

/** Types whose bytes are compressed already (CMP-10); case and parameters do not count. */
export function isCompressedType(contentType: string): boolean {
  const type = (contentType.split(';', 1)[0] as string).trim().toLowerCase()
  return compressedTypes.test(type) || compressedApplications.test(type)
}
