// A file of a source as the stream that is stored: segment by segment, without holes, sealed if there is a seal.
//
// While the store writes one segment the next is read, sealed and digested into a second buffer: two segments are in
// memory, four with a seal. What the manifest says of each segment is noted in passing. Opened again for another try, it
// begins anew.

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

interface Buffers {
  readonly raw: Uint8Array
  readonly sealed: Uint8Array
}

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
    const buffers = [this.#buffersOf(largest), this.#buffersOf(largest)] as const
    let next = this.#prepare(this.#plan[0], buffers[0])
    for (const planned of this.#plan) {
      const { segment, stored } = await next
      next = this.#prepare(this.#plan[planned.index + 1], buffers[(planned.index + 1) % 2] as Buffers)
      // If the store gives up meanwhile, nobody waits for this one.
      next.catch(() => undefined)
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

  #buffersOf(length: number): Buffers {
    const sealedLength = this.#seal === undefined ? 0 : length + nonceBytes + tagBytes
    return { raw: Buffer.allocUnsafeSlow(length), sealed: Buffer.allocUnsafeSlow(sealedLength) }
  }

  async #prepare(
    planned: PlannedSegment | undefined,
    { raw, sealed }: Buffers,
  ): Promise<{ readonly segment: ManifestSegment; readonly stored: Uint8Array }> {
    if (planned === undefined) return nothing
    const { index, offset, length, holes, storedLength } = planned
    let filled = 0
    for (const stretch of between(holes, length)) {
      await this.#file.read(raw.subarray(filled, filled + stretch.length), offset + stretch.offset)
      filled += stretch.length
    }
    const bytes = raw.subarray(0, filled)
    const place = { file: this.#file.name, index }
    const stored = this.#seal === undefined || filled === 0 ? bytes : this.#seal.seal(place, bytes, sealed)
    const pairs = holes.length === 0 ? {} : { holes: holes.flatMap((hole) => [hole.offset, hole.length]) }
    const segment = { offset, length, storedLength, sha256: segmentDigest(stored), holes: undefined, ...pairs }
    return { segment, stored }
  }
}

const nothing = {
  segment: { offset: 0, length: 0, storedLength: 0, sha256: '', holes: undefined },
  stored: new Uint8Array(0),
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
