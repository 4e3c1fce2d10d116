// Which rows a statement's answers depend on: what its text pins, with what the catalogue says of the tables.
//
// A table has a part in it if exactly one that was locked has its name, everything that was locked is a table without policies and children
// (`ShapeFacts.tables`), and each pin compares a column with something of its own family of types: then PostgreSQL's operator for the two is that
// of the family, and two values are equal if they look alike (sql/row-values.ts). A parameter whose type the client left open takes it
// from its place, if it has only one.
//
// Footprints are looked for by the columns of the replica identity where there are some: what these were before an update is always known.

import {
  type ColumnFacts,
  declaredTypes,
  type ShapeFacts,
  type StatementText,
  type TableFacts,
} from '../cache/plans/index.ts'
import {
  type DatabaseEpochs,
  type FootprintGroup,
  type Relation,
  type RowFootprints,
  rowsOf,
} from '../invalidation/index.ts'
import {
  type ColumnName,
  type Family,
  familyOfArray,
  familyOfName,
  familyOfType,
  isOrdered,
  type PinTest,
  type RawFootprint,
  type RawRange,
  type Source,
} from '../sql/index.ts'

export interface RowTemplate {
  readonly facts: ShapeFacts
  readonly parts: readonly TemplatePart[]
  /** What hits look at in place of the relations. */
  readonly guards: readonly Relation[]
}

interface TemplatePart {
  readonly rows: RowFootprints
  readonly group: FootprintGroup
  readonly pins: readonly TemplatePin[]
}

export interface TemplatePin {
  readonly column: number
  readonly family: Family
  readonly test: PinTest
}

interface Column {
  readonly table: TableFacts
  readonly facts: ColumnFacts
  readonly family: Family
}

interface BoundPin {
  readonly column: Column
  readonly test: PinTest
}

/** Undefined if the answers depend on their relations as a whole. */
export function rowTemplate(
  raw: RawFootprint,
  text: StatementText,
  facts: ShapeFacts,
  database: DatabaseEpochs,
): RowTemplate | undefined {
  const { tables } = facts
  if (tables === undefined) return undefined
  const columns = new Columns(raw.ranges, tables)
  const types = new SourceTypes(raw, declaredTypes(text) ?? [])
  const pins: BoundPin[] = []
  for (const { column, test } of raw.pins) {
    const found = columns.find(column)
    if (found !== undefined && types.allow(found.family, test)) pins.push({ column: found, test })
  }
  followLinks(pins, raw, columns)
  const parts = tables.flatMap((table) => {
    const part = partOf(
      table,
      pins.filter((pin) => pin.column.table === table),
      database,
    )
    return part === undefined ? [] : [part]
  })
  if (parts.length === 0) return undefined
  const guards = facts.relations.map(
    (relation) => parts.find(({ rows }) => rows.relation === relation)?.group.guard ?? relation,
  )
  return { facts, parts, guards }
}

class Columns {
  readonly #ranges: readonly RawRange[]
  readonly #tables: readonly (TableFacts | undefined)[]

  constructor(ranges: readonly RawRange[], tables: readonly TableFacts[]) {
    this.#ranges = ranges
    this.#tables = ranges.map(({ table }) => {
      const same = tables.filter(({ name }) => name === table?.name)
      const [only] = same
      return same.length === 1 && (table?.schema ?? only?.schema) === only?.schema ? only : undefined
    })
  }

  find({ of, column, among }: ColumnName): Column | undefined {
    const named = of === undefined ? [] : this.#ranges.flatMap(({ alias }, at) => (alias === of ? [at] : []))
    if (of !== undefined && (named.length !== 1 || !among.includes(named[0] as number))) return undefined
    const places = of === undefined ? among : named
    const found = places.flatMap((at) => {
      const table = this.#tables[at]
      const facts = table?.columns.find(({ name }) => name === column)
      const family = facts === undefined ? undefined : familyOfType(facts.type)
      return table === undefined || facts === undefined || family === undefined ? [] : [{ table, facts, family }]
    })
    return found.length === 1 ? found[0] : undefined
  }
}

/** Declared with this type a parameter is as open as without. */
const unknownType = 705

class SourceTypes {
  readonly #raw: RawFootprint
  readonly #declared: readonly number[]

  constructor(raw: RawFootprint, declared: readonly number[]) {
    this.#raw = raw
    this.#declared = declared
  }

  /** True if what a column of the family is compared with is of it too. */
  allow(family: Family, test: PinTest): boolean {
    switch (test.kind) {
      case 'in':
        return test.values.every((source) => this.#isOf(family, source))
      case 'any': {
        const { array } = test
        if (array.cast !== undefined && arrayNameFamily(array.cast) !== family) return false
        return array.kind === 'parameter' && this.#isParameterOf(array.number, (type) => familyOfArray(type) === family)
      }
      case 'range':
        return isOrdered(family) && [test.low, test.high].every((one) => one === undefined || this.#isOf(family, one))
    }
  }

  #isOf(family: Family, source: Source): boolean {
    if (source.cast !== undefined && familyOfName(source.cast) !== family) return false
    if (source.kind === 'parameter') return this.#isParameterOf(source.number, (type) => familyOfType(type) === family)
    const { kind } = source.literal
    if (kind === 'string') return true
    return kind === 'number' ? family === 'int' : family === 'bool'
  }

  #isParameterOf(number: number, isRight: (type: number) => boolean): boolean {
    const type = this.#declared[number - 1] ?? 0
    return type === 0 || type === unknownType ? this.#raw.parameterUses.get(number) === 1 : isRight(type)
  }
}

function arrayNameFamily(name: string): Family | undefined {
  return name.endsWith('[]') ? familyOfName(name.slice(0, -2)) : undefined
}

/** Where two columns must be equal, one is pinned to what the other is. */
function followLinks(pins: BoundPin[], raw: RawFootprint, columns: Columns): void {
  const links = raw.links.flatMap(([one, other]) => {
    const [left, right] = [columns.find(one), columns.find(other)]
    return left === undefined || right === undefined || left.family !== right.family ? [] : [[left, right] as const]
  })
  const isPinned = ({ facts }: Column) => pins.some((pin) => pin.column.facts === facts)
  // Each step pins a column that was not, so that it ends.
  for (let isDone = false; !isDone; ) {
    isDone = true
    for (const [left, right] of links) {
      if (isPinned(left) === isPinned(right)) continue
      const [from, to] = isPinned(left) ? [left, right] : [right, left]
      for (const { test } of pins.filter((pin) => pin.column.facts === from.facts)) pins.push({ column: to, test })
      isDone = false
    }
  }
}

function partOf(table: TableFacts, pins: readonly BoundPin[], database: DatabaseEpochs): TemplatePart | undefined {
  const equal = pins.filter(({ test }) => test.kind !== 'range')
  const identity = equal.filter(({ column }) => column.facts.identity)
  const first = identity.length > 0 ? identity : equal
  const isRange = first.length === 0
  const key = isRange ? pins.slice(0, 1) : first
  if (key.length === 0) return undefined
  const rows = rowsOf(table.relation, database)
  if (rows === undefined) return undefined
  rows.hasIdentity = table.columns.some(({ identity }) => identity)
  const numberOf = ({ column }: BoundPin) => rows.columnOf(column.facts.attribute, column.facts.type)
  const group = rows.group(
    [...new Set(key.map(numberOf))].sort((one, other) => one - other),
    isRange,
  )
  if (group === undefined) return undefined
  return {
    rows,
    group,
    pins: pins.map((pin) => ({ column: numberOf(pin), family: pin.column.family, test: pin.test })),
  }
}
