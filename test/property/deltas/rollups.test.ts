// Statements answered from what a coarser query has gathered, which follows changes: each is what PostgreSQL answers, byte for byte.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { openParser, type Parser } from '../../../src/sql/index.ts'
import { MaintainedStage } from '../../support/maintained-stage.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const { ROLLUP_CASES = '12' } = process.env

let origin: TestPostgres
let client: pg.Client
let parser: Parser

beforeAll(async () => {
  origin = await openTestPostgres({ parameters: { wal_level: 'logical' } })
  client = await origin.connect()
  parser = await openParser()
  await client.query('set client_encoding = UTF8')
})

afterAll(() => origin.close())

const table = `create table sales (id int primary key, region text collate "C", shop int, day date, sold timestamp, price numeric(10,2), tax numeric, items int8, few int2, isnew bool, note text collate "C")`

const measures = [
  ...[
    'count(*)',
    'sum(price)',
    'avg(price)',
    'min(price)',
    'max(price)',
    'sum(tax)',
    'avg(tax)',
    'sum(items)',
    'avg(items)',
    'count(items)',
  ],
  ...[
    'min(items)',
    'max(items)',
    'sum(few)',
    'avg(few)',
    'var_pop(tax)',
    'stddev_samp(tax)',
    'variance(price)',
    'stddev(items)',
    'bool_and(isnew)',
    'bool_or(isnew)',
  ],
  ...[
    'count(distinct shop)',
    'count(distinct note)',
    'count(note)',
    'min(day)',
    'max(sold)',
    'min(note)',
    'max(note)',
    'sum(price * items)',
    'count(*) filter (where isnew)',
  ],
]

const keys = ['region', 'shop', 'day', 'isnew']
const view = `select ${keys.join(', ')}, ${measures.join(', ')} from sales group by ${keys.join(', ')}`

const coarser: Readonly<Record<string, readonly string[]>> = {
  region: ['region', "coalesce(region, 'none')"],
  shop: ['shop', 'shop + 1', 'shop % 2'],
  day: ['day', "date_trunc('month', day::timestamp)", 'extract(year from day)'],
  isnew: ['isnew', 'isnew is null'],
}

const tests = [
  ...[
    "region = 'north'",
    "region <> 'south'",
    "region in ('north', 'east')",
    'region is null',
    'shop > 1',
    'shop between 1 and 2',
    'isnew',
    'not isnew',
    'isnew is not true',
  ],
  ...["day >= '2024-01-31'", "day < '2024-02-02' or shop = 1", "region like 'n%'", 'shop = 99'],
]

const conditions = ['price > 1.5', 'note is null and items > 0', "region = 'north'", 'isnew or price < 3']

/** `condition`: of rows that are chosen, whatever else is asked of them. */
function drawStatement(random: Random, condition: string | undefined): string {
  const some = keys.filter(() => random.chance(0.4)).map((key) => random.pick(coarser[key] as readonly string[]))
  const chosen = measures.filter(() => random.chance(0.15))
  const count = chosen.length === 0 ? [random.pick(measures)] : chosen
  const alias = random.chance(0.3) ? 's.' : ''
  const outputs = [...some, ...count.map((measure, at) => `${measure} as m${at}`)]
  const asked = random.chance(0.5) ? [random.pick(tests), random.pick(tests)].slice(random.int(2)) : []
  const all = condition === undefined ? asked : [...asked, condition.replaceAll('price', `${alias}price`)]
  const where = all.length > 0 ? ` where ${all.map((one) => (all.length > 1 ? `(${one})` : one)).join(' and ')}` : ''
  const group =
    some.length > 0 ? ` group by ${random.chance(0.5) ? some.join(', ') : some.map((_, at) => at + 1).join(', ')}` : ''
  const having = random.chance(0.2)
    ? ` having ${random.pick(['count(*) > 2', 'sum(price) > 10', 'max(items) is not null'])}`
    : ''
  const order = random.chance(0.4)
    ? ` order by ${outputs.map((_, at) => at + 1).join(', ')}${random.chance(0.5) ? ' limit 3' : ''}`
    : ''
  return `select ${outputs.join(', ')} from sales${alias === '' ? '' : ' s'}${where}${group}${having}${order}`
}

const texts = ["'north'", "'south'", "'east'", 'null', "'nord'"]
const taxes = [
  "'1.0'",
  "'1.00'",
  '0.00001',
  '-7',
  "'NaN'",
  "'Infinity'",
  "'-Infinity'",
  'null',
  '12345678901234567890.5',
  '0',
]
const days = ["'2024-01-31'", "'2024-02-01'", "'2024-02-02'", "'2025-01-01'", 'null']
const items = ['0', '1', '9007199254740993', '-5', 'null', '7']

function drawRow(random: Random, id: number): string {
  const price = random.chance(0.1) ? 'null' : (random.int(5000) / 100).toFixed(2)
  const flag = random.pick(['true', 'false', 'null'])
  const sold = random.pick(["'2024-01-01 10:00:00.5'", "'2023-05-05'", 'null'])
  const some = [random.pick(texts), random.int(4), random.pick(days), sold, price, random.pick(taxes)]
  return `(${[id, ...some, random.pick(items), random.int(100), flag, random.pick(texts)].join(', ')})`
}

function drawChange(random: Random): string {
  const id = random.int(60)
  if (random.chance(0.4)) return `insert into sales values ${drawRow(random, id)} on conflict (id) do nothing`
  if (random.chance(0.2)) return `delete from sales where id % 7 = ${id % 7}`
  if (random.chance(0.5))
    return `update sales set region = ${random.pick(texts)}, tax = ${random.pick(taxes)} where id % 5 = ${id % 5}`
  return `update sales set items = ${random.pick(items)}, day = ${random.pick(days)}, shop = ${random.int(4)} where id = ${id}`
}

describe('a statement that is answered from groups', () => {
  it('is answered as PostgreSQL answers it, after every transaction', { timeout: 3_600_000 }, async () => {
    const random = Random.fromEnvironment()
    const stage = await MaintainedStage.open(client, parser)
    const refused = new Map<string, number>()
    let answered = 0
    let asked = 0
    for (let at = 0; at < Number(ROLLUP_CASES); at++) {
      // By turns of all rows, and of some.
      const condition = at % 3 === 2 ? random.pick(conditions) : undefined
      await client.query('drop table if exists sales')
      await client.query(table)
      await stage.know(['sales'])
      await stage.play(Array.from({ length: 40 }, (_, id) => `insert into sales values ${drawRow(random, id)}`))
      const chosen = condition === undefined ? view : view.replace(' group by', ` where ${condition} group by`)
      expect(await stage.maintain([chosen])).toEqual([])
      for (let round = 0; round < 5; round++) {
        if (round > 0)
          await stage.play(
            round === 4 ? ['delete from sales'] : Array.from({ length: 1 + random.int(5) }, () => drawChange(random)),
          )
        for (let times = 0; times < 10; times++) {
          const text = drawStatement(random, random.chance(0.9) ? condition : undefined)
          const have = stage.answer(text)
          asked++
          if (have === undefined) continue
          if (typeof have === 'string') {
            refused.set(have, (refused.get(have) ?? 0) + 1)
            continue
          }
          answered++
          const types = { getTypeParser: () => (value: string) => value } as never
          const { rows } = await client.query({ text, rowMode: 'array', types })
          const lines = (all: readonly unknown[]) =>
            all
              .map((row) => JSON.stringify(row))
              .sort()
              .join('\n')
          expect(`${text}\n${lines(have)}`).toBe(`${text}\n${lines(rows)}`)
        }
      }
    }
    console.log(`${answered} of ${asked} answered, refused: ${JSON.stringify([...refused])}`)
    expect(answered).toBeGreaterThan(asked / 2)
  })

  it('is not where it asks of rows what was not gathered', async () => {
    const stage = new MaintainedStage(client, parser)
    await client.query('drop table if exists sales')
    await client.query(table)
    await stage.know(['sales'])
    expect(await stage.maintain([view])).toEqual([])
    const refusals = [
      'select sum(tax + 1) from sales',
      'select region, id from sales group by region, id',
      "select count(*) from sales where note = 'x'",
      'select sum(price) filter (where isnew) from sales',
      'select note, count(*) from sales group by note',
      'select count(*) from sales where price > 1',
      'select count(*) from sales a, sales b where a.shop = b.shop',
      'select count(*) from (select count(*) as n from sales group by region) s',
      'select region from sales',
      'select count(*) as note from sales group by note',
      'select sum(distinct price) from sales',
      'select count(distinct region) from sales',
      'select region, count(*) from sales group by region having max(tax) > 1',
      'select count(*) from sales union all select count(*) from sales',
      'select count(sales) from sales',
      'select max(region) over () from sales',
    ]
    const ofSome = view.replace(' group by', " where price > 1 and note = 'x' group by")
    const refusalsOfSome = [
      'select count(*) from sales',
      'select count(*) from sales where price > 1',
      "select count(*) from sales where price > 1 or note = 'x'",
      "select count(*) from sales where price > 2 and note = 'x'",
      "select count(*) from sales where not (price > 1 and note = 'x')",
    ]
    for (const text of refusals) expect([text, typeof stage.answer(text)]).toEqual([text, 'string'])
    expect(await stage.maintain([ofSome])).toEqual([])
    for (const text of refusalsOfSome) expect([text, typeof stage.answer(text)]).toEqual([text, 'string'])
    expect(stage.answer("select count(*) from sales s where s.note = 'x' and shop = 1 and (price > 1)")).toEqual([
      ['0'],
    ])
  })
})
