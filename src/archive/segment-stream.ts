// A file of a source as the stream that is stored: segment by segment, without holes, sealed if there is a seal.
//
// While the store writes one segment the next is sealed and digested, which takes longest, and the one after that is read: three segments
// are in memory, four with a seal. What the manifest says of each is noted in passing. Opened again for another try, it begins anew.

import { type ManifestFile, type ManifestSegment, nonceBytes, segmentBytes, tagBytes } from './manifest.ts'
import { type Hole, storedLengthOf } from './manifest-consistency.ts'
import type { Seal } from './seal.ts'
import { digestOfSegments, segmentDigest } from './segment-digest.ts'
import type { SourceFile } from './source.ts'
import type { Content } from './store.ts'

interface PlannedSegment {
  readonly index: number
  readonly offset: number
  readonly length: number
  /** Relative to the segment. */
  readonly holes: readonly Hole[]
  readonly storedLength: number
}

interface Prepared {
  readonly segment: ManifestSegment
  readonly stored: Uint8Array
}

const sealedBuffers = 2

export class SegmentStream implements Content {
  /** Bytes that will be stored. */
  readonly size: number
  readonly #file: SourceFile
  readonly #seal: Seal | undefined
  readonly #onStored: (bytes: number) => void
  readonly #plan: readonly PlannedSegment[]
  #segments: ManifestSegment[] = []

  /** `onStored` hears of bytes that a store took, with a negative number when it has to begin anew. */
  constructor(file: SourceFile, seal: Seal | undefined, onStored: (bytes: number) => void) {
    this.#file = file
    this.#seal = seal
    this.#onStored = onStored
    this.#plan = planOf(file, seal !== undefined)
    this.size = this.#plan.reduce((sum, { storedLength }) => sum + storedLength, 0)
  }

  async *open(): AsyncGenerator<Uint8Array> {
    this.#onStored(-this.#segments.reduce((sum, { storedLength }) => sum + storedLength, 0))
    this.#segments = []
    const largest = Math.min(segmentBytes, this.#file.size)
    // What is sealed is written from another buffer, and its own is read into meanwhile.
    const raw = Array.from({ length: this.#seal === undefined ? 3 : 2 }, () => Buffer.allocUnsafeSlow(largest))
    const sealedLength = this.#seal === undefined ? 0 : largest + nonceBytes + tagBytes
    const sealed = Array.from({ length: sealedBuffers }, () => Buffer.allocUnsafeSlow(sealedLength))
    const read = (index: number): Promise<Uint8Array> =>
      unheard(this.#read(this.#plan[index], raw[index % raw.length] as Buffer))
    const prepare = (index: number, reading: Promise<Uint8Array>): Promise<Prepared> =>
      unheard(this.#prepare(this.#plan[index], reading, sealed[index % sealedBuffers] as Buffer))
    let reading = read(0)
    let prepared = prepare(0, reading)
    // A source is read in the order of its bytes.
    const readOn = (index: number): Promise<Uint8Array> => unheard(reading.then(() => read(index)))
    reading = readOn(1)
    for (const { index } of this.#plan) {
      const { segment, stored } = await prepared
      // Of the buffers of the one before nothing is used any more.
      prepared = prepare(index + 1, reading)
      reading = readOn(index + 2)
      if (stored.length > 0) yield stored
      this.#segments.push(segment)
      this.#onStored(stored.length)
    }
  }

  /** For the manifest, once a stream was read to its end. */
  described(): ManifestFile {
    const { name, size } = this.#file
    const segments = this.#segments
    return { name, size, storedSize: this.size, sha256: digestOfSegments(segments), segments }
  }

  async #read(planned: PlannedSegment | undefined, raw: Uint8Array): Promise<Uint8Array> {
    if (planned === undefined) return noBytes
    let filled = 0
    for (const stretch of between(planned.holes, planned.length)) {
      await this.#file.read(raw.subarray(filled, filled + stretch.length), planned.offset + stretch.offset)
      filled += stretch.length
    }
    return raw.subarray(0, filled)
  }

  async #prepare(
    planned: PlannedSegment | undefined,
    reading: Promise<Uint8Array>,
    sealed: Uint8Array,
  ): Promise<Prepared> {
    const bytes = await reading
    if (planned === undefined) return nothing
    const { index, offset, length, holes, storedLength } = planned
    const place = { file: this.#file.name, index }
    const stored = this.#seal === undefined || bytes.length === 0 ? bytes : this.#seal.seal(place, bytes, sealed)
    const pairs = holes.length === 0 ? {} : { holes: holes.flatMap((hole) => [hole.offset, hole.length]) }
    const segment = { offset, length, storedLength, sha256: segmentDigest(stored), holes: undefined, ...pairs }
    return { segment, stored }
  }
}

const noBytes = new Uint8Array(0)
const nothing = { segment: { offset: 0, length: 0, storedLength: 0, sha256: '', holes: undefined }, stored: noBytes }

/** If the store gives up meanwhile, nobody waits for it. */
function unheard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

function planOf(file: SourceFile, sealed: boolean): PlannedSegment[] {
  const plan: PlannedSegment[] = []
  for (let offset = 0; offset < file.size; offset += segmentBytes) {
    const length = Math.min(segmentBytes, file.size - offset)
    const holes = file.holes(offset, offset + length).map((hole) => ({ ...hole, offset: hole.offset - offset }))
    const filled = holes.reduce((left, hole) => left - hole.length, length)
    plan.push({ index: plan.length, offset, length, holes, storedLength: storedLengthOf(filled, sealed) })
  }
  return plan
}

/** The stretches that are no holes. */
export function* between(holes: readonly Hole[], length: number): Generator<Hole> {
  let at = 0
  for (const hole of holes) {
    if (hole.offset > at) yield { offset: at, length: hole.offset - at }
    at = hole.offset + hole.length
  }
  if (at < length) yield { offset: at, length: length - at }
}
