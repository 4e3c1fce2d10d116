// postgres.js doing what people do with it: through Larder it gets what it gets straight at the origin (ways.ts). It names every statement
// and sends the next before the last is answered.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { type Door, useWays } from './ways.ts'

type Options = postgres.Options<Record<string, postgres.PostgresType>>

const ways = useWays({
  schema: `
    create table item (id serial primary key, name text unique not null, price numeric, tags text[], data jsonb, made timestamptz);
    insert into item (name, price, tags, data, made)
      select 'n' || g, g, array['a', 'b' || g], jsonb_build_object('g', g), timestamptz '2026-01-02 03:04:05+00' + g * interval '1 hour'
      from generate_series(1, 50) g;
    create function loud(n int) returns int language plpgsql as $$ begin raise notice 'told %', n; return n; end $$`,
})

async function withSql(
  door: Door,
  play: (sql: postgres.Sql) => Promise<unknown>,
  options: Options = {},
): Promise<unknown> {
  const told: unknown[] = []
  const { host, port, database } = door
  const sql = postgres({
    ...{ host, port, database, user: 'postgres', max: 1 },
    onnotice: ({ message }) => told.push(message),
    ...options,
  })
  try {
    return [await play(sql), told]
  } finally {
    await sql.end()
  }
}

/** What a statement gave, or how it failed. */
async function seen(query: PromiseLike<unknown>): Promise<unknown> {
  try {
    const rows = (await query) as postgres.RowList<postgres.Row[]>
    const { command, count, columns } = rows
    return { rows: [...rows], command, count, columns: columns?.map(({ name, type }) => [name, type]) }
  } catch (error) {
    const { query: _query, ...fields } = error as postgres.PostgresError & { query?: unknown }
    return { ...fields, message: (error as Error).message }
  }
}

/** Each way a session may speak. */
const manners: Readonly<Record<string, Options>> = {
  'preparing everything': {},
  'preparing nothing': { prepare: false },
  'on four connections': { max: 4 },
  'without asking for types': { fetch_types: false },
}

for (const [manner, options] of Object.entries(manners)) {
  const inOrder = options.max === undefined

  describe(`postgres.js, ${manner}`, () => {
    it('creates, reads, updates and deletes', () =>
      ways.expectAlike((door) =>
        withSql(
          door,
          async (sql) => [
            await seen(sql`select * from item where id in ${sql([1, 2, 3])} order by id`),
            await seen(sql`select * from item where id in ${sql([1, 2, 3])} order by id`),
            await seen(
              sql`insert into item ${sql({ id: 900, name: 'new', price: 1.5, tags: ['x'], data: { a: null } } as never)} returning *`,
            ),
            await seen(sql`select count(*) from item`),
            await seen(
              sql`update item set ${sql({ name: 'newer', price: null })} where id = ${900} returning name, price`,
            ),
            await seen(sql`select * from item where name = ${'newer'}`),
            await seen(sql`select id from item where tags @> ${['b7']} or data @> ${sql.json({ g: 9 })} order by id`),
            await seen(sql`select id from item where made > ${new Date('2026-01-04T00:00:00Z')} order by id`),
            await seen(
              sql`select ${'é'} as word, ${null}::int as nothing, ${sql`id + 1`} as more from item where id = ${1}`,
            ),
            await seen(sql`select ${sql('name', 'price')} from ${sql('item')} order by ${sql('id')} limit 2`),
            await seen(sql`delete from item where id = 900`),
            await seen(sql`select count(*) from item`),
            await seen(sql`insert into item ${sql([{ name: 'm1' }, { name: 'm2' }])} returning name`),
            await seen(sql`delete from item where name like 'm_'`),
            await seen(sql.unsafe('select id, name from item where id = $1', [4])),
            await seen(sql.unsafe('select 1 as a; select count(*) as b from item; select 2 as c')),
            await seen(sql`select 1 as a; select count(*) as b from item`.simple()),
            await seen(sql`select id, name from item where id < 4 order by id`.values()),
            await seen(sql`select id, name from item where id < 3 order by id`.raw()),
          ],
          options,
        ),
      ))

    it('gets errors at every step, and goes on', () =>
      ways.expectAlike((door) =>
        withSql(
          door,
          async (sql) => [
            await seen(sql`select nothing from item`),
            await seen(sql`selec 1`),
            await seen(sql`select 1 / (id - 1) from item order by id`),
            await seen(sql`insert into item (name) values (${'n1'})`),
            await seen(sql`insert into item (name) values (${null})`),
            await seen(sql`select id from item where id = ${'no number' as never}`),
            await seen(sql`select count(*) from item`),
            ...(inOrder
              ? await Promise.all([
                  seen(sql`select 1 as before`),
                  seen(sql`select 1 / 0`),
                  seen(sql`select count(*) from item`),
                  seen(sql`select nothing`),
                  seen(sql`select 1 as behind`),
                ])
              : []),
          ],
          options,
        ),
      ))

    it('runs transactions and savepoints, and undoes them', () =>
      ways.expectAlike((door) =>
        withSql(
          door,
          async (sql) => {
            const all: unknown[] = []
            const count = () => seen(sql`select count(*), max(price) from item`)
            all.push(await count())
            await sql.begin(async (tx) => {
              await tx`insert into item (id, name, price) values (901, 'kept', 1000)`
              all.push(await seen(tx`select count(*), max(price) from item`))
              await tx
                .savepoint(async (inner) => {
                  await inner`insert into item (id, name) values (902, 'dropped')`
                  throw new Error('as planned')
                })
                .catch((error: Error) => all.push(error.message))
              all.push(await seen(tx`select name from item where id > 900`))
            })
            all.push(await count())
            await sql
              .begin('isolation level serializable', async (tx) => {
                await tx`delete from item where id = 901`
                all.push(await seen(tx`select count(*) from item`))
                throw new Error('as planned')
              })
              .catch((error: Error) => all.push(error.message))
            all.push(await count())
            await sql
              .begin('read only', async (tx) => all.push(await seen(tx`delete from item`)))
              .catch(() => undefined)
            await sql.begin((tx) => [tx`delete from item where id = 901`, tx`select count(*) from item`])
            all.push(await count())
            return all
          },
          options,
        ),
      ))

    it('reads with cursors, in portions, row by row, and stops in the middle', () =>
      ways.expectAlike((door) =>
        withSql(
          door,
          async (sql) => {
            const portions: unknown[] = []
            await sql`select id from item where id <= 25 order by id`.cursor(10, (rows) => {
              portions.push([...rows])
            })
            await sql`select id from item where id <= 25 order by id`.cursor(10, (rows) => {
              portions.push([...rows])
              return sql.CLOSE
            })
            for await (const rows of sql`select id, name from item where id <= 7 order by id`.cursor(3))
              portions.push([...rows])
            for await (const [row] of sql`select id from item order by id`.cursor()) {
              portions.push(row)
              if (row?.id === 4) break
            }
            await sql`select id from item where id <= 3 order by id`.forEach((row) => {
              portions.push(row)
            })
            portions.push(
              await seen(
                sql`select 1 / (id - 12) from item order by id`.cursor(5, (rows) => void portions.push([...rows])),
              ),
            )
            portions.push(await seen(sql`select count(*) from item`))
            return portions
          },
          options,
        ),
      ))

    it('copies in and out, and gives up a copy', () =>
      ways.expectAlike((door) =>
        withSql(
          door,
          async (sql) => {
            const lines = Array.from({ length: 3000 }, (_, index) => `${index}\tline ${index}\n`)
            const into = async (rows: string[]) => {
              try {
                await pipeline(Readable.from(rows), await sql`copy copied from stdin`.writable())
                return 'copied'
              } catch (error) {
                return (error as Error).message
              }
            }
            // When the server refuses rows this driver does not tell; it can give up by itself.
            const giveUp = async () => {
              const query = sql`copy copied from stdin`
              const sink = await query.writable()
              sink.on('error', () => undefined)
              await new Promise((resolve) => sink.write('70000\tnever\n', resolve))
              sink.destroy(new Error('changed my mind'))
              return (await seen(sql`select count(*) from copied`)) as object
            }
            const outOf = async (query: postgres.PendingQuery<postgres.Row[]>) => {
              const chunks: Buffer[] = []
              for await (const chunk of await query.readable()) chunks.push(chunk as Buffer)
              return Buffer.concat(chunks).toString()
            }
            await sql`drop table if exists copied`
            await sql`create table copied (a int primary key, b text)`
            return [
              await seen(sql`select count(*) from copied`),
              await into(lines),
              await seen(sql`select count(*), sum(a), max(b) from copied`),
              // Short enough for one read: a stream of this driver that was paused at its end does not wake up again.
              await outOf(sql`copy (select * from copied where a < 100 order by a) to stdout`),
              await giveUp(),
              await seen(sql`select count(*) from copied`),
            ]
          },
          options,
        ),
      ))
  })
}

describe('postgres.js', () => {
  it('sends a hundred statements at once, and each gets its answer', () =>
    ways.expectAlike((door) =>
      withSql(
        door,
        (sql) =>
          Promise.all(
            Array.from({ length: 100 }, (_, index) =>
              index % 10 === 9
                ? seen(sql`select 1 / ${index % 3 === 0 ? 0 : 1}::int as maybe`)
                : seen(sql`select ${index % 7}::int as asked, name from item where id = ${1 + (index % 7)}`),
            ),
          ),
        { max: 3 },
      ),
    ))

  it('describes, listens, notifies, and hears notices', () =>
    ways.expectAlike((door) =>
      withSql(
        door,
        async (sql) => {
          const { types, columns } = await sql`select id, name from item where id = ${1} and name = ${'n1'}`.describe()
          const heard: string[] = []
          const said = await new Promise((resolve) => {
            void sql
              .listen('news', (payload) => {
                heard.push(payload)
                if (payload === 'last') resolve(heard)
              })
              .then(async () => {
                await sql.begin(async (tx) => {
                  await tx.notify('news', 'in a block')
                  await tx`select count(*) from item`
                })
                await sql.notify('news', 'last')
              })
          })
          return [types, columns.map(({ name, type }) => [name, type]), said, await seen(sql`select loud(${3})`)]
        },
        { max: 2 },
      ),
    ))

  it('keeps large objects', () =>
    ways.expectAlike((door) =>
      withSql(
        door,
        async (sql) => {
          const object = await (sql as unknown as LargeObjects).largeObject()
          await object.write(Buffer.from('some bytes'))
          await object.seek(5)
          const [read] = await object.read(5)
          const size = [...(await object.size())]
          await object.close()
          return [read?.data.toString(), size]
        },
        { max: 2 },
      ),
    ))

  it('cancels a statement, and goes on', async () => {
    const watcher = await ways.origin.connect()
    await ways.expectAlike((door) =>
      withSql(door, async (sql) => {
        const sleeping = sql`select pg_sleep(64)`
        const outcome = seen(sleeping)
        const active = `select from pg_stat_activity where state = 'active' and query like '%sleep(64)%' and datname = $1`
        while ((await watcher.query(active, [door.database])).rowCount === 0);
        sleeping.cancel()
        return [await outcome, await seen(sql`select count(*) from item`)]
      }),
    )
  })

  it('keeps its settings and types', () =>
    ways.expectAlike((door) =>
      withSql(
        door,
        async (sql) => [
          sql.parameters.application_name,
          await seen(sql`select current_setting('timezone'), current_setting('application_name')`),
          await seen(sql`select made::text, price from item where id = 1`),
          await seen(sql`select 9007199254740993::int8 as big, '{1,2}'::int8[] as bigs`),
        ],
        { connection: { application_name: 'of-a-kind', TimeZone: 'Asia/Tokyo' }, types: { bigint: postgres.BigInt } },
      ),
    ))

  it('reserves a connection and keeps its temporary tables there', () =>
    ways.expectAlike((door) =>
      withSql(
        door,
        async (sql) => {
          const reserved = await sql.reserve()
          await reserved`create temp table item (id int)`
          const hidden = await seen(reserved`select count(*) from item`)
          await reserved`insert into item values (1)`
          const all = [
            hidden,
            await seen(reserved`select count(*) from item`),
            await seen(reserved`select count(*) from public.item`),
          ]
          await reserved`drop table item`
          all.push(await seen(reserved`select count(*) from item`))
          reserved.release()
          return all
        },
        { max: 2 },
      ),
    ))

  it('has got many of its answers from memory meanwhile', async () => {
    expect(await ways.hits()).toBeGreaterThan(100)
  })
})

/** What its types leave out. */
interface LargeObjects {
  largeObject(): Promise<{
    write(bytes: Buffer): Promise<unknown>
    seek(offset: number): Promise<unknown>
    read(length: number): Promise<{ data: Buffer }[]>
    size(): Promise<unknown[]>
    close(): Promise<unknown>
  }>
}
