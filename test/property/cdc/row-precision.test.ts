// Random tables, reads and changes: after every change, by a stranger and heard of or through the server and acknowledged, each read that may be
// answered from memory is compared with the origin, byte for byte.
//
// Tables differ in the types of their columns, in their keys and in what their old rows are told by, which also changes on the way. Values come
// from small sets, so that changes meet reads often. Half of the reads ask for rows in a way that must not be narrowed.
//
//   SEED=123 ROUNDS=500 npx vitest run --project property test/property/cdc/row-precision.test.ts

import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { availableVersions, openTestPostgres, type TestPostgres, type TestVersion } from '../../support/postgres.ts'

const { ROUNDS = '40' } = process.env
const rounds = Number(ROUNDS)

interface Query {
  readonly text: string
  readonly values: readonly unknown[]
}

/** Types of columns, with ways to write a value of each. */
const kinds = {
  int2: { values: ['0', '1', '2', '-3'], writings: (value: string) => [value, `'${value}'`, `${value}::int8`] },
  int4: {
    values: ['0', '1', '2', '-2147483648'],
    writings: (value: string) => [value, `'0${value}'`.replace('0-', '-0')],
  },
  int8: {
    values: ['0', '1', '9007199254740993', '9007199254740992'],
    writings: (value: string) => [value, `'${value}'`],
  },
  text: {
    values: ['', 'a', 'A', "it's", 'ä', 'null', ' a'],
    writings: (value: string) => [quoted(value), `${quoted(value)}::text`],
  },
  'varchar(9)': { values: ['x', 'X', 'x ', 'NULL'], writings: (value: string) => [quoted(value)] },
  'char(4)': { values: ['x', 'x ', 'y'], writings: (value: string) => [quoted(value)] },
  bool: { values: ['true', 'false'], writings: (value: string) => [value, `'${value[0]}'`] },
  uuid: {
    values: ['00000000-0000-0000-0000-00000000000a', '10000000-0000-0000-0000-000000000000'],
    writings: (value: string) => [quoted(value), quoted(value.toUpperCase()), quoted(`{${value}}`)],
  },
  numeric: { values: ['1', '1.0', '2'], writings: (value: string) => [value] },
  float8: { values: ['0', '-0', '1'], writings: (value: string) => [`'${value}'`] },
  date: {
    values: ['2020-01-01', '2020-01-02', 'infinity', '0001-01-01 BC'],
    writings: (value: string) => [quoted(value), `date ${quoted(value)}`, quoted(` ${value}`)],
  },
  timestamp: {
    values: ['2020-01-01 00:00:00', '2020-01-01 00:00:00.5', '2019-12-31 23:59:59.999999', '-infinity'],
    writings: (value: string) => [
      quoted(value),
      quoted(value.replace(' ', 'T')),
      quoted(value.replace(' 00:00:00', '')),
    ],
  },
  timestamptz: {
    values: ['2020-01-01 00:00:00+00', '2020-01-01 01:00:00+01', '2020-01-01 05:30:00.25+05:30', '2020-01-01'],
    writings: (value: string) => [quoted(value), `timestamptz ${quoted(value)}`, quoted(value.replace('+00', 'Z'))],
  },
} as const
type Kind = keyof typeof kinds

function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

interface Table {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly kind: Kind }[]
  /** Columns of its primary key; none at all for some. */
  readonly key: readonly string[]
}

class World {
  readonly random: Random
  readonly tables: Table[] = []

  constructor(random: Random) {
    this.random = random
  }

  chance(one: number, among: number): boolean {
    return this.random.int(among) < one
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.random.int(items.length)] as Item
  }

  /** Statements that make a table. */
  table(name: string): string {
    const keyCount = this.pick([0, 1, 1, 1, 2])
    const keyKinds: Kind[] = ['int4', 'int8', 'text', 'uuid', 'varchar(9)', 'int2', 'char(4)']
    const columns = [
      ...Array.from({ length: keyCount }, (_, at) => ({ name: `k${at}`, kind: this.pick(keyKinds) })),
      ...Array.from({ length: 3 }, (_, at) => ({ name: `c${at}`, kind: this.pick(Object.keys(kinds) as Kind[]) })),
      { name: 'link', kind: 'int4' as const },
    ]
    const key = columns.slice(0, keyCount).map((column) => column.name)
    this.tables.push({ name, columns, key })
    const definitions = columns.map((column) => `${column.name} ${column.kind}`)
    if (key.length > 0) definitions.push(`primary key (${key.join()})`)
    return `create table ${name} (${definitions.join(', ')}, big text, twice int generated always as (link % 7) stored);
      alter table ${name} alter big set storage external; ${this.identity(name)}`
  }

  identity(name: string): string {
    const table = this.tables.find((one) => one.name === name) as Table
    const words = ['default', 'full', 'nothing', ...(table.key.length > 0 ? [`using index ${name}_pkey`] : [])]
    return this.chance(1, 2) ? '' : `alter table ${name} replica identity ${this.pick(words)};`
  }

  value(kind: Kind): string {
    return this.pick(kinds[kind].values)
  }

  written(kind: Kind, isKey: boolean): string {
    return !isKey && this.chance(1, 8) ? 'null' : `'${this.value(kind).replaceAll("'", "''")}'`
  }

  row(table: Table): string {
    const values = table.columns.map(({ name, kind }) => this.written(kind, table.key.includes(name)))
    return `(${values.join(', ')}${this.chance(1, 4) ? ", repeat('big', 3000)" : ', null'})`
  }

  /** One condition on a column, mostly one that pins it. */
  condition(prefix: string, table: Table, values: unknown[]): string {
    const { name, kind } = this.pick(table.columns)
    const column = `${prefix}${name}`
    const one = (): string => {
      const value = this.value(kind)
      if (this.chance(1, 2)) return this.pick(kinds[kind].writings(value) as readonly string[])
      values.push(this.chance(1, 12) ? null : kind === 'int4' && this.chance(1, 2) ? int4(value) : value)
      return `$${values.length}`
    }
    switch (this.random.int(12)) {
      case 0:
        return `${column} in (${[one(), one(), one()].join(', ')})`
      case 1:
        return `${column} between ${one()} and ${one()}`
      case 2:
        values.push([this.value(kind), this.value(kind)])
        return `${column} = any ($${values.length})`
      case 3:
        return `(${column} = ${one()} or ${prefix}link = 1)`
      case 4:
        return `not (${column} = ${one()})`
      case 5:
        return `${column} is null`
      case 6:
        return `${column} <> ${one()}`
      case 7:
        return /int|date|time/.test(kind) ? `${column} >= ${one()}` : `${one()} = ${column}`
      case 8:
        return `${column}::text = ${quoted(this.value(kind))}`
      default:
        return `${column} = ${one()}`
    }
  }

  query(): Query {
    const values: unknown[] = []
    const [one, other] = [this.pick(this.tables), this.pick(this.tables)]
    const where = (prefix: string, table: Table) =>
      Array.from({ length: 1 + this.random.int(2) }, () => this.condition(prefix, table, values)).join(' and ')
    const text = (): string => {
      switch (this.random.int(14)) {
        case 0:
          return `select a.*, b.* from ${one.name} a join ${other.name} b on a.link = b.link and ${where('b.', other)} where ${where('a.', one)} order by a, b`
        case 1:
          return `select a.link, b.link from ${one.name} a left join ${other.name} b on a.link = b.link and ${where('b.', other)} where ${where('a.', one)} order by 1, 2`
        case 2:
          return `select a.link, b.link from ${one.name} a left join ${other.name} b on a.link = b.link where ${where('b.', other)} order by 1, 2`
        case 3:
          return `select link, c0 from ${one.name} a join ${other.name} b using (link${one === other ? ', c0' : ''}) where ${where('b.', other)} order by 1`.replace(
            ', c0 from',
            ' from',
          )
        case 4:
          return `select count(*), sum(link) from ${one.name} where ${where('', one)}`
        case 5:
          return `with x as (select * from ${one.name} where ${where('', one)}) select count(*) from x, ${other.name} b where ${where('b.', other)}`
        case 6:
          return `select a, (select count(*) from ${other.name} b where b.link = a.link) from ${one.name} a where ${where('a.', one)} order by a`
        case 7:
          return `select link from ${one.name} where ${where('', one)} union all select link from ${other.name} where ${where('', other)} order by 1`
        case 8:
          return `select a.link from ${one.name} a, ${other.name} b where a.link = b.link and ${where('a.', one)} and exists (select from ${one.name} c where c.link = b.link) order by 1`
        case 9:
          return `select max(link) over (), twice from ${one.name} where ${where('', one)} order by link, twice limit 3`
        default:
          return `select * from ${one.name} where ${where('', one)} order by ${one.name}`
      }
    }
    return { text: text(), values }
  }

  /** A statement that changes rows, or how they are told. */
  change(): string {
    const table = this.pick(this.tables)
    const { name, columns, key } = table
    const names = [...columns.map((column) => column.name), 'big'].join()
    const where = () => {
      const { name: column, kind } = this.pick(columns)
      return `${column} = ${quoted(this.value(kind))}`
    }
    const assigned = () => {
      const { name: column, kind } = this.pick(columns)
      return `${column} = ${this.written(kind, key.includes(column))}`
    }
    const ignoring = (statement: string) =>
      `do $$ begin ${statement}; exception when unique_violation then null; end $$`
    switch (this.random.int(12)) {
      case 0:
      case 1:
        return `insert into ${name} (${names}) values ${this.row(table)}, ${this.row(table)} on conflict do nothing`
      case 2:
        return key.length === 0
          ? `insert into ${name} (${names}) values ${this.row(table)}`
          : `insert into ${name} (${names}) values ${this.row(table)} on conflict (${key.join()}) do update set link = excluded.link + 1`
      case 3:
        return `delete from ${name} where ${where()}`
      case 4:
        return `update ${name} set link = (coalesce(link, 0) + 1) % 3`
      case 5:
        return `begin; savepoint a; delete from ${name}; rollback to a; update ${name} set link = 2 where ${where()}; commit`
      case 6:
        return `${this.identity(name)} update ${name} set c0 = c0, link = 1 where ${where()}`
      case 7:
        return this.chance(1, 6) ? `truncate ${name}` : `update ${name} set big = repeat('x', 5000) where ${where()}`
      default:
        return ignoring(`update ${name} set ${assigned()} where ${where()}`)
    }
  }
}

function int4(value: string): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(Number(value))
  return bytes
}

let origin: TestPostgres
let larder: TestLarder

afterEach(async () => {
  await larder?.close()
  await origin.close()
})

async function open(version: TestVersion, world: World, brokenRules: readonly string[], publication: string) {
  origin = await openTestPostgres({ version })
  const stranger = await origin.connect()
  for (let at = 0; at < 5; at++) {
    await stranger.query(world.table(`t${at}`))
    for (let row = 0; row < 8; row++) {
      const table = world.tables[at] as Table
      const names = [...table.columns.map((column) => column.name), 'big'].join()
      await stranger.query(`insert into ${table.name} (${names}) values ${world.row(table)} on conflict do nothing`)
    }
  }
  if (publication !== '') await stranger.query(`create publication ${publication} for all tables`)
  larder = await openLarder({
    upstream: origin.url,
    settings: { result_ttl: '1h', feed: 'auto', feed_publication: publication },
    brokenRules,
  })
  const [reader, writer] = [await larder.connect(), await larder.connect()]
  const state = async () => (await reader.query("select state from cache.feed where name = 'postgres'")).rows[0]?.state
  await expect.poll(state, { timeout: 20_000, interval: 10 }).toBe('streaming')
  return { stranger, reader, writer }
}

async function answerOf(client: pg.Client, { text, values }: Query): Promise<string> {
  const asked = { text, values: [...values], rowMode: 'array' as const }
  return await client.query(asked).then(
    ({ rows }) => JSON.stringify(rows),
    (error: Error) => `error: ${error.message}`,
  )
}

/** What differs first, and how many answers came from memory. */
async function run(version: TestVersion, brokenRules: readonly string[], roundCount: number, publication = '') {
  const random = Random.fromEnvironment()
  const { seed } = random
  const world = new World(random)
  const { stranger, reader, writer } = await open(version, world, brokenRules, publication)
  // Those that the origin refuses are of no use.
  const queries: Query[] = []
  while (queries.length < 60) {
    const query = world.query()
    if (!(await answerOf(stranger, query)).startsWith('error')) queries.push(query)
  }
  const hits = async () => Number((await reader.query('select result_hits from cache.stats')).rows[0].result_hits)
  let [hit, read] = [0, 0]
  for (let round = 0; round < roundCount; round++) {
    const isOurs = world.chance(1, 2)
    const change = world.change()
    await (isOurs ? writer : stranger).query(change).catch(async () => {
      await (isOurs ? writer : stranger).query('rollback')
    })
    if (!isOurs) await larder.fence()
    const before = await hits()
    for (const query of queries) {
      const [mine, theirs] = [await answerOf(reader, query), await answerOf(stranger, query)]
      if (mine !== theirs)
        return { hitShare: hit / Math.max(1, read), wrong: { seed, round, isOurs, change, query, mine, theirs } }
    }
    hit += (await hits()) - before
    read += queries.length
  }
  return { hitShare: hit / read, wrong: undefined }
}

describe.each(await availableVersions())('answers from some rows, before PostgreSQL %i', (version) => {
  it(
    'are what the origin answers, after every change',
    async () => {
      const outcome = await run(version, [], rounds)
      expect(outcome.wrong).toBeUndefined()
      console.log(`hits: ${outcome.hitShare.toFixed(2)}`)
      expect(outcome.hitShare).toBeGreaterThan(0.2)
    },
    30_000 + rounds * 1000,
  )

  it(
    'are that too where a publication is decoded',
    async () => {
      const outcome = await run(version, [], Math.ceil(rounds / 2), 'cached')
      expect(outcome.wrong).toBeUndefined()
      expect(outcome.hitShare).toBeGreaterThan(0.1)
    },
    30_000 + rounds * 500,
  )
})

it('notices that old rows are left out', async () => {
  expect((await run(18, ['rows-old'], 200)).wrong).toBeDefined()
}, 120_000)
