// The commonest extended group, answered without taking it apart: [Parse] Bind [Describe] Execute Sync on the unnamed portal.
//
// Everything is read where it lies and compared byte by byte; nothing is made but the key of the parameters. Whatever does not fit
// exactly, is not stored or may not be served now goes the long way (dispatch.ts), which comes to the same answer.

import type { StatementText } from '../cache/plans/index.ts'
import { type Entry, parametersKey, staleness } from '../cache/results/index.ts'
import { bindCompleteFrame, frontend, parseCompleteFrame, status } from '../wire/index.ts'
import { contextInForce } from './facts.ts'
import { noteHit } from './reply.ts'
import type { Session } from './session.ts'

const describeBytes = 7
const executeBytes = 10
const syncBytes = 5

/** The position behind the group if it was answered, else 0. */
export function takeStoredAnswer(session: Session, bytes: Buffer, start: number, end: number): number {
  const context = contextInForce(session)
  if (context === undefined || session.status !== status.idle || !session.quiet || session.open !== undefined) return 0
  if (session.skipping) return 0
  if (!context.readable || context.temporary || session.identity.admin) return 0
  const settings = session.settings.current
  if (settings.resultCache !== 'on') return 0

  let at = start
  let text: StatementText | undefined
  let parseEnd = 0
  if (bytes[at] === frontend.parse) {
    parseEnd = frameEnd(bytes, at, end)
    if (parseEnd === 0) return 0
    text = unnamedText(session, bytes, at, parseEnd)
    if (text === undefined) return 0
    at = parseEnd
  }
  if (bytes[at] !== frontend.bind) return 0
  const bindEnd = frameEnd(bytes, at, end)
  if (bindEnd === 0 || bytes[at + 5] !== 0) return 0
  const nameEnd = bytes.indexOf(0, at + 6)
  if (nameEnd === -1 || nameEnd >= bindEnd) return 0
  if (text !== undefined) {
    if (nameEnd !== at + 6) return 0
  } else {
    const prepared = session.statements.get(nameEnd === at + 6 ? '' : bytes.latin1Slice(at + 6, nameEnd))
    if (prepared === undefined || prepared.provenTick < session.epochs.schemaStamp || prepared.contextId !== context.id)
      return 0
    text = prepared.text
  }

  if (text === undefined || text.own !== undefined || text.refusal !== undefined || text.hints !== undefined) return 0
  if (text.shape.statement.kind !== 'read') return 0
  const describes = bytes[bindEnd] === frontend.describe
  const tailAt = describes ? bindEnd + describeBytes : bindEnd
  const groupEnd = tailAt + executeBytes + syncBytes
  if (groupEnd > end || !isTail(bytes, bindEnd, describes, tailAt)) return 0

  const parameters = parametersKey(bytes, nameEnd + 1, bindEnd)
  if (parameters === undefined) return 0
  const entry = text.find(context.id, parameters) as Entry | undefined
  if (entry === undefined || staleness(entry, session.nowMs, settings.resultTtl) !== undefined) return 0
  const { descriptionBytes } = entry
  if (describes && descriptionBytes === 0) return 0

  const { output } = session
  if (parseEnd > 0) {
    prepareUnnamed(session, text, context.id)
    output.add(parseCompleteFrame)
  }
  session.services.plans.touch(text)
  output.add(bindCompleteFrame)
  output.answer(entry.bytes, describes ? 0 : descriptionBytes)
  noteHit(session, text, entry)
  session.finish(status.idle)
  return groupEnd
}

/** End of the frame at `at`, or 0 if it is not all there or not well formed. */
function frameEnd(bytes: Buffer, at: number, end: number): number {
  if (end - at < 5) return 0
  const length = bytes.readInt32BE(at + 1)
  const stop = at + 1 + length
  return length < 4 || stop > end ? 0 : stop
}

/** The text of a Parse of the unnamed statement without parameter types, if it is known. */
function unnamedText(session: Session, bytes: Buffer, at: number, parseEnd: number): StatementText | undefined {
  if (bytes[at + 5] !== 0 || bytes[parseEnd - 1] !== 0 || bytes[parseEnd - 2] !== 0 || bytes[parseEnd - 3] !== 0)
    return undefined
  const textEnd = bytes.indexOf(0, at + 6)
  return textEnd === parseEnd - 3 ? session.texts.get(bytes.latin1Slice(at + 6, textEnd)) : undefined
}

function prepareUnnamed(session: Session, text: StatementText, contextId: number): void {
  const known = session.statements.get('')
  if (known?.text === text && !known.atOrigin) return
  session.statements.addUnnamed(text, session.services.epochs.clock, contextId)
}

/** `D P ""` if asked for, then `E "" 0`, then `S`, byte for byte. */
function isTail(bytes: Buffer, bindEnd: number, describes: boolean, tailAt: number): boolean {
  if (describes && (bytes.readInt32BE(bindEnd + 1) !== 6 || bytes[bindEnd + 5] !== 0x50 || bytes[bindEnd + 6] !== 0)) {
    return false
  }
  if (bytes[tailAt] !== frontend.execute || bytes.readInt32BE(tailAt + 1) !== 9) return false
  for (let at = tailAt + 5; at < tailAt + executeBytes; at++) if (bytes[at] !== 0) return false
  const syncAt = tailAt + executeBytes
  return bytes[syncAt] === frontend.sync && bytes.readInt32BE(syncAt + 1) === 4
}
