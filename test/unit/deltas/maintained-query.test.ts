// What random cases meet rarely, each alone.

import { beforeAll, describe, expect, it } from 'vitest'
import { MaintainedQuery, NotMaintainable, type RelationFacts, typeOf } from '../../../src/deltas/index.ts'
import { openParser, type Parser } from '../../../src/sql/index.ts'

const bytewise = { isDeterministic: true, isBytewise: true }
const item: RelationFacts = {
  oid: 1,
  name: 'item',
  columns: [
    { name: 'id', type: typeOf(23, -1, bytewise) },
    { name: 'kind', type: typeOf(25, -1, bytewise) },
    { name: 'price', type: typeOf(1700, -1, bytewise) },
    { name: 'note', type: typeOf(25, -1, { isDeterministic: true, isBytewise: false }) },
    { name: 'weight', type: typeOf(701, -1, bytewise) },
    { name: 'short', type: typeOf(1042, 7, bytewise) },
    { name: 'long', type: typeOf(1042, 9, bytewise) },
    { name: 'wide', type: typeOf(1043, 9, bytewise) },
  ],
  key: ['id'],
}

let parser: Parser

beforeAll(async () => {
  parser = await openParser()
})

function maintain(text: string, reserve?: number): MaintainedQuery {
  const { tree } = parser.parse(text)
  return new MaintainedQuery(
    tree?.stmts[0]?.stmt,
    ({ name }) => (name === 'item' ? item : undefined),
    reserve === undefined ? {} : { reserve },
  )
}

/** Of a query over `item`. */
class Stage {
  readonly query: MaintainedQuery

  constructor(text: string, reserve?: number) {
    this.query = maintain(text, reserve)
  }

  put(id: number, price: string | null, kind = 'a'): void {
    this.#apply({ kind: 'insert', old: undefined, new: this.#row(id, price, kind) })
  }

  change(id: number, price: string | null, kind = 'a'): void {
    this.#apply({ kind: 'update', old: undefined, new: this.#row(id, price, kind) })
  }

  take(id: number): void {
    this.#apply({ kind: 'delete', old: new Map([['id', String(id)]]), new: undefined })
  }

  #row(id: number, price: string | null, kind: string): ReadonlyMap<string, string | null> {
    return new Map([
      ['id', String(id)],
      ['kind', kind],
      ['price', price],
      ['note', kind],
      ['weight', '1.5'],
    ])
  }

  #apply(change: Parameters<NonNullable<ReturnType<MaintainedQuery['sources']['get']>>['apply']>[0]): void {
    this.query.sources.get(1)?.apply(change)
  }

  get lines(): string[] {
    return this.query.texts().map((line) => line.join(' '))
  }
}

describe('a sum of numeric (AGG-7)', () => {
  it('has the scale of what is in it, also when that falls again', () => {
    const stage = new Stage('select sum(price) from item')
    stage.put(1, '1')
    stage.put(2, '2.50')
    stage.put(3, '0.00001')
    expect(stage.lines).toEqual(['3.50001'])
    stage.take(3)
    expect(stage.lines).toEqual(['3.50'])
    stage.take(2)
    expect(stage.lines).toEqual(['1'])
  })

  it('is again what it was when a NaN or an infinity is gone', () => {
    const stage = new Stage('select sum(price), avg(price) from item')
    stage.put(1, '1.5')
    stage.put(2, 'NaN')
    stage.put(3, 'Infinity')
    expect(stage.lines).toEqual(['NaN NaN'])
    stage.take(2)
    expect(stage.lines).toEqual(['Infinity Infinity'])
    stage.put(4, '-Infinity')
    expect(stage.lines).toEqual(['NaN NaN'])
    stage.take(3)
    stage.take(4)
    expect(stage.lines).toEqual(['1.5 1.50000000000000000000'])
  })
})

describe('the first rows of an order', () => {
  it('are filled up from all rows when those in reserve are used up', () => {
    const stage = new Stage('select id from item order by id limit 2', 1)
    for (let id = 1; id <= 20; id++) stage.put(id, '1')
    for (let id = 1; id <= 17; id++) {
      stage.take(id)
      expect(stage.lines).toEqual([String(id + 1), String(id + 2)])
    }
  })

  it('take in a row that comes where others had been cut off', () => {
    const stage = new Stage('select id from item order by id limit 2', 1)
    for (let id = 10; id <= 30; id++) stage.put(id, '1')
    stage.take(10)
    stage.put(11_000, '1')
    stage.put(9, '1')
    expect(stage.lines).toEqual(['9', '11'])
    stage.take(9)
    stage.take(11)
    stage.put(13_000, '1')
    expect(stage.lines).toEqual(['12', '13'])
  })

  it('are ambiguous where equals are behind the last, also if those are not kept', () => {
    const stage = new Stage('select kind, id from item order by kind limit 2', 1)
    for (let id = 1; id <= 20; id++) stage.put(id, '1', 'same')
    expect(stage.query.rows()).toHaveLength(2)
    expect(stage.query.isAmbiguous).toBe(true)
    for (let id = 3; id <= 20; id++) stage.take(id)
    expect(stage.lines).toEqual(['same 1', 'same 2'])
    expect(stage.query.isAmbiguous).toBe(false)
  })

  it('move when only what they are ordered by changes', () => {
    const stage = new Stage('select kind from item group by kind order by sum(price) desc')
    stage.put(1, '5', 'a')
    stage.put(2, '4', 'b')
    stage.put(3, '0', 'b')
    expect(stage.lines).toEqual(['a', 'b'])
    stage.change(2, '6', 'b')
    expect(stage.lines).toEqual(['b', 'a'])
  })
})

describe('what is refused', () => {
  it.each([
    ['select sum(weight) from item', 'sum of this type'],
    ['select weight from item where weight > 1', 'are not brought together'],
    ['select note from item order by note', 'ordered by its collation'],
    ['select min(note) from item', 'ordered by its collation'],
    ['select distinct price from item', 'print differently'],
    ['select price from item group by price', 'print differently'],
    ['select max(price) from item', 'print differently'],
    ['select kind from item limit 1', 'LIMIT without ORDER BY'],
    ['select kind from item for update', 'FOR UPDATE'],
    ['select now() from item', 'the function now'],
    ['select random() from item', 'the function random'],
    ['select id from item where id = $1', 'a parameter'],
    ['select id, row_number() over () from item', 'row_number'],
    ['select sum(id) over () from item', 'a window function'],
    ['select id from other', 'not told row by row'],
    ['select a.id from item a, item b', 'a join without an equality'],
    ['select a.id from item a full join item b on a.id = b.id', 'this kind of join'],
    ['select id from item union select id from item', 'UNION'],
    ['select kind, count(*) from item group by rollup (kind)', 'GROUPING SETS'],
    ['select id::text::date from item', 'a cast from text to date'],
    ['select kind ilike $$a$$ from item', 'in this form'],
    ['select coalesce(short, long) from item', 'different lengths'],
    ["select case when id > 1 then short else 'x' end from item", 'different lengths'],
    ['select id from item where wide = short', 'are not brought together'],
    ['select a.id from item a join item b on a.kind = b.long', 'are not brought together'],
    ['select lower(kind) from item', 'the function lower'],
    ['select id from only item', 'ONLY'],
    ['values (1)', 'VALUES'],
    ['delete from item', 'no SELECT'],
  ])('%s', (text, reason) => {
    expect(() => maintain(text)).toThrow(NotMaintainable)
    expect(() => maintain(text)).toThrow(reason)
  })
})

describe('rows that do not fit what is known', () => {
  it('are told as such, so that all is read anew', () => {
    const stage = new Stage('select id from item')
    stage.put(1, '1')
    expect(() => stage.take(2)).toThrow('a row is not known')
    expect(() => stage.put(1, '1')).toThrow('two rows have one key')
  })
})

describe('a query in a query', () => {
  it('shows a row of DISTINCT as long as one is left, also when all are told anew', () => {
    const stage = new Stage('select s.kind from (select distinct kind from item) s order by s.kind limit 1', 1)
    for (const [id, kind] of [...'aabbccddee'].entries()) stage.put(id, '1', kind)
    expect(stage.lines).toEqual(['a'])
    for (const id of [1, 2, 3, 4, 5]) stage.take(id)
    expect(stage.lines).toEqual(['a'])
    stage.take(0)
    expect(stage.lines).toEqual(['d'])
    stage.take(6)
    stage.take(7)
    expect(stage.lines).toEqual(['e'])
    stage.put(10, '1', 'e')
    stage.take(8)
    expect(stage.lines).toEqual(['e'])
  })

  it('tells groups of groups', () => {
    const stage = new Stage(
      `with per_kind (kind, n) as (select kind, count(*) from item group by kind), per_count as (select n, count(*) as kinds from per_kind group by n)
       select n, kinds from per_count order by n`,
    )
    for (const [id, kind] of [...'aabbc'].entries()) stage.put(id, '1', kind)
    expect(stage.lines).toEqual(['1 1', '2 2'])
    stage.change(0, '1', 'c')
    expect(stage.lines).toEqual(['1 1', '2 2'])
    stage.take(1)
    expect(stage.lines).toEqual(['2 2'])
  })

  it('does not see what stands beside it or behind it, but what is around it', () => {
    const reads = (text: string) => maintain(text).texts()
    expect(reads('with w as (select id from item) select * from (select * from w) s')).toEqual([])
    for (const text of [
      'with v as (select * from w), w as (select id from item) select * from v',
      'with w as (select * from w) select * from w',
    ])
      expect(() => maintain(text)).toThrow('changes of "w" are not told row by row')
    // A schema is nothing that WITH names.
    const names: string[] = []
    const { tree } = parser.parse('with item as (select 1 as id) select id from app.item')
    new MaintainedQuery(tree?.stmts[0]?.stmt, ({ schema, name }) => {
      names.push(`${schema}.${name}`)
      return item
    })
    expect(names).toEqual(['app.item'])
  })

  it.each([
    ['select count from (select count(*) from item) s', 'a column that has no name'],
    [`select a from (select 'x' as a from item) s`, 'a string of no type'],
    ['select a from (select id as a, kind as a from item) s', 'two columns of one name'],
    ['select a from (select id from item) s (a, b)', 'more names than columns'],
    ['select id from (select id from item order by id limit 1) s', 'ORDER BY or LIMIT in a subquery'],
    ['select id from (select id from item union all select id from item) s', 'a union in a subquery'],
    ['with recursive w as (select id from item) select id from w', 'WITH RECURSIVE'],
    ['select i.id from item i, lateral (select i.id as j) s', 'LATERAL'],
    ['select p from (select price as p from item) s group by p', 'print differently'],
    ['select p from (select sum(price) as p, kind from item group by kind) s group by p', 'print differently'],
  ])('refuses %s', (text, reason) => {
    expect(() => maintain(text)).toThrow(NotMaintainable)
    expect(() => maintain(text)).toThrow(reason)
  })
})
