// Which rows a text says its answer depends on; and the many ways to ask in which it does not say it.

import { beforeAll, describe, expect, it } from 'vitest'
import { footprintOf, openParser, type Parser } from '../../../src/sql/index.ts'

let parser: Parser

beforeAll(async () => {
  parser = await openParser()
})

/** Pins as `range.column test`, in order of their names. */
function pinsOf(text: string): string[] | undefined {
  const raw = footprintOf(parser.parse(text).tree?.stmts[0]?.stmt)
  return raw?.pins
    .map(({ column, test }) => {
      const show = (source: unknown): string => {
        const { kind, number, literal, cast } = source as {
          kind: string
          number: number
          literal: { text: string }
          cast?: string
        }
        const shown = kind === 'parameter' ? `$${number}` : literal.text
        return cast === undefined ? shown : `${shown}::${cast}`
      }
      const places = column.of === undefined ? column.among : [raw.ranges.findIndex(({ alias }) => alias === column.of)]
      const tables = places.map((at) => raw.ranges[at]?.table?.name ?? '-').join('|')
      const tested =
        test.kind === 'in'
          ? test.values.map(show).join()
          : test.kind === 'any'
            ? `any ${show(test.array)}`
            : `${test.low === undefined ? '' : show(test.low)}..${test.high === undefined ? '' : show(test.high)}`
      return `${tables}.${column.column} ${tested}`
    })
    .sort()
}

describe('a footprint', () => {
  it.each([
    ['select * from t where id = 5', ['t.id 5']],
    ['select * from t where 5 = id and (a = $1 and b in (1, $2))', ['t.a $1', 't.b 1,$2', 't.id 5']],
    ["select * from s.t as x where x.id = -7 and x.name = 'a'::text", ['t.id -7', 't.name a::text']],
    ['select * from t where id = any ($1)', ['t.id any $1']],
    ['select * from t where id = any ($1::int[])', ['t.id any $1::int4[]']],
    ['select * from t where id between $1 and 9', ['t.id $1..9']],
    ['select * from t where id >= 3 and 9 > id', ['t.id ..9', 't.id 3..']],
    ['select * from t where id operator(pg_catalog.=) 3', ['t.id 3']],
    ['select count(*) from t where id = 1 group by n having n = 2', ['t.id 1']],
    ['select a.x from t a join u b on a.id = b.id and b.k = 4 where a.j = 3', ['t.j 3', 'u.k 4']],
    ['select * from t, u where t.id = u.id and u.k = 1', ['u.k 1']],
    ['select * from t left join u on u.k = 4 where t.j = 3', ['t.j 3']],
    ['select (select max(x) from v) from t where id = 1', ['t.id 1']],
    ['with w as (select 1) select * from t, w where t.id = 1', ['t.id 1']],
  ])('is what every row must have: %s', (text, pins) => {
    expect(pinsOf(text)).toEqual(pins)
  })

  it.each([
    'select * from t',
    'select * from t where id = 1 or n = 2',
    'select * from t where not (id = 1)',
    'select * from t where id <> 1 and id not in (1, 2) and id is null',
    "select * from t where id::text = '5' and lower(name) = 'a' and id + 0 = 1",
    'select * from t where id = n and id = 1 + 1',
    'select * from t where id = (select 1)',
    'select * from t where id = null',
    'select * from t where id operator(public.=) 3',
    'select * from t where id in (select 1)',
    'select * from t where id = all ($1)',
    'select * from t where id not between 1 and 2',
    'select * from t where id between symmetric 2 and 1',
    'select * from t where name like $1',
    'select * from t where name = \'x\' collate "C"',
    'select * from t where name collate "C" = \'x\'',
    "select * from t where name = 'x'::char(4)",
    "select * from t where id = '5'::public.int4",
    'select * from t where (t).id = 5',
    'select * from t where id = 1 union select * from t where id = 2',
    'values (1)',
    'select 1 where 1 = $1',
    'select * from t natural join u where id = 1',
    'select * from t join u using (id) where id = 1',
  ])('is not known of what may be answered from other rows: %s', (text) => {
    expect(pinsOf(text)).toBeUndefined()
  })

  it.each([
    ['read twice', 'select * from t a, t b where a.id = 1'],
    ['read twice, under one name of two schemas', 'select * from s.t a, t b where a.id = 1'],
    ['read in a sub-select as well', 'select (select count(*) from t) from t x where x.id = 1'],
    ['read in a WITH query as well', 'with w as (select * from t) select * from w, t where t.id = 1'],
    ['a WITH query', 'with t as (select 1 id) select * from t where t.id = 1'],
    ['filled up with NULLs', 'select * from u left join t on true where t.id = 1'],
    ['filled up on both sides', 'select * from u full join t on true where t.id = 1'],
    ['behind columns of other names', 'select * from t as t(a, id) where t.id = 1'],
    ['a sub-select', 'select * from (select 1 id) t where t.id = 1'],
    ['a function', 'select * from generate_series(1, 2) t where t.t = 1'],
    ['sampled', 'select * from t tablesample system (1) where t.id = 1'],
    ['behind the alias of a join', 'select * from (t join u on true) t where t.id = 1'],
  ])('is no table that is %s', (_, text) => {
    const raw = footprintOf(parser.parse(text).tree?.stmts[0]?.stmt)
    const tables = raw?.ranges.filter(({ table, alias }) => table?.name === 't' && alias !== 'u') ?? []
    expect(tables).toEqual([])
  })

  it('looks for a column of a join in what is joined alone', () => {
    expect(pinsOf('select * from u, t join (select 1 id) s on id = 1')).toEqual(['t|-.id 1'])
  })

  it('counts how often a parameter occurs', () => {
    const raw = footprintOf(parser.parse('select $1 from t where id = $1 and n = $2').tree?.stmts[0]?.stmt)
    expect([...(raw?.parameterUses ?? [])].sort()).toEqual([
      [1, 2],
      [2, 1],
    ])
  })
})
