// Composition: reads of cache.blobs by key, answered in the turn they arrive in: from memory as a hit is, from the second tier as soon as
// it has replied. No system database, nothing parsed, no question to the origin once the session is known.
//
// Whatever does not fit exactly, and whatever goes wrong, takes the long way (own-group.ts), which comes to the same answer.

import type { StatementText } from './cache/plans/index.ts'
import {
  type Blob,
  type BlobStore,
  encodeRow,
  encodeRowDescription,
  type Formats,
  isPlain,
  type OwnCommand,
  Parameters,
  type PointRead,
  readPoint,
} from './commands/index.ts'
import type { Group, ParseStep, Request, Session } from './frontend/index.ts'
import { prepareOurs } from './own-batch.ts'
import { declaredTypes, readBind } from './own-bind.ts'
import { plainOf } from './own-context.ts'
import type { OwnText } from './own-text.ts'
import { knownViewer, type SessionViewer } from './own-viewer.ts'
import { bindCompleteFrame, commandCompleteFrame, frontend, parseCompleteFrame, status } from './wire/index.ts'

/** What the group asks for beside the entries. */
interface Asked {
  readonly parameters: Parameters
  readonly formats: Formats
  readonly parse: ParseStep | undefined
  readonly isBound: boolean
  readonly isDescribed: boolean
}

const simple: Asked = {
  parameters: Parameters.none,
  formats: [],
  parse: undefined,
  isBound: false,
  isDescribed: true,
}

/** True if it was answered, or will be; `fail` tells the client of what goes wrong later. */
export function answerPoint(
  session: Session,
  text: StatementText,
  request: Request,
  blobs: BlobStore,
  fail: (error: unknown) => Promise<void>,
): boolean {
  const command = pointOf(text.own as OwnText | undefined)
  const viewer = knownViewer(session)
  if (command === undefined || viewer === undefined || session.status === status.failed) return false
  const asked = request.group === undefined ? simple : askedBy(session, text, command, request.group)
  if (asked === undefined || !fits(session, viewer, command, asked)) return false
  try {
    const found = readPoint(command.point, blobs, viewer, asked.parameters)
    if (found === undefined) return false
    if (found instanceof Promise) answerLater(session, command, asked, found, fail)
    else answer(session, command, asked, found)
  } catch {
    return false
  }
  if (asked.parse !== undefined) prepareOurs(session, asked.parse, text)
  session.services.counters.own_statements++
  return true
}

function answerLater(
  session: Session,
  command: PointCommand,
  asked: Asked,
  found: Promise<readonly Blob[]>,
  fail: (error: unknown) => Promise<void>,
): void {
  session.slowly(async () => {
    try {
      answer(session, command, asked, await found)
    } catch (error) {
      await fail(error)
    }
  })
}

type PointCommand = OwnCommand & { readonly point: PointRead }

function pointOf(own: OwnText | undefined): PointCommand | undefined {
  if (own?.kind !== 'own' || own.statement.kind !== 'command') return undefined
  return own.statement.point === undefined ? undefined : (own.statement as PointCommand)
}

/** `[Parse] Bind [Describe portal] Execute Sync` of this one statement; undefined for any other group. */
function askedBy(session: Session, text: StatementText, command: PointCommand, group: Group): Asked | undefined {
  const { steps } = group
  if (group.last !== frontend.sync) return undefined
  let at = 0
  const parse = steps[at]?.kind === 'parse' ? steps[at++] : undefined
  const bind = steps[at++]
  const describe = steps[at]?.kind === 'describe' ? steps[at++] : undefined
  const execute = steps[at++]
  if (at !== steps.length || bind?.kind !== 'bind' || execute?.kind !== 'execute') return undefined
  if (execute.rowCountMax > 0 || execute.portal !== bind.portal) return undefined
  if (describe?.kind === 'describe' && (describe.target !== 'P' || describe.name !== bind.portal)) return undefined
  const prepared = session.statements.get(bind.statement)
  if (parse?.kind === 'parse') {
    if (parse.name !== bind.statement || (parse.name !== '' && prepared !== undefined)) return undefined
  } else if (prepared?.text !== text) return undefined
  const types = parse?.kind === 'parse' ? parse.types : (prepared?.types ?? '')
  const { raw, formats } = readBind(group.bytes.subarray(bind.start, bind.end))
  const parameters = new Parameters(raw, types === '' ? [] : declaredTypes(types), command.parameterTypes)
  const isDescribed = describe !== undefined
  return { parameters, formats, parse: parse?.kind === 'parse' ? parse : undefined, isBound: true, isDescribed }
}

/** Text that settings change is left to PostgreSQL. */
function fits(session: Session, viewer: SessionViewer, { point, parameterCount }: PointCommand, asked: Asked): boolean {
  const { projection } = point
  if (asked.parameters.count < parameterCount) return false
  return !(projection.hasTimes || projection.hasBytes) || isPlain(projection, plainOf(session, viewer))
}

function answer(session: Session, { point }: PointCommand, asked: Asked, blobs: readonly Blob[]): void {
  const { output } = session
  const { columns } = point.projection
  const shown = blobs.length > point.limit ? blobs.slice(0, point.limit) : blobs
  // Encoded before anything is written: a value that is no text is an error, not half an answer.
  const rows = shown.map((blob) => encodeRow(columns, blob, asked.formats))
  if (asked.parse !== undefined) output.add(parseCompleteFrame)
  if (asked.isBound) output.add(bindCompleteFrame)
  if (asked.isDescribed) output.add(encodeRowDescription(columns, asked.formats) as Buffer)
  for (const row of rows) output.add(row, true)
  output.add(completionOf(rows.length))
  session.finish(session.status)
}

const completions = [0, 1].map((count) => commandCompleteFrame(`SELECT ${count}`))

function completionOf(count: number): Buffer {
  return completions[count] ?? commandCompleteFrame(`SELECT ${count}`)
}
