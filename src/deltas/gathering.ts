// What a query that gathers rows into groups has gathered: from it, other queries over the same relation are answered that gather more coarsely.
//
// The keys of its groups are columns, so each group stands for rows that are alike in these; of what they are not alike in, its aggregates have
// kept what they need. A query that asks of rows only what is a key, and gathers by what is kept, has all it needs.

import { type Fields, listOf, unwrap, wordsOf } from '../sql/index.ts'
import { type Accumulator, Count, Distinct } from './accumulators.ts'
import { aggregateNamed } from './aggregates.ts'
import { conjunctsOf } from './from.ts'
import type { Group } from './group.ts'
import type { Row } from './kinds.ts'
import { NotMaintainable } from './refusals.ts'
import type { OnChange, RowSource, SourceColumn } from './source.ts'

export interface Gathering {
  readonly relation: RowSource['relation']
  /** What its rows were chosen by (`conditionOf`). */
  readonly conditions: readonly string[]
  /** Columns of the relation, in the order of the keys of a group. */
  readonly keys: readonly string[]
  /** Places of the accumulators of a group, by what they gather (`measureOf`). */
  readonly measures: ReadonlyMap<string, number>
  groups(): Iterable<Group>
}

/** Alike for what gathers the same of rows of one relation. */
export function measureOf(kind: string, args: unknown, filter: unknown): string {
  return `${kind} ${textOf([args, filter])}`
}

/** Alike for what chooses the same of rows of one relation. */
export function conditionOf(node: unknown): string {
  return textOf(node)
}

/** Columns by their names alone, for there is one relation. */
function textOf(node: unknown): string {
  return JSON.stringify(node, (field, value) => {
    if (field === 'location') return undefined
    return field === 'ColumnRef' ? wordsOf((value as Fields).fields).at(-1) : value
  })
}

/** The same of rows that are chosen already. Throws NotMaintainable if it wants others. */
export function ofChosen(select: Fields, { conditions }: Gathering): Fields {
  const conjuncts = select.whereClause === undefined ? [] : conjunctsOf(select.whereClause)
  const texts = new Set(conjuncts.map(conditionOf))
  if (!conditions.every((condition) => texts.has(condition))) refuse('rows that were left out')
  const rest = conjuncts.filter((conjunct) => !conditions.includes(conditionOf(conjunct)))
  const [whereClause, ...others] = rest
  return {
    ...select,
    whereClause: others.length === 0 ? whereClause : { BoolExpr: { boolop: 'AND_EXPR', args: rest } },
  }
}

/** In place of the relation: of a row it has what is a key, and nothing else. */
export class GatheredRows implements RowSource {
  readonly relation: RowSource['relation']
  readonly columns: SourceColumn[] = []
  readonly onChange: OnChange[] = []
  readonly #gathering: Gathering
  /** For each column that is wanted, its place among the keys; -1 for what is none. */
  readonly #places: number[] = []

  constructor(gathering: Gathering) {
    this.#gathering = gathering
    this.relation = { ...gathering.relation, key: [] }
  }

  want(name: string): number | undefined {
    const place = this.columns.findIndex((column) => column.name === name)
    if (place >= 0) return place
    const column = this.relation.columns.find((candidate) => candidate.name === name)
    if (column === undefined) return undefined
    this.#places.push(this.#gathering.keys.indexOf(name))
    return this.columns.push(column) - 1
  }

  rowOf({ keys }: Group): Row {
    return this.#places.map((place) => (place < 0 ? null : (keys[place] ?? null)))
  }

  *rows(): Generator<Row> {}
}

/** What a group has gathered, in the order of these measures. Throws NotMaintainable for what it has not. */
export function gatheredBy(
  { measures }: Gathering,
  wanted: readonly string[],
): (group: Group) => readonly Accumulator[] {
  const rows = measureOf('rows', undefined, undefined)
  const places = wanted.map((measure) => {
    const place = measures.get(measure)
    return place ?? (measure === rows ? -1 : refuse('an aggregate that is not kept'))
  })
  return ({ accumulators, rowCount }) =>
    places.map((place) => {
      if (place < 0) return countOf(rowCount)
      const accumulator = accumulators[place] as Accumulator
      return accumulator instanceof Distinct && !accumulator.mayMerge
        ? refuse('an aggregate of distinct values')
        : accumulator
    })
}

function countOf(rowCount: number): Count {
  const count = new Count(true)
  count.count = rowCount
  return count
}

/** Throws NotMaintainable if a column is read that is no key, outside of what is gathered. */
export function mustReadKeys(select: Fields, { keys, relation }: Gathering): void {
  const names = new Set(listOf(select.targetList).map((target) => unwrap(target)?.fields.name))
  const isColumn = (name: string) => relation.columns.some((column) => column.name === name)
  const look = (value: unknown, mayNameOutput: boolean): void => {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      for (const item of value) look(item, mayNameOutput)
      return
    }
    if (aggregateNamed(value) !== undefined) return
    const typed = unwrap(value)
    if (typed?.type !== 'ColumnRef') {
      for (const [field, inner] of Object.entries(value))
        look(inner, mayNameOutput || field === 'sortClause' || field === 'groupClause')
      return
    }
    const words = wordsOf(typed.fields.fields)
    const name = words.at(-1) ?? ''
    if (words.length < listOf(typed.fields.fields).length) refuse('*')
    if (keys.includes(name)) return
    if (mayNameOutput && words.length === 1 && names.has(name) && !isColumn(name)) return
    refuse(`column "${name}", which is no key`)
  }
  look(select, false)
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not answered from groups`)
}
