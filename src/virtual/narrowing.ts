// What a statement's text says about the rows it can use: `=`, IN, = ANY, LIKE 'p%' and LIMIT over virtual relations (SQL-26).
//
//   SELECT … FROM cache.results r WHERE r.key = $1 AND …      results: rows whose key is $1
//   SELECT … FROM cache.decisions LIMIT 10                    decisions: ten rows
//
// A condition counts where it is joined by AND in the WHERE of the very SELECT that names the relation in its FROM. Such a
// condition is true of no row in which the column is NULL, so it holds back nothing that an outer join would need: a row
// it rejects is rejected by WHERE as well, and so is what stands in for it. Everything else is left to PostgreSQL.

import type { ParseTree } from '../sql/index.ts'
import { arrayItems, type BoundParameter, itemsFor, valueFor } from './bound-parameter.ts'
import { type Operand, type Place, placesIn, type Test } from './narrowed-places.ts'
import type { ColumnType } from './virtual-table.ts'
import { equalsOne, startsLike, type Wanted, type WantedRows } from './wanted-rows.ts'

export class Narrowing {
  readonly #places: readonly Place[]

  constructor(places: readonly Place[]) {
    this.#places = places
  }

  /** With the values of one run; none for a simple query. */
  wanted(parameters: readonly BoundParameter[] = []): Wanted {
    const wanted = new Map<string, WantedRows[] | undefined>()
    for (const place of this.#places) {
      const rows = rowsOf(place, parameters)
      const isWhole =
        rows.conditions.length === 0 && rows.rowCountMax === Number.POSITIVE_INFINITY && rows.needsContents
      const known = wanted.has(place.relation) ? wanted.get(place.relation) : []
      wanted.set(place.relation, isWhole || known === undefined ? undefined : [...known, rows])
    }
    return new Map([...wanted].filter((entry): entry is [string, WantedRows[]] => entry[1] !== undefined))
  }
}

function rowsOf(place: Place, parameters: readonly BoundParameter[]): WantedRows {
  const conditions: WantedRows['conditions'][number][] = []
  let isExact = true
  for (const test of place.tests) {
    const known = conditionOf(test, parameters)
    if (known !== undefined) conditions.push(known.condition)
    isExact &&= known?.exact === true
  }
  const rowCountMax = isExact ? sumOf(place.limit, parameters) : Number.POSITIVE_INFINITY
  return { conditions, rowCountMax, needsContents: place.needsContents }
}

function conditionOf({ column, kind, operands }: Test, parameters: readonly BoundParameter[]) {
  const texts: string[] = []
  for (const operand of operands) {
    const found = kind === 'any' ? itemsOf(operand, parameters) : boundValue(operand, column.type, parameters)
    if (found === undefined) return undefined
    // Nothing is equal to NULL, and nothing like it.
    if (found !== null) texts.push(...(typeof found === 'string' ? [found] : found))
  }
  if (kind === 'like' && texts.length > 0) return startsLike(column.name, texts[0] as string)
  const condition = equalsOne(column.name, column.type, texts)
  return condition && { condition, exact: true }
}

function boundValue(operand: Operand, type: ColumnType, parameters: readonly BoundParameter[]) {
  if ('text' in operand) return operand.text
  const bound = parameters[operand.parameter - 1]
  return bound && valueFor(bound, type)
}

function itemsOf(operand: Operand, parameters: readonly BoundParameter[]) {
  if ('text' in operand) return operand.text === null ? null : arrayItems(operand.text)
  const bound = parameters[operand.parameter - 1]
  return bound && itemsFor(bound)
}

/** LIMIT and OFFSET together; infinity without a LIMIT, or where it cannot be told. */
function sumOf(limit: readonly Operand[] | undefined, parameters: readonly BoundParameter[]): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY
  let sum = 0
  for (const operand of limit) {
    const text = boundValue(operand, 'int8', parameters)
    if (typeof text !== 'string' || !/^\d{1,9}$/.test(text)) return Number.POSITIVE_INFINITY
    sum += Number(text)
  }
  return sum
}

/** Of one statement that the parser read. */
export function narrowingOf(tree: ParseTree, schemaName: string): Narrowing {
  return new Narrowing(placesIn(tree, schemaName))
}
