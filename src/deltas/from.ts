// FROM and WHERE as ranges, filters and links of a join.

import { type Fields, fieldsIf, listOf, textOf, unwrap, wordsOf } from '../sql/index.ts'
import { castTo, commonType, scaleOf } from './casts.ts'
import { compile, derived, type Evaluate, type Expression, mustEqual, type Scope } from './expression.ts'
import type { JoinRange, Link } from './join.ts'
import { type Cell, oids, plainType } from './kinds.ts'
import { NotMaintainable } from './refusals.ts'
import type { RowSource } from './source.ts'

export interface RelationWord {
  readonly schema: string | undefined
  readonly name: string
}

/** The source of a relation's rows, one for all its ranges. */
export type FindSource = (relation: RelationWord) => RowSource

/** Where the rows of a range come from. */
export interface FindRange {
  relation(word: RelationWord, alias: string): RowSource
  /** Of the fields of a SelectStmt. */
  subquery(select: Fields, alias: string, names: readonly string[]): RowSource
}

interface Range {
  readonly alias: string
  readonly source: RowSource
  readonly isOuter: boolean
  readonly filters: Expression[]
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}

export class From implements Scope {
  readonly ranges: Range[] = []
  readonly links: Link[] = []
  /** What is asked of whole combinations. */
  readonly rest: Expression[] = []
  readonly #find: FindRange
  /** Conditions of WHERE and of inner joins. */
  readonly #conditions: unknown[] = []
  readonly #outerConditions: { readonly range: number; readonly node: unknown }[] = []
  /** Names that USING merged, with the range whose column they stand for. */
  readonly #merged = new Map<string, number>()

  constructor(find: FindRange, items: readonly unknown[], where: unknown) {
    this.#find = find
    for (const item of items) this.#item(item, false)
    if (where !== undefined) this.#conditions.push(...conjunctsOf(where))
    for (const node of this.#conditions) this.#condition(node)
    for (const { range, node } of this.#outerConditions) this.#outerCondition(range, node)
  }

  /** Of WHERE and of inner joins: all of them hold for the rows there are. */
  get conditions(): readonly unknown[] {
    return this.#conditions
  }

  known(): undefined {
    return undefined
  }

  column(words: readonly string[]): Expression {
    const [first = '', second, ...others] = words
    if (others.length > 0) return refuse('a column of a schema')
    const merged = second === undefined ? this.#merged.get(first) : undefined
    if (merged !== undefined) return this.#columnOf(merged, first) ?? refuse(`the column ${first}`)
    const found: Expression[] = []
    this.ranges.forEach(({ alias }, range) => {
      if (second !== undefined && alias !== first) return
      const column = this.#columnOf(range, second ?? first)
      if (column !== undefined) found.push(column)
    })
    return found.length === 1 ? (found[0] as Expression) : refuse(`the name ${words.join('.')}`)
  }

  /** True if a range has a column of that name. */
  has(name: string): boolean {
    return this.ranges.some(({ source }) => source.relation.columns.some((column) => column.name === name))
  }

  /** The columns of `*`, or of `alias.*`, by range and name. */
  *star(alias: string | undefined): Generator<{ readonly name: string; readonly expression: Expression }> {
    if (this.#merged.size > 0) refuse('* of a join with USING')
    let isFound = false
    for (const [at, range] of this.ranges.entries()) {
      if (alias !== undefined && range.alias !== alias) continue
      isFound = true
      for (const { name } of range.source.relation.columns)
        yield { name, expression: this.#columnOf(at, name) ?? refuse(`the column ${name}`) }
    }
    if (!isFound) refuse(`${alias}.*`)
  }

  joinRanges(): JoinRange[] {
    return this.ranges.map(({ source, isOuter, filters }, range) => ({
      filter: allOf(filters),
      isOuter,
      nulls: [],
      isUnique: (links) => this.#isUnique(range, source, links),
    }))
  }

  readonly #columnsOfLinks = new Map<Evaluate, string>()

  #isUnique(range: number, source: RowSource, links: readonly Link[]): boolean {
    const { key } = source.relation
    const known = new Set<string | undefined>()
    for (const { sides } of links)
      for (const side of sides) if (side.range === range) known.add(this.#columnsOfLinks.get(side.evaluate))
    return key.length > 0 && key.every((name) => known.has(name))
  }

  #columnOf(range: number, name: string): Expression | undefined {
    const { source } = this.ranges[range] as Range
    const column = source.want(name)
    if (column === undefined) return undefined
    const { type, scale = scaleOf(type) } = source.columns[column] as RowSource['columns'][number]
    return {
      type,
      // Of a range that is filled up with NULLs there is no cell.
      evaluate: (rows) => (rows[range] as readonly Cell[])[column] ?? null,
      isConstant: false,
      column: { range, column },
      ranges: new Set([range]),
      scale,
    }
  }

  #item(item: unknown, isOuter: boolean): void {
    const node = unwrap(item)
    if (node?.type === 'RangeVar') this.#range(node.fields, isOuter)
    else if (node?.type === 'JoinExpr') this.#join(node.fields, isOuter)
    else if (node?.type === 'RangeSubselect') this.#subquery(node.fields, isOuter)
    else refuse('this item of FROM')
  }

  #range(fields: Fields, isOuter: boolean): void {
    const name = textOf(fields.relname) ?? ''
    const alias = (fields.alias ?? {}) as Fields
    if (alias.colnames !== undefined || fields.catalogname !== undefined) refuse('an alias with columns')
    if (fields.inh !== true) refuse('ONLY')
    const word = { schema: textOf(fields.schemaname), name }
    const shown = textOf(alias.aliasname) ?? name
    this.ranges.push({ alias: shown, source: this.#find.relation(word, shown), isOuter, filters: [] })
  }

  #subquery(fields: Fields, isOuter: boolean): void {
    if (fields.lateral === true) refuse('LATERAL')
    const select = fieldsIf('SelectStmt', fields.subquery) ?? refuse('this item of FROM')
    const alias = (fields.alias ?? {}) as Fields
    const name = textOf(alias.aliasname) ?? refuse('a subquery without a name')
    this.ranges.push({
      alias: name,
      source: this.#find.subquery(select, name, wordsOf(alias.colnames)),
      isOuter,
      filters: [],
    })
  }

  #join(fields: Fields, isOuter: boolean): void {
    if (fields.alias !== undefined || fields.isNatural === true || fields.join_using_alias !== undefined)
      refuse('a join with an alias, or a natural one')
    const isLeft = fields.jointype === 'JOIN_LEFT'
    const isRight = fields.jointype === 'JOIN_RIGHT'
    if (isOuter || !(isLeft || isRight || fields.jointype === 'JOIN_INNER')) refuse('this kind of join')
    const start = this.ranges.length
    this.#item(fields.larg, isRight)
    const middle = this.ranges.length
    this.#item(fields.rarg, isLeft)
    const filled = isLeft ? middle : isRight ? start : undefined
    if (fields.usingClause !== undefined) this.#using(wordsOf(fields.usingClause), start, middle, filled)
    for (const node of fields.quals === undefined ? [] : conjunctsOf(fields.quals)) {
      if (filled === undefined) this.#conditions.push(node)
      else this.#outerConditions.push({ range: filled, node })
    }
  }

  #using(names: readonly string[], start: number, middle: number, filled: number | undefined): void {
    if (filled !== undefined || middle - start !== 1 || this.ranges.length - middle !== 1) refuse('USING of this join')
    for (const name of names) {
      const left = this.#columnOf(start, name)
      const right = this.#columnOf(middle, name)
      const isLinked =
        left?.type.oid === right?.type.oid && left !== undefined && right !== undefined && this.#link(left, right)
      if (!isLinked) refuse('USING of this join')
      this.#merged.set(name, start)
    }
  }

  #condition(node: unknown): void {
    const sides = equalityOf(node)
    if (sides !== undefined) {
      const [left, right] = sides.map((side) => compile(side, this)) as [Expression, Expression]
      if (this.#isInner(left) && this.#isInner(right) && this.#link(left, right)) return
    }
    const condition = castTo(compile(node, this), boolean, 'implicit')
    const [range] = condition.ranges
    if (this.#isInner(condition)) (this.ranges[range as number] as Range).filters.push(condition)
    else this.rest.push(condition)
  }

  /** Of one range that is not filled up. */
  #isInner({ ranges }: Expression): boolean {
    const [range] = ranges
    return ranges.size === 1 && this.ranges[range as number]?.isOuter === false
  }

  #outerCondition(range: number, node: unknown): void {
    const sides = equalityOf(node)
    if (sides !== undefined) {
      const [left, right] = sides.map((side) => compile(side, this)) as [Expression, Expression]
      const isLink = [left, right].some(({ ranges }) => ranges.size === 1 && ranges.has(range))
      if (isLink && [left, right].some((side) => this.#isInner(side)) && this.#link(left, right)) return
    }
    const condition = castTo(compile(node, this), boolean, 'implicit')
    if (condition.ranges.size !== 1 || !condition.ranges.has(range)) refuse('this condition of a LEFT JOIN')
    ;(this.ranges[range] as Range).filters.push(condition)
  }

  /** False if both are of one range. */
  #link(left: Expression, right: Expression): boolean {
    const [one] = left.ranges
    const [other] = right.ranges
    if (left.ranges.size !== 1 || right.ranges.size !== 1 || one === other) return false
    const type = commonType([left.type, right.type])
    mustEqual(type)
    const sides = [left, right].map((side) => {
      const { evaluate } = castTo(side, type.kind === 'numeric' ? plainType(oids.numeric) : type, 'implicit')
      const range = side.column?.range ?? (side.ranges.values().next().value as number)
      if (side.column !== undefined) {
        const { source } = this.ranges[range] as Range
        this.#columnsOfLinks.set(evaluate, (source.columns[side.column.column] as { readonly name: string }).name)
      }
      return { range, evaluate }
    })
    this.links.push({ sides: sides as [Link['sides'][0], Link['sides'][1]], kind: type.kind })
    return true
  }
}

const boolean = plainType(oids.bool)

/** What stands side by side under AND. */
export function conjunctsOf(node: unknown): unknown[] {
  const typed = unwrap(node)
  if (typed?.type !== 'BoolExpr' || typed.fields.boolop !== 'AND_EXPR') return [node]
  return listOf(typed.fields.args).flatMap(conjunctsOf)
}

function equalityOf(node: unknown): readonly [unknown, unknown] | undefined {
  const typed = unwrap(node)
  if (typed?.type !== 'A_Expr' || typed.fields.kind !== 'AEXPR_OP') return undefined
  const words = wordsOf(typed.fields.name)
  return words.length === 1 && words[0] === '=' ? [typed.fields.lexpr, typed.fields.rexpr] : undefined
}

/** True where all of them are; undefined if there are none. */
export function allOf(conditions: readonly Expression[]): Evaluate | undefined {
  const [first, ...others] = conditions
  if (first === undefined) return undefined
  if (others.length === 0) return first.evaluate
  const tests = conditions.map(({ evaluate }) => evaluate)
  return derived(conditions, boolean, (rows) => tests.every((test) => test(rows) === true)).evaluate
}
