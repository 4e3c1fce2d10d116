// Do the parts of a manifest fit each other? A shape can be right and still describe no file.

import {
  derivationBytesMax,
  fileNames,
  type Manifest,
  type ManifestEncryption,
  type ManifestFile,
  type ManifestSegment,
  nonceBytes,
  segmentBytes,
  tagBytes,
} from './manifest.ts'
import { digestOfSegments } from './segment-digest.ts'
import { ShapeError } from './shape.ts'

export interface Hole {
  readonly offset: number
  readonly length: number
}

/** The holes of a segment, as pairs in the manifest. */
export function holesOf(segment: ManifestSegment): Hole[] {
  const pairs = segment.holes ?? []
  const holes: Hole[] = []
  for (let index = 0; index < pairs.length; index += 2) {
    holes.push({ offset: pairs[index] ?? 0, length: pairs[index + 1] ?? 0 })
  }
  return holes
}

/** Bytes of the segment that are not in a hole. */
export function filledLength(segment: ManifestSegment): number {
  return holesOf(segment).reduce((length, hole) => length - hole.length, segment.length)
}

export function requireConsistent(manifest: Manifest): void {
  const { files, encryption, namespaces, store } = manifest
  if (files.map((file) => file.name).join() !== fileNames.join()) throw new ShapeError('files: are not the pair')
  if ((store.pageSize & (store.pageSize - 1)) !== 0) throw new ShapeError('store.page_size: is not a power of two')
  if (encryption !== undefined) requireAffordable(encryption)
  if (new Set(namespaces.map(({ name }) => name)).size !== namespaces.length) {
    throw new ShapeError('namespaces: name one twice')
  }
  for (const file of files) requireWholeFile(file, encryption !== undefined)
}

/** Deriving the key takes memory and time that whoever wrote the manifest chooses. */
function requireAffordable({ cost, blockSize, parallelism }: ManifestEncryption): void {
  if ((cost & (cost - 1)) !== 0) throw new ShapeError('encryption.cost: is not a power of two')
  if (128 * cost * blockSize > derivationBytesMax || parallelism * cost * blockSize > 8 << 20) {
    throw new ShapeError('encryption: asks for more work than a key may cost')
  }
}

function requireWholeFile(file: ManifestFile, encrypted: boolean): void {
  const path = file.name
  let offset = 0
  let storedSize = 0
  file.segments.forEach((segment, index) => {
    const at = `${path}.segments[${index}]`
    const length = Math.min(segmentBytes, file.size - offset)
    if (segment.offset !== offset || segment.length !== length) throw new ShapeError(`${at}: is not where it should be`)
    requireHoles(segment, at)
    const filled = filledLength(segment)
    if (segment.storedLength !== storedLengthOf(filled, encrypted)) throw new ShapeError(`${at}: is not of its length`)
    offset += segment.length
    storedSize += segment.storedLength
  })
  if (offset !== file.size) throw new ShapeError(`${path}: has not the segments of its size`)
  if (storedSize !== file.storedSize) throw new ShapeError(`${path}.stored_size: is not that of its segments`)
  if (digestOfSegments(file.segments) !== file.sha256) throw new ShapeError(`${path}.sha256: is not of its segments`)
}

/** What is all hole is stored as nothing, sealed or not. */
export function storedLengthOf(filled: number, encrypted: boolean): number {
  return filled === 0 || !encrypted ? filled : filled + nonceBytes + tagBytes
}

function requireHoles(segment: ManifestSegment, path: string): void {
  if ((segment.holes?.length ?? 0) % 2 !== 0) throw new ShapeError(`${path}.holes: are not pairs`)
  let end = 0
  for (const hole of holesOf(segment)) {
    if (hole.offset < end || hole.length === 0 || hole.offset + hole.length > segment.length) {
      throw new ShapeError(`${path}.holes: are not ascending within it`)
    }
    end = hole.offset + hole.length
  }
}
