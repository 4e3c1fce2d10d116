// An answer as bytes: what L2 keeps of it, and the key it is found by after the process that made it is gone.
//
//   +---------+---------------+--------+----------------------+--------+
//   | version | length uint32 | header | ParameterDescription | frames |
//   +---------+---------------+--------+----------------------+--------+      header: JSON

import { hash } from 'node:crypto'
import type { DatabaseEpochs } from '../../invalidation/index.ts'
import type { AnswerBytes } from './answer-bytes.ts'
import { packedBytesMax } from './answer-bytes.ts'
import type { Entry, EntryFacts, EntryOwner } from './entry.ts'
import type { PartsAt } from './large-answer.ts'

const version = 2
const headAt = 5

interface Header {
  readonly start: number
  readonly createdAtMs: number
  readonly provenAtMs: number
  readonly expiresAtMs: number
  readonly costUs: number
  readonly rows: number
  readonly role: string
  readonly tags: readonly string[]
  readonly descriptionBytes: number
  readonly parameterBytes: number
  readonly frameBytes: number
  readonly relations: readonly (readonly [oid: number, name: string | null])[]
  /** Where the rows and the completion are, if not here. */
  readonly parts?: PartsAt | undefined
}

export interface StoredAnswer extends Header {
  readonly bytes: AnswerBytes
  readonly parameterDescription: Buffer | undefined
}

/** RES-6: database, context, statement and parameters, each with its length before it. */
export function lastingKey(database: string, context: string, text: string, parameters: string): string {
  const { length } = text
  const whole = `${database.length}:${database}${context.length}:${context}${length}:${text}${parameters}`
  return hash('sha256', whole, 'base64url')
}

export function encodeAnswer(entry: Entry, parts?: PartsAt): Buffer {
  const frames = typeof entry.bytes === 'string' ? Buffer.from(entry.bytes, 'latin1') : entry.bytes
  const header: Header = {
    start: entry.start,
    createdAtMs: entry.createdAtMs,
    provenAtMs: entry.provenAtMs,
    expiresAtMs: entry.expiresAtMs,
    costUs: entry.costUs,
    rows: entry.rows,
    role: entry.role,
    tags: entry.tags,
    descriptionBytes: entry.descriptionBytes,
    parameterBytes: entry.parameterDescription?.length ?? -1,
    frameBytes: frames.length,
    relations: entry.relations.map(({ oid, name }) => [oid, name ?? null]),
    parts,
  }
  const head = Buffer.from(JSON.stringify(header))
  const fixed = Buffer.allocUnsafe(headAt)
  fixed[0] = version
  fixed.writeUInt32BE(head.length, 1)
  return Buffer.concat([fixed, head, entry.parameterDescription ?? Buffer.alloc(0), frames])
}

/** Undefined if it is not what this version writes. */
export function decodeAnswer(bytes: Buffer): StoredAnswer | undefined {
  if (bytes.length < headAt || bytes[0] !== version) return undefined
  const headEnd = headAt + bytes.readUInt32BE(1)
  if (headEnd > bytes.length) return undefined
  let header: Header
  try {
    header = JSON.parse(bytes.toString('utf8', headAt, headEnd))
  } catch {
    return undefined
  }
  const framesAt = headEnd + Math.max(0, header.parameterBytes)
  if (framesAt + header.frameBytes !== bytes.length) return undefined
  const frames = bytes.subarray(framesAt)
  return {
    ...header,
    parameterDescription: header.parameterBytes < 0 ? undefined : Buffer.from(bytes.subarray(headEnd, framesAt)),
    bytes: frames.length <= packedBytesMax ? frames.latin1Slice() : Buffer.from(frames),
  }
}

interface Owned {
  readonly text: EntryOwner
  readonly contextId: number
  readonly parameters: string
  readonly priority: number
}

/** What memory would know of it. */
export function entryFactsOf(answer: StoredAnswer, database: DatabaseEpochs, asked: Owned): EntryFacts {
  const { text: owner, contextId, parameters, priority } = asked
  const { bytes, rows, role, tags, start, costUs, createdAtMs, provenAtMs, descriptionBytes } = answer
  const relations = answer.relations.map(([oid, name]) => {
    const relation = database.relation(oid)
    relation.name ??= name ?? undefined
    return relation
  })
  return {
    ...{ key: parameters, contextId, database, role, bytes, rows, relations, tags, start, costUs, owner },
    ...{
      createdAtMs,
      provenAtMs,
      descriptionBytes,
      priority,
      l2: true,
      parameterDescription: answer.parameterDescription,
    },
  }
}
