// What a column is compared with: a parameter or a constant, perhaps under one cast to a built-in type.

import { type Fields, fieldsIf, listOf, textOf, unwrap, wordsOf } from './tree.ts'

interface Constant {
  /** As the grammar has it: a string takes the type of what it is compared with. */
  readonly kind: 'number' | 'string' | 'boolean'
  readonly text: string
}

export type Source =
  | { readonly kind: 'parameter'; readonly number: number; readonly cast: string | undefined }
  | { readonly kind: 'constant'; readonly literal: Constant; readonly cast: string | undefined }

/** Undefined for everything that is not as plain as that; NULL, too, is none. */
export function sourceOf(value: unknown): Source | undefined {
  const node = unwrap(value)
  if (node?.type === 'TypeCast') {
    const cast = castOf(node.fields.typeName as Fields | undefined)
    const inner = cast === undefined ? undefined : sourceOf(node.fields.arg)
    return inner === undefined || inner.cast !== undefined ? undefined : { ...inner, cast }
  }
  if (node?.type === 'ParamRef') return { kind: 'parameter', number: Number(node.fields.number ?? 0), cast: undefined }
  const literal = literalOf(value)
  return literal === undefined ? undefined : { kind: 'constant', literal, cast: undefined }
}

function literalOf(value: unknown): Constant | undefined {
  const constant = fieldsIf('A_Const', value)
  if (constant === undefined || constant.isnull === true) return undefined
  const { ival, fval, boolval, sval } = constant as { readonly [kind: string]: Fields | undefined }
  if (ival !== undefined) return { kind: 'number', text: String(ival.ival ?? 0) }
  if (fval !== undefined) return { kind: 'number', text: textOf(fval.fval) ?? '' }
  if (boolval !== undefined) return { kind: 'boolean', text: String(boolval.boolval === true) }
  if (sval !== undefined) return { kind: 'string', text: textOf(sval.sval) ?? '' }
  return undefined
}

/** Name of a built-in type as the catalogue has it, `[]` behind that of an array. */
function castOf(type: Fields | undefined): string | undefined {
  const bounds = listOf(type?.arrayBounds).length
  if (type === undefined || type.typmods !== undefined || bounds > 1 || type.setof === true) return undefined
  const words = wordsOf(type.names)
  // `int` is pg_catalog.int4 already; `uuid` is whatever search_path finds, and users' types are named elsewhere (onlyBuiltins).
  if (words.length > 2 || (words.length === 2 && words[0] !== 'pg_catalog')) return undefined
  return `${words.at(-1)}${bounds === 1 ? '[]' : ''}`
}
