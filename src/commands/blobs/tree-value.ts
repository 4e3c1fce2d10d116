// Values in a parse tree: constants, parameters and arrays of them, as the statements of ours written in words have them too.

import { fieldsIf, listOf, unwrap, wordsOf } from '../../sql/index.ts'
import type { Value } from '../statement-reader.ts'

/** Undefined for any other expression: PostgreSQL has to work that out. */
export function treeValue(node: unknown): Value | undefined {
  const typed = unwrap(node)
  switch (typed?.type) {
    case 'A_Const':
      return constantOf(typed.fields)
    case 'ParamRef': {
      const number = Number(typed.fields.number ?? 0)
      return number === 0 ? undefined : { kind: 'parameter', number }
    }
    case 'A_ArrayExpr':
      return treeList(typed.fields.elements)
    case 'TypeCast':
      return castOf(typed.fields)
    default:
      return undefined
  }
}

/** `(a, b)` of IN, or the elements of ARRAY[a, b]. */
export function treeList(items: unknown): Value | undefined {
  const values = listOf(items).map(treeValue)
  return values.every((value) => value !== undefined && value.kind !== 'list')
    ? { kind: 'list', items: values as Value[] }
    : undefined
}

type Fields = Readonly<Record<string, unknown>>

function constantOf(fields: Fields): Value | undefined {
  if (fields.isnull === true) return { kind: 'constant', text: null, isString: false }
  const string = fields.sval as Fields | undefined
  if (string !== undefined) return { kind: 'constant', text: String(string.sval ?? ''), isString: true }
  const integer = fields.ival as Fields | undefined
  if (integer !== undefined) return { kind: 'constant', text: String(integer.ival ?? 0), isString: false }
  const float = fields.fval as Fields | undefined
  if (float !== undefined) return { kind: 'constant', text: String(float.fval), isString: false }
  const boolean = fields.boolval as Fields | undefined
  if (boolean !== undefined) return { kind: 'constant', text: String(boolean.boolval === true), isString: false }
  return undefined
}

function castOf(fields: Fields): Value | undefined {
  const value = treeValue(fields.arg)
  const typeName = fields.typeName as Fields | undefined
  // One cast alone: a chain of them may mean anything.
  if (value === undefined || value.type !== undefined || typeName === undefined) return undefined
  const words = wordsOf(typeName.names)
  const name = words.at(-1)
  if (name === undefined || (words.length > 1 && words[0] !== 'pg_catalog')) return undefined
  if (listOf(typeName.typmods).length > 0) return undefined
  const brackets = listOf(typeName.arrayBounds).length > 0 ? '[]' : ''
  return { ...value, type: name + brackets }
}

/** The name of a node that is just a column: its qualifiers and itself. */
export function columnWords(node: unknown): readonly string[] | undefined {
  const fields = fieldsIf('ColumnRef', node)
  if (fields === undefined) return undefined
  const words = wordsOf(fields.fields)
  return words.length === listOf(fields.fields).length ? words : undefined
}
