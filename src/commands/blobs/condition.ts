// What a WHERE says about the key of the entries it means, and what it says besides.
//
//   namespace = v     key = v     key = ANY (v), key IN (v, …)     key LIKE 'p%'     tags && v     dependencies && v     version = v
//
// A WHERE of nothing but these, joined by AND, is done without a PostgreSQL. Of any other, these still tell where to look.

import { type Fields, listOf, unwrap, wordsOf } from '../../sql/index.ts'
import type { Value } from '../statement-reader.ts'
import { type BlobColumnType, isAssignable } from './assignable.ts'
import type { BlobNames } from './blob-names.ts'
import { treeList, treeValue } from './tree-value.ts'

export interface Condition {
  readonly namespace?: Value
  readonly key?: Value
  readonly keys?: Value
  /** A pattern of LIKE; that it is a prefix shows when its value is known. */
  readonly like?: Value
  readonly tags?: Value
  readonly dependencies?: Value
  readonly version?: Value
}

interface ReadCondition {
  readonly condition: Condition
  /** True if the WHERE says nothing else. */
  readonly isWhole: boolean
}

/** An absent WHERE is an empty condition. */
export function readCondition(where: unknown, names: BlobNames): ReadCondition {
  const condition: { -readonly [part in keyof Condition]: Value } = {}
  let isWhole = true
  for (const conjunct of conjunctsOf(where)) {
    const part = readConjunct(conjunct, names)
    if (part !== undefined && condition[part.name] === undefined) condition[part.name] = part.value
    else isWhole = false
  }
  return { condition, isWhole }
}

function conjunctsOf(where: unknown): readonly unknown[] {
  if (where === undefined) return []
  const node = unwrap(where)
  if (node?.type !== 'BoolExpr' || node.fields.boolop !== 'AND_EXPR') return [where]
  return listOf(node.fields.args).flatMap(conjunctsOf)
}

interface Part {
  readonly name: keyof Condition
  readonly value: Value
}

function readConjunct(node: unknown, names: BlobNames): Part | undefined {
  const comparison = unwrap(node)
  if (comparison?.type !== 'A_Expr') return undefined
  const { fields } = comparison
  const operators = wordsOf(fields.name)
  const operator = operators.length === 1 ? operators[0] : undefined
  switch (fields.kind) {
    case 'AEXPR_OP':
      return operator === '=' ? equality(fields, names) : operator === '&&' ? overlap(fields, names) : undefined
    case 'AEXPR_OP_ANY':
      return operator === '='
        ? part('keys', 'text[]', names.columnOf(fields.lexpr), 'key', treeValue(fields.rexpr))
        : undefined
    case 'AEXPR_IN':
      return operator === '='
        ? part('keys', 'text[]', names.columnOf(fields.lexpr), 'key', treeList(fields.rexpr))
        : undefined
    case 'AEXPR_LIKE':
      return operator === '~~'
        ? part('like', 'text', names.columnOf(fields.lexpr), 'key', treeValue(fields.rexpr))
        : undefined
    default:
      return undefined
  }
}

function equality({ lexpr, rexpr }: Fields, names: BlobNames): Part | undefined {
  const left = names.columnOf(lexpr)
  const column = left ?? names.columnOf(rexpr)
  const value = treeValue(left === undefined ? lexpr : rexpr)
  if (column === 'namespace' || column === 'key') return part(column, 'text', column, column, value)
  return part('version', 'int8', column, 'version', value)
}

function overlap({ lexpr, rexpr }: Fields, names: BlobNames): Part | undefined {
  const left = names.columnOf(lexpr)
  const column = left ?? names.columnOf(rexpr)
  const value = treeValue(left === undefined ? lexpr : rexpr)
  if (column !== 'tags' && column !== 'dependencies') return undefined
  return part(column, 'text[]', column, column, value)
}

function part(
  name: keyof Condition,
  type: BlobColumnType,
  column: string | undefined,
  wanted: string,
  value: Value | undefined,
): Part | undefined {
  return column === wanted && value !== undefined && isAssignable(value, type) ? { name, value } : undefined
}

export const conditionTypes: Readonly<Record<keyof Condition, BlobColumnType>> = {
  namespace: 'text',
  key: 'text',
  keys: 'text[]',
  like: 'text',
  tags: 'text[]',
  dependencies: 'text[]',
  version: 'int8',
}

/** The prefix that a pattern of LIKE means; undefined if it means more, or something else. */
export function prefixOf(pattern: string): string | undefined {
  let prefix = ''
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]
    if (character === '%') return at === pattern.length - 1 ? prefix : undefined
    if (character === '_') return undefined
    if (character === '\\') at++
    if (at >= pattern.length) return undefined
    prefix += pattern[at]
  }
  return undefined
}
