// Drizzle doing its normal business through Larder, over both drivers it has.

import { and, count, eq, gt, relations, sql, sum } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, jsonb, pgTable, serial, text, timestamp } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { openPool } from '../support/pool.ts'
import { useClientStage } from './client-stage.ts'

const author = pgTable('author', { id: serial().primaryKey(), name: text().notNull().unique() })
const book = pgTable('book', {
  id: serial().primaryKey(),
  title: text().notNull(),
  authorId: integer('author_id').references(() => author.id),
  pages: integer().default(100),
  details: jsonb().$type<{ genre: string }>(),
  made: timestamp({ withTimezone: true }).default(sql`'2026-01-02 03:04:05+00'`),
})
const authorRelations = relations(author, ({ many }) => ({ books: many(book) }))
const bookRelations = relations(book, ({ one }) => ({
  author: one(author, { fields: [book.authorId], references: [author.id] }),
}))
const schema = { author, book, authorRelations, bookRelations }

const stage = useClientStage({
  schema: `create table author (id serial primary key, name text not null unique);
    create table book (id serial primary key, title text not null, author_id int references author, pages int default 100,
      details jsonb, made timestamptz default '2026-01-02 03:04:05+00')`,
})

const drivers = {
  'node-postgres': () => {
    const pool = openPool({ connectionString: stage.larder.url(), max: 4 })
    return { db: drizzlePg(pool, { schema }), close: () => pool.end() }
  },
  'postgres-js': () => {
    const client = postgres(stage.larder.url(), { max: 4 })
    const db = drizzlePostgres(client, { schema }) as unknown as ReturnType<typeof drizzlePg<typeof schema>>
    return { db, close: () => client.end() }
  },
}

for (const [name, open] of Object.entries(drivers)) {
  describe(`Drizzle over ${name}`, () => {
    it('inserts, upserts, joins, groups and reads relations, always the newest', async () => {
      const { db, close } = open()
      await db.delete(book)
      await db.delete(author)
      const [ada] = await db.insert(author).values({ name: 'Ada' }).returning()
      const adaId = ada?.id as number
      await db.insert(book).values([
        { title: 'Notes', authorId: adaId, details: { genre: 'science' } },
        { title: 'Letters', authorId: adaId, pages: 300 },
      ])
      const joined = () =>
        db
          .select({ title: book.title, by: author.name })
          .from(book)
          .innerJoin(author, eq(book.authorId, author.id))
          .where(gt(book.pages, 50))
          .orderBy(book.title)
      expect(await joined()).toEqual([
        { title: 'Letters', by: 'Ada' },
        { title: 'Notes', by: 'Ada' },
      ])
      await db
        .insert(author)
        .values({ name: 'Ada' })
        .onConflictDoUpdate({ target: author.name, set: { name: 'Ada L.' } })
      expect((await joined()).map(({ by }) => by)).toEqual(['Ada L.', 'Ada L.'])
      const totals = () => db.select({ n: count(), pages: sum(book.pages) }).from(book)
      expect(await totals()).toEqual([{ n: 2, pages: '400' }])
      await db
        .update(book)
        .set({ pages: 10 })
        .where(and(eq(book.title, 'Notes'), gt(book.pages, 1)))
      expect(await totals()).toEqual([{ n: 2, pages: '310' }])
      const related = await db.query.author.findMany({
        with: { books: { columns: { title: true }, orderBy: book.title } },
      })
      expect(related).toEqual([{ id: adaId, name: 'Ada L.', books: [{ title: 'Letters' }, { title: 'Notes' }] }])
      await close()
    })

    it('gets repeated reads from memory, prepared or not', async () => {
      const { db, close } = open()
      await db.insert(book).values({ title: 'Kept', details: { genre: 'any' } })
      const prepared = db
        .select()
        .from(book)
        .where(eq(book.title, sql.placeholder('title')))
        .prepare(`by_title_${name.replace('-', '_')}`)
      const plain = () => db.select().from(book).where(eq(book.title, 'Kept'))
      const first = [await prepared.execute({ title: 'Kept' }), await plain()]
      const hits = await stage.hitsDuring(async () => {
        for (let round = 0; round < 3; round++) {
          expect([await prepared.execute({ title: 'Kept' }), await plain()]).toEqual(first)
        }
      })
      expect(hits).toBe(6)
      await db.delete(book).where(eq(book.title, 'Kept'))
      expect([await prepared.execute({ title: 'Kept' }), await plain()]).toEqual([[], []])
      await close()
    })

    it('runs transactions and nested ones', async () => {
      const { db, close } = open()
      const titles = () => db.select({ title: book.title }).from(book).where(eq(book.pages, 7)).orderBy(book.title)
      expect(await titles()).toEqual([])
      await db.transaction(async (tx) => {
        await tx.insert(book).values({ title: 'outer', pages: 7 })
        await tx
          .transaction(async (inner) => {
            await inner.insert(book).values({ title: 'inner', pages: 7 })
            inner.rollback()
          })
          .catch(() => undefined)
      })
      expect(await titles()).toEqual([{ title: 'outer' }])
      const failed = db.transaction(
        async (tx) => {
          await tx.delete(book).where(eq(book.pages, 7))
          throw new Error('as planned')
        },
        { isolationLevel: 'serializable' },
      )
      await expect(failed).rejects.toThrow('as planned')
      expect(await titles()).toEqual([{ title: 'outer' }])
      await db.delete(book).where(eq(book.pages, 7))
      expect(await titles()).toEqual([])
      await close()
    })

    it('inserts a hundred rows at once from many places', async () => {
      const { db, close } = open()
      const many = () => db.select({ n: count() }).from(book).where(eq(book.pages, 1000))
      expect(await many()).toEqual([{ n: 0 }])
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => db.insert(book).values({ title: `bulk ${index}`, pages: 1000 })),
      )
      expect(await many()).toEqual([{ n: 100 }])
      await db.delete(book).where(eq(book.pages, 1000))
      expect(await many()).toEqual([{ n: 0 }])
      await close()
    })
  })
}
