// Values in PostgreSQL's binary format as the text its input functions read, for the types parameters of ours may have.
//
// Source: the send functions of PostgreSQL (src/backend/utils/adt).

import { conditions, ServerError } from '../errors/index.ts'

/** OIDs of types, by the names PostgreSQL has inside. */
export const typeOids = {
  bool: 16,
  bytea: 17,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  unknown: 705,
  'bytea[]': 1001,
  'int4[]': 1007,
  'text[]': 1009,
  bpchar: 1042,
  varchar: 1043,
  'varchar[]': 1015,
  'int8[]': 1016,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  jsonb: 3802,
} as const

type Read = (bytes: Buffer) => string

const utf8: Read = (bytes) => bytes.toString('utf8')

const readers: ReadonlyMap<number, Read> = new Map<number, Read>([
  [typeOids.bool, (bytes) => (bytes[0] === 1 ? 'true' : 'false')],
  [typeOids.bytea, (bytes) => `\\x${bytes.toString('hex')}`],
  [typeOids.int2, (bytes) => String(bytes.readInt16BE())],
  [typeOids.int4, (bytes) => String(bytes.readInt32BE())],
  [typeOids.int8, (bytes) => String(bytes.readBigInt64BE())],
  [typeOids.oid, (bytes) => String(bytes.readUInt32BE())],
  [typeOids.float4, (bytes) => String(bytes.readFloatBE())],
  [typeOids.float8, (bytes) => String(bytes.readDoubleBE())],
  [typeOids.text, utf8],
  [typeOids.name, utf8],
  [typeOids.bpchar, utf8],
  [typeOids.varchar, utf8],
  [typeOids.unknown, utf8],
  [typeOids.json, utf8],
  // A byte for the version of the format comes first.
  [typeOids.jsonb, (bytes) => bytes.toString('utf8', 1)],
  [typeOids.timestamptz, timestampText],
  [typeOids.interval, intervalText],
  [typeOids['text[]'], arrayText],
  [typeOids['varchar[]'], arrayText],
  [typeOids['bytea[]'], arrayText],
  [typeOids['int4[]'], arrayText],
  [typeOids['int8[]'], arrayText],
])

/** Throws 22P03 for bytes that are none of that type, 0A000 for a type that is not read here. */
export function textOfBinary(oid: number, bytes: Buffer): string {
  const read = readers.get(oid)
  if (read === undefined) {
    throw new ServerError(conditions.featureNotSupported, [`a parameter of type ${oid} in binary format`])
  }
  try {
    return read(bytes)
  } catch {
    throw new ServerError(conditions.invalidBinaryRepresentation, [oid])
  }
}

/** Microseconds between 1970 and 2000, where PostgreSQL's time begins. */
const epochShiftUs = 946_684_800_000_000n
const infinityUs = 0x7fff_ffff_ffff_ffffn

function timestampText(bytes: Buffer): string {
  const us = bytes.readBigInt64BE()
  if (us === infinityUs) return 'infinity'
  if (us === -infinityUs - 1n) return '-infinity'
  const sinceUs = us + epochShiftUs
  const restUs = ((sinceUs % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((sinceUs - restUs) / 1000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(restUs).padStart(6, '0')}Z`
}

function intervalText(bytes: Buffer): string {
  const us = bytes.readBigInt64BE()
  const days = bytes.readInt32BE(8)
  const months = bytes.readInt32BE(12)
  if (us === infinityUs && days === 0x7fff_ffff && months === 0x7fff_ffff) return 'infinity'
  return `${months} mons ${days} days ${us} microseconds`
}

/** One dimension, or none; more are refused. */
function arrayText(bytes: Buffer): string {
  const dimensionCount = bytes.readInt32BE(0)
  if (dimensionCount === 0) return '{}'
  if (dimensionCount !== 1) throw new RangeError('more than one dimension')
  const elementType = bytes.readUInt32BE(8)
  const items: string[] = []
  let at = 20
  for (let left = bytes.readInt32BE(12); left > 0; left--) {
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < 0) {
      items.push('NULL')
      continue
    }
    if (at + length > bytes.length) throw new RangeError('an element runs past the end')
    const text = textOfBinary(elementType, bytes.subarray(at, at + length))
    items.push(`"${text.replace(/["\\]/g, '\\$&')}"`)
    at += length
  }
  return `{${items.join(',')}}`
}
