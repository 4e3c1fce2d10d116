// Calls that no text spells out: by the default of a parameter, by a word behind a value, by a view, by a type that goes by a built-in
// name. What they answer, write, set or alter is not missed.

import { describe, expect, it } from 'vitest'
import { bind, describe as described, execute, parse, rowsOf, type WireClient } from '../support/wire-client.ts'
import { group, theRow, useArena, verdictTo, warm } from './arena.ts'

const arena = useArena()

const schema = `drop schema if exists typed cascade;
create function word(t text default current_setting('app.tenant', true)) returns text language sql immutable as 'select t';
create function word_of(t, x text default current_setting('app.tenant', true)) returns text language sql immutable as 'select x';
create function plain(a numeric default 1, b text default 'x', c int[] default array[1, 2]) returns text language sql immutable
  as 'select $1 || $2 || $3[1]';
create function clocked(int) returns text language sql volatile as 'select clock_timestamp()::text';
create function revoking(int) returns int language plpgsql as $$ begin revoke select on tenant_rows from alice; return 1; end $$;
create view revoked as select revoking(1);
create operator #### (function = revoking, rightarg = int);
create view setting as select set_config('app.tenant', 'a', false) from other;
create view setting_too as select set_config('app.tenant', 'a', false) as was from other where id > 0;
create table watched (id int); insert into watched values (1); alter table watched enable row level security;
create policy sets on watched using (set_config('app.tenant', 'a', false) = 'a');
create table moments (a timestamptz, b text); insert into moments values ('2020-01-01', 'now');
create table hours (opens timetz, at time, id int); insert into hours values ('10:00+00', '10:00', 1);
create view open_at_ten as select id from hours where opens = at;
create schema typed; create table typed.limits (most int); insert into typed.limits values (1);
create function typed.fits(text) returns boolean language sql stable as 'select length($1) <= max(most) from typed.limits';
create domain typed.uuid as pg_catalog.text check (typed.fits(value));
grant usage on schema typed to alice; grant all on all tables in schema public to alice`

/** As tenant a, then as tenant b: what each is told, and never that it was known already. */
async function asBoth(read: string): Promise<string[][][]> {
  const answers = []
  for (const tenant of ['a', 'a', 'b']) {
    const client = await arena.connect('alice')
    await client.rows(`set app.tenant = '${tenant}'`)
    answers.push((await client.rows(read)) as string[][])
  }
  return answers
}

async function neverKept(client: WireClient, read: string, because: string): Promise<void> {
  for (const _ of ['cold', 'warm', 'again']) {
    await client.rows(read)
    expect(verdictTo(client), read).toBe(`bypass;reason=${because}`)
  }
}

describe('the default of a parameter', () => {
  it.each([
    'select word()',
    'select word() from other',
    'select t.word_of from t where id = 1',
    'select (t).word_of from t limit 1',
  ])('is evaluated at each call: %s (RRC-12)', async (read) => {
    await arena.atOrigin(schema)
    expect(await asBoth(read)).toEqual([[['a']], [['a']], [['b']]])
  })

  it('costs no hit where it is a constant (RRC-12)', async () => {
    await arena.atOrigin(schema)
    expect(await warm(arena.reader, 'select plain() from other')).toBe('[["1x1"]]')
  })
})

describe('a word behind a value', () => {
  it.each([
    'select (id).bump_of from other',
    'select x.bump_of from generate_series(1, 1) x',
    'select generate_series.bump_of from generate_series(1, 1)',
    'select (array[1])[1].bump_of',
  ])('calls a function that writes: %s (RRC-18)', async (call) => {
    const { reader, writer } = arena
    for (const round of [1, 2, 3]) {
      await warm(reader, theRow)
      await writer.rows(call)
      expect(await reader.rows(theRow), `round ${round}, ${verdictTo(writer)}`).toEqual([[String(round)]])
    }
  })

  it.each([
    ['select (id).clocked from other', 'volatile(clocked)'],
    ['select (a).age from moments', 'stable(age)'],
    ['select (b).timestamptz from moments', 'stable(date_in)'],
    ['select (b).date from moments', 'stable(date_in)'],
    ['select (a).timetz from moments', 'stable(timetz)'],
    ['select x.age from unnest(array[timestamptz $$2020-01-01$$]) x', 'stable(age)'],
    ['select (t).xmax from t', 'catalog(xmax)'],
    ['select (t.*).xmax from t', 'catalog(xmax)'],
  ])('is what makes an answer change: %s (RRC-12)', async (read, because) => {
    await arena.atOrigin(schema)
    await neverKept(arena.reader, read, because)
  })

  it('costs no hit where it is a field (RRC-12)', async () => {
    await arena.atOrigin(
      'create type pair as (a int, b int); create table pairs (p pair); insert into pairs values ((1, 2))',
    )
    expect(await warm(arena.reader, 'select (p).b from pairs')).toBe('[["2"]]')
  })
})

it.each([
  'create temporary table x as select * from revoked',
  'create temporary table x as select (1).revoking',
  'create temporary table x as select #### 1',
  'select * into temporary x from revoked',
])('what a temporary table is filled with may alter the rights of others: %s (RRC-18)', async (fill) => {
  await arena.atOrigin(schema)
  const alice = await arena.connect('alice')
  await alice.rows("set app.tenant = 'a'")
  await warm(alice, 'select word from tenant_rows')
  await arena.writer.rows(fill)
  await expect(alice.rows('select word from tenant_rows')).rejects.toThrow('permission denied')
})

it.each(['select * from setting', 'select count(was) from setting_too', 'select * from watched'])(
  'a view or a policy sets who asks, each time anew: %s (RRC-18)',
  async (read) => {
    await arena.atOrigin(schema)
    const alice = await arena.connect('alice')
    for (const round of ['first', 'second', 'third']) {
      await alice.rows("set app.tenant = 'b'")
      expect(await warm(alice, 'select word from tenant_rows')).toBe('[["of b"]]')
      await alice.rows(read)
      expect(await alice.rows('select word from tenant_rows'), `${round}: ${verdictTo(alice)}`).toEqual([['of a']])
    }
  },
)

it('what an extension was told before it was loaded is in no key (RRC-18)', async () => {
  await arena.atOrigin('drop extension if exists isn; create extension isn')
  const { reader } = arena
  const weak = await arena.connect()
  const read = "select '978-0-11-000533-5'::isbn13"
  await weak.rows('set isn.weak = on')
  for (const _ of ['cold', 'warm', 'again']) expect(await weak.rows(read)).toEqual([['978-0-11-000533-1!']])
  await expect(reader.rows(read)).rejects.toThrow('invalid check digit')
})

describe('a type that the client gives its parameter', () => {
  const typeNamed = async (name: string) =>
    Number(await arena.truth(`select '${name}'::regtype::oid`).then((rows) => JSON.parse(rows)[0][0]))
  const ask = async (client: WireClient, type: number, value: string) =>
    rowsOf(
      await client.exchange(
        group(parse('', 'select $1, 7', [type]), bind({ values: [value] }), described('P'), execute()),
      ),
    )

  it.each([
    ['checked', '5'],
    ['pair', '(1,2)'],
    ['_checked', '{1}'],
  ])('may write as it is read: %s (RRC-18)', async (type, value) => {
    await arena.atOrigin('create type pair as (a checked, b int)')
    const { reader, writer } = arena
    const oid = await typeNamed(type)
    for (const round of [1, 2, 3]) {
      // What is known of the words with another type is no help.
      expect(await ask(writer, 25, 'x')).toEqual([['x', '7']])
      await warm(reader, theRow)
      expect(await ask(writer, oid, value)).toEqual([[value, '7']])
      expect(await reader.rows(theRow), verdictTo(writer)).toEqual([[String(round)]])
    }
  })

  it('costs no hit if it is an enum (RRC-12)', async () => {
    await arena.atOrigin("create type mood as enum ('fine')")
    const { reader } = arena
    const oid = await typeNamed('mood')
    for (const _ of ['cold', 'warm']) expect(await ask(reader, oid, 'fine')).toEqual([['fine', '7']])
    expect(verdictTo(reader)).toMatch(/^hit/)
  })
})

it.each(['select * from bumping', 'select (id).bump_of from other', 'select 5::checked', 'values ((1).bump_of)'])(
  'is seen where the origin tells no locks, as in a replication connection: %s (RRC-18)',
  async (read) => {
    const blind = await arena.through('postgres', { replication: 'database' })
    for (const round of [1, 2]) {
      await warm(arena.reader, theRow)
      await blind.rows(read)
      expect(await arena.reader.rows(theRow)).toEqual([[String(round)]])
    }
    const before = await warm(arena.reader, theRow)
    await blind.rows('select 1')
    expect(JSON.stringify(await arena.reader.rows(theRow))).toBe(before)
    expect(verdictTo(arena.reader)).toMatch(/^hit/)
  },
)

it('PL/pgSQL comes with settings that are in the key before it is loaded, and costs new sessions no hit (RRC-12)', async () => {
  await arena.atOrigin(`create table named (x int); insert into named values (2); grant all on named to public;
    create function ambiguous() returns int language plpgsql immutable as $$ declare x int = 1; begin return (select x from named); end $$`)
  const read = 'select ambiguous() from other'
  const columns = await arena.connect()
  await columns.rows('set plpgsql.variable_conflict = use_column')
  expect(await warm(columns, read)).toBe('[["2"]]')
  const variables = await arena.connect()
  await variables.rows('set plpgsql.variable_conflict = use_variable')
  expect(await warm(variables, read)).toBe('[["1"]]')
  const late = await arena.connect()
  await late.rows('set plpgsql.variable_conflict = use_variable')
  expect(await late.rows(read)).toEqual([['1']])
  expect(verdictTo(late)).toMatch(/^hit/)
  await expect(arena.reader.rows(read)).rejects.toThrow('ambiguous')
})

it('more settings than a function takes arguments can be read by name, and some of all there may be (RRC-12)', async () => {
  const { reader, writer } = arena
  for (let n = 0; n < 270; n++) await reader.rows(`select current_setting('app.k${n}', true) from other`)
  expect(verdictTo(reader)).toMatch(/^bypass;reason=unknown_key/)
  expect(await warm(reader, theRow)).toBe('[["0"]]')
  await writer.rows('update t set v = bump() + 6 where id = 2')
  expect(JSON.stringify(await reader.rows(theRow))).toBe(await arena.truth(theRow))
  await reader.rows("set app.k3 = 'x'")
  expect(await warm(reader, "select current_setting('app.k3', true) from other")).toBe('[["x"]]')
  await reader.rows("set app.k3 = 'y'")
  expect(await warm(reader, "select current_setting('app.k3', true) from other")).toBe('[["y"]]')
})

it.each([
  "select id from hours where opens = '05:00'",
  'select id from hours where opens = at',
  "select opens from hours union all select '05:00'",
  'select id from open_at_ten',
])('a time that takes the zone of today is not kept: %s (RRC-12)', async (read) => {
  await arena.atOrigin(schema)
  await neverKept(arena.reader, read, 'stable(timetz)')
})

it('times with zones are kept where nothing is made one (RRC-12)', async () => {
  await arena.atOrigin(schema)
  expect(await warm(arena.reader, 'select opens, at from hours order by id')).toBe('[["10:00:00+00","10:00:00"]]')
  expect(await warm(arena.reader, "select at from hours where at = '10:00'")).toBe('[["10:00:00"]]')
})

it('a type of a user that is found before the built-in one of its name is asked every time (RRC-12)', async () => {
  await arena.atOrigin(schema)
  const { reader, writer } = arena
  await reader.rows('set search_path = typed, pg_catalog')
  for (const _ of ['cold', 'warm']) expect(await reader.rows("select 'x'::uuid")).toEqual([['x']])
  await writer.rows('update typed.limits set most = 3')
  for (const _ of ['cold', 'warm']) expect(await reader.rows("select 'yyy'::uuid")).toEqual([['yyy']])
  await writer.rows('update typed.limits set most = 2')
  await expect(reader.rows("select 'yyy'::uuid")).rejects.toThrow('violates check')
})
