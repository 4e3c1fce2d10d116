// Types of a statement's parameters, as far as somebody has said: the origin when it was asked or described, else the client's Parse.

import { bindFrame, closeFrame, executeFrame, frameHeaderBytes, parseFrame } from '../../wire/index.ts'
import type { StatementText } from './statement-text.ts'

/** Left open by the client, and never asked for: what 0 means in a Parse. */
const unknownType = 0

/** One OID per parameter. */
export function parameterTypesOf(text: StatementText): readonly number[] {
  const { statement, parameterTypes } = text.shape
  const said = parameterTypes?.oids ?? declaredTypes(text)
  return Array.from({ length: statement.parameterCount }, (_, index) => said?.[index] ?? unknownType)
}

/** True if some were left open, and the catalogue has not told since it last changed. */
export function wantsParameterTypes(text: StatementText, schemaStamp: number): boolean {
  const { parameterTypes } = text.shape
  const isKnown = parameterTypes !== undefined && parameterTypes.tick >= schemaStamp
  return (
    !isKnown &&
    Array.from({ length: text.shape.statement.parameterCount }).some((_, index) => !declaredTypes(text)?.[index])
  )
}

/** Of the answer to a Describe, which begins with ParameterDescription. */
export function describedTypes(answer: Buffer): readonly number[] {
  return readOids(answer.subarray(frameHeaderBytes))
}

/** timetz is none of a user's, but takes the zone of today as it is read. */
const readByDay = new Set([1266, 1270])

/** True if some may be types whose input does more than read. */
export function readByUsersCode(types: readonly number[] | undefined): boolean {
  return types?.some((oid) => oid >= 16384 || readByDay.has(oid)) ?? false
}

/** Those the client's Parse gave; they stand behind the text in its key. */
export function declaredTypes(text: Pick<StatementText, 'key' | 'text'>): readonly number[] | undefined {
  const tail = tailOf(text)
  return tail === undefined ? undefined : readOids(tail)
}

function tailOf({ key, text }: Pick<StatementText, 'key' | 'text'>): Buffer | undefined {
  return key.length > text.length ? Buffer.from(key.slice(text.length + 1), 'latin1') : undefined
}

/** A count and so many OIDs. */
function readOids(bytes: Buffer): number[] {
  return Array.from({ length: bytes.readUInt16BE(0) }, (_, index) => bytes.readUInt32BE(2 + index * 4))
}

const described = '_larder_described'
const typesQuestion = '_larder_parameters'
const typesText = `SELECT oid FROM pg_catalog.pg_prepared_statements, pg_catalog.unnest(parameter_types::pg_catalog.oid[]) WITH ORDINALITY t(oid, n)
 WHERE name OPERATOR(pg_catalog.=) '${described}' ORDER BY n`

/** Asks the origin for them: it prepares the statement, tells, and forgets it. A row per parameter. */
export function parameterTypesFrames(text: StatementText): Buffer {
  return Buffer.concat([
    closeFrame('S', described),
    parseFrame(described, text.text, tailOf(text), 'latin1'),
    closeFrame('S', typesQuestion),
    parseFrame(typesQuestion, typesText),
    bindFrame('', typesQuestion),
    executeFrame(''),
    closeFrame('S', typesQuestion),
    closeFrame('S', described),
  ])
}
