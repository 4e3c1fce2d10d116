// Drizzle and Kysely doing what people do with them: through Larder they get what they get straight at the origin (ways.ts).

import { and, asc, avg, count, desc, eq, gt, ilike, inArray, isNull, sql as raw, relations } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, jsonb, numeric, pgEnum, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { type Generated, Kysely, PostgresDialect, sql } from 'kysely'
import type pg from 'pg'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { openPool } from '../support/pool.ts'
import { type Door, useWays } from './ways.ts'

const ways = useWays({
  schema: `
    create type mood as enum ('sad', 'happy');
    create table author (id serial primary key, name text not null unique, mood mood, born date);
    create table book (id serial primary key, title text not null, author_id int references author on delete cascade, pages int default 100,
      price numeric(10, 2), details jsonb, made timestamptz default '2026-01-02 03:04:05+00');
    insert into author (name, mood, born) values ('Ada', 'happy', '1815-12-10'), ('Grace', 'sad', '1906-12-09'), ('Alan', null, null);
    insert into book (title, author_id, pages, price, details) select 'Book ' || g, 1 + g % 3, g * 10, g * 1.25,
      case when g % 2 = 0 then jsonb_build_object('genre', 'g' || g % 4) end from generate_series(1, 24) g;
    create view long_book as select id, title, pages from book where pages > 120`,
})

const mood = pgEnum('mood', ['sad', 'happy'])
const author = pgTable('author', { id: serial().primaryKey(), name: text().notNull().unique(), mood: mood() })
const book = pgTable('book', {
  id: serial().primaryKey(),
  title: text().notNull(),
  authorId: integer('author_id').references(() => author.id),
  pages: integer().default(100),
  price: numeric({ precision: 10, scale: 2 }),
  details: jsonb().$type<{ genre: string }>(),
  made: timestamp({ withTimezone: true }),
})
const schema = {
  ...{ author, book },
  authorRelations: relations(author, ({ many }) => ({ books: many(book) })),
  bookRelations: relations(book, ({ one }) => ({
    author: one(author, { fields: [book.authorId], references: [author.id] }),
  })),
}
type Drizzle = ReturnType<typeof drizzlePg<typeof schema>>

const drivers: Readonly<Record<string, (door: Door) => { db: Drizzle; close: () => Promise<void> }>> = {
  'node-postgres': (door) => {
    const pool = openPool({ ...door, user: 'postgres', max: 1 })
    return { db: drizzlePg(pool, { schema }), close: () => pool.end() }
  },
  'postgres.js': ({ host, port, database }) => {
    const client = postgres({ host, port, database, user: 'postgres', max: 1, onnotice: () => undefined })
    return { db: drizzlePostgres(client, { schema }) as unknown as Drizzle, close: () => client.end() }
  },
}

/** What it came to: rows, or the error of the server in whatever it was wrapped. */
async function seen(query: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await query
  } catch (error) {
    const { cause = error } = error as { cause?: pg.DatabaseError }
    const { code, detail, column, table, constraint, message } = cause as pg.DatabaseError
    return { code, detail, column, table, constraint, message }
  }
}

for (const [driver, open] of Object.entries(drivers)) {
  const withDrizzle = (play: (db: Drizzle) => Promise<unknown>) => async (door: Door) => {
    const { db, close } = open(door)
    try {
      return await play(db)
    } finally {
      await close()
    }
  }

  describe(`Drizzle over ${driver}`, () => {
    it('reads with joins, groups, windows, relations and prepared statements', () =>
      ways.expectAlike(
        withDrizzle(async (db) => {
          const prepared = db
            .select()
            .from(book)
            .where(eq(book.id, raw.placeholder('id')))
            .prepare('book_by_id')
          const reads = async () => [
            await seen(db.select().from(author).orderBy(asc(author.name))),
            await seen(
              db
                .select({ name: author.name, books: count(book.id), mean: avg(book.price) })
                .from(author)
                .leftJoin(book, eq(book.authorId, author.id))
                .groupBy(author.id)
                .orderBy(desc(count(book.id)), author.name),
            ),
            await seen(
              db
                .select()
                .from(book)
                .where(and(gt(book.pages, 50), ilike(book.title, '%2%')))
                .orderBy(book.id)
                .limit(3)
                .offset(1),
            ),
            await seen(
              db
                .select()
                .from(book)
                .where(and(inArray(book.id, [1, 2, 3]), isNull(book.details)))
                .orderBy(book.id),
            ),
            await seen(
              db.query.author.findMany({
                orderBy: author.id,
                with: { books: { columns: { title: true, price: true }, orderBy: desc(book.price), limit: 2 } },
              }),
            ),
            await seen(db.query.book.findFirst({ where: eq(book.id, 5), with: { author: true } })),
            await seen(prepared.execute({ id: 4 })),
            await seen(prepared.execute({ id: 400 })),
            await seen(
              db
                .select({ id: book.id, rank: raw<number>`rank() over (order by ${book.pages} desc)::int` })
                .from(book)
                .limit(3),
            ),
            await seen(db.selectDistinct({ mood: author.mood }).from(author).orderBy(author.mood)),
            await seen(db.$count(book, gt(book.pages, 100))),
            await seen(db.select().from(book).where(eq(book.title, 'none'))),
          ]
          return [await reads(), await reads()]
        }),
      ))

    it('writes, upserts, undoes, and reads it back', () =>
      ways.expectAlike(
        withDrizzle(async (db) => {
          const log: unknown[] = []
          const tell = async (query: PromiseLike<unknown>) => log.push(await seen(query))
          const state = () =>
            tell(db.select({ id: book.id, pages: book.pages }).from(book).where(gt(book.id, 20)).orderBy(book.id))
          await state()
          await tell(
            db
              .insert(book)
              .values({ id: 900, title: 'New', authorId: 1, details: { genre: 'x' } })
              .returning(),
          )
          await state()
          await tell(
            db
              .insert(author)
              .values({ name: 'Ada', mood: 'sad' })
              .onConflictDoUpdate({ target: author.name, set: { mood: 'sad' } })
              .returning({ mood: author.mood }),
          )
          await tell(db.insert(author).values({ name: 'Ada' }).onConflictDoNothing().returning())
          await tell(db.select({ mood: author.mood }).from(author).where(eq(author.name, 'Ada')))
          await tell(
            db
              .update(book)
              .set({ pages: raw`${book.pages} + 1` })
              .where(eq(book.id, 900))
              .returning({ pages: book.pages }),
          )
          await state()
          await tell(
            db.transaction(async (tx) => {
              await tx.delete(book).where(gt(book.id, 22))
              await tell(tx.select({ n: count() }).from(book))
              await tx
                .transaction(async (inner) => {
                  await inner.delete(book)
                  inner.rollback()
                })
                .catch(() => undefined)
              await tell(tx.select({ n: count() }).from(book))
              throw new Error('as planned')
            }),
          )
          await state()
          await tell(
            db
              .transaction((tx) => tx.delete(book).where(eq(book.id, 900)), { isolationLevel: 'serializable' })
              .then(() => 'done'),
          )
          await state()
          await tell(db.insert(author).values({ name: null as never }))
          await tell(db.insert(author).values({ id: 1, name: 'Same id' }))
          await tell(db.insert(book).values({ title: 'Orphan', authorId: 999 }))
          await tell(db.execute(raw`select nothing from book`).then(() => 'done'))
          await tell(
            db.update(author).set({ mood: 'happy' }).where(eq(author.name, 'Ada')).returning({ mood: author.mood }),
          )
          return log
        }),
      ))
  })
}

interface Tables {
  author: { id: Generated<number>; name: string; mood: 'sad' | 'happy' | null; born: Date | null }
  book: {
    id: Generated<number>
    title: string
    author_id: number | null
    pages: number | null
    price: string | null
    details: { genre: string } | null
    made: Generated<Date>
  }
  long_book: { id: number; title: string; pages: number }
}

const withKysely = (play: (db: Kysely<Tables>) => Promise<unknown>) => async (door: Door) => {
  const db = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: openPool({ ...door, user: 'postgres', max: 1 }) }),
  })
  try {
    return await play(db)
  } finally {
    await db.destroy()
  }
}

describe('Kysely', () => {
  it('reads with joins, common table expressions, JSON and views', () =>
    ways.expectAlike(
      withKysely(async (db) => {
        const reads = async () => [
          await seen(db.selectFrom('author').selectAll().orderBy('id').execute()),
          await seen(
            db
              .with('dear', (qb) =>
                qb.selectFrom('book').select(['id', 'author_id', 'price']).where('price', '>', '10'),
              )
              .selectFrom('dear')
              .innerJoin('author', 'author.id', 'dear.author_id')
              .select(({ fn }) => ['author.name', fn.count<number>('dear.id').as('n'), fn.max('dear.price').as('top')])
              .groupBy('author.name')
              .orderBy('author.name')
              .execute(),
          ),
          await seen(db.selectFrom('long_book').selectAll().orderBy('pages', 'desc').limit(4).execute()),
          await seen(
            db
              .selectFrom('book')
              .select((eb) => ['id', eb.ref('details', '->>').key('genre').as('genre')])
              .where('details', 'is not', null)
              .orderBy('id')
              .execute(),
          ),
          await seen(db.selectFrom('book').select('title').where('id', 'in', [3, 1, 2]).orderBy('title').execute()),
          await seen(db.selectFrom('book').select('title').where('id', '=', 1).executeTakeFirst()),
          await seen(
            sql`select ${sql.ref('title')} from ${sql.table('book')} where id = ${7}`
              .execute(db)
              .then(({ rows }) => rows),
          ),
          await seen(db.selectFrom('book').select('id').where('id', '=', -1).execute()),
        ]
        return [await reads(), await reads()]
      }),
    ))

  it('makes a schema, changes it, and finds it by introspection', () =>
    ways.expectAlike(
      withKysely(async (db) => {
        const tables = async () => {
          const all = await db.introspection.getTables()
          return all.map(({ name, schema: where, isView, columns }) => [
            where,
            name,
            isView,
            columns.map((column) => [column.name, column.dataType, column.isNullable]),
          ])
        }
        const log: unknown[] = [await tables()]
        const changing = db as unknown as Kysely<Record<string, Record<string, unknown>>>
        await changing.schema
          .createTable('made')
          .addColumn('id', 'serial', (column) => column.primaryKey())
          .addColumn('word', 'varchar(20)', (column) => column.notNull().defaultTo('x'))
          .execute()
        await changing.insertInto('made').values({ word: 'one' }).execute()
        const all = () => changing.selectFrom('made').selectAll().orderBy('id').execute()
        log.push(await all(), await all())
        await changing.schema
          .alterTable('made')
          .addColumn('more', 'integer', (column) => column.defaultTo(7))
          .execute()
        log.push(await all())
        await changing.schema.createIndex('made_word').on('made').column('word').execute()
        await changing.schema.alterTable('made').renameColumn('word', 'phrase').execute()
        log.push(await all(), await tables())
        await changing.schema.alterTable('made').dropColumn('more').execute()
        log.push(await all())
        await changing.schema.dropTable('made').execute()
        log.push(await seen(all()), await tables())
        return log
      }),
    ))

  it('writes in transactions of every level, with savepoints, and undoes them', () =>
    ways.expectAlike(
      withKysely(async (db) => {
        const log: unknown[] = []
        const names = async (from: Pick<Kysely<Tables>, 'selectFrom'> = db) =>
          log.push(await seen(from.selectFrom('author').select(['name', 'mood']).orderBy('name').execute()))
        await names()
        for (const level of ['read committed', 'repeatable read', 'serializable'] as const) {
          await db
            .transaction()
            .setIsolationLevel(level)
            .execute(async (tx) => {
              await tx
                .insertInto('author')
                .values({ name: level } as never)
                .execute()
              await names(tx)
            })
          await names()
        }
        const tx = await db.startTransaction().execute()
        await tx.deleteFrom('author').where('name', 'like', '%a%').execute()
        await names(tx)
        const point = await tx.savepoint('a').execute()
        await point.updateTable('author').set({ mood: 'happy' }).execute()
        await names(point)
        const back = await point.rollbackToSavepoint('a').execute()
        await names(back)
        await back.rollback().execute()
        await names()
        log.push(await seen(db.deleteFrom('author').where('name', 'like', '% %').returning('name').execute()))
        log.push(await seen(db.deleteFrom('author').where('name', '=', 'serializable').executeTakeFirst()))
        log.push(
          await seen(
            db
              .insertInto('author')
              .values({ name: 'Ada' } as never)
              .execute(),
          ),
        )
        log.push(await seen(sql`select nothing from author`.execute(db)))
        await names()
        return log
      }),
    ))

  it('streams nothing without a cursor, and says so alike', () =>
    ways.expectAlike(withKysely(async (db) => seen(db.selectFrom('author').selectAll().stream().next()))))
})

it('many of the answers came from memory meanwhile', async () => {
  expect(await ways.hits()).toBeGreaterThan(60)
})
