// The client's frames of one batch: which statements they name, and a simple query as the extended frames that do the
// same.

import { statementSpans } from '../sql/index.ts'
import {
  bindFrame,
  closeFrame,
  describeFrame,
  executeFrame,
  frame,
  frameHeaderBytes,
  frontend,
  int16,
  stringEnd,
} from '../wire/index.ts'

/** Name of the statement a simple query runs as; no client would choose it. */
const simpleName = ' simple'

const zero = Buffer.from([0])

/**
 * A simple query as extended frames, each statement of it by itself. PostgreSQL takes one statement per Parse, so
 * nothing can hide behind a semicolon. Blanks stand for what comes before a statement: positions in errors stay true.
 */
export function extendedOf(query: Buffer): Buffer[] {
  const text = query.subarray(frameHeaderBytes, query.length - 1)
  const spans = statementSpans(text.toString('latin1'))
  const frames: Buffer[] = []
  for (const { start, end } of spans) {
    const before = Buffer.alloc(characterCount(text, start), ' ')
    frames.push(
      closeFrame('S', simpleName),
      frame(frontend.parse, Buffer.from(`${simpleName}\0`), before, text.subarray(start, end), zero, int16(0)),
      bindFrame('', simpleName),
      describeFrame('P', ''),
      executeFrame(''),
    )
  }
  frames.push(closeFrame('P', ''), closeFrame('S', simpleName))
  return frames
}

/** Characters of UTF-8 before `end`: all bytes but those that continue one. */
function characterCount(text: Buffer, end: number): number {
  let count = 0
  for (let at = 0; at < end; at++) if (((text[at] as number) & 0xc0) !== 0x80) count++
  return count
}

/** The Parse frames of a batch by statement name, and the names it closes (undefined). In order. */
export function* statementsNamed(batch: Buffer): Iterable<readonly [string, Buffer | undefined]> {
  for (let at = 0; at + frameHeaderBytes <= batch.length; ) {
    const end = at + batch.readInt32BE(at + 1) + 1
    const type = batch[at]
    if (type === frontend.parse) {
      const nameEnd = stringEnd(batch, at + frameHeaderBytes, end)
      if (nameEnd >= 0) yield [batch.toString('latin1', at + frameHeaderBytes, nameEnd), batch.subarray(at, end)]
    } else if (type === frontend.close && batch[at + frameHeaderBytes] === 0x53) {
      yield [batch.toString('latin1', at + frameHeaderBytes + 1, end - 1), undefined]
    }
    at = end
  }
}

/** The SQL of a Parse frame, its bytes as characters. */
export function textOfParse(frame: Buffer): string {
  const start = stringEnd(frame, frameHeaderBytes, frame.length) + 1
  return frame.toString('latin1', start, stringEnd(frame, start, frame.length))
}

/** True if the batch runs something, so that rows are needed. */
export function executes(batch: Buffer): boolean {
  for (let at = 0; at + frameHeaderBytes <= batch.length; at += batch.readInt32BE(at + 1) + 1) {
    if (batch[at] === frontend.execute) return true
  }
  return false
}
