// One SELECT without set operations: rows of its ranges in, rows of its answer out.

import { type Fields, fieldsIf, listOf, textOf, unwrap, wordsOf } from '../sql/index.ts'
import type { Accumulator } from './accumulators.ts'
import { type AggregateCall, aggregateNamed, aggregateOf } from './aggregates.ts'
import { castTo } from './casts.ts'
import { Derived } from './derived.ts'
import {
  compile,
  type Evaluate,
  type Expression,
  mustEqual,
  mustOrder,
  mustPrintAlike,
  type Rows,
  type Scope,
} from './expression.ts'
import { allOf, type FindRange, type FindSource, From } from './from.ts'
import { conditionOf, type GatheredRows, type Gathering, gatheredBy, measureOf } from './gathering.ts'
import { type Aggregate, type Group, Groups } from './group.ts'
import { Join } from './join.ts'
import { oids, plainType, type Row } from './kinds.ts'
import { mustBePlain, type NamedQueries, type NamedQuery, namedIn } from './named-queries.ts'
import { NotMaintainable } from './refusals.ts'
import { isSame } from './source.ts'

export interface OutputColumn {
  readonly name: string
  /** It has a name of its own, or that of the column it is. */
  readonly isNamed: boolean
  readonly expression: Expression
}

/** Where rows of the answer go. */
type OnRow = (row: Row, order: Row, weight: number) => void

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}

export class Branch {
  readonly columns: readonly OutputColumn[]
  readonly isDistinct: boolean
  /** Each of its rows is that of a group. */
  readonly isGrouped: boolean
  /** Subqueries in FROM, in their order. */
  readonly #derived: Derived[] = []
  readonly #scope: Scope
  readonly #grouping: Grouping | undefined
  readonly #having: Evaluate | undefined
  readonly #outputs = new Map<Group, { readonly row: Row; readonly order: Row }>()
  readonly #order: Expression[] = []
  #onRow: OnRow = () => undefined
  #groups: Groups | undefined
  #join: Join | undefined

  /** Of the fields of a SelectStmt. `outer`: what WITH has named around it. */
  constructor(select: Fields, find: FindSource, outer: NamedQueries = new Map()) {
    refuseClauses(select)
    const named = namedIn(select, outer)
    const derive = (query: NamedQuery, alias: string, names: readonly string[]): Derived => {
      mustBePlain(query.select)
      const derived = new Derived(alias, names, new Branch(query.select, find, query.outer))
      this.#derived.push(derived)
      return derived
    }
    const findRange: FindRange = {
      relation: (word, alias) => {
        const query = word.schema === undefined ? named.get(word.name) : undefined
        return query === undefined ? find(word) : derive(query, alias, query.names)
      },
      subquery: (subquery, alias, names) => derive({ select: subquery, names, outer: named }, alias, names),
    }
    const from = new From(findRange, listOf(select.fromClause), select.whereClause)
    const targets = listOf(select.targetList).map((target) => fieldsIf('ResTarget', target) ?? {})
    this.isGrouped =
      listOf(select.groupClause).length > 0 ||
      select.havingClause !== undefined ||
      [...targets, ...listOf(select.sortClause)].some(callsAggregate)
    this.#grouping = this.isGrouped ? new Grouping(from, listOf(select.groupClause), targets) : undefined
    this.#scope = this.#grouping ?? from
    this.columns = targets.flatMap((target) => this.#target(target, from))
    this.#having =
      select.havingClause === undefined
        ? undefined
        : castTo(compile(select.havingClause, this.#scope), plainType(oids.bool), 'implicit').evaluate
    const distinct = listOf(select.distinctClause)
    this.isDistinct = select.distinctClause !== undefined
    if (distinct.some((item) => unwrap(item) !== undefined)) refuse('DISTINCT ON')
    if (this.isDistinct)
      for (const { expression } of this.columns) {
        mustEqual(expression.type)
        mustPrintAlike(expression)
      }
    this.#from = from
  }

  readonly #from: From

  /** A key of ORDER BY that is no column of the answer's; all are known before rows come. */
  orderBy(node: unknown): Expression {
    const expression = compile(node, this.#scope)
    mustOrder(expression.type)
    return expression
  }

  /** Begins: what the sources tell from now on goes to `onRow`, that of groups when they are asked for. */
  open(order: readonly Expression[], onRow: OnRow): void {
    this.#order.push(...order)
    this.#onRow = onRow
    const from = this.#from
    const rest = allOf(from.rest)
    const groups = this.#grouping?.open()
    this.#groups = groups
    const take = groups === undefined ? this.#project() : (rows: Rows, weight: 1 | -1) => groups.add(rows, weight)
    this.#join = new Join(from.joinRanges(), from.links, (rows, weight) => {
      if (rest === undefined || rest(rows) === true) take(rows, weight)
    })
    if (from.ranges.length === 0) take([], 1)
    from.ranges.forEach(({ source }, range) => {
      source.onChange.push((old, now) => this.#join?.change(range, old, now))
    })
    for (const derived of this.#derived) derived.open()
  }

  /** Tells every row of the answer, as if it had come now. */
  replay(): void {
    if (this.#groups !== undefined) {
      for (const { row, order } of this.#outputs.values()) this.#onRow(row, order, 1)
      return
    }
    const range = this.#from.ranges.findIndex(({ isOuter }) => !isOuter)
    if (range < 0) this.#project()([], 1)
    else for (const row of this.#from.ranges[range]?.source.rows() ?? []) this.#join?.replay(range, row)
  }

  #project(): (rows: Rows, weight: 1 | -1) => void {
    const cells = this.columns.map(({ expression }) => expression.evaluate)
    const order = this.#order.map(({ evaluate }) => evaluate)
    return (rows, weight) =>
      this.#onRow(
        cells.map((cell) => cell(rows)),
        order.map((key) => key(rows)),
        weight,
      )
  }

  /** What it has gathered, if that is of rows of one relation, by columns of it. */
  get gathering(): Gathering | undefined {
    const [range, ...others] = this.#from.ranges
    const groups = this.#groups
    if (groups === undefined || range === undefined || others.length > 0 || this.#derived.length > 0) return undefined
    const keys = this.#grouping?.keyColumns().map((place) => range.source.columns[place ?? -1]?.name)
    if (keys === undefined || !keys.every((name) => name !== undefined)) return undefined
    const measures = new Map(this.#grouping?.measures.map((measure, at) => [measure, at]))
    const conditions = this.#from.conditions.map(conditionOf)
    return { relation: range.source.relation, conditions, keys, measures, groups: () => groups.all() }
  }

  /** Takes in what was gathered elsewhere, in place of rows; throws NotMaintainable if it needs more than that. */
  take(gathering: Gathering, source: GatheredRows): void {
    const { ranges, rest } = this.#from
    if (this.#grouping === undefined || ranges.length !== 1 || this.#derived.length > 0) refuse('this query')
    const { filters } = ranges[0] as (typeof ranges)[number]
    const test = allOf([...filters, ...rest])
    const gathered = gatheredBy(gathering, this.#grouping?.measures ?? [])
    for (const group of gathering.groups()) {
      const rows = [source.rowOf(group)]
      if (group.rowCount > 0 && (test === undefined || test(rows) === true))
        this.#groups?.merge(rows, group.rowCount, gathered(group))
    }
  }

  /** Tells what became of groups since. */
  flush(): void {
    for (const derived of this.#derived) derived.flush()
    if (this.#groups === undefined) return
    for (const [group, isThere] of this.#groups.changes()) {
      const rows = isThere ? [(this.#grouping as Grouping).rowOf(group)] : undefined
      const isShown = rows !== undefined && (this.#having === undefined || this.#having(rows) === true)
      const now = isShown
        ? {
            row: this.columns.map(({ expression }) => expression.evaluate(rows)),
            order: this.#order.map(({ evaluate }) => evaluate(rows)),
          }
        : undefined
      const old = this.#outputs.get(group)
      if (old !== undefined && now !== undefined && isSame(old.row, now.row) && isSame(old.order, now.order)) continue
      if (old !== undefined) this.#onRow(old.row, old.order, -1)
      if (now !== undefined) {
        this.#onRow(now.row, now.order, 1)
        this.#outputs.set(group, now)
      } else this.#outputs.delete(group)
    }
  }

  #target(target: Fields, from: From): OutputColumn[] {
    const reference = fieldsIf('ColumnRef', target.val)
    const parts = listOf(reference?.fields)
    if (parts.some((part) => unwrap(part)?.type === 'A_Star')) {
      const words = wordsOf(reference?.fields)
      if (words.length > 1) refuse('* of a schema')
      return [...from.star(words[0])].map(({ name, expression }) => ({
        name,
        isNamed: true,
        expression: this.#grouping === undefined ? expression : this.#grouping.ofColumn(expression),
      }))
    }
    const name = textOf(target.name) ?? wordsOf(reference?.fields).at(-1)
    return [{ name: name ?? '?column?', isNamed: name !== undefined, expression: compile(target.val, this.#scope) }]
  }
}

const refusedClauses: Readonly<Record<string, string>> = {
  windowClause: 'a window',
  lockingClause: 'FOR UPDATE',
  intoClause: 'INTO',
  valuesLists: 'VALUES',
}

function refuseClauses(select: Fields): void {
  for (const [field, name] of Object.entries(refusedClauses)) {
    const value = select[field]
    if (value !== undefined && (!Array.isArray(value) || value.length > 0)) refuse(name)
  }
  if (select.groupDistinct === true) refuse('GROUP BY DISTINCT')
}

/** In any depth, outside of subqueries, which are refused anyway. */
function callsAggregate(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(callsAggregate)
  if (aggregateNamed(value) !== undefined) return true
  return Object.values(value).some(callsAggregate)
}

/** What names stand for where rows are gathered: keys and aggregates, and nothing else. */
class Grouping implements Scope {
  readonly #from: From
  readonly #keys: Expression[] = []
  readonly #keyTexts: string[] = []
  readonly #calls: (AggregateCall & { readonly at: number })[] = []
  readonly #callTexts: string[] = []
  readonly #aggregates: Aggregate[] = []
  readonly #aggregateTexts: string[] = []
  /** What each aggregate gathers. */
  readonly measures: string[] = []

  constructor(from: From, clauses: readonly unknown[], targets: readonly Fields[]) {
    this.#from = from
    for (const clause of clauses) {
      const node = keyNode(clause, from, targets)
      const key = compile(node, from)
      mustEqual(key.type)
      mustPrintAlike(key)
      this.#keys.push(key)
      this.#keyTexts.push(textOfNode(node))
    }
  }

  open(): Groups {
    return new Groups(this.#keys, this.#aggregates)
  }

  /** Places of the columns that the keys are, in the rows of the one range there is. */
  keyColumns(): readonly (number | undefined)[] {
    return this.#keys.map(({ column }) => column?.column)
  }

  /** Keys, then what the aggregates give. */
  rowOf({ keys, accumulators }: Group): Row {
    return [...keys, ...this.#calls.map(({ result, at }) => result(accumulators[at] as Accumulator))]
  }

  known(node: unknown): Expression | undefined {
    const name = aggregateNamed(node)
    if (name !== undefined) return this.#aggregate(name, node)
    const typed = unwrap(node)
    if (typed?.type === 'ColumnRef') return undefined
    const at = typed?.type === 'A_Const' ? -1 : this.#keyTexts.indexOf(textOfNode(node))
    return at < 0 ? undefined : this.#key(at)
  }

  column(words: readonly string[]): Expression {
    return this.ofColumn(this.#from.column(words))
  }

  ofColumn({ column }: Expression): Expression {
    const at = this.#keys.findIndex(
      (key) => key.column !== undefined && key.column.range === column?.range && key.column.column === column.column,
    )
    return at < 0 ? refuse('a column that is not in GROUP BY') : this.#key(at)
  }

  #key(at: number): Expression {
    const { type, scale } = this.#keys[at] as Expression
    return { type, scale, evaluate: ([cells]) => (cells as Row)[at] ?? null, isConstant: false, ranges: new Set() }
  }

  #aggregate(name: string, node: unknown): Expression {
    const text = textOfNode(node)
    let at = this.#callTexts.indexOf(text)
    if (at < 0) {
      this.#callTexts.push(text)
      const fields = unwrap(node)?.fields ?? {}
      const call = aggregateOf(name, fields, this.#from)
      at = this.#calls.push({ ...call, at: this.#accumulatorOf(call, fields) }) - 1
    }
    const { type, scale } = this.#calls[at] as AggregateCall
    const place = this.#keys.length + at
    return { type, scale, evaluate: ([cells]) => (cells as Row)[place] ?? null, isConstant: false, ranges: new Set() }
  }

  #accumulatorOf(call: AggregateCall, { args, agg_filter }: Fields): number {
    const text = `${call.accumulatorKind} ${textOfNode([args, agg_filter])}`
    const at = this.#aggregateTexts.indexOf(text)
    if (at >= 0) return at
    this.#aggregateTexts.push(text)
    this.measures.push(measureOf(call.accumulatorKind, args, agg_filter))
    return this.#aggregates.push(call.aggregate) - 1
  }
}

/** `GROUP BY 2`, `GROUP BY name of a column, else of an output`. */
function keyNode(clause: unknown, from: From, targets: readonly Fields[]): unknown {
  const typed = unwrap(clause)
  const position = typed?.type === 'A_Const' ? (typed.fields.ival as Fields | undefined) : undefined
  if (position !== undefined) return targets[Number(position.ival ?? 0) - 1]?.val ?? refuse('GROUP BY of this place')
  if (typed?.type === 'GroupingSet') return refuse('GROUPING SETS')
  if (typed?.type === 'A_Const') return refuse('GROUP BY of a constant')
  const words = typed?.type === 'ColumnRef' ? wordsOf(typed.fields.fields) : []
  if (words.length !== 1 || from.has(words[0] as string)) return clause
  return targets.find(({ name }) => name === words[0])?.val ?? clause
}

/** Alike for nodes that are written alike, wherever they stand. */
function textOfNode(node: unknown): string {
  return JSON.stringify(node, (field, value) => (field === 'location' ? undefined : value))
}
