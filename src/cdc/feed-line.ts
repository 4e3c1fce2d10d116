// A line of the stream as far as it tells whose rows changed, and how the lines begin that tell of more rows of the same relation.

import { type FeedEvent, UnreadableChange } from './change.ts'
import { readWithoutRows } from './test-decoding.ts'

/** Of a line that tells of a row: more than two quoted names are long. */
const rowHeadBytes = 512

/** Undefined if it may be about anything: a list of relations that was cut. */
export function readLine(head: Buffer, isWhole: boolean): FeedEvent | undefined {
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
export function prefixOf(head: Buffer): Buffer | undefined {
  const beginning = head.subarray(0, rowHeadBytes)
  const ends = verbs.map((verb) => beginning.indexOf(verb)).filter((at) => at !== -1)
  if (ends.length === 0) return undefined
  const prefix = beginning.subarray(0, Math.min(...ends) + ': INSERT:'.length)
  return prefix.includes(0x22) ? undefined : Buffer.from(prefix)
}
