// The value of a row of the tree `records`: everything about an entry but its namespace, generation and key.
//
//   | format | flags 2 | codec | priority | admission | jitter | raw bytes 4 | stored bytes 4 | CRC32 raw 4 | CRC32 stored 4 |
//   | created 6 | last access 6 | queue number 6 | stamp 8 | cost 4 | one field per presence flag |
//   | attributes, or their length 4 and CRC32 4 if they lie in front of the value in its extents |
//   | the stored value itself, or a count of extents and page 4, pages 4 of each |
//
// A field that may be absent has a flag, so that 0 is a value (version 0 is a version, L1-16). Attributes are what only some
// entries have and what may be long: content type, metadata, labels, proof.

import type { Extent } from '../../storage/index.ts'
import { ByteReader, ByteWriter } from './byte-codec.ts'
import type { Encoded } from './compressor.ts'
import { Damage, sound } from './damage.ts'
import { admissions, type Policy } from './policy.ts'

/** Version of the layout above; a record of another one is damage. */
const recordFormat = 1

/** What a derived entry was made under: it holds as long as none of these has moved (L2-30). */
export interface Proof {
  readonly incarnation: number
  readonly pairs: readonly EpochPair[]
}

interface EpochPair {
  /** As the owner of the epochs calls it. */
  readonly source: string
  readonly epoch: number
}

export interface Attributes {
  readonly contentType: string | undefined
  /** A JSON object as text. */
  readonly metadata: string | undefined
  readonly tags: readonly string[]
  readonly dependencies: readonly string[]
  readonly proof: Proof | undefined
}

/** Where the stored value is. */
type Payload =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'chain'; readonly extents: readonly Extent[] }

export interface RecordHead extends Encoded {
  readonly version: number | undefined
  readonly createdAtMs: number
  /** From when the time to live runs: creation, or the last touch that set it. */
  readonly ttlFromMs: number
  readonly lastAccessAtMs: number
  readonly policy: Policy
  readonly queueNumber: number
  /** Another one after every put of the key: "is it still the entry I read?" */
  readonly stamp: number
  /** Microseconds that making it again takes; 0 if nobody said. */
  readonly costUs: number
}

export interface L2Record extends RecordHead {
  /** Undefined when they lie in the extents: `outside` says how many bytes of the chain they are. */
  readonly attributes: Attributes | undefined
  readonly outside: { readonly bytes: number; readonly crc: number } | undefined
  readonly payload: Payload
}

const flags = {
  version: 1 << 0,
  ttl: 1 << 1,
  ttlFrom: 1 << 2,
  expiresAt: 1 << 3,
  bytesMax: 1 << 4,
  idleTtl: 1 << 5,
  staleWindow: 1 << 6,
  staleIfError: 1 << 7,
  attributes: 1 << 8,
  outside: 1 << 9,
  chain: 1 << 10,
} as const

/** What every record has. */
const fixedBytes = 53

const knownFlags = Object.values(flags).reduce((all, flag) => all | flag, 0)

const noAttributes: Attributes = Object.freeze({
  contentType: undefined,
  metadata: undefined,
  tags: Object.freeze([]),
  dependencies: Object.freeze([]),
  proof: undefined,
})

export function encodeRecord(record: L2Record): Buffer {
  const { policy, payload, attributes, outside } = record
  const attributeBytes = attributes === undefined ? undefined : encodeAttributes(attributes)
  const writer = new ByteWriter()
  writer.uint(recordFormat, 1)
  writer.uint(flagsOf(record, attributeBytes), 2)
  writer.uint(record.codec, 1)
  writer.uint(policy.priority, 1)
  writer.uint(admissions.indexOf(policy.admission), 1)
  writer.uint(policy.jitterPercent, 1)
  writer.uint(record.rawBytes, 4)
  writer.uint(record.storedBytes, 4)
  writer.uint(record.rawCrc, 4)
  writer.uint(record.storedCrc, 4)
  writer.uint(record.createdAtMs, 6)
  writer.uint(record.lastAccessAtMs, 6)
  writer.uint(record.queueNumber, 6)
  writer.safeInteger(record.stamp)
  writer.uint(record.costUs, 4)
  if (record.version !== undefined) writer.safeInteger(record.version)
  if (policy.ttlMs !== undefined) writer.uint(policy.ttlMs, 6)
  if (record.ttlFromMs !== record.createdAtMs) writer.uint(record.ttlFromMs, 6)
  if (policy.expiresAtMs !== undefined) writer.uint(policy.expiresAtMs, 6)
  if (policy.bytesMax !== undefined) writer.uint(policy.bytesMax, 4)
  if (policy.idleTtlMs > 0) writer.uint(policy.idleTtlMs, 6)
  if (policy.staleWindowMs > 0) writer.uint(policy.staleWindowMs, 6)
  if (policy.staleIfErrorMs > 0) writer.uint(policy.staleIfErrorMs, 6)
  if (outside !== undefined) {
    writer.uint(outside.bytes, 4)
    writer.uint(outside.crc, 4)
  } else if (attributeBytes !== undefined && attributeBytes.length > 0) {
    writer.uint(attributeBytes.length, 4)
    writer.raw(attributeBytes)
  }
  if (payload.kind === 'inline') writer.raw(payload.bytes)
  else {
    writer.uint(payload.extents.length, 1)
    for (const extent of payload.extents) {
      writer.uint(extent.page, 4)
      writer.uint(extent.pages, 4)
    }
  }
  return writer.finish()
}

/** The length of an encoded record with attributes of that length, without what its payload takes. */
export function bareLength(
  { version, policy, createdAtMs, ttlFromMs }: Pick<RecordHead, 'version' | 'policy' | 'createdAtMs' | 'ttlFromMs'>,
  attributeBytes: number,
): number {
  return (
    fixedBytes +
    (version === undefined ? 0 : 8) +
    (policy.ttlMs === undefined ? 0 : 6) +
    (ttlFromMs === createdAtMs ? 0 : 6) +
    (policy.expiresAtMs === undefined ? 0 : 6) +
    (policy.bytesMax === undefined ? 0 : 4) +
    (policy.idleTtlMs > 0 ? 6 : 0) +
    (policy.staleWindowMs > 0 ? 6 : 0) +
    (policy.staleIfErrorMs > 0 ? 6 : 0) +
    (attributeBytes === 0 ? 0 : 4 + attributeBytes)
  )
}

/** Inline bytes are a view of what was given. Throws Damage for anything that encodeRecord does not write. */
export function decodeRecord(bytes: Uint8Array): L2Record {
  const reader = new ByteReader(bytes)
  sound(reader.uint(1) === recordFormat, 'format of a record')
  const present = reader.uint(2)
  sound((present & ~knownFlags) === 0, 'flags of a record')
  const has = (flag: number): boolean => (present & flag) !== 0
  const codec = reader.uint(1)
  const priority = reader.uint(1)
  const admission = admissions[reader.uint(1)]
  sound(admission !== undefined, 'admission of a record')
  const jitterPercent = reader.uint(1)
  sound(jitterPercent <= 100, 'jitter of a record')
  const rawBytes = reader.uint(4)
  const storedBytes = reader.uint(4)
  const rawCrc = reader.uint(4)
  const storedCrc = reader.uint(4)
  const createdAtMs = reader.uint(6)
  const lastAccessAtMs = reader.uint(6)
  const queueNumber = reader.uint(6)
  const stamp = reader.safeInteger()
  const costUs = reader.uint(4)
  const version = has(flags.version) ? reader.safeInteger() : undefined
  const ttlMs = has(flags.ttl) ? reader.uint(6) : undefined
  const ttlFromMs = has(flags.ttlFrom) ? reader.uint(6) : createdAtMs
  const expiresAtMs = has(flags.expiresAt) ? reader.uint(6) : undefined
  const bytesMax = has(flags.bytesMax) ? reader.uint(4) : undefined
  const idleTtlMs = has(flags.idleTtl) ? reader.uint(6) : 0
  const staleWindowMs = has(flags.staleWindow) ? reader.uint(6) : 0
  const staleIfErrorMs = has(flags.staleIfError) ? reader.uint(6) : 0
  const outside = has(flags.outside) ? { bytes: reader.uint(4), crc: reader.uint(4) } : undefined
  sound(outside === undefined || (has(flags.chain) && !has(flags.attributes)), 'attributes outside lie in extents')
  const attributes = has(flags.attributes) ? decodeAttributes(reader.raw(reader.uint(4))) : noAttributes
  return {
    codec,
    rawBytes,
    storedBytes,
    rawCrc,
    storedCrc,
    version,
    createdAtMs,
    ttlFromMs,
    lastAccessAtMs,
    queueNumber,
    stamp,
    costUs,
    policy: {
      ttlMs,
      expiresAtMs,
      bytesMax,
      admission,
      priority,
      idleTtlMs,
      staleWindowMs,
      staleIfErrorMs,
      jitterPercent,
    },
    attributes: outside === undefined ? attributes : undefined,
    outside,
    payload: has(flags.chain) ? decodeExtents(reader) : decodeInline(reader, storedBytes),
  }
}

/** The extents that a row of a tree refers to; of all rows only records do. */
export function extentsOf(tree: string, value: Uint8Array): readonly Extent[] {
  if (tree !== 'records') return []
  const { payload } = decodeRecord(value)
  return payload.kind === 'chain' ? payload.extents : []
}

function flagsOf(record: L2Record, attributeBytes: Uint8Array | undefined): number {
  const { policy } = record
  return (
    (record.version !== undefined ? flags.version : 0) |
    (policy.ttlMs !== undefined ? flags.ttl : 0) |
    (record.ttlFromMs !== record.createdAtMs ? flags.ttlFrom : 0) |
    (policy.expiresAtMs !== undefined ? flags.expiresAt : 0) |
    (policy.bytesMax !== undefined ? flags.bytesMax : 0) |
    (policy.idleTtlMs > 0 ? flags.idleTtl : 0) |
    (policy.staleWindowMs > 0 ? flags.staleWindow : 0) |
    (policy.staleIfErrorMs > 0 ? flags.staleIfError : 0) |
    (record.outside !== undefined ? flags.outside : 0) |
    (record.outside === undefined && (attributeBytes?.length ?? 0) > 0 ? flags.attributes : 0) |
    (record.payload.kind === 'chain' ? flags.chain : 0)
  )
}

function decodeInline(reader: ByteReader, storedBytes: number): Payload {
  sound(reader.left === storedBytes, 'a value in its record has the length it claims')
  return { kind: 'inline', bytes: reader.raw(storedBytes) }
}

function decodeExtents(reader: ByteReader): Payload {
  const extents: Extent[] = []
  for (let count = reader.uint(1); count > 0; count--) extents.push({ page: reader.uint(4), pages: reader.uint(4) })
  sound(reader.left === 0, 'bytes behind a record')
  return { kind: 'chain', extents }
}

const noBytes = Buffer.alloc(0)

const attributeFlags = { contentType: 1, metadata: 2, tags: 4, dependencies: 8, proof: 16 } as const

/** Empty when there is nothing to say. */
export function encodeAttributes(attributes: Attributes): Buffer {
  const { contentType, metadata, tags, dependencies, proof } = attributes
  const present =
    (contentType !== undefined ? attributeFlags.contentType : 0) |
    (metadata !== undefined ? attributeFlags.metadata : 0) |
    (tags.length > 0 ? attributeFlags.tags : 0) |
    (dependencies.length > 0 ? attributeFlags.dependencies : 0) |
    (proof !== undefined ? attributeFlags.proof : 0)
  if (present === 0) return noBytes
  const writer = new ByteWriter()
  writer.uint(present, 1)
  if (contentType !== undefined) writer.text(contentType, 2)
  if (metadata !== undefined) writer.text(metadata, 4)
  if (tags.length > 0) writeLabels(writer, tags)
  if (dependencies.length > 0) writeLabels(writer, dependencies)
  if (proof !== undefined) writeProof(writer, proof)
  return writer.finish()
}

export function decodeAttributes(bytes: Uint8Array): Attributes {
  if (bytes.length === 0) return noAttributes
  const reader = new ByteReader(bytes)
  const present = reader.uint(1)
  const has = (flag: number): boolean => (present & flag) !== 0
  const attributes = {
    contentType: has(attributeFlags.contentType) ? reader.text(2) : undefined,
    metadata: has(attributeFlags.metadata) ? reader.text(4) : undefined,
    tags: has(attributeFlags.tags) ? readLabels(reader) : noAttributes.tags,
    dependencies: has(attributeFlags.dependencies) ? readLabels(reader) : noAttributes.dependencies,
    proof: has(attributeFlags.proof) ? readProof(reader) : undefined,
  }
  if (present > 31 || reader.left > 0) throw new Damage('attributes of a record')
  return Object.freeze(attributes)
}

function writeLabels(writer: ByteWriter, labels: readonly string[]): void {
  writer.uint(labels.length, 1)
  for (const label of labels) writer.text(label, 1)
}

function readLabels(reader: ByteReader): readonly string[] {
  const labels: string[] = []
  for (let count = reader.uint(1); count > 0; count--) labels.push(reader.text(1))
  return Object.freeze(labels)
}

function writeProof(writer: ByteWriter, proof: Proof): void {
  writer.uint(proof.incarnation, 6)
  writer.uint(proof.pairs.length, 2)
  for (const pair of proof.pairs) {
    writer.text(pair.source, 1)
    writer.safeInteger(pair.epoch)
  }
}

function readProof(reader: ByteReader): Proof {
  const incarnation = reader.uint(6)
  const pairs: EpochPair[] = []
  for (let count = reader.uint(2); count > 0; count--)
    pairs.push({ source: reader.text(1), epoch: reader.safeInteger() })
  return { incarnation, pairs }
}
