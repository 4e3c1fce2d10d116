// A parameter as a Bind brings it: its value can be told only where its type is known, or follows from the column it is
// compared with.

import { frameHeaderBytes, stringEnd } from '../wire/index.ts'
import type { ColumnType } from './virtual-table.ts'

export interface BoundParameter {
  /** OID the client declared; 0 if PostgreSQL finds the type itself. */
  readonly type: number
  readonly isBinary: boolean
  /** null for NULL. */
  readonly bytes: Buffer | null
}

/** The parameters of a whole Bind frame; undefined if it is malformed. `types` are those its Parse declared. */
export function readBoundParameters(bind: Buffer, types: readonly number[]): BoundParameter[] | undefined {
  const portalEnd = stringEnd(bind, frameHeaderBytes, bind.length)
  const statementEnd = portalEnd < 0 ? -1 : stringEnd(bind, portalEnd + 1, bind.length)
  if (statementEnd < 0) return undefined
  try {
    return readParameters(bind, statementEnd + 1, types)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function readParameters(bind: Buffer, at: number, types: readonly number[]): BoundParameter[] {
  const formatCount = bind.readUInt16BE(at)
  const formatOf = (index: number): number => {
    if (formatCount === 0) return 0
    return bind.readUInt16BE(at + 2 + 2 * (formatCount === 1 ? 0 : index))
  }
  let here = at + 2 + 2 * formatCount
  const count = bind.readUInt16BE(here)
  here += 2
  const parameters: BoundParameter[] = []
  for (let index = 0; index < count; index++) {
    const length = bind.readInt32BE(here)
    here += 4
    const bytes = length < 0 ? null : bind.subarray(here, here + length)
    if (bytes !== null) here += length
    parameters.push({ type: types[index] ?? 0, isBinary: formatOf(index) === 1, bytes })
  }
  return parameters
}

/** The OIDs in the tail of a Parse: their count, then each. */
export function declaredTypes(tail: Buffer): number[] {
  const types: number[] = []
  for (let at = 2; at + 4 <= tail.length; at += 4) types.push(tail.readUInt32BE(at))
  return types
}

const unknown = 705
const textTypes: ReadonlySet<number> = new Set([0, unknown, 25, 1043])
const textArrayTypes: ReadonlySet<number> = new Set([0, 1009, 1015])
/** int8, int2, int4, oid */
const integerSizes: ReadonlyMap<number, number> = new Map([
  [20, 8],
  [21, 2],
  [23, 4],
  [26, 4],
])

/** Its value as text when compared with a column of this type; null for NULL, undefined if that cannot be told. */
export function valueFor(parameter: BoundParameter, column: ColumnType): string | null | undefined {
  const { type, isBinary, bytes } = parameter
  if (bytes === null) return null
  // Text is the same bytes in both formats.
  if (column === 'text') return textTypes.has(type) ? bytes.toString('utf8') : undefined
  if (column !== 'int8' && column !== 'oid') return undefined
  const known = type === 0 || type === unknown ? (column === 'int8' ? 20 : 26) : type
  if (!integerSizes.has(known)) return undefined
  if (!isBinary) return bytes.toString('latin1')
  if (bytes.length !== integerSizes.get(known)) return undefined
  if (known === 20) return String(bytes.readBigInt64BE())
  return String(known === 26 ? bytes.readUInt32BE() : bytes.readIntBE(0, bytes.length))
}

/** The items of an array of texts, NULLs left out; null for NULL, undefined if they cannot be told. */
export function itemsFor(parameter: BoundParameter): readonly string[] | null | undefined {
  const { type, isBinary, bytes } = parameter
  if (bytes === null) return null
  return isBinary || !textArrayTypes.has(type) ? undefined : arrayItems(bytes.toString('utf8'))
}

/** The items of a plain one-dimensional array constant such as `{a,"b c"}`; undefined if it is anything else. */
export function arrayItems(text: string): string[] | undefined {
  if (text === '{}') return []
  if (!text.startsWith('{') || !text.endsWith('}')) return undefined
  const item = /(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s",{}\\]+))(,|\}$)/y
  item.lastIndex = 1
  const items: string[] = []
  for (;;) {
    const found = item.exec(text)
    if (found === null) return undefined
    const quoted = found[1]?.replace(/\\([\s\S])/g, '$1')
    if (quoted !== undefined) items.push(quoted)
    else if (!/^null$/i.test(found[2] as string)) items.push(found[2] as string)
    if (item.lastIndex === text.length) return found[3] === '}' ? items : undefined
  }
}
