// Drizzle doing business with the blob cache, by the tables that `pglarder/schema/drizzle` ships, over both drivers it has.

import { and, arrayContains, asc, count, desc, eq, gt, inArray, like, lt, sql, sum } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as tables from '../../src/schema/drizzle.ts'
import { blobs, namespaces, type reasons } from '../../src/schema/drizzle.ts'
import { relations } from '../../src/schema/relations.ts'
import { openPool } from '../support/pool.ts'
import { useClientStage } from './client-stage.ts'

const person = pgTable('person', { id: integer().primaryKey(), name: text().notNull(), photo: text().notNull() })

const stage = useClientStage({
  schema: `create table person (id int primary key, name text not null, photo text not null);
    insert into person select i, 'p' || i, 'photo:' || i from generate_series(1, 20) i`,
})

const closing: (() => Promise<void>)[] = []

const drivers = {
  'node-postgres': () => {
    const pool = openPool({ connectionString: stage.larder.url(), max: 4 })
    closing.push(() => pool.end())
    return drizzlePg(pool)
  },
  'postgres-js': () => {
    const client = postgres(stage.larder.url(), { max: 4, onnotice: () => undefined })
    closing.push(() => client.end())
    return drizzlePostgres(client) as unknown as ReturnType<typeof drizzlePg>
  },
}

beforeEach(async () => {
  const client = await stage.larder.connect()
  await client.query('drop cache namespace if exists app')
  await client.query("create cache namespace app with (ttl = '1h')")
  await client.end()
})

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

const bytes = (value: string): Buffer => Buffer.from(value)

/** SQLSTATE of what went wrong; Drizzle wraps the driver's error. */
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: { code?: string; cause?: { code?: string } }) => error.cause?.code ?? error.code ?? String(error),
  )

for (const [name, open] of Object.entries(drivers)) {
  describe(`Drizzle over ${name}`, () => {
    it('puts, gets, updates and deletes, and RETURNING has the rows (SQL-28)', async () => {
      const db = open()
      const put = await db
        .insert(blobs)
        .values({ namespace: 'app', key: 'a', value: bytes('one'), tags: ['x', 'y, "z"'], metadata: { n: 1 } })
        .returning()
      expect(put).toMatchObject([
        { key: 'a', value: bytes('one'), tags: ['x', 'y, "z"'], metadata: { n: 1 }, ttl: '01:00:00', state: 'fresh' },
      ])
      expect(put[0]?.created_at).toBeInstanceOf(Date)
      expect(put[0]?.priority).toBe('128')
      const [row] = await db
        .select()
        .from(blobs)
        .where(and(eq(blobs.namespace, 'app'), eq(blobs.key, 'a')))
      expect({ ...row, hits: '', last_access_at: '', tier: '' }).toEqual({
        ...put[0],
        hits: '',
        last_access_at: '',
        tier: '',
      })
      const touched = await db
        .update(blobs)
        .set({ tags: ['w'], ttl: '2 hours' })
        .where(and(eq(blobs.namespace, 'app'), eq(blobs.key, 'a')))
        .returning({ tags: blobs.tags, ttl: blobs.ttl, value: blobs.value })
      expect(touched).toEqual([{ tags: ['w'], ttl: '02:00:00', value: bytes('one') }])
      const gone = await db
        .delete(blobs)
        .where(and(eq(blobs.namespace, 'app'), eq(blobs.key, 'a')))
        .returning({ key: blobs.key, value: blobs.value })
      expect(gone).toEqual([{ key: 'a', value: bytes('one') }])
      expect(await db.select({ n: count() }).from(blobs).where(eq(blobs.namespace, 'app'))).toEqual([{ n: 0 }])
    })

    it('upserts, skips what is there, and says 23505 otherwise (SQL-28)', async () => {
      const db = open()
      const row = { namespace: 'app', key: 'k', value: bytes('1') }
      await db.insert(blobs).values(row)
      expect(await codeOf(db.insert(blobs).values(row))).toBe('23505')
      expect(await db.insert(blobs).values(row).onConflictDoNothing().returning({ key: blobs.key })).toEqual([])
      const upserted = await db
        .insert(blobs)
        .values([
          { ...row, value: bytes('2'), tags: ['t'] },
          { ...row, key: 'l', value: bytes('3') },
        ])
        .onConflictDoUpdate({ target: [blobs.namespace, blobs.key], set: { value: sql`excluded.value` } })
        .returning({ key: blobs.key, value: blobs.value, tags: blobs.tags })
      expect(upserted).toEqual([
        { key: 'k', value: bytes('2'), tags: ['t'] },
        { key: 'l', value: bytes('3'), tags: [] },
      ])
      await db
        .insert(blobs)
        .values(row)
        .onConflictDoUpdate({ target: [blobs.namespace, blobs.key], set: { value: bytes('4'), tags: ['u'] } })
      expect(await db.select({ value: blobs.value, tags: blobs.tags }).from(blobs).where(eq(blobs.key, 'k'))).toEqual([
        { value: bytes('4'), tags: ['u'] },
      ])
    })

    it('compares and sets by version, in INSERT and in UPDATE (SQL-28)', async () => {
      const db = open()
      const row = { namespace: 'app', key: 'v', value: bytes('first'), version: '7' }
      await db.insert(blobs).values(row)
      const put = (expected: string, value: string) =>
        db
          .insert(blobs)
          .values({ namespace: 'app', key: 'v', value: bytes(value) })
          .onConflictDoUpdate({
            target: [blobs.namespace, blobs.key],
            set: { value: sql`excluded.value` },
            setWhere: eq(blobs.version, expected),
          })
          .returning({ version: blobs.version })
      expect(await put('6', 'never')).toEqual([])
      expect(await put('7', 'second')).toEqual([{ version: '8' }])
      const set = (expected: string, value: string) =>
        db
          .update(blobs)
          .set({ value: bytes(value), version: sql`${blobs.version} + 1` })
          .where(and(eq(blobs.namespace, 'app'), eq(blobs.key, 'v'), eq(blobs.version, expected)))
          .returning({ version: blobs.version, value: blobs.value })
      expect(await set('7', 'never')).toEqual([])
      expect(await set('8', 'third')).toEqual([{ version: '9', value: bytes('third') }])
    })

    it('finds by tags, keys, patterns and numbers, in any order', async () => {
      const db = open()
      await db.insert(blobs).values(
        Array.from({ length: 30 }, (_, index) => ({
          namespace: 'app',
          key: `user:${String(index).padStart(2, '0')}`,
          value: Buffer.alloc(index),
          tags: index % 3 === 0 ? ['third', `n${index}`] : ['rest'],
        })),
      )
      const keys = async (where: ReturnType<typeof and>) =>
        (await db.select({ key: blobs.key }).from(blobs).where(where).orderBy(asc(blobs.key))).map(({ key }) => key)
      expect((await keys(arrayContains(blobs.tags, ['third']))).length).toBe(10)
      expect(await keys(arrayContains(blobs.tags, ['third', 'n6']))).toEqual(['user:06'])
      expect(await keys(sql`${'n9'} = any (${blobs.tags})`)).toEqual(['user:09'])
      expect(await keys(inArray(blobs.key, ['user:01', 'user:02', 'none']))).toEqual(['user:01', 'user:02'])
      expect((await keys(like(blobs.key, 'user:1%'))).length).toBe(10)
      expect(await keys(and(gt(blobs.bytes, '27'), lt(blobs.bytes, '30')))).toEqual(['user:28', 'user:29'])
      const largest = await db.select({ key: blobs.key }).from(blobs).orderBy(desc(blobs.bytes)).limit(2).offset(1)
      expect(largest).toEqual([{ key: 'user:28' }, { key: 'user:27' }])
      const sums = await db
        .select({ first: sql<string>`${blobs.tags}[1]`, n: count(), bytes: sum(blobs.bytes) })
        .from(blobs)
        .groupBy(sql`1`)
        .orderBy(sql`1`)
      expect(sums).toEqual([
        { first: 'rest', n: 20, bytes: '300' },
        { first: 'third', n: 10, bytes: '135' },
      ])
      const gone = await db
        .delete(blobs)
        .where(and(eq(blobs.namespace, 'app'), sql`${blobs.tags} && ${sql.param(['third'], blobs.tags)}`))
      expect(
        (gone as unknown as { rowCount?: number; count?: number }).rowCount ??
          (gone as unknown as { count: number }).count,
      ).toBe(10)
    })

    it('joins entries with namespaces, and with tables of yours (SQL-25)', async () => {
      const db = open()
      await db
        .insert(blobs)
        .values([1, 2, 3].map((id) => ({ namespace: 'app', key: `photo:${id}`, value: bytes(`jpeg ${id}`) })))
      const withNamespace = await db
        .select()
        .from(blobs)
        .innerJoin(namespaces, eq(namespaces.name, blobs.namespace))
        .where(eq(blobs.key, 'photo:2'))
      expect(withNamespace).toMatchObject([
        { blobs: { key: 'photo:2', value: bytes('jpeg 2') }, namespaces: { name: 'app', options: { ttl: '1h' } } },
      ])
      const withPeople = () =>
        db
          .select({ name: person.name, photo: blobs.value, stored: blobs.created_at, tags: blobs.tags })
          .from(person)
          .leftJoin(blobs, and(eq(blobs.namespace, 'app'), eq(blobs.key, person.photo)))
          .where(lt(person.id, 5))
          .orderBy(person.id)
      const rows = await withPeople()
      expect(rows.map(({ name, photo }) => [name, photo?.toString()])).toEqual([
        ['p1', 'jpeg 1'],
        ['p2', 'jpeg 2'],
        ['p3', 'jpeg 3'],
        ['p4', undefined],
      ])
      expect(rows[0]?.stored).toBeInstanceOf(Date)
      await db
        .update(blobs)
        .set({ value: bytes('png') })
        .where(and(eq(blobs.namespace, 'app'), eq(blobs.key, 'photo:1')))
      expect((await withPeople())[0]?.photo).toEqual(bytes('png'))
      const copied = await db.execute<{ key: string }>(sql`insert into ${blobs} (namespace, key, value)
        select 'app', ${person.name}, convert_to(${person.photo}, 'UTF8') from ${person} where ${gt(person.id, 18)}
        returning ${blobs.key}`)
      expect([...(Array.isArray(copied) ? copied : copied.rows)]).toEqual([{ key: 'p19' }, { key: 'p20' }])
    })

    it('reads prepared statements by key, a thousand rows written at once, and a megabyte unchanged', async () => {
      const db = open()
      const rows = Array.from({ length: 1000 }, (_, index) => ({
        namespace: 'app',
        key: `k${index}`,
        value: bytes(`v${index}`),
        ttl: '1 day',
      }))
      const put = db.insert(blobs).values(rows)
      await put.onConflictDoUpdate({ target: [blobs.namespace, blobs.key], set: { value: sql`excluded.value` } })
      expect(await db.select({ n: count() }).from(blobs)).toEqual([{ n: 1000 }])
      const get = db
        .select({ value: blobs.value })
        .from(blobs)
        .where(and(eq(blobs.namespace, 'app'), eq(blobs.key, sql.placeholder('key'))))
        .prepare(`get_${name.replace('-', '_')}`)
      for (const index of [0, 999, 500, 500])
        expect(await get.execute({ key: `k${index}` })).toEqual([{ value: bytes(`v${index}`) }])
      const megabyte = Buffer.alloc(
        1 << 20,
        Uint8Array.from({ length: 256 }, (_, index) => index),
      )
      await db.insert(blobs).values({ namespace: 'app', key: 'big', value: megabyte })
      const [big] = await get.execute({ key: 'big' })
      expect(big?.value.equals(megabyte)).toBe(true)
    })

    it('goes on in a transaction, which undoes your tables and not the cache (SQL-6)', async () => {
      const db = open()
      const undone = db.transaction(async (tx) => {
        await tx.update(person).set({ name: 'changed' }).where(eq(person.id, 1))
        await tx.insert(blobs).values({ namespace: 'app', key: 'kept', value: bytes('x') })
        expect(await tx.select({ key: blobs.key }).from(blobs).where(eq(blobs.key, 'kept'))).toEqual([{ key: 'kept' }])
        tx.rollback()
      })
      await expect(undone).rejects.toThrow()
      expect(await db.select({ name: person.name }).from(person).where(eq(person.id, 1))).toEqual([{ name: 'p1' }])
      expect(await db.select({ key: blobs.key }).from(blobs).where(eq(blobs.namespace, 'app'))).toEqual([
        { key: 'kept' },
      ])
      const readOnly = db.transaction((tx) => tx.delete(blobs).where(eq(blobs.namespace, 'app')), {
        accessMode: 'read only',
      })
      expect(await codeOf(readOnly)).toBe('25006')
    })

    it('reads every relation there is as its types say', async () => {
      const db = open()
      await db.insert(blobs).values({ namespace: 'app', key: 'any', value: bytes('x'), tags: ['t'] })
      await db.select().from(person)
      for (const [exported, table] of Object.entries(tables)) {
        const rows: Record<string, unknown>[] = await db.select().from(table as typeof reasons)
        for (const row of rows) expectTyped(exported, row)
      }
    })

    it('is told what cannot be done', async () => {
      const db = open()
      const key = and(eq(blobs.namespace, 'app'), eq(blobs.key, 'a'))
      expect(await codeOf(db.insert(blobs).values({ namespace: 'app', key: 'a', value: null as never }))).toBe('23502')
      expect(await codeOf(db.update(blobs).set({ key: 'b' }).where(key))).toBe('0A000')
      expect(await codeOf(db.execute(sql`update cache.blobs set hits = 1`))).toBe('428C9')
      expect(await codeOf(db.execute(sql`delete from cache.namespaces`))).toBe('25006')
      expect(
        await codeOf(
          db
            .update(blobs)
            .set({ tags: ['x'] })
            .from(person)
            .where(key),
        ),
      ).toBe('0A000')
    })
  })
}

const kinds: Readonly<Record<string, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  bytea: (value) => Buffer.isBuffer(value),
  int8: (value) => typeof value === 'string' && /^-?\d+$/.test(value),
  float8: (value) => typeof value === 'number',
  bool: (value) => typeof value === 'boolean',
  timestamptz: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  interval: (value) => typeof value === 'string',
  jsonb: () => true,
  pg_lsn: (value) => typeof value === 'string',
  oid: (value) => typeof value === 'number',
  'text[]': (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  'int8[]': (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  'oid[]': (value) => Array.isArray(value) && value.every((item) => typeof item === 'number'),
}

function expectTyped(exported: string, row: Record<string, unknown>): void {
  const name = exported.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as keyof typeof relations
  for (const definition of relations[name].split(',')) {
    const [column = '', type = '', ...marks] = definition.trim().split(/\s+/)
    const value = row[column]
    const fits = value === null ? !marks.includes('not') : kinds[type]?.(value)
    expect(fits, `${name}.${column} ${type}: ${typeof value} ${String(value)}`).toBe(true)
  }
}
