// Random tables, queries over them and transactions, as SQL: what a query maintained from changes is compared with PostgreSQL on.
//
// Values come from small sets, so that groups, joins and duplicates are frequent. Nothing is generated that PostgreSQL would answer with an error.

import type { Random } from '../../src/base/index.ts'

export interface Column {
  readonly name: string
  readonly kind: string
  readonly isNullable: boolean
}

export interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  readonly ddl: readonly string[]
}

export interface Case {
  readonly tables: readonly Table[]
  readonly before: readonly string[]
  readonly queries: readonly string[]
  readonly transactions: readonly (readonly string[])[]
}

/** Types of columns, with values of each. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  int2: ['0', '1', '2', '-3', '150'],
  int4: ['0', '1', '2', '3', '-7', '40000'],
  int8: ['0', '1', '-5', '9007199254740993', '9007199254740992'],
  'numeric(10,2)': ['0', '1', '1.50', '-2.25', '99999.99', '0.01'],
  numeric: [
    '0',
    '1',
    '1.0',
    '1.000',
    '-2.5',
    '123456789012345678901234567890.5',
    '0.00001',
    `'NaN'`,
    `'Infinity'`,
    `'-Infinity'`,
  ],
  text: [`''`, `'a'`, `'A'`, `'ab'`, `'it''s'`, `'ä'`, `'😀x'`, `'a%b'`],
  'text collate "C"': [`''`, `'a'`, `'B'`, `'ab'`, `'ﬀ'`, `'😀'`, `'z'`],
  'varchar(5)': [`'x'`, `'X'`, `'x '`, `'yy'`],
  'char(3)': [`'x'`, `'x  '`, `'xy'`, `''`, `'ä'`],
  bool: ['true', 'false'],
  date: [`'2020-01-01'`, `'2020-01-31'`, `'2020-02-29'`, `'1999-12-31'`, `'infinity'`, `'0044-03-15 BC'`],
  timestamp: [`'2020-01-31 00:00:00'`, `'2020-01-31 12:34:56.5'`, `'2019-12-31 23:59:59.999999'`, `'-infinity'`],
  timestamptz: [`'2020-01-01 00:00:00+00'`, `'2020-01-01 05:30:00.25+05:30'`, `'infinity'`],
  uuid: [`'00000000-0000-0000-0000-00000000000a'`, `'10000000-0000-0000-0000-000000000000'`],
  float8: ['0', '1.5', '-0.1', `'NaN'`],
  jsonb: [`'{"a": 1}'`, `'[1, 2]'`, `'null'`],
}
const numbers = ['int2', 'int4', 'int8', 'numeric(10,2)', 'numeric']
const spreads = ['var_pop', 'var_samp', 'variance', 'stddev_pop', 'stddev_samp', 'stddev']
const comparable = Object.keys(kinds).filter((kind) => !['float8', 'jsonb'].includes(kind))
const grouped = comparable.filter((kind) => kind !== 'numeric')
const ordered = [...grouped, 'numeric', 'other'].filter((kind) => !['text', 'varchar(5)', 'char(3)'].includes(kind))
const extremes = ordered.filter((kind) => !['bool', 'uuid', 'numeric', 'other'].includes(kind))

interface Range {
  readonly alias: string
  readonly table: Table
}

interface Typed {
  readonly text: string
  readonly kind: string
}

export class Generator {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** `queryCount` queries over the same tables and transactions. */
  case(queryCount: number): Case {
    const tables = [0, 1, 2].map((index) => this.#table(`t${index}`))
    const before = this.#times(20, () => this.#insert(this.#pick(tables)))
    const queries = this.#times(queryCount, () => this.#query(tables))
    const transactions = this.#times(6 + this.#random.int(6), () => {
      const count = 1 + this.#random.int(4)
      const statements = this.#times(count, () => this.#change(tables))
      return this.#random.chance(0.1) ? [...statements, 'rollback'] : statements
    })
    return { tables, before, queries, transactions }
  }

  #pick<Item>(items: readonly Item[]): Item {
    return this.#random.pick(items)
  }

  #times<Item>(count: number, make: () => Item): Item[] {
    return Array.from({ length: count }, make)
  }

  #table(name: string): Table {
    const columns: Column[] = this.#times(3 + this.#random.int(4), () => this.#pick(Object.keys(kinds))).map(
      (kind, at) => ({
        name: `c${at}`,
        kind,
        isNullable: this.#random.chance(0.8),
      }),
    )
    const definitions = columns.map((column) => `${column.name} ${column.kind}${column.isNullable ? '' : ' not null'}`)
    const plain = `create table ${name} (k int4 %, ${definitions.join(', ')})`
    const all = [{ name: 'k', kind: 'int4', isNullable: false }, ...columns]
    const way = this.#random.int(5)
    if (way === 0)
      return { name, columns: all, ddl: [plain.replace('%', 'not null'), `alter table ${name} replica identity full`] }
    if (way === 1)
      return {
        name,
        columns: all,
        ddl: [plain.replace('%', 'primary key'), `alter table ${name} replica identity full`],
      }
    return { name, columns: all, ddl: [plain.replace('%', 'primary key')] }
  }

  #value({ kind, isNullable }: Column): string {
    return isNullable && this.#random.chance(0.2) ? 'null' : this.#pick(kinds[kind] as readonly string[])
  }

  #row({ columns }: Table): string {
    return `(${columns.map((column) => (column.name === 'k' ? String(this.#random.int(12)) : this.#value(column))).join(', ')})`
  }

  #insert(table: Table): string {
    const conflict = table.ddl[0]?.includes('primary key') ? ' on conflict do nothing' : ''
    return `insert into ${table.name} values ${this.#times(1 + this.#random.int(3), () => this.#row(table)).join(', ')}${conflict}`
  }

  #change(tables: readonly Table[]): string {
    const table = this.#pick(tables)
    const { name, columns } = table
    const way = this.#random.next()
    if (way < 0.4) return this.#insert(table)
    if (way < 0.42) return `truncate ${name}`
    const column = this.#pick(columns)
    const some = this.#pick([
      `k = ${this.#random.int(12)}`,
      `k < ${this.#random.int(12)}`,
      `${column.name} is null`,
      `k % 3 = ${this.#random.int(3)}`,
    ])
    if (way < 0.6) return `delete from ${name} where ${some}`
    const isKeyed = table.ddl[0]?.includes('primary key') === true
    if (way < 0.66)
      return isKeyed
        ? `update ${name} set k = k + 100 where k < 3 and not exists (select from ${name} where k >= 100)`
        : `update ${name} set k = k + 1`
    if (way < 0.7 && isKeyed)
      return `update ${name} set k = k - 100 where k >= 100 and not exists (select from ${name} where k < 3)`
    const changed = columns.filter((candidate) => candidate.name !== 'k')
    const set = this.#times(1 + this.#random.int(2), () => this.#pick(changed))
    const sets = [...new Set(set)].map((each) => `${each.name} = ${this.#value(each)}`)
    return `update ${name} set ${sets.join(', ')} where ${some}`
  }

  #query(tables: readonly Table[]): string {
    if (this.#random.chance(0.12)) return this.#union(tables)
    if (this.#random.chance(0.08)) {
      const named = this.#subquery(tables)
      const order = this.#random.chance(0.5) ? ' (e0)' : ''
      const columns =
        order === '' ? named.columns : named.columns.map((each, at) => (at === 0 ? { ...each, name: 'e0' } : each))
      const table: Table = { name: 'w', columns, ddl: [] }
      return `with w${order} as ${named.name} ${this.#select([...tables.slice(1), table, table])}`
    }
    return this.#select(tables.map((table) => (this.#random.chance(0.12) ? this.#subquery(tables) : table)))
  }

  /** A subquery in the place of a table. */
  #subquery(tables: readonly Table[]): Table {
    const { ranges, from, conditions } = this.#from(tables)
    const where = this.#random.chance(0.5) ? [...conditions, this.#condition(ranges, 1)] : conditions
    const rest = `${from}${where.length === 0 ? '' : ` where ${where.join(' and ')}`}`
    const columns: Column[] = [{ name: 'k', kind: 'int4', isNullable: true }]
    const isGrouped = this.#random.chance(0.5)
    const isDistinct = !isGrouped && this.#random.chance(0.3)
    const items = [isGrouped ? 'a.k % 3 as k' : 'a.k']
    const add = (text: string, kind: string) => {
      items.push(`${text} as d${items.length}`)
      columns.push({ name: `d${items.length - 1}`, kind, isNullable: true })
    }
    const among = isDistinct || isGrouped ? grouped : Object.keys(kinds)
    const keys = this.#times(this.#random.int(3), () => this.#pick(this.#columns(ranges, among)))
    for (const { text, kind } of keys) add(text, kind)
    if (!isGrouped) {
      if (!isDistinct && this.#random.chance(0.4)) add(`(${this.#number(ranges, 1).text})::numeric`, 'numeric')
      return { name: `(select ${isDistinct ? 'distinct ' : ''}${items.join(', ')} ${rest})`, columns, ddl: [] }
    }
    add('count(*)', 'int8')
    if (this.#random.chance(0.5)) add(`sum(${this.#number(ranges, 1).text})::numeric`, 'numeric')
    const extreme = this.#pick(this.#columns(ranges, extremes))
    if (this.#random.chance(0.5)) add(`max(${extreme.text})`, extreme.kind)
    const group = ['a.k % 3', ...keys.map(({ text }) => text)].join(', ')
    return { name: `(select ${items.join(', ')} ${rest} group by ${group})`, columns, ddl: [] }
  }

  #select(tables: readonly Table[]): string {
    const { ranges, from, conditions } = this.#from(tables)
    if (this.#random.chance(0.6)) conditions.push(`(${this.#condition(ranges, 2)})`)
    const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
    return this.#random.chance(0.6)
      ? this.#aggregating(ranges, `${from}${where}`)
      : this.#projecting(ranges, `${from}${where}`)
  }

  #union(tables: readonly Table[]): string {
    const kind = this.#pick(['int4', 'k'])
    const parts = this.#times(2 + this.#random.int(2), () => {
      const table = this.#pick(tables)
      const range = { alias: table.name, table }
      if (kind === 'k') return `select k from ${table.name} where ${this.#condition([range], 1)}`
      return `select k % 3 as m, count(*) from ${table.name} where ${this.#condition([range], 1)} group by k % 3`
    })
    const order = this.#random.chance(0.4) ? (kind === 'k' ? ' order by k desc' : ' order by m, 2') : ''
    return `${parts.join(' union all ')}${order}${order !== '' && this.#random.chance(0.5) ? ' limit 5' : ''}`
  }

  #from(tables: readonly Table[]): {
    readonly ranges: readonly Range[]
    readonly from: string
    readonly conditions: string[]
  } {
    const first = { alias: 'a', table: this.#pick(tables) }
    const ranges: Range[] = [first]
    let from = `from ${first.table.name} a`
    const conditions: string[] = []
    const outer = new Set<string>()
    for (const alias of ['b', 'c'].slice(0, this.#random.int(3))) {
      const range = { alias, table: this.#pick(tables) }
      const inner = ranges.filter((candidate) => !outer.has(candidate.alias))
      const link = this.#link(this.#pick(inner), range)
      if (link === undefined) continue
      const way = this.#random.next()
      if (way < 0.3 && conditions.length === 0) {
        const filter = this.#random.chance(0.3) ? ` and ${this.#condition([range], 1)}` : ''
        from += ` left join ${range.table.name} ${alias} on ${link}${filter}`
        outer.add(alias)
      } else if (conditions.length === 0 && (way < 0.8 || outer.size > 0))
        from += ` join ${range.table.name} ${alias} on ${link}`
      else {
        from += `, ${range.table.name} ${alias}`
        conditions.push(link)
      }
      ranges.push(range)
    }
    return { ranges, from, conditions }
  }

  #link(one: Range, other: Range): string | undefined {
    const families = [
      ['int2', 'int4', 'int8', 'numeric(10,2)', 'numeric'],
      ['text', 'text collate "C"', 'varchar(5)'],
      ['date'],
      ['char(3)'],
    ]
    const family = this.#pick([...families, families[0] as string[]])
    const left = one.table.columns.filter(({ kind }) => family.includes(kind))
    const right = other.table.columns.filter(({ kind }) => family.includes(kind))
    if (left.length === 0 || right.length === 0) return undefined
    const [of, against] = [this.#pick(left), this.#pick(right)]
    if (family.length === 3 && of.kind !== against.kind) return undefined
    return `${one.alias}.${of.name} = ${other.alias}.${against.name}`
  }

  #columns(ranges: readonly Range[], among: readonly string[]): Typed[] {
    return ranges.flatMap(({ alias, table }) =>
      table.columns
        .filter(({ kind }) => among.includes(kind))
        .map(({ name, kind }) => ({ text: `${alias}.${name}`, kind })),
    )
  }

  #condition(ranges: readonly Range[], depth: number): string {
    const way = this.#random.next()
    if (depth > 0 && way < 0.25)
      return `(${this.#condition(ranges, depth - 1)} or ${this.#condition(ranges, depth - 1)})`
    if (depth > 0 && way < 0.45)
      return `${this.#condition(ranges, depth - 1)} and ${this.#condition(ranges, depth - 1)}`
    if (depth > 0 && way < 0.5) return `not (${this.#condition(ranges, depth - 1)})`
    const { text, kind } = this.#pick(this.#columns(ranges, comparable))
    const value = (): string => this.#pick(kinds[kind] as readonly string[])
    const isNumber = numbers.includes(kind)
    const compares = ordered.includes(kind) || isNumber ? ['=', '<>', '<', '<=', '>', '>='] : ['=', '<>']
    const ways = [
      () => `${text} ${this.#pick(compares)} ${value()}`,
      () => `${text} ${this.#pick(['is null', 'is not null'])}`,
      () =>
        `${text} ${this.#pick(['in', 'not in'])} (${value()}, ${value()}${this.#random.chance(0.1) ? ', null' : ''})`,
      () => `${text} is distinct from ${value()}`,
    ]
    if (compares.length > 2) ways.push(() => `${text} ${this.#pick(['', 'not '])}between ${value()} and ${value()}`)
    if (kind === 'bool')
      ways.push(
        () => text,
        () => `${text} is not true`,
      )
    if (isNumber) ways.push(() => `${this.#number(ranges, 1).text} > ${this.#number(ranges, 1).text}`)
    if (kind.startsWith('text'))
      ways.push(
        () =>
          `${text} ${this.#pick(['like', 'not like'])} ${this.#pick([`'a%'`, `'%b'`, `'_'`, `'%\\%%'`, `'%'`, `'_x%'`])}`,
      )
    if (kind === 'date')
      ways.push(
        () => `${text} < date '2020-03-31' - interval '1 month'`,
        () => `${text} + 1 > '2020-01-31'`,
      )
    if (kind === 'timestamp') ways.push(() => `${text} >= date '2020-01-01' + interval '30' day`)
    return this.#pick(ways)()
  }

  #number(ranges: readonly Range[], depth: number): Typed {
    const way = this.#random.next()
    if (depth === 0 || way < 0.4) {
      const column = this.#pick(this.#columns(ranges, ['int4', 'numeric(10,2)', 'numeric']))
      return this.#random.chance(0.8) ? column : { text: this.#pick(['1', '2.5', '0.10', '100']), kind: 'numeric' }
    }
    const one = this.#number(ranges, depth - 1).text
    const ways = [
      () => `(${one} + ${this.#number(ranges, depth - 1).text})`,
      () => `(${one} - ${this.#number(ranges, depth - 1).text})`,
      () => `(${one}::numeric * ${this.#number(ranges, depth - 1).text})`,
      () => `(${one} / ${this.#pick(['3', '7.0', '0.4'])})`,
      () => `case when ${this.#condition(ranges, 0)} then ${one} else ${this.#pick(['0', '1.5', 'null'])} end`,
      () => `coalesce(${one}, 0)`,
      () => `length(${this.#pick(this.#columns(ranges, ['text', 'varchar(5)', 'char(3)', 'int4'])).text}::text)`,
      () => `abs(${one})`,
      () => `-(${one})`,
    ]
    return { text: this.#pick(ways)(), kind: 'numeric' }
  }

  #projecting(ranges: readonly Range[], rest: string): string {
    const isDistinct = this.#random.chance(0.25)
    const among = isDistinct ? grouped : Object.keys(kinds)
    const columns = this.#columns(ranges, among)
    const items = this.#times(1 + this.#random.int(4), () => this.#pick(columns))
    const texts = items.map(({ text }, at) => `${text} as o${at}`)
    if (!isDistinct && this.#random.chance(0.4)) texts.push(`${this.#number(ranges, 2).text} as n`)
    const keys = items.flatMap(({ kind }, at) => (ordered.includes(kind) ? [`o${at}${this.#direction()}`] : []))
    return `select ${isDistinct ? 'distinct ' : ''}${texts.join(', ')} ${rest}${this.#order(keys)}`
  }

  #direction(): string {
    return this.#pick(['', ' desc', ' nulls first', ' desc nulls last'])
  }

  #order(keys: readonly string[]): string {
    if (keys.length === 0 || this.#random.chance(0.5)) return ''
    const limit = this.#random.chance(0.6) ? ` limit ${1 + this.#random.int(6)}` : ''
    return ` order by ${keys.join(', ')}${limit}${limit !== '' && this.#random.chance(0.3) ? ' offset 2' : ''}`
  }

  #aggregating(ranges: readonly Range[], rest: string): string {
    const keys = this.#times(this.#random.int(3), () => this.#groupKey(ranges))
    const aggregates = this.#times(1 + this.#random.int(3), () => this.#aggregate(ranges))
    const items = [...keys.map(({ text }) => text), ...aggregates.map(({ text }) => text)]
    const group = keys.length === 0 ? '' : ` group by ${keys.map(({ text }) => text).join(', ')}`
    const having = this.#random.chance(0.2) ? ` having count(*) > ${this.#random.int(3)}` : ''
    const sortable = [...keys, ...aggregates].flatMap(({ kind }, at) =>
      ordered.includes(kind) ? [`${at + 1}${this.#direction()}`] : [],
    )
    return `select ${items.join(', ')} ${rest}${group}${having}${this.#order(sortable)}`
  }

  #groupKey(ranges: readonly Range[]): Typed {
    const column = this.#pick(this.#columns(ranges, grouped))
    if (column.kind === 'timestamp' && this.#random.chance(0.5))
      return {
        text: `date_trunc('${this.#pick(['month', 'day', 'week', 'hour', 'year', 'quarter'])}', ${column.text})`,
        kind: 'timestamp',
      }
    if (column.kind === 'date' && this.#random.chance(0.5))
      return {
        text: `extract(${this.#pick(['year', 'month', 'day', 'dow', 'doy', 'isodow', 'quarter'])} from ${column.text})`,
        kind: 'date',
      }
    return column
  }

  #aggregate(ranges: readonly Range[]): Typed {
    const filter = this.#random.chance(0.15) ? ` filter (where ${this.#condition(ranges, 1)})` : ''
    const any = (among: readonly string[]): string | undefined => {
      const columns = this.#columns(ranges, among)
      return columns.length === 0 ? undefined : this.#pick(columns).text
    }
    const extreme = this.#pick(this.#columns(ranges, extremes))
    const number = any(numbers)
    const truth = any(['bool'])
    const ways: (() => Typed)[] = [
      () => ({ text: `count(*)${filter}`, kind: 'int8' }),
      () => ({ text: `${this.#pick(['min', 'max'])}(${extreme.text})${filter}`, kind: extreme.kind }),
      () => ({ text: `count(${any(comparable)})${filter}`, kind: 'int8' }),
      () => ({ text: `count(distinct ${any(comparable)})${filter}`, kind: 'int8' }),
      () => ({ text: `sum(${number})${filter}`, kind: 'other' }),
      () => ({ text: `avg(${number})${filter}`, kind: 'other' }),
      () => ({ text: `${this.#pick(spreads)}(${number})${filter}`, kind: 'other' }),
      () => ({ text: `sum(${this.#number(ranges, 2).text})${filter}`, kind: 'other' }),
      () => ({ text: `round(100.00 * sum(${this.#number(ranges, 1).text}) / (count(*) + 1), 2)`, kind: 'other' }),
    ]
    if (truth !== undefined)
      ways.push(() => ({ text: `${this.#pick(['bool_and', 'bool_or', 'every'])}(${truth})${filter}`, kind: 'bool' }))
    return this.#pick(ways)()
  }
}
