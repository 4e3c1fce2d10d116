// Fetches the segments of a file, in lanes that run side by side, and gives out only what its digest proves.
//
// A lane is a run of neighbouring segments read through one stream. Memory is one segment a lane, two with a seal.

import { damaged } from './failures.ts'
import type { Manifest, ManifestFile, ManifestSegment } from './manifest.ts'
import { filledLength } from './manifest-consistency.ts'
import { ObjectReader } from './object-reader.ts'
import type { Seal } from './seal.ts'
import { segmentDigest } from './segment-digest.ts'
import type { ArchiveStore } from './store.ts'

interface FetchOptions {
  readonly seal: Seal | undefined
  readonly lanes: number
  readonly signal: AbortSignal | undefined
  /** Bytes of the object that were proven. */
  readonly onProven: (bytes: number) => void
}

/** Takes the bytes of a segment that are in no hole; they are the lane's again when it is done. */
type SegmentSink = (segment: ManifestSegment, filled: Uint8Array) => Promise<void>

/** Throws XX001, naming file and segment, at the first that is not what the manifest says (ARC-15). */
export async function fetchFile(
  store: ArchiveStore,
  manifest: Manifest,
  file: ManifestFile,
  options: FetchOptions,
  sink: SegmentSink,
): Promise<void> {
  const stop = new AbortController()
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal])
  const lanes = lanesOf(file, options.lanes).map((lane) =>
    fetchLane(store, manifest.id, file, lane, { ...options, signal }, sink).catch((error: unknown) => {
      stop.abort()
      throw error
    }),
  )
  // All have ended when this returns, so nothing is written any more after a failure. The first failure is the cause.
  const outcomes = await Promise.allSettled(lanes)
  options.signal?.throwIfAborted()
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
  if (failures.length > 0) throw failures.find((reason) => reason !== stop.signal.reason) ?? failures[0]
}

interface Lane {
  readonly from: number
  /** Where the first segment begins in the object. */
  readonly storedAt: number
  readonly segments: readonly ManifestSegment[]
}

function lanesOf(file: ManifestFile, count: number): Lane[] {
  const each = Math.max(1, Math.ceil(file.segments.length / count))
  const lanes: Lane[] = []
  let storedAt = 0
  for (let from = 0; from < file.segments.length; from += each) {
    const segments = file.segments.slice(from, from + each)
    lanes.push({ from, storedAt, segments })
    storedAt += storedLength(segments)
  }
  return lanes
}

function storedLength(segments: readonly ManifestSegment[]): number {
  return segments.reduce((sum, segment) => sum + segment.storedLength, 0)
}

async function fetchLane(
  store: ArchiveStore,
  id: string,
  file: ManifestFile,
  { from, storedAt, segments }: Lane,
  { seal, signal, onProven }: FetchOptions,
  sink: SegmentSink,
): Promise<void> {
  const name = `${id}/${file.name}`
  const reader = new ObjectReader(store, name, storedAt, storedAt + storedLength(segments), signal)
  const stored = Buffer.allocUnsafeSlow(largest(segments, (segment) => segment.storedLength))
  const opened = Buffer.allocUnsafeSlow(seal === undefined ? 0 : largest(segments, filledLength))
  try {
    for (const [index, segment] of segments.entries()) {
      signal?.throwIfAborted()
      const place = { file: file.name, index: from + index }
      const bytes = stored.subarray(0, segment.storedLength)
      if (!(await reader.fill(bytes))) throw damaged(id, `${described(place)} is missing`)
      if (segmentDigest(bytes) !== segment.sha256) throw damaged(id, `${described(place)} does not match its digest`)
      const plain = seal === undefined || bytes.length === 0 ? bytes : seal.unseal(place, bytes, opened)
      if (plain === undefined) throw damaged(id, `${described(place)} was not sealed as it is`)
      await sink(segment, plain)
      onProven(bytes.length)
    }
  } finally {
    await reader.close()
  }
}

function largest(segments: readonly ManifestSegment[], lengthOf: (segment: ManifestSegment) => number): number {
  return segments.reduce((most, segment) => Math.max(most, lengthOf(segment)), 0)
}

function described({ file, index }: { readonly file: string; readonly index: number }): string {
  return `segment ${index} of "${file}"`
}
