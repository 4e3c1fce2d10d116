// The commonest extended group, answered without taking it apart: [Parse] Bind [Describe] Execute Sync on the unnamed portal.
//
// Everything is read where it lies and compared byte by byte; nothing is made but the key of the parameters. If the answer is not
// stored or may not be served now, the read path gets the group with what is known of it. Whatever does not fit exactly goes the long
// way (dispatch-group.ts), which comes to the same answer.

import type { StatementText } from '../cache/plans/index.ts'
import { type Entry, parametersKey, staleness } from '../cache/results/index.ts'
import { bindCompleteFrame, frontend, parseCompleteFrame, status } from '../wire/index.ts'
import type { Step } from './batch.ts'
import { route } from './dispatch.ts'
import { contextInForce } from './facts.ts'
import { isCovered } from './level.ts'
import type { PreparedStatement } from './prepared-statements.ts'
import { noteHit } from './reply.ts'
import { type Request, requestOf } from './request.ts'
import type { Session } from './session.ts'
import { type Aside, readSource, type SourceText } from './source-text.ts'

const describeBytes = 7
const executeBytes = 10
const syncBytes = 5

/** Where the parts of the group at hand lie. One for all, written over each time: nothing is made for it. */
const parts = { parseEnd: 0, bindAt: 0, bindEnd: 0, nameEnd: 0, tailAt: 0, groupEnd: 0 }

/** The position behind the group if it was taken, -1 if it must wait for what is under way, 0 if it is none of these. */
export function takeStoredAnswer(session: Session, bytes: Buffer, start: number, end: number): number {
  const context = contextInForce(session)
  if (context === undefined || session.status !== status.idle || !session.quiet || session.open !== undefined) return 0
  if (session.skipping) return 0
  if (!context.readable || context.temporary || session.identity.admin) return 0
  const settings = session.settings.current
  if (settings.resultCache !== 'on' || !findParts(bytes, start, end)) return 0
  const { parseEnd, bindEnd, nameEnd, tailAt, groupEnd } = parts
  const nameAt = parts.bindAt + 6
  if (parseEnd > 0 && nameEnd !== nameAt) return 0
  const statement = nameEnd === nameAt ? '' : bytes.latin1Slice(nameAt, nameEnd)
  const source = parseEnd > 0 ? unnamedSource(bytes, start, parseEnd) : undefined
  const prepared = parseEnd > 0 ? undefined : provenStatement(session, statement, context.id)
  const text = prepared?.text ?? (source && session.texts.get(source.text))
  const aside = prepared?.aside ?? source?.aside
  if (aside?.hints !== undefined) return 0
  if (text === undefined || text.own !== undefined || text.refusal !== undefined || text.hints !== undefined) return 0
  if (text.shape.statement.kind !== 'read') return 0
  const parameters = parametersKey(bytes, nameEnd + 1, bindEnd)
  if (parameters === undefined) return 0

  const entry = text.find(context.id, parameters) as Entry | undefined
  const isFresh = entry !== undefined && staleness(entry, session.nowMs, settings.resultTtl) === undefined
  if (!isFresh || !isCovered(session, settings)) {
    if (parseEnd > 0) session.services.plans.touch(text)
    const request = requestAt(bytes, start, text, aside, statement, parameters)
    return route(session, text, parameters, request) ? groupEnd : -1
  }
  const { descriptionBytes } = entry
  const describes = tailAt > bindEnd
  if (describes && descriptionBytes === 0) return 0
  const { output } = session
  if (parseEnd > 0) {
    prepareUnnamed(session, text, aside, bytes, start, context.id)
    output.add(parseCompleteFrame)
  }
  session.services.plans.touch(text)
  output.add(bindCompleteFrame)
  output.answer(entry.bytes, describes ? 0 : descriptionBytes)
  noteHit(session, text, entry, aside)
  session.finish(status.idle)
  return groupEnd
}

/** Fills in `parts`; false if it is another kind of group, or not all there. */
function findParts(bytes: Buffer, start: number, end: number): boolean {
  parts.parseEnd = bytes[start] === frontend.parse ? frameEnd(bytes, start, end) : 0
  if (bytes[start] === frontend.parse && parts.parseEnd === 0) return false
  const bindAt = parts.parseEnd === 0 ? start : parts.parseEnd
  if (bytes[bindAt] !== frontend.bind) return false
  const bindEnd = frameEnd(bytes, bindAt, end)
  if (bindEnd === 0 || bytes[bindAt + 5] !== 0) return false
  const nameEnd = bytes.indexOf(0, bindAt + 6)
  if (nameEnd === -1 || nameEnd >= bindEnd) return false
  const describes = bytes[bindEnd] === frontend.describe
  const tailAt = describes ? bindEnd + describeBytes : bindEnd
  parts.bindAt = bindAt
  parts.bindEnd = bindEnd
  parts.nameEnd = nameEnd
  parts.tailAt = tailAt
  parts.groupEnd = tailAt + executeBytes + syncBytes
  return parts.groupEnd <= end && isTail(bytes, bindEnd, describes, tailAt)
}

/** The same group taken apart, for the read path. */
function requestAt(
  bytes: Buffer,
  start: number,
  text: StatementText,
  aside: Aside | undefined,
  statement: string,
  parameters: string,
): Request {
  const { parseEnd, bindAt, bindEnd, tailAt, groupEnd } = parts
  const bodyEnd = groupEnd - syncBytes
  const steps: Step[] = []
  if (parseEnd > 0) {
    const source = unnamedText(bytes, start, text)
    steps.push({
      kind: 'parse',
      name: '',
      key: text.key,
      text: text.text,
      aside,
      source,
      types: '',
      start,
      end: parseEnd,
    })
  }
  steps.push({ kind: 'bind', portal: '', statement, parameters, start: bindAt, end: bindEnd })
  if (tailAt > bindEnd) steps.push({ kind: 'describe', target: 'P', name: '', start: bindEnd, end: tailAt })
  steps.push({ kind: 'execute', portal: '', rowCountMax: 0, start: tailAt, end: bodyEnd })
  return requestOf({ steps, unread: false, bytes, start, end: groupEnd, bodyEnd, last: frontend.sync }, aside)
}

/** End of the frame at `at`, or 0 if it is not all there or not well formed. */
function frameEnd(bytes: Buffer, at: number, end: number): number {
  if (end - at < 5) return 0
  const length = bytes.readInt32BE(at + 1)
  const stop = at + 1 + length
  return length < 4 || stop > end ? 0 : stop
}

/** The text of a Parse of the unnamed statement without parameter types. */
function unnamedSource(bytes: Buffer, at: number, parseEnd: number): SourceText | undefined {
  if (bytes[at + 5] !== 0 || bytes[parseEnd - 1] !== 0 || bytes[parseEnd - 2] !== 0 || bytes[parseEnd - 3] !== 0)
    return undefined
  const textEnd = bytes.indexOf(0, at + 6)
  return textEnd === parseEnd - 3 ? readSource(bytes, at + 6, textEnd) : undefined
}

/** The same as the client sent it. */
function unnamedText(bytes: Buffer, start: number, text: StatementText): string {
  const end = parts.parseEnd - 3
  return end - start - 6 === text.text.length ? text.text : bytes.latin1Slice(start + 6, end)
}

/** A prepared statement, if it would still be answered as it was prepared. */
function provenStatement(session: Session, name: string, contextId: number): PreparedStatement | undefined {
  const prepared = session.statements.get(name)
  if (name !== '' && session.statements.inDoubt) return undefined
  if (prepared === undefined || prepared.provenTick < session.epochs.schemaStamp) return undefined
  return prepared.contextId === contextId ? prepared : undefined
}

function prepareUnnamed(
  session: Session,
  text: StatementText,
  aside: Aside | undefined,
  bytes: Buffer,
  start: number,
  contextId: number,
): void {
  const source = unnamedText(bytes, start, text)
  const known = session.statements.get('')
  if (known?.text === text && known.source === source && !known.atOrigin) return
  session.statements.addUnnamed(text, source, aside, session.services.epochs.clock, contextId)
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
