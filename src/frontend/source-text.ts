// A text as it is looked up: without blanks and semicolons behind its last word, and without the comments there (SQL-32).
//
//   select 1 /*cache_ttl='5s',traceparent='00-…-01'*/;        text: select 1        aside: ttl 5s, traceparent 00-…-01
//
// A traceparent that changes with every call costs neither a parse nor a hit, and texts that differ in such comments alone
// share what is known and kept. So what the comments say, the aside, holds for the request at hand and for nothing else; for
// a prepared statement, as long as it is prepared. The origin always gets the text as the client sent it.

import type { TextHints } from '../cache/plans/index.ts'
import { cutTrailingComments, isFiller, readCommentHints } from '../sql/index.ts'
import { textHints } from './text-hints.ts'

/** What a request says beside its statement. */
export interface Aside {
  readonly hints: TextHints | undefined
  readonly traceparent: string | undefined
}

export interface SourceText {
  /** Bytes as latin1. */
  readonly text: string
  readonly aside: Aside | undefined
}

/** Of the text in `bytes[start, end)`. For nearly all of them this is one look at the last sign. */
export function readSource(bytes: Buffer, start: number, end: number): SourceText {
  let stop = end
  while (stop > start && isFiller(bytes[stop - 1])) stop--
  const text = bytes.latin1Slice(start, stop)
  const cut = bytes[stop - 1] === slash ? cutTrailingComments(text) : undefined
  if (cut === undefined) return { text, aside: undefined }
  // Of its own bytes, so that a text remembered by this name does not hold on to the one it was cut from.
  const hints = cut.mayHint ? textHints(readCommentHints(cut.comments.map(utf8))) : undefined
  const traceparent = traceparentIn(text, cut.length, bytes, start)
  const aside = hints === undefined && traceparent === undefined ? undefined : { hints, traceparent }
  return { text: bytes.latin1Slice(start, start + cut.length), aside }
}

const slash = 47

const key = "traceparent='"
/** A trace has 55 characters in the version there is. */
const traceparentMax = 128

/** The first traceparent behind `from` in the text that begins at `bytes[start]`; of its own bytes, for it is remembered for long. */
function traceparentIn(text: string, from: number, bytes: Buffer, start: number): string | undefined {
  const at = text.indexOf(key, from)
  if (at < 0 || !beginsPair.has(text.charCodeAt(at - 1))) return undefined
  const valueAt = at + key.length
  const end = text.indexOf("'", valueAt)
  return end <= valueAt || end - valueAt > traceparentMax
    ? undefined
    : bytes.toString('utf8', start + valueAt, start + end)
}

/** What stands before a key of sqlcommenter's: a comma, a blank, or the sign that opens the comment. */
const beginsPair: ReadonlySet<number> = new Set([44, 32, 42])

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}
