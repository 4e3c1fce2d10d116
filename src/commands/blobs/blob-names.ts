// The names a statement has for cache.blobs and its columns: the alias it gives, or the relation's own name, with its schema or without.

import { type Fields, fieldsIf, listOf } from '../../sql/index.ts'
import { columnWords } from './tree-value.ts'

export class BlobNames {
  /** What the statement calls the relation. */
  readonly alias: string
  readonly #schemaName: string | undefined

  /** Of a RangeVar that names it. */
  constructor(relation: Fields) {
    const alias = relation.alias as Fields | undefined
    this.alias = String(alias?.aliasname ?? relation.relname)
    this.#schemaName = alias === undefined ? String(relation.schemaname) : undefined
  }

  /** The column that a node is, by name; undefined if it is anything else. It may be one that there is not. */
  columnOf(node: unknown): string | undefined {
    const words = columnWords(node)
    return words !== undefined && this.isOurs(words.slice(0, -1)) ? words.at(-1) : undefined
  }

  /** True if the words before a column's name mean the relation, or nothing. */
  isOurs(qualifiers: readonly string[]): boolean {
    switch (qualifiers.length) {
      case 0:
        return true
      case 1:
        return qualifiers[0] === this.alias
      default:
        return qualifiers.length === 2 && qualifiers[0] === this.#schemaName && qualifiers[1] === this.alias
    }
  }
}

/** True of a RangeVar that names cache.blobs. */
export function isBlobs(relation: unknown, schemaName: string): boolean {
  const { schemaname, relname } = (relation ?? {}) as Fields
  return schemaname === schemaName && relname === 'blobs'
}

/** The one relation of a FROM list that has nothing else. */
export function onlyRelation(fromClause: unknown): Fields | undefined {
  const items = listOf(fromClause)
  return items.length === 1 ? fieldsIf('RangeVar', items[0]) : undefined
}
