// Values of statements and functions: constants as read, parameters as bound, and what they mean as a type.

import { conditions, ServerError } from '../errors/index.ts'
import type { Parameters } from './parameters.ts'
import type { Value } from './statement-reader.ts'

/** The text of a value; null is SQL NULL. A list has the form of an array constant. */
export function textValue(value: Value, parameters: Parameters): string | null {
  switch (value.kind) {
    case 'constant':
      return value.text
    case 'parameter':
      return parameters.text(value.number)
    default:
      throw new ServerError(conditions.invalidTextRepresentation, ['text', 'ARRAY[…]'])
  }
}

/** NULLs in it are refused, or left out where it is only compared with. */
export function listValue(
  value: Value,
  parameters: Parameters,
  nulls: 'refused' | 'without' = 'refused',
): string[] | null {
  const items = value.kind === 'list' ? value.items.map((item) => textValue(item, parameters)) : undefined
  const text = items === undefined ? textValue(value, parameters) : undefined
  if (text === null) return null
  const list = items ?? arrayItems(text as string)
  const known = list.filter((item) => item !== null)
  if (nulls === 'refused' && known.length < list.length) {
    throw new ServerError(conditions.invalidTextRepresentation, ['text[]', 'NULL'])
  }
  return known
}

export function booleanValue(value: Value, parameters: Parameters): boolean | null {
  const text = textValue(value, parameters)
  if (text === null) return null
  const word = text.trim().toLowerCase()
  for (const [meaning, words] of booleanWords) {
    // PostgreSQL takes any beginning that says which it is.
    if (word !== '' && words.some((candidate) => candidate.startsWith(word)) && word !== 'o') return meaning
  }
  throw new ServerError(conditions.invalidTextRepresentation, ['boolean', text])
}

const booleanWords: readonly (readonly [boolean, readonly string[]])[] = [
  [true, ['true', 'yes', 'on', '1']],
  [false, ['false', 'no', 'off', '0']],
]

/** The items of a one-dimensional array constant such as `{a,"b c"}`. */
export function arrayItems(text: string): (string | null)[] {
  const body = /^\s*\{([\s\S]*)\}\s*$/.exec(text)?.[1]
  if (body === undefined) throw malformed(text)
  const items: (string | null)[] = []
  const item = /\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^",{}\\\s][^",{}\\]*))\s*(,|$)/y
  if (body.trim() === '') return items
  for (;;) {
    const match = item.exec(body)
    if (match === null) throw malformed(text)
    const isNull = match[2]?.trim().toUpperCase() === 'NULL'
    items.push(isNull ? null : (match[1]?.replace(/\\([\s\S])/g, '$1') ?? (match[2] as string).trim()))
    if (match[3] !== ',') return items
  }
}

function malformed(text: string): ServerError {
  return new ServerError(conditions.invalidTextRepresentation, ['text[]', text])
}
