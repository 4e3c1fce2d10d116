// Composition: what the commands let PostgreSQL work out: the system database for values and expressions over cache.blobs, the origin
// for the rows of a query of the user's.

import type { Blob, Described, Formats, OriginHelp, Parameters, PostgresHelp, PostgresRun } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import { doubtNow, raiseFloor, type Session } from './frontend/index.ts'
import { originError, question } from './own-parts.ts'
import { blobColumns, type RowSet } from './virtual/index.ts'
import {
  backend,
  bindFrame,
  closeFrame,
  describeFrame,
  executeFrame,
  frame,
  frameHeaderBytes,
  frontend,
  int16,
  int32,
  parseFrame,
  readDataRow,
  readFields,
  status,
} from './wire/index.ts'

/** Extended frames of ours for the system database. */
export interface SystemQuestion {
  readonly frames: Buffer
  readonly relations: readonly string[]
  readonly given: ReadonlyMap<string, RowSet>
  readonly changes: boolean
}

/** What they were answered with, in whole frames. */
type AskSystem = (question: SystemQuestion) => Promise<Buffer>

const helpName = ' help'
const nothingGiven: ReadonlyMap<string, RowSet> = new Map()

const descriptionsMax = 1000

/** Of texts and declared types; the same for every session, since all that is named is built in. */
const descriptions = new Map<string, Described>()

export function postgresHelp(ask: AskSystem, formats: Formats): PostgresHelp {
  return {
    async secondsOf(type, text) {
      const sql = `SELECT pg_catalog.date_part('epoch', $1::pg_catalog.${type})`
      const frames = Buffer.concat([...helpParse(sql), bindFrame('', helpName, [text]), ...runAndClose])
      const answer = await ask({ frames, relations: [], given: nothingGiven, changes: false })
      const [row] = rowsIn(answer)
      const seconds = row === undefined ? null : (readDataRow(row, 0)[0] ?? null)
      return Number(seconds)
    },
    async describe(text, declaredTypes) {
      const key = `${declaredTypes.join(',')} ${text}`
      const known = descriptions.get(key)
      if (known !== undefined) return known
      const frames = [
        ...helpParse(text, typesTail(declaredTypes)),
        describeFrame('S', helpName),
        closeFrame('S', helpName),
      ]
      const answer = await ask({ frames: Buffer.concat(frames), relations: [], given: nothingGiven, changes: true })
      const described = descriptionIn(answer)
      if (descriptions.size >= descriptionsMax) descriptions.clear()
      descriptions.set(key, described)
      return described
    },
    async rows(run) {
      return rowsIn(await ask(requestOf(run, []))).map((row) => readDataRow(row, 0))
    },
    async copied(text, data, query) {
      const copy = [...helpParse(text), bindFrame('', helpName), executeFrame(''), data, frame(frontend.copyDone)]
      const read = [...helpParse(query), bindFrame('', helpName), ...runAndClose]
      const frames = Buffer.concat([...copy, ...read])
      return rowsIn(await ask({ frames, relations: [], given: nothingGiven, changes: true })).map((row) =>
        readDataRow(row, 0),
      )
    },
    async frames(run) {
      return rowsIn(await ask(requestOf(run, formats)))
    },
  }
}

/** One that failed before may have left its statement behind. */
function helpParse(text: string, types?: Buffer): Buffer[] {
  return [closeFrame('S', helpName), parseFrame(helpName, text, types)]
}

const runAndClose = [executeFrame(''), closeFrame('S', helpName)]

function requestOf(run: PostgresRun, formats: Formats): SystemQuestion {
  const { text, parameters, parameterTypes, blobs, relations, changes } = run
  const declared = parameterTypes.map((type, index) => parameters.declaredTypes[index] || type)
  const frames = [...helpParse(text, typesTail(declared)), bindOf(parameters, declared.length, formats), ...runAndClose]
  const given = new Map([['blobs', blobRows(blobs)]])
  return { frames: Buffer.concat(frames), relations: ['blobs', ...relations], given, changes }
}

/** In the order of the relation's columns. */
function blobRows(blobs: readonly Blob[]): RowSet {
  function* values(): Generator<readonly unknown[]> {
    for (const blob of blobs) yield blobColumns.map((column) => column.value(blob))
  }
  return { length: blobs.length, [Symbol.iterator]: values }
}

function typesTail(types: readonly number[]): Buffer {
  return Buffer.concat([int16(types.length), ...types.map(unsigned)])
}

function unsigned(value: number): Buffer {
  return int32(value | 0)
}

/** The client's parameters as it sent them. */
function bindOf(parameters: Parameters, count: number, formats: Formats): Buffer {
  const raw = parameters.raw.slice(0, count)
  const values = raw.flatMap((parameter) =>
    parameter === undefined ? [int32(-1)] : [int32(parameter.bytes.length), parameter.bytes],
  )
  return frame(
    frontend.bind,
    Buffer.from(`\0${helpName}\0`),
    int16(raw.length),
    ...raw.map((parameter) => int16(parameter?.isBinary ? 1 : 0)),
    int16(raw.length),
    ...values,
    int16(formats.length),
    ...formats.map(int16),
  )
}

function* framesIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at + frameHeaderBytes <= bytes.length; ) {
    const end = at + bytes.readInt32BE(at + 1) + 1
    yield bytes.subarray(at, end)
    at = end
  }
}

function rowsIn(answer: Buffer): Buffer[] {
  const rows: Buffer[] = []
  for (const each of framesIn(answer)) {
    if (each[0] === backend.error) throw errorIn(each)
    if (each[0] === backend.dataRow) rows.push(each)
  }
  return rows
}

function descriptionIn(answer: Buffer): Described {
  const parameterTypes: number[] = []
  let description: Buffer | undefined
  for (const each of framesIn(answer)) {
    if (each[0] === backend.error) throw errorIn(each)
    if (each[0] === backend.rowDescription) description = each
    if (each[0] !== backend.parameterDescription) continue
    const count = each.readUInt16BE(frameHeaderBytes)
    for (let index = 0; index < count; index++) parameterTypes.push(each.readUInt32BE(frameHeaderBytes + 2 + 4 * index))
  }
  return { parameterTypes, description }
}

function errorIn(each: Buffer): ServerError {
  const fields = readFields(each, 0, each.length)
  const condition = { sqlstate: fields.get('C') ?? 'XX000', severity: 'ERROR', message: '%s' } as const
  return new ServerError(condition, [fields.get('M') ?? ''], {
    detail: fields.get('D'),
    hint: fields.get('H'),
    position: fields.has('P') ? Number(fields.get('P')) : undefined,
  })
}

/** In the session's own name, and in its transaction if a block is open; else in one that may only read. */
export function originHelp(session: Session): OriginHelp {
  return {
    async rows(text, parameters, countMax) {
      refuseWithoutOrigin(session)
      const isBlock = session.status === status.inBlock
      // Whatever its functions write is only found out at the end of the block.
      if (isBlock) session.transaction.wrote = true
      const types = typesTail(parameters.declaredTypes)
      const bind = bindOf(parameters, parameters.count, [])
      const run = [
        // One that failed before may have left its statement behind.
        closeFrame('S', question),
        parseFrame(question, text, types),
        renamed(bind),
        executeFrame('', countMax + 1),
        closeFrame('S', question),
      ]
      const answer = await session.ask(Buffer.concat(isBlock ? run : [...readOnlyBlock, ...run, ...endOfBlock]))
      doubtNow(session)
      raiseFloor(session)
      if (answer.error !== undefined) {
        if (!isBlock) await session.ask(Buffer.concat(endOfBlock))
        throw originError(answer.error)
      }
      if (answer.rows.length > countMax) {
        throw new ServerError(conditions.tooManyRows, ['source of the INSERT', countMax])
      }
      return answer.rows
    },
    async parameterTypes(text, declaredTypes) {
      refuseWithoutOrigin(session)
      const parse = [closeFrame('S', question), parseFrame(question, text, typesTail(declaredTypes))]
      const ask = [parseFrame(typesQuestion, typesText), bindFrame('', typesQuestion, [question]), executeFrame('')]
      const close = [closeFrame('S', question), closeFrame('S', typesQuestion)]
      const answer = await session.ask(Buffer.concat([...parse, ...ask, ...close]))
      if (answer.error !== undefined) throw originError(answer.error)
      return (answer.rows[0]?.[0] ?? '')
        .split(',')
        .filter((oid) => oid !== '')
        .map(Number)
    },
  }
}

const typesQuestion = '_larder_types'
const typesText = `SELECT pg_catalog.array_to_string(parameter_types::pg_catalog.oid[], ',') FROM pg_catalog.pg_prepared_statements
 WHERE name OPERATOR(pg_catalog.=) $1`

const blockFrames = (text: string): Buffer[] => [
  parseFrame(typesQuestion, text),
  bindFrame('', typesQuestion),
  executeFrame(''),
  closeFrame('S', typesQuestion),
]
const readOnlyBlock = blockFrames('BEGIN READ ONLY')
const endOfBlock = blockFrames('ROLLBACK')

/** The same Bind for the statement that questions are. */
function renamed(bind: Buffer): Buffer {
  const nameAt = frameHeaderBytes + 1
  return frame(frontend.bind, Buffer.from(`\0${question}\0`), bind.subarray(nameAt + helpName.length + 1))
}

function refuseWithoutOrigin(session: Session): void {
  if (session.link.closed)
    throw new ServerError(conditions.featureNotSupported, ['a query of the origin in an admin database'])
}
