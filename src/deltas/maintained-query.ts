// A query whose answer follows the changes of what it reads.
//
//   rows of relations -> Source -> Join -> Groups -> Output      (of each SELECT that UNION ALL puts together)
//
// It is made from the parse tree, filled with the rows of one snapshot, and told of every change behind it, transaction by transaction. What it
// answers is what PostgreSQL answers at the same point, to the byte; what that needs and is not known here is refused when it is made.

import { type Fields, fieldsIf, listOf, unwrap, wordsOf } from '../sql/index.ts'
import { Branch, type OutputColumn } from './branch.ts'
import { type Expression, mustOrder } from './expression.ts'
import type { FindSource, RelationWord } from './from.ts'
import { GatheredRows, type Gathering, mustReadKeys, ofChosen } from './gathering.ts'
import { type Cell, type Row, renderCell, type Type } from './kinds.ts'
import { type Direction, OnePerGroup, Ordered, type Output, Unordered } from './output.ts'
import { NotMaintainable } from './refusals.ts'
import { type RelationFacts, Source } from './source.ts'

/** Undefined if it is no table that changes are told of row by row. */
type FindRelation = (relation: RelationWord) => RelationFacts | undefined

interface MaintainedOptions {
  /** Rows that are kept beyond a LIMIT, so that what leaves it can be replaced. */
  readonly reserve?: number
  /** It is of these, and not of rows. */
  readonly gathering?: Gathering
}

interface MaintainedColumn {
  readonly name: string
  readonly type: Type
}

function refuse(what: string): never {
  throw new NotMaintainable('shape', `${what} is not maintained from changes`)
}

export class MaintainedQuery {
  readonly columns: readonly MaintainedColumn[]
  /** By OID. */
  readonly sources = new Map<number, Source>()
  readonly #branches: readonly Branch[]
  readonly #output: Output

  /** Of the node of a SELECT. Throws NotMaintainable, or the EvaluationError of a constant in it. */
  constructor(statement: unknown, findRelation: FindRelation, { reserve = 1000, gathering }: MaintainedOptions = {}) {
    const asked = fieldsIf('SelectStmt', statement) ?? refuse('a statement that is no SELECT')
    const select = gathering === undefined ? asked : ofChosen(asked, gathering)
    const gathered = gathering && new GatheredRows(gathering)
    const find: FindSource = (word) => gathered ?? this.#find(findRelation, word)
    if (gathering !== undefined) mustReadKeys(select, gathering)
    this.#branches = selectsOf(select).map((fields) => new Branch(fields, find))
    const [first, ...others] = this.#branches as [Branch, ...Branch[]]
    if (this.sources.size === 0 && gathered === undefined) refuse('a query that reads nothing')
    this.columns = first.columns.map(({ name, expression }) => ({ name, type: expression.type }))
    for (const other of others) mustBeAlike(first, other)
    const isUnion = others.length > 0
    const keys = listOf(select.sortClause).map((node) => this.#sortKey(node, first, isUnion))
    this.#output = outputOf(select, keys, this.#branches, reserve)
    for (const branch of this.#branches) {
      const order = keys.map(({ of }) => of(branch))
      branch.open(order, (row, key, weight) => this.#output.add(row, key, weight))
    }
    if (gathering === undefined || gathered === undefined) return
    if (isUnion) refuse('a union of groups')
    first.take(gathering, gathered)
  }

  /** What it has gathered, if other queries can be answered from that. */
  get gathering(): Gathering | undefined {
    return this.#branches.length === 1 ? this.#branches[0]?.gathering : undefined
  }

  /** Why another statement is not answered from what is gathered; undefined if it is, as far as can be said before. */
  whyNot(statement: unknown): string | undefined {
    const { gathering } = this
    if (gathering === undefined) return 'it gathers nothing'
    try {
      new MaintainedQuery(statement, () => undefined, { gathering: { ...gathering, groups: () => [] } })
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  /** An answer of another statement over the same relation, from what is gathered now. Throws NotMaintainable if that does not do. */
  answer(statement: unknown): MaintainedQuery {
    const { gathering } = this
    if (gathering === undefined) refuse('a query without groups')
    return new MaintainedQuery(statement, () => undefined, { gathering })
  }

  /** Told in no order of their own, but that of ORDER BY. */
  rows(): Row[] {
    for (const branch of this.#branches) branch.flush()
    if (this.#output.isShort) {
      this.#output.clear()
      for (const branch of this.#branches) branch.replay()
    }
    return this.#output.rows()
  }

  /** As PostgreSQL prints them with DateStyle ISO and TimeZone UTC. */
  texts(): (string | null)[][] {
    return this.rows().map((row) =>
      row.map((cell: Cell, at) =>
        cell === null ? null : renderCell((this.columns[at] as MaintainedColumn).type, cell),
      ),
    )
  }

  /** True if PostgreSQL might as well answer with other rows. As of the last call of rows(). */
  get isAmbiguous(): boolean {
    return this.#output.isAmbiguous
  }

  #find(findRelation: FindRelation, word: RelationWord): Source {
    const facts = findRelation(word)
    if (facts === undefined) throw new NotMaintainable('relation', `changes of "${word.name}" are not told row by row`)
    const source = this.sources.get(facts.oid) ?? new Source(facts)
    this.sources.set(facts.oid, source)
    return source
  }

  #sortKey(node: unknown, first: Branch, isUnion: boolean): SortKey {
    const sort = fieldsIf('SortBy', node) ?? refuse('this ORDER BY')
    if (sort.useOp !== undefined || sort.sortby_dir === 'SORTBY_USING') return refuse('ORDER BY … USING')
    const isDescending = sort.sortby_dir === 'SORTBY_DESC'
    const areNullsFirst =
      sort.sortby_nulls === 'SORTBY_NULLS_FIRST' || (isDescending && sort.sortby_nulls !== 'SORTBY_NULLS_LAST')
    const place = outputPlace(sort.node, first.columns)
    if (place === undefined && isUnion) return refuse('this ORDER BY of a union')
    const of = (branch: Branch): Expression => {
      if (place === undefined) return branch.orderBy(sort.node)
      const { expression } = branch.columns[place] as OutputColumn
      mustOrder(expression.type)
      return expression
    }
    return { direction: { kind: of(first).type.kind, isDescending, areNullsFirst }, of }
  }
}

interface SortKey {
  readonly direction: Direction
  of(branch: Branch): Expression
}

/** The column of the answer that ORDER BY names, by number or by name. */
function outputPlace(node: unknown, columns: readonly OutputColumn[]): number | undefined {
  const typed = unwrap(node)
  if (typed?.type === 'A_Const') {
    const place = Number((typed.fields.ival as Fields | undefined)?.ival ?? 0) - 1
    return columns[place] === undefined ? refuse('ORDER BY of a constant') : place
  }
  const words = typed?.type === 'ColumnRef' ? wordsOf(typed.fields.fields) : []
  if (words.length !== 1) return undefined
  const places = columns.flatMap(({ name }, at) => (name === words[0] ? [at] : []))
  if (places.length > 1) return refuse('ORDER BY of a name that two columns have')
  return places[0]
}

/** The parts of UNION ALL, from left to right. */
function selectsOf(select: Fields): Fields[] {
  if (select.op === undefined || select.op === 'SETOP_NONE') return [select]
  if (select.op !== 'SETOP_UNION' || select.all !== true) return refuse('UNION, INTERSECT or EXCEPT')
  if (select.withClause !== undefined || select.lockingClause !== undefined) return refuse('WITH')
  return [select.larg, select.rarg].flatMap((part) => {
    const fields = part as Fields
    if (fields.sortClause !== undefined || fields.limitCount !== undefined || fields.limitOffset !== undefined)
      return refuse('ORDER BY or LIMIT within a union')
    const parts = selectsOf(fields)
    if (parts.some(({ distinctClause }) => distinctClause !== undefined)) return refuse('DISTINCT within a union')
    return parts
  })
}

function mustBeAlike(first: Branch, other: Branch): void {
  const isAlike = first.columns.every(({ expression: { type } }, at) => {
    const against = other.columns[at]?.expression.type
    return (
      against !== undefined &&
      type.oid === against.oid &&
      type.kind === against.kind &&
      type.modifier === against.modifier
    )
  })
  if (!isAlike || first.columns.length !== other.columns.length) refuse('a union of different types')
}

function outputOf(select: Fields, keys: readonly SortKey[], branches: readonly Branch[], reserve: number): Output {
  const isDistinct = branches.some((branch) => branch.isDistinct)
  if (select.limitOption === 'LIMIT_OPTION_WITH_TIES') return refuse('WITH TIES')
  const offset = countOf(select.limitOffset, 0)
  const limit = countOf(select.limitCount, Number.POSITIVE_INFINITY)
  if (keys.length > 0)
    return new Ordered(
      keys.map(({ direction }) => direction),
      isDistinct,
      offset,
      limit,
      reserve,
    )
  if (offset > 0 || limit !== Number.POSITIVE_INFINITY) return refuse('LIMIT without ORDER BY')
  return !isDistinct && branches.every(({ isGrouped }) => isGrouped) ? new OnePerGroup() : new Unordered(isDistinct)
}

function countOf(node: unknown, otherwise: number): number {
  if (node === undefined) return otherwise
  const constant = fieldsIf('A_Const', node)
  if (constant?.isnull === true) return otherwise
  const count = constant?.ival as Fields | undefined
  return count === undefined ? refuse('a LIMIT that is no plain number') : Number(count.ival ?? 0)
}
