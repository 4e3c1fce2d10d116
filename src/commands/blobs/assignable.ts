// Which constants and parameters mean what they say to a column of blobs, so that no PostgreSQL need be asked: those of its own
// type, and those whose type the statement leaves open.

import { typeOids } from '../binary-text.ts'
import type { Parameters } from '../parameters.ts'
import type { Value } from '../statement-reader.ts'

export type BlobColumnType = 'text' | 'bytea' | 'jsonb' | 'interval' | 'timestamptz' | 'int8' | 'text[]'

type TypeName = keyof typeof typeOids

/** The types that PostgreSQL would assign without changing what is said. */
const taken: Readonly<Record<BlobColumnType, readonly TypeName[]>> = {
  text: ['text', 'varchar', 'name', 'unknown'],
  bytea: ['bytea', 'unknown'],
  jsonb: ['jsonb', 'json', 'unknown'],
  interval: ['interval', 'unknown'],
  timestamptz: ['timestamptz', 'unknown'],
  int8: ['int8', 'int4', 'int2', 'unknown'],
  'text[]': ['text[]', 'varchar[]', 'unknown'],
}

/** By what the text says of it. */
export function isAssignable(value: Value, type: BlobColumnType): boolean {
  if (value.type !== undefined && !(taken[type] as readonly string[]).includes(value.type)) return false
  switch (value.kind) {
    case 'parameter':
      return true
    case 'list':
      return type === 'text[]' && value.items.every((item) => item.kind !== 'list' && isAssignable(item, 'text'))
    default:
      if (value.text === null) return true
      if (type === 'int8') return value.isString || /^-?\d+$/.test(value.text)
      return value.isString
  }
}

/** By what the client declared of its parameters. */
export function isDeclaredFor(value: Value, type: BlobColumnType, parameters: Parameters): boolean {
  if (value.kind === 'list') return value.items.every((item) => isDeclaredFor(item, 'text', parameters))
  if (value.kind !== 'parameter') return true
  const declared = parameters.declaredType(value.number)
  return declared === 0 || taken[type].some((name) => typeOids[name] === declared)
}

/** What a parameter at the place of a value of this type is inferred to be. */
export function inferredOid(value: Value, type: BlobColumnType): number {
  const name = value.type !== undefined && value.type in typeOids ? (value.type as TypeName) : type
  return typeOids[name]
}
