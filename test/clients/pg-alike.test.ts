// node-postgres doing what people do with it: through Larder it gets what it gets straight at the origin (ways.ts).

import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { openPool } from '../support/pool.ts'
import { cancelRequest, WireClient } from '../support/wire-client.ts'
import { type Door, useWays } from './ways.ts'

const ways = useWays({
  parameters: { max_prepared_transactions: 5 },
  schema: `
    create table item (id serial primary key, name text unique, price numeric, tags text[], made timestamptz, data jsonb, raw bytea);
    insert into item (name, price, tags, made, data, raw)
      select 'n' || g, g * 1.5, array['a', null, 'ü"' || g], timestamptz '2026-01-02 03:04:05.678+00' + g * interval '1 day',
        jsonb_build_object('g', g, 'deep', jsonb_build_array(g, null)), decode(lpad(to_hex(g), 4, '0'), 'hex')
      from generate_series(1, 20) g;
    create table child (id int primary key, item int references item deferrable initially deferred);
    create type mood as enum ('sad', 'happy');
    create table wide (b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, t text, c char(3), v varchar(5), d date,
      ti time, tz timetz, ts timestamp, ttz timestamptz, iv interval, u uuid, j json, jb jsonb, by bytea, ip inet, m mood,
      ia int[], da date[], r int4range, mr int4multirange, p point, x xml, bits bit varying, o oid, ms mood[]);
    insert into wide values (true, -1, 2, 9007199254740993, 1.5, 'NaN', 12345678901234567890.123, 'é', 'ab', 'cd', '2026-02-03',
      '04:05:06.7', '04:05:06+02', '2026-02-03 04:05:06', '2026-02-03 04:05:06+07', '1 year 2 days 03:04:05',
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null]}', '{"b": "\\u00e9"}', '\\x00ff', '10.0.0.1/8', 'happy',
      '{{1,2},{3,null}}', '{2026-01-01}', '[1,5)', '{[1,2),[5,7)}', '(1,2)', '<a>1</a>', B'101', 42, '{sad,happy}'),
      (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
      null, null, null, null, null, null, null, null, null, null);
    create function loud(n int) returns int language plpgsql as $$ begin raise notice 'told %', n; return n; end $$`,
})

type Query = string | (pg.QueryConfig & { readonly binary?: boolean; readonly rowMode?: 'array' })

/** What a statement gave, all of it that a driver can see; relations are numbered differently in each database. */
async function seen(client: pg.Client | pg.PoolClient | pg.Pool, query: Query, values?: unknown[]): Promise<unknown> {
  try {
    const results = (await client.query(query as pg.QueryConfig, values)) as pg.QueryResult | pg.QueryResult[]
    return [results].flat().map(({ command, rowCount, rows, fields }) => ({
      command,
      rowCount,
      rows,
      fields: fields.map(({ name, dataTypeID, format }) => [name, dataTypeID, format]),
    }))
  } catch (error) {
    return { ...(error as pg.DatabaseError), message: (error as Error).message }
  }
}

const configOf = (door: Door, more: pg.ClientConfig = {}): pg.ClientConfig => ({ ...door, user: 'postgres', ...more })

/** Connects, plays, and goes. What the play is told beside its answers comes with what it returns. */
async function withClient(
  door: Door,
  play: (client: pg.Client) => Promise<unknown>,
  more?: pg.ClientConfig,
): Promise<unknown> {
  const client = new pg.Client(configOf(door, more))
  const told: unknown[] = []
  client.on('notice', ({ message, severity }) => told.push([severity, message]))
  client.on('error', (error) => told.push(error.message))
  await client.connect()
  try {
    return [await play(client), told]
  } finally {
    await client.end()
  }
}

async function each(client: pg.Client | pg.PoolClient, queries: readonly Query[]): Promise<unknown[]> {
  const all: unknown[] = []
  for (const query of queries) all.push(await seen(client, query))
  return all
}

describe('node-postgres', () => {
  it('reads every type, as text and as binary, as objects and as arrays', () =>
    ways.expectAlike((door) =>
      withClient(door, (client) =>
        each(client, [
          'select * from wide',
          { text: 'select * from wide' },
          { text: 'select * from wide', rowMode: 'array' },
          { text: 'select b, i2, i4, i8, f4, f8, n, t, ts, ttz, ia, by from wide', binary: true },
          { text: 'select b, i2, i4, i8, f4, f8, n, t, ts, ttz, ia, by from wide', binary: true, values: [] },
          { name: 'wide', text: 'select * from wide where i4 = $1', values: [2] },
          { name: 'wide', text: 'select * from wide where i4 = $1', values: ['2'] },
          { name: 'wide-binary', text: 'select i8, by from wide where i4 = $1', values: [2], binary: true },
          'select 1 as same, 2 as same, null as nothing',
          'select',
          'table wide limit 0',
        ]),
      ),
    ))

  it('sends every kind of parameter', () =>
    ways.expectAlike((door) =>
      withClient(door, async (client) => {
        const all: unknown[] = []
        const ask = async (text: string, values: unknown[]) => all.push(await seen(client, { text, values }))
        await ask('select id from item where name = any ($1) order by id', [['n1', 'n20', null]])
        await ask('select id from item where data @> $1', [{ g: 7 }])
        await ask('select id from item where raw = $1', [Buffer.from([0, 9])])
        await ask('select id from item where made < $1 order by id', [new Date('2026-01-05T00:00:00Z')])
        await ask('select $1::int as i, $2::text as t, $3::bool as b, $4::float8 as f', [null, null, null, null])
        await ask('select $1::int8 as big', [9007199254740993n])
        await ask('select $1 as untyped', ['é'])
        await ask('select $1::text as long', ['x'.repeat(100_000)])
        await ask('select $1::int[] as a, $2::text[][] as b', [
          [1, null],
          [
            ['a', 'b,"'],
            ['c', ''],
          ],
        ])
        await ask('select id from item where id = $1', [])
        await ask('select id from item where id = $1', [1, 2])
        await ask('select id from item where id = $1', ['no number'])
        await ask('select $1 + $2', [1, 2])
        await ask('select 1', [1])
        await ask('update item set price = $2 where id = $1 returning id, price', [3, '1e3'])
        await ask('select price from item where id = $1', [3])
        await ask('update item set price = 4.5 where id = $1', [3])
        await ask('select price from item where id = $1', [3])
        return all
      }),
    ))

  it('keeps transactions, and their errors at every step', () =>
    ways.expectAlike((door) =>
      withClient(door, (client) =>
        each(client, [
          'begin',
          "insert into item (id, name) values (1000, 'tx') returning id",
          'select count(*) from item',
          'savepoint a',
          "insert into item (id, name) values (1000, 'again')",
          'select 1',
          'rollback to a',
          'select count(*) from item',
          'release a',
          'commit',
          'select count(*) from item',
          'begin isolation level repeatable read read only',
          'select count(*) from item',
          'delete from item where id = 1000',
          'rollback',
          'begin',
          'insert into child values (1, 99999)',
          'select count(*) from child',
          'commit',
          'insert into child values (2, 99999)',
          { text: 'insert into child values ($1, $2)', values: [3, 99999] },
          'select count(*) from child',
          'begin; insert into child values (4, 1); select count(*) from child; commit; select count(*) from child',
          'select 1 as a; select 1 / 0; select 2 as b',
          'begin; delete from child',
          'commit',
          'delete from item where id = 1000',
          'select count(*) from item',
          "begin; update item set name = 'renamed' where id = 2; prepare transaction 'pending'",
          'select name from item where id = 2',
          "rollback prepared 'pending'",
          'select name from item where id = 2',
          'commit',
          'rollback',
        ]),
      ),
    ))

  it('runs many statements on a pool', () =>
    ways.expectAlike(async (door) => {
      const pool = openPool({ ...configOf(door), max: 4 })
      const reads = await Promise.all(
        Array.from({ length: 60 }, (_, index) =>
          seen(pool, {
            name: 'by-id',
            text: 'select id, name, price from item where id = $1',
            values: [1 + (index % 6)],
          }),
        ),
      )
      const client = await pool.connect()
      const transaction = await each(client, [
        'begin',
        'update item set price = price + 1 where id = 1 returning price',
        'rollback',
      ])
      client.release()
      const after = await seen(pool, 'select sum(price) from item')
      const failed = await Promise.all([
        seen(pool, 'select nothing'),
        seen(pool, 'selec'),
        seen(pool, 'select 1 as one'),
      ])
      await Promise.all(Array.from({ length: 10 }, () => pool.query('update item set price = price + 1 where id = 5')))
      const added = await seen(pool, 'select price from item where id = 5')
      await pool.query('update item set price = price - 10 where id = 5')
      await pool.end()
      return [reads, transaction, after, failed, added]
    }))

  it('is told of time limits, by the server and by itself', () =>
    ways.expectAlike((door) =>
      withClient(door, async (client) => [
        await each(client, [
          "set statement_timeout = '40ms'",
          'select pg_sleep(5)',
          'select count(*) from item',
          "begin; set local statement_timeout = '30ms'",
          'select pg_sleep(5)',
          'rollback',
          'select count(*) from item',
          'reset statement_timeout',
          'show statement_timeout',
        ]),
        // The driver gives up waiting; what it asks next is answered behind what it gave up on.
        await seen(client, { text: 'select pg_sleep(0.3)', query_timeout: 50 } as pg.QueryConfig),
        await seen(client, 'select count(*) from item'),
      ]),
    ))

  it('cancels a statement', async () => {
    const watcher = await ways.origin.connect()
    await ways.expectAlike((door) =>
      withClient(door, async (client) => {
        const sleeping = seen(client, 'select pg_sleep(63)')
        const active = `select from pg_stat_activity where state = 'active' and query like '%sleep(63)%' and datname = $1`
        while ((await watcher.query(active, [door.database])).rowCount === 0);
        const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
        const key = Buffer.alloc(8)
        key.writeInt32BE(processID)
        key.writeInt32BE(secretKey, 4)
        const canceler = await WireClient.open(door.host, door.port)
        canceler.send(cancelRequest(key))
        await canceler.whenClosed()
        return [await sleeping, await seen(client, 'select count(*) from item')]
      }),
    )
  })

  it('listens, and is notified at the end of a transaction, once', () =>
    ways.expectAlike(async (door) => {
      const heard: unknown[] = []
      return withClient(door, (listener) =>
        withClient(door, async (speaker) => {
          let last: () => void = () => undefined
          const ended = new Promise<void>((resolve) => {
            last = resolve
          })
          listener.on('notification', ({ channel, payload }) => {
            heard.push([channel, payload])
            if (payload === 'last') last()
          })
          await each(listener, ['listen news', 'listen "Other"', 'select count(*) from item'])
          await each(speaker, [
            "notify news, 'first'",
            'begin',
            "select pg_notify('Other', 'in a block')",
            "notify news, 'same'",
            "notify news, 'same'",
            'commit',
            "begin; notify news, 'never'; rollback",
            "notify elsewhere, 'unheard'",
          ])
          await listener.query('unlisten "Other"')
          await each(speaker, ['notify "Other", \'unheard\'', "notify news, 'last'"])
          await ended
          return heard
        }),
      )
    }))

  it('hears notices, in order with the rows', () =>
    ways.expectAlike((door) =>
      withClient(door, (client) =>
        each(client, [
          'select loud(g) from generate_series(1, 3) g',
          { text: 'select loud($1::int)', values: [7] },
          "do $$ begin raise warning 'watch out'; end $$",
          'drop table if exists nothing_of_that_name',
          'commit',
          'set client_min_messages = error',
          'select loud(1)',
          'reset client_min_messages',
        ]),
      ),
    ))

  it('changes settings, and what is shown follows', () =>
    ways.expectAlike((door) =>
      withClient(
        door,
        (client) =>
          each(client, [
            'show application_name',
            'select made from item where id = 1',
            "set timezone = 'Asia/Tokyo'",
            'select made::text from item where id = 1',
            "set datestyle = 'German'",
            'select made::text from item where id = 1',
            "set intervalstyle = 'iso_8601'; set bytea_output = 'escape'; set extra_float_digits = 0",
            'select iv::text, by::text, f8::text from wide',
            'begin',
            "set local timezone = 'UTC'",
            'select made::text from item where id = 1',
            'rollback',
            'select made::text from item where id = 1',
            'discard all',
            'select made::text from item where id = 1',
            'select current_user, session_user, current_database()',
            'set search_path = pg_catalog',
            'select count(*) from item',
            'select count(*) from public.item',
            'reset all',
            'select count(*) from item',
          ]),
        { application_name: 'of-a-kind', options: '-c statement_timeout=12345 -c timezone=America/New_York' },
      ),
    ))

  it('prepares, and the catalogue changes under it', () =>
    ways.expectAlike((door) =>
      withClient(door, (client) =>
        each(client, [
          'drop table if exists changing',
          'create table changing (a int, b text)',
          "insert into changing values (1, 'x')",
          { name: 'star', text: 'select * from changing where a = $1', values: [1] },
          { name: 'star', text: 'select * from changing where a = $1', values: [1] },
          'alter table changing add column c int default 7',
          { name: 'star', text: 'select * from changing where a = $1', values: [1] },
          { name: 'again', text: 'select * from changing where a = $1', values: [1] },
          { name: 'again', text: 'select * from changing where a = $1', values: [1] },
          'alter table changing alter b type varchar(10)',
          { name: 'again', text: 'select * from changing where a = $1', values: [1] },
          'drop table changing',
          { name: 'again', text: 'select * from changing where a = $1', values: [1] },
          'create table changing (a int)',
          { text: 'select * from changing where a = $1', values: [1] },
          'deallocate all',
          { text: 'select count(*) from changing' },
        ]),
      ),
    ))

  it('is refused, and loses its connection, as ever', () =>
    ways.expectAlike(async (door) => {
      const refusal = async (config: pg.ClientConfig) => {
        const client = new pg.Client(config)
        return client.connect().then(
          () => 'connected',
          (error: pg.DatabaseError) => ({ ...error, message: error.message }),
        )
      }
      const lost = await withClient(door, async (client) => {
        const ended = new Promise((resolve) => client.once('end', resolve))
        const answer = await seen(client, 'select pg_terminate_backend(pg_backend_pid())')
        await ended
        return [answer, await seen(client, 'select 1')]
      })
      return [
        await refusal(configOf(door, { user: 'nobody' })),
        await refusal(configOf(door, { database: 'nowhere' })),
        await refusal(configOf(door, { options: '-c nothing=1' })),
        lost,
      ]
    }))

  it('reads with a cursor of SQL, forwards and back', () =>
    ways.expectAlike((door) =>
      withClient(door, (client) =>
        each(client, [
          'begin',
          'declare c scroll cursor for select id, name from item order by id',
          'fetch 3 from c',
          'fetch backward 2 from c',
          'move 10 in c',
          'fetch all from c',
          'close c',
          'fetch c',
          'rollback',
          'begin; declare h cursor with hold for select count(*) from item; commit',
          'fetch all from h',
          'close h',
        ]),
      ),
    ))

  it('has got many of its answers from memory meanwhile', async () => {
    expect(await ways.hits()).toBeGreaterThan(40)
  })
})
