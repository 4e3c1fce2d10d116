// The values of a condition, once parameters are bound.

import type { Parameters } from '../parameters.ts'
import type { Value } from '../statement-reader.ts'
import { integerOf } from '../typed-values.ts'
import { listValue, textValue } from '../values.ts'
import { isDeclaredFor } from './assignable.ts'
import { type Condition, conditionTypes, prefixOf } from './condition.ts'

export interface ResolvedCondition {
  readonly namespace?: string
  /** Each once, in the order given. */
  readonly keys?: readonly string[]
  readonly prefix?: string
  readonly tags?: readonly string[]
  readonly dependencies?: readonly string[]
  readonly version?: number
}

/**
 * 'nothing' if it compares with NULL, so that no entry fits; undefined if its parameters were declared as other types, or a pattern
 * is no prefix: then PostgreSQL has to say what it means.
 */
export function resolveCondition(
  condition: Condition,
  parameters: Parameters,
): ResolvedCondition | 'nothing' | undefined {
  const parts = Object.entries(condition) as [keyof Condition, Value][]
  if (!parts.every(([name, value]) => isDeclaredFor(value, conditionTypes[name], parameters))) return undefined
  const resolved: { -readonly [part in keyof ResolvedCondition]: ResolvedCondition[part] } = {}
  let keys: readonly string[] | undefined
  for (const [name, value] of parts) {
    if (name === 'version') {
      const version = integerOf(value, parameters)
      if (version === null) return 'nothing'
      resolved.version = version
    } else if (conditionTypes[name] === 'text[]') {
      const list = listValue(value, parameters, 'without')
      if (list === null) return 'nothing'
      if (name === 'keys') keys = both(keys, list)
      else resolved[name as 'tags' | 'dependencies'] = list
    } else {
      const text = textValue(value, parameters)
      if (text === null) return 'nothing'
      if (name === 'namespace') resolved.namespace = text
      else if (name === 'key') keys = both(keys, [text])
      else {
        const prefix = prefixOf(text)
        if (prefix === undefined) return undefined
        resolved.prefix = prefix
      }
    }
  }
  if (keys !== undefined) resolved.keys = keys
  return resolved
}

/** `key = 'a' AND key = ANY ('{a,b}')` */
function both(some: readonly string[] | undefined, others: readonly string[]): readonly string[] {
  const unique = [...new Set(others)]
  return some === undefined ? unique : unique.filter((key) => some.includes(key))
}
