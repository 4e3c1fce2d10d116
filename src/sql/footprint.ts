// Which rows of a relation a read can depend on, as far as its text says: the columns that every row must have pinned to something known.
//
//   select o.total from orders o join customer c on c.id = o.customer_id where o.id = $1 and c.kind in ('a', 'b')
//                                                  link: c.id = o.customer_id    pins: o.id = $1, c.kind in ('a', 'b')
//
// A row that fails a condition which stands alone, or beside others under AND, in WHERE or in the ON of an inner join, contributes
// nothing to what FROM gives, whatever is made of that afterwards. So a change of a row that fails it before and after is no change of the
// answer. That holds for a relation that is read once in the whole text, in the top FROM, and not on the side of an outer join that is
// filled up with NULLs. Everything else has no footprint; whether a name is a plain table with such a column, the catalogue says.

import { type Source, sourceOf } from './footprint-source.ts'
import { type Fields, fieldsIf, listOf, type Typed, textOf, unwrap, wordsOf } from './tree.ts'
import { walk } from './walk.ts'

/** A column of the top FROM as written; without `of` it belongs to the one of `among` that has such a column. */
export interface ColumnName {
  readonly of: string | undefined
  readonly column: string
  /** Places in `ranges` of what is visible there. */
  readonly among: readonly number[]
}

export type PinTest =
  | { readonly kind: 'in'; readonly values: readonly Source[] }
  /** One parameter that is an array. */
  | { readonly kind: 'any'; readonly array: Source }
  /** Both bounds are allowed for, whether they belong to it or not. */
  | { readonly kind: 'range'; readonly low: Source | undefined; readonly high: Source | undefined }

interface RawPin {
  readonly column: ColumnName
  readonly test: PinTest
}

export interface RawRange {
  /** What its columns go by. */
  readonly alias: string
  /** Undefined for what has no footprint: sub-selects, functions, tables read twice or filled up with NULLs. */
  readonly table: { readonly schema: string | undefined; readonly name: string } | undefined
}

export interface RawFootprint {
  readonly ranges: readonly RawRange[]
  readonly pins: readonly RawPin[]
  /** Columns that must be equal. */
  readonly links: readonly (readonly [ColumnName, ColumnName])[]
  /** How often each parameter occurs in the text: what is used once has the type its place gives it. */
  readonly parameterUses: ReadonlyMap<number, number>
}

/** Undefined if nothing is pinned. */
export function footprintOf(statement: unknown): RawFootprint | undefined {
  const select = fieldsIf('SelectStmt', statement)
  if (select === undefined || select.op !== 'SETOP_NONE' || select.valuesLists !== undefined) return undefined
  const names = new Map<string, number>()
  const parameterUses = new Map<number, number>()
  walk(statement, ({ type, fields }) => {
    if (type === 'RangeVar') count(names, textOf(fields.relname) ?? '')
    else if (type === 'CommonTableExpr') count(names, textOf(fields.ctename) ?? '')
    else if (type === 'ParamRef') count(parameterUses, Number(fields.number ?? 0))
  })
  const reader = new Reader(names)
  const all = listOf(select.fromClause).flatMap((item) => reader.range(unwrap(item), false))
  reader.conditions(select.whereClause, all)
  const { ranges, pins, links } = reader
  return pins.length === 0 ? undefined : { ranges, pins, links, parameterUses }
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

class Reader {
  readonly ranges: RawRange[] = []
  readonly pins: RawPin[] = []
  readonly links: [ColumnName, ColumnName][] = []
  readonly #names: ReadonlyMap<string, number>
  /** Columns of its joins may be two columns in one: only with a table's name before it is one of them the table's. */
  #merges = false

  constructor(names: ReadonlyMap<string, number>) {
    this.#names = names
  }

  /** The places of what an item of FROM brings. `isFilled`: with NULLs, where nothing joins. */
  range(item: Typed | undefined, isFilled: boolean): number[] {
    if (item?.type === 'JoinExpr') return this.#join(item.fields, isFilled)
    const alias = (item?.fields.alias ?? {}) as Fields
    const name = item?.type === 'RangeVar' ? (textOf(item.fields.relname) ?? '') : ''
    const isPlain =
      item?.type === 'RangeVar' && !isFilled && alias.colnames === undefined && this.#names.get(name) === 1
    const schema = textOf(item?.fields.schemaname)
    const table = isPlain && item?.fields.catalogname === undefined ? { schema, name } : undefined
    this.ranges.push({ alias: textOf(alias.aliasname) ?? name, table })
    return [this.ranges.length - 1]
  }

  #join(join: Fields, isFilled: boolean): number[] {
    const { jointype } = join
    const isInner = jointype === 'JOIN_INNER'
    const fillsLeft = !isInner && jointype !== 'JOIN_LEFT'
    const fillsRight = !isInner && jointype !== 'JOIN_RIGHT'
    // An alias hides the names of what is joined.
    const isHidden = join.alias !== undefined || join.join_using_alias !== undefined
    if (join.isNatural === true || join.usingClause !== undefined) this.#merges = true
    const left = this.range(unwrap(join.larg), isFilled || isHidden || fillsLeft)
    const right = this.range(unwrap(join.rarg), isFilled || isHidden || fillsRight)
    if (isInner && !isFilled && !isHidden) {
      this.conditions(join.quals, [...left, ...right])
      for (const column of wordsOf(join.usingClause)) this.#using(column, left, right)
    }
    return [...left, ...right]
  }

  /** Between two tables the columns of the name are plainly theirs. */
  #using(column: string, left: readonly number[], right: readonly number[]): void {
    if (left.length > 1 || right.length > 1) return
    const [one, other] = [left, right].map((among) => ({ of: this.ranges[among[0] as number]?.alias, column, among }))
    if (one !== undefined && other !== undefined) this.links.push([one, other])
  }

  /** Takes up what must hold for every row. */
  conditions(root: unknown, among: readonly number[]): void {
    const pending = [root]
    while (pending.length > 0) {
      const node = unwrap(pending.pop())
      if (node?.type === 'BoolExpr' && node.fields.boolop === 'AND_EXPR') pending.push(...listOf(node.fields.args))
      else if (node?.type === 'A_Expr') this.#comparison(node.fields, among)
    }
  }

  #comparison(fields: Fields, among: readonly number[]): void {
    const words = wordsOf(fields.name)
    const operator = words.at(-1) ?? ''
    if (words.length > 2 || (words.length === 2 && words[0] !== 'pg_catalog')) return
    const left = this.#columnOf(fields.lexpr, among)
    switch (fields.kind) {
      case 'AEXPR_OP':
        this.#operator(operator, fields, left, this.#columnOf(fields.rexpr, among))
        return
      case 'AEXPR_IN':
        if (operator === '=' && left !== undefined) this.#pinIn(left, listOf(fields.rexpr).map(sourceOf))
        return
      case 'AEXPR_OP_ANY': {
        const array = sourceOf(fields.rexpr)
        const isParameter = array?.kind === 'parameter'
        if (operator === '=' && left !== undefined && isParameter) this.#pin(left, { kind: 'any', array })
        return
      }
      case 'AEXPR_BETWEEN': {
        const [low, high] = listOf(fields.rexpr).map(sourceOf)
        if (left !== undefined && low !== undefined && high !== undefined) this.#pin(left, { kind: 'range', low, high })
      }
    }
  }

  #operator(operator: string, fields: Fields, left: ColumnName | undefined, right: ColumnName | undefined): void {
    if (left !== undefined && right !== undefined) {
      if (operator === '=') this.links.push([left, right])
      return
    }
    const column = left ?? right
    const value = sourceOf(left === undefined ? fields.lexpr : fields.rexpr)
    if (column === undefined || value === undefined) return
    if (operator === '=') this.#pin(column, { kind: 'in', values: [value] })
    const isUpper = (operator[0] === '<') === (left !== undefined)
    if (!['<', '<=', '>', '>='].includes(operator)) return
    this.#pin(column, { kind: 'range', low: isUpper ? undefined : value, high: isUpper ? value : undefined })
  }

  #pinIn(column: ColumnName, sources: readonly (Source | undefined)[]): void {
    const values = sources.filter((source) => source !== undefined)
    if (values.length === sources.length) this.#pin(column, { kind: 'in', values })
  }

  #pin(column: ColumnName, test: PinTest): void {
    this.pins.push({ column, test })
  }

  #columnOf(value: unknown, among: readonly number[]): ColumnName | undefined {
    const fields = fieldsIf('ColumnRef', value)
    if (fields === undefined) return undefined
    const parts = listOf(fields.fields)
    const words = wordsOf(fields.fields)
    if (words.length !== parts.length || words.length > 2) return undefined
    const [first = '', second] = words
    if (second !== undefined) return { of: first, column: second, among }
    return this.#merges ? undefined : { of: undefined, column: first, among }
  }
}
