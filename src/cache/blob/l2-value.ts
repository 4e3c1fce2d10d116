// Puts a value where L2 keeps it and brings it back: inside its record up to a quarter page, else in extents of its own.
//
//   extents:  [attributes, if the record could not hold them] | stored value

import { crc32 } from '../../base/index.ts'
import type { Store } from '../../storage/index.ts'
import type { Compressor, Encoded, EncodedValue } from './compressor.ts'
import { sound } from './damage.ts'
import { smallBytesMax } from './found-pack.ts'
import { type Attributes, bareLength, encodeAttributes, type L2Record, type RecordHead } from './l2-record.ts'

/** One call of the system moves that much; what is larger is moved in steps. */
const stepBytes = 8 * 1024 * 1024
const joinedBytes = 512 * 1024
/** Room for the most extents a chain may have, and their count. */
const extentListBytes = 1 + 64 * 8
/** Room for the limits that an entry has not, but may be given later, where it lies. */
const limitBytes = 6 * 6 + 4

type Head = Omit<RecordHead, keyof Encoded>

export class L2Values {
  readonly #store: Store
  readonly #compressor: Compressor
  /** Longest record when it is placed: a quarter page less what limits may add. */
  readonly #inlineBytesMax: number
  /** Memory that the next small value is read into, again and again. */
  readonly #scratch = Buffer.allocUnsafeSlow(2 * smallBytesMax)

  constructor(store: Store, compressor: Compressor) {
    this.#store = store
    this.#inlineBytesMax = (store.header.pageSize >> 2) - limitBytes
    this.#compressor = compressor
  }

  encode(value: Uint8Array, contentType: string | undefined, compress: boolean): Steps<EncodedValue> {
    return this.#compressor.encode(value, contentType, compress)
  }

  /** Bytes an entry will count, before anything is written: what room has to be made for. An upper bound by a few extents. */
  bytesFor(head: Head, attributes: Attributes, encoded: EncodedValue): number {
    return bareLength(head, encodeAttributes(attributes).length) + encoded.storedBytes
  }

  /** The record of an encoded value, with the value written to extents if it does not fit into the record. */
  *place(head: Head, attributes: Attributes, encoded: EncodedValue): Steps<L2Record> {
    const encodedAttributes = encodeAttributes(attributes)
    const bare = bareLength(head, encodedAttributes.length)
    if (bare + encoded.storedBytes <= this.#inlineBytesMax) {
      const bytes = encoded.pieces.length === 1 ? (encoded.pieces[0] as Uint8Array) : Buffer.concat(encoded.pieces)
      return recordOf(head, encoded, { attributes, outside: undefined, payload: { kind: 'inline', bytes } })
    }
    const fits = bare + extentListBytes <= this.#inlineBytesMax
    const front = fits ? undefined : encodedAttributes
    const extents = yield* this.#write(front === undefined ? encoded.pieces : [front, ...encoded.pieces])
    return recordOf(head, encoded, {
      attributes: fits ? attributes : undefined,
      outside: front === undefined ? undefined : { bytes: front.length, crc: crc32(front) },
      payload: { kind: 'chain', extents },
    })
  }

  /** The value as it was put, in memory of its own unless it is `fleeting`. Throws Damage if it is not what was put. */
  *load(record: L2Record, fleeting = false): Steps<Uint8Array> {
    const stored = yield* this.stored(record, fleeting)
    return yield* this.#compressor.decode(stored, record)
  }

  /** The value as it is stored, in memory of its own. */
  *stored(record: L2Record, fleeting = false): Steps<Uint8Array> {
    const { payload, storedBytes } = record
    if (payload.kind === 'inline') return payload.bytes.slice()
    const from = record.outside?.bytes ?? 0
    const { extents } = payload
    if (storedBytes <= stepBytes) {
      // What is small is read, proven and decoded in one step.
      const isBrief = fleeting && storedBytes < smallBytesMax && record.rawBytes < smallBytesMax
      return this.#store.chains.read(extents, from, storedBytes, isBrief ? this.#scratch : undefined)
    }
    const bytes = new Uint8Array(storedBytes)
    const release = this.#store.hold()
    try {
      for (let at = 0; at < storedBytes; at += stepBytes) {
        const part = this.#store.chains.read(extents, from + at, Math.min(stepBytes, storedBytes - at))
        sound(part.length === Math.min(stepBytes, storedBytes - at), 'extents are shorter than their value')
        bytes.set(part, at)
        yield
      }
    } finally {
      release()
    }
    return bytes
  }

  *#write(pieces: readonly Uint8Array[]): Steps<L2Extents> {
    const writer = this.#store.chains.begin(pieces.reduce((sum, piece) => sum + piece.length, 0))
    let extents: L2Extents | undefined
    try {
      for (const piece of joined(pieces)) {
        for (let at = 0; at < piece.length; at += stepBytes) {
          if (at > 0) yield
          writer.write(piece.subarray(at, at + stepBytes))
        }
        yield
      }
      extents = writer.end()
      return extents
    } finally {
      if (extents === undefined) writer.abandon()
    }
  }
}

export type Steps<T> = Generator<undefined, T, undefined>

type L2Extents = Extract<L2Record['payload'], { kind: 'chain' }>['extents']

/** Small pieces are joined: a call of the system costs more than copying them. */
function* joined(pieces: readonly Uint8Array[]): Generator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  for (const piece of pieces) {
    waiting.push(piece)
    bytes += piece.length
    if (bytes < joinedBytes) continue
    yield waiting.length === 1 ? piece : Buffer.concat(waiting)
    waiting = []
    bytes = 0
  }
  if (waiting.length > 0) yield waiting.length === 1 ? (waiting[0] as Uint8Array) : Buffer.concat(waiting)
}

/** Field by field: to spread objects of many shapes takes longer than all the rest of a put. */
function recordOf(
  head: Head,
  encoded: Encoded,
  { attributes, outside, payload }: Pick<L2Record, 'attributes' | 'outside' | 'payload'>,
): L2Record {
  return {
    codec: encoded.codec,
    rawBytes: encoded.rawBytes,
    storedBytes: encoded.storedBytes,
    rawCrc: encoded.rawCrc,
    storedCrc: encoded.storedCrc,
    version: head.version,
    createdAtMs: head.createdAtMs,
    ttlFromMs: head.ttlFromMs,
    lastAccessAtMs: head.lastAccessAtMs,
    queueNumber: head.queueNumber,
    stamp: head.stamp,
    costUs: head.costUs,
    policy: head.policy,
    attributes,
    outside,
    payload,
  }
}
