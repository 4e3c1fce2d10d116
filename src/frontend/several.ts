// A text of several plain statements: reads, and writes that commit nothing before the text ends.
//
// PostgreSQL makes one transaction of such a text, and leaves no place for a question between the last statement and the commit. So each
// statement goes out as extended messages of its own, all before one Sync: one transaction as well. What the client sees is the same: the
// flow's own answers are cut, the last completion is held until the commit is known, and positions in errors count from the text's start.

import type { StatementText } from '../cache/plans/index.ts'
import { type StatementKind, statementSpans } from '../sql/index.ts'

/** One statement of the text. */
export interface Member {
  /** Its bytes as latin1. */
  readonly source: string
  /** Characters of the text before it. */
  readonly shift: number
}

const readKinds: ReadonlySet<StatementKind> = new Set(['read', 'show', 'explain'])
const plainKinds: ReadonlySet<StatementKind> = new Set([...readKinds, 'write', 'explain_write'])

/** True if nothing in it controls a transaction, changes settings by SET, or changes the catalogue by its words. */
export function isPlain(text: StatementText): boolean {
  return text.shape.statement.parts.every((kind) => plainKinds.has(kind))
}

/** True if it writes at most by what it calls. */
export function readsOnly(text: StatementText): boolean {
  return text.shape.statement.parts.every((kind) => readKinds.has(kind))
}

/**
 * True if one of them may change what the names in those behind it mean. What is known of one run says nothing
 * of the next then.
 */
export function mayChangeSettings(text: StatementText): boolean {
  return text.shape.statement.reason?.code === 'unknown_key'
}

/** Its statements, if it can be sent one by one. */
export function membersOf(text: StatementText): readonly Member[] | undefined {
  const { parts, parameterCount, names } = text.shape.statement
  // `$1` is an error that the origin must word itself, and the text of the query is asked for only as a whole.
  if (!isPlain(text) || parameterCount > 0 || names.functions.some(({ name }) => name === 'current_query'))
    return undefined
  const spans = statementSpans(text.text)
  if (spans.length !== parts.length) return undefined
  let shift = 0
  let counted = 0
  return spans.map(({ start, end }) => {
    shift += characterCount(text.text, counted, start)
    counted = start
    return { source: text.text.slice(start, end), shift }
  })
}

/** Characters of UTF-8 in `text[start, end)`, whose characters are bytes. */
function characterCount(text: string, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; at++) if ((text.charCodeAt(at) & 0xc0) !== 0x80) count++
  return count
}
