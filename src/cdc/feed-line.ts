// A line of the stream as far as it tells whose rows changed, and how the lines begin that tell of more rows of the same relation.

import { type FeedEvent, UnreadableChange } from './change.ts'
import { readTestDecoding, readWithoutRows } from './test-decoding.ts'

/** Of a line that tells of a row: more than two quoted names are long. */
const rowHeadBytes = 512

/** Undefined if it may be about anything: a list of relations that was cut. */
function readLine(head: Buffer, isWhole: boolean): FeedEvent | undefined {
  const isTable = head.toString('latin1', 0, 6) === 'table '
  if (!isTable) {
    // What is not cut short is read to its end. A message that is tells nothing that is needed.
    return isWhole
      ? readWithoutRows(head.toString())
      : { kind: 'message', transactional: true, prefix: '', content: '' }
  }
  const short = head.length > rowHeadBytes ? tryRead(head.toString('utf8', 0, rowHeadBytes)) : undefined
  if (short !== undefined) return short
  return isWhole ? readWithoutRows(head.toString()) : tryRead(head.toString())
}

function tryRead(line: string): FeedEvent | undefined {
  try {
    return readWithoutRows(line)
  } catch (error) {
    if (error instanceof UnreadableChange) return undefined
    throw error
  }
}

const verbs = [': INSERT:', ': UPDATE:', ': DELETE:'].map((verb) => Buffer.from(verb))

/** The line up to behind its verb, copied; undefined if it is far away, or if a name may hold what looks like a verb. */
function prefixOf(head: Buffer): Buffer | undefined {
  const beginning = head.subarray(0, rowHeadBytes)
  const ends = verbs.map((verb) => beginning.indexOf(verb)).filter((at) => at !== -1)
  if (ends.length === 0) return undefined
  const prefix = beginning.subarray(0, Math.min(...ends) + ': INSERT:'.length)
  return prefix.includes(0x22) ? undefined : Buffer.from(prefix)
}

/** What reads a stream: one belongs to one stream. */
export interface Decoder {
  readonly plugin: 'test_decoding' | 'pgoutput'
  /** As START_REPLICATION takes them. */
  readonly options: string
  /** Without rows; undefined if it may be about anything. `head` may be cut. */
  event(head: Buffer, isWhole: boolean): FeedEvent | undefined
  /** One that tells of a row, with it. */
  row(message: Buffer): FeedEvent
  /** How messages begin that tell of another row of the same relation in the same way, copied; undefined if that cannot be told. */
  prefixOf(head: Buffer): Buffer | undefined
}

export const testDecoding: Decoder = {
  plugin: 'test_decoding',
  options: `"include-xids" 'on', "include-timestamp" 'off', "skip-empty-xacts" 'on'`,
  event: readLine,
  row: (line) => readTestDecoding(line.toString()),
  prefixOf,
}
