// The rows of one relation, as far as queries look at them, kept by primary key: of an UPDATE or DELETE the origin may tell the key alone, and
// leave out long values that did not change.

import { Finite } from './decimal.ts'
import { type Cell, joinKeys, type Key, keyOf, parseCell, type Row, type Type } from './kinds.ts'
import { NotMaintainable } from './refusals.ts'

interface ColumnFacts {
  readonly name: string
  readonly type: Type
}

export interface RelationFacts {
  readonly oid: number
  readonly name: string
  readonly columns: readonly ColumnFacts[]
  /** Names of the columns that its old rows are told by. Empty: by all of them (REPLICA IDENTITY FULL). */
  readonly key: readonly string[]
}

/** Values by name, as the feed tells them: undefined where it does not. */
type TextRow = ReadonlyMap<string, string | null | undefined>

interface TextChange {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly old: TextRow | undefined
  readonly new: TextRow | undefined
}

/** What was told does not fit the rows that are known: they have to be read anew. */
export class Diverged extends Error {
  override readonly name = 'Diverged'
}

export type OnChange = (old: Row | undefined, now: Row | undefined) => void

export interface SourceColumn {
  readonly name: string
  readonly type: Type
  /** Of numeric, where all values have it though the type does not say so. */
  readonly scale?: number | undefined
}

/** Where rows of one range of FROM come from. */
export interface RowSource {
  readonly relation: {
    readonly name: string
    readonly columns: readonly SourceColumn[]
    readonly key: readonly string[]
  }
  /** In the order of a row's cells. */
  readonly columns: readonly SourceColumn[]
  readonly onChange: OnChange[]
  /** The place of a column in the rows; undefined if there is none of that name. */
  want(name: string): number | undefined
  rows(): Iterable<Row>
}

export class Source implements RowSource {
  readonly relation: RelationFacts
  /** Wanted, in the order of a row's cells: those of the key come first. */
  readonly columns: ColumnFacts[] = []
  readonly onChange: OnChange[] = []
  /** Without a key: by all that is known of a row, with the others that are just like it behind it. */
  readonly #rows = new Map<Key, Row>()
  readonly #twins = new Map<Key, Row[]>()

  constructor(relation: RelationFacts) {
    this.relation = relation
    for (const name of relation.key) this.want(name)
    for (const column of this.columns)
      if (column.type.kind === 'other' || !column.type.isDeterministic)
        throw new NotMaintainable(
          'relation',
          `values of the key column "${column.name}" of "${relation.name}" cannot be told apart`,
        )
  }

  get rowCount(): number {
    let count = this.#rows.size
    for (const twins of this.#twins.values()) count += twins.length
    return count
  }

  want(name: string): number | undefined {
    const place = this.columns.findIndex((column) => column.name === name)
    if (place >= 0) return place
    const column = this.relation.columns.find((candidate) => candidate.name === name)
    if (column === undefined) return undefined
    return this.columns.push(column) - 1
  }

  /** A row that was there from the beginning. */
  add(text: TextRow): void {
    this.#tell(undefined, this.#put(this.#parse(text, undefined, this.columns.length)))
  }

  /** An error of any kind leaves all that follows this source unusable: it is to be filled anew. */
  apply(change: TextChange): void {
    const { old: before, new: after } = change
    if (change.kind === 'update' && before === undefined && after !== undefined && this.#hasKey) {
      this.#replace(after)
      return
    }
    if ((before === undefined && change.kind !== 'insert') || (after === undefined && change.kind !== 'delete'))
      this.#refuse('a row was not told')
    const old = before === undefined ? undefined : this.#take(before)
    const now = after === undefined ? undefined : this.#parse(after, old, this.columns.length)
    // Others hold the row that was there.
    const isUnchanged = old !== undefined && now !== undefined && isSame(old, now)
    if (now !== undefined) this.#put(isUnchanged ? old : now)
    if (!isUnchanged) this.#tell(old, now)
  }

  /** Under the same key. */
  #replace(text: TextRow): void {
    const told = this.#parse(text, undefined, this.relation.key.length)
    const key = this.#keyOf(told)
    const old = this.#rows.get(key) ?? this.#refuse('a row is not known')
    const now = this.#parse(text, old, this.columns.length, told)
    if (isSame(old, now)) return
    this.#rows.set(key, now)
    this.#tell(old, now)
  }

  truncate(): void {
    const rows = [...this.rows()]
    this.#rows.clear()
    this.#twins.clear()
    for (const row of rows) this.#tell(row, undefined)
  }

  *rows(): Generator<Row> {
    yield* this.#rows.values()
    for (const twins of this.#twins.values()) yield* twins
  }

  get #hasKey(): boolean {
    return this.relation.key.length > 0
  }

  #refuse(what: string): never {
    throw new Diverged(`${what}, of "${this.relation.name}"`)
  }

  #tell(old: Row | undefined, now: Row | undefined): void {
    for (let at = 0; at < this.onChange.length; at++) (this.onChange[at] as OnChange)(old, now)
  }

  #keyOf(row: Row): Key {
    if (this.relation.key.length === 1) return keyOf((this.columns[0] as ColumnFacts).type.kind, row[0] as Cell)
    const keys: Key[] = []
    const length = this.#hasKey ? this.relation.key.length : this.columns.length
    for (let at = 0; at < length; at++) {
      const { kind } = (this.columns[at] as ColumnFacts).type
      keys.push(this.#hasKey ? keyOf(kind, row[at] as Cell) : identityOf(row[at] as Cell))
    }
    return joinKeys(keys)
  }

  #put(row: Row): Row {
    const key = this.#keyOf(row)
    if (!this.#rows.has(key)) this.#rows.set(key, row)
    else if (this.#hasKey) this.#refuse('two rows have one key')
    else this.#twins.set(key, [...(this.#twins.get(key) ?? []), row])
    return row
  }

  #take(text: TextRow): Row {
    // NULLs are left out of an old row that is told whole.
    const parsed = this.#hasKey
      ? this.#parse(text, undefined, this.relation.key.length)
      : this.#parse(text, [], this.columns.length)
    const key = this.#keyOf(parsed)
    const twins = this.#twins.get(key)
    const row = twins?.pop() ?? this.#rows.get(key) ?? this.#refuse('a row is not known')
    if (twins === undefined) this.#rows.delete(key)
    else if (twins.length === 0) this.#twins.delete(key)
    return row
  }

  /** `before` has the values that were not told, `row` those that have been read. */
  #parse(text: TextRow, before: Row | undefined, length: number, row: Cell[] = []): Cell[] {
    for (let at = row.length; at < length; at++) {
      const { name, type } = this.columns[at] as ColumnFacts
      const value = text.get(name)
      if (typeof value === 'string') row.push(parseCell(type, value))
      else if (value === null) row.push(null)
      else if (before === undefined) throw new Diverged(`"${name}" of "${this.relation.name}" was not told`)
      else row.push(before[at] ?? null)
    }
    return row
  }
}

/** Told apart also where they are equal, as 1.0 and 1.00 are. */
export function identityOf(cell: Cell): Key {
  return cell instanceof Finite ? `${cell.digits}e${cell.scale}` : cell
}

export function isSame(one: Row, other: Row): boolean {
  for (let at = 0; at < one.length; at++) {
    const cell = one[at]
    const against = other[at]
    if (cell === against) continue
    const isEqual = cell instanceof Finite && against instanceof Finite
    if (!isEqual || cell.digits !== against.digits || cell.scale !== against.scale) return false
  }
  return one.length === other.length
}
