// The types of a statement's parameters, as its own text gives them.

import type { Value } from '../statement-reader.ts'
import { type BlobColumnType, inferredOid } from './assignable.ts'

export interface TypedValue {
  readonly value: Value
  readonly type: BlobColumnType
}

/** OIDs of `$1` to `$count`; undefined if one of them stands nowhere, or at places of different types. */
export function parameterTypesOf(values: Iterable<TypedValue>, count: number): readonly number[] | undefined {
  const types: number[] = Array.from({ length: count }, () => 0)
  const pending = [...values]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, type } = next
    if (value.kind === 'list') pending.push(...value.items.map((item) => ({ value: item, type: 'text' as const })))
    if (value.kind !== 'parameter') continue
    const oid = inferredOid(value, type)
    const known = types[value.number - 1]
    if (known !== 0 && known !== oid) return undefined
    types[value.number - 1] = oid
  }
  return types.includes(0) ? undefined : types
}
