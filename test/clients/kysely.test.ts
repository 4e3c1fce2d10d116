// Kysely doing its normal business through Larder: schema, introspection, queries, transactions.

import { type Generated, Kysely, PostgresDialect, sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { openPool } from '../support/pool.ts'
import { useClientStage } from './client-stage.ts'

interface Database {
  'cache.ages': { age: number; people: string }
  person: { id: Generated<number>; name: string; age: number | null }
  pet: { id: Generated<number>; owner: number; name: string }
}

const stage = useClientStage()

function open(): Kysely<Database> {
  return new Kysely({
    dialect: new PostgresDialect({ pool: openPool({ connectionString: stage.larder.url(), max: 4 }) }),
  })
}

describe('Kysely', () => {
  it('makes a schema, introspects it, and sees it change', async () => {
    const db = open()
    await db.schema
      .createTable('person')
      .addColumn('id', 'serial', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .execute()
    const columns = async (): Promise<string[]> => {
      const tables = await db.introspection.getTables()
      return tables.find(({ name }) => name === 'person')?.columns.map(({ name }) => name) ?? []
    }
    expect(await columns()).toEqual(['id', 'name'])
    await db
      .insertInto('person')
      .values({ name: 'Ada' } as never)
      .execute()
    expect(await db.selectFrom('person').selectAll().execute()).toEqual([{ id: 1, name: 'Ada' }])
    await db.schema.alterTable('person').addColumn('age', 'integer').execute()
    expect(await columns()).toEqual(['id', 'name', 'age'])
    expect(await db.selectFrom('person').selectAll().execute()).toEqual([{ id: 1, name: 'Ada', age: null }])
    await db.schema
      .createTable('pet')
      .addColumn('id', 'serial', (column) => column.primaryKey())
      .addColumn('owner', 'integer', (column) => column.references('person.id').onDelete('cascade'))
      .addColumn('name', 'text')
      .execute()
    expect((await db.introspection.getSchemas()).some(({ name }) => name === 'public')).toBe(true)
    await db.destroy()
  })

  it('writes and reads back at once, also what a cascade deleted', async () => {
    const db = open()
    const { id } = await db
      .insertInto('person')
      .values({ name: 'Grace', age: 40 })
      .returning('id')
      .executeTakeFirstOrThrow()
    await db.insertInto('pet').values({ owner: id, name: 'Moth' }).execute()
    const pets = () =>
      db
        .selectFrom('pet')
        .innerJoin('person', 'person.id', 'pet.owner')
        .select(['pet.name as pet', 'person.name as owner'])
        .where('person.id', '=', id)
        .execute()
    expect(await pets()).toEqual([{ pet: 'Moth', owner: 'Grace' }])
    await db.updateTable('person').set({ name: 'G.' }).where('id', '=', id).execute()
    expect(await pets()).toEqual([{ pet: 'Moth', owner: 'G.' }])
    const petCount = () =>
      db
        .selectFrom('pet')
        .select(({ fn }) => fn.countAll<string>().as('n'))
        .executeTakeFirst()
    expect(await petCount()).toEqual({ n: '1' })
    await db.deleteFrom('person').where('id', '=', id).execute()
    expect(await petCount()).toEqual({ n: '0' })
    expect(await pets()).toEqual([])
    await db.destroy()
  })

  it('gets repeated reads from memory', async () => {
    const db = open()
    const read = () => db.selectFrom('person').select(['id', 'name']).where('name', '=', 'Ada').execute()
    const first = await read()
    const hits = await stage.hitsDuring(async () => {
      for (let round = 0; round < 4; round++) expect(await read()).toEqual(first)
    })
    expect(hits).toBe(4)
    await db.destroy()
  })

  it('runs transactions at every level, and controlled ones with savepoints', async () => {
    const db = open()
    const names = () => db.selectFrom('person').select('name').where('age', '=', 1).orderBy('name').execute()
    expect(await names()).toEqual([])
    for (const level of ['read committed', 'repeatable read', 'serializable'] as const) {
      await db
        .transaction()
        .setIsolationLevel(level)
        .execute(async (tx) => {
          await tx.insertInto('person').values({ name: level, age: 1 }).execute()
        })
    }
    expect((await names()).length).toBe(3)
    const tx = await db.startTransaction().execute()
    await tx.deleteFrom('person').where('age', '=', 1).execute()
    const point = await tx.savepoint('a').execute()
    await point.insertInto('person').values({ name: 'x', age: 1 }).execute()
    const back = await point.rollbackToSavepoint('a').execute()
    expect(await back.selectFrom('person').select('name').where('age', '=', 1).execute()).toEqual([])
    expect((await names()).length).toBe(3)
    await back.commit().execute()
    expect(await names()).toEqual([])
    await db.destroy()
  })

  it('makes a materialized view of the cache, and joins it with a table', async () => {
    const db = open()
    await db
      .insertInto('person')
      .values([
        { name: 'Max', age: 70 },
        { name: 'Moritz', age: 70 },
      ])
      .execute()
    await sql`create materialized view cache.ages as select age, count(*) as people from person group by age`.execute(
      db,
    )
    const read = () =>
      db
        .selectFrom('cache.ages as a')
        .innerJoin('person as p', 'p.age', 'a.age')
        .select(['p.name', 'a.people'])
        .where('a.age', '=', 70)
        .orderBy('p.name')
        .execute()
    expect(await read()).toEqual([
      { name: 'Max', people: '2' },
      { name: 'Moritz', people: '2' },
    ])
    await db.deleteFrom('person').where('name', '=', 'Max').execute()
    await expect.poll(read, { timeout: 20_000 }).toEqual([{ name: 'Moritz', people: '1' }])
    await sql`drop materialized view cache.ages`.execute(db)
    await db.deleteFrom('person').where('name', '=', 'Moritz').execute()
    await db.destroy()
  })

  it('reports what the origin reports', async () => {
    const db = open()
    await expect(sql`select nothing from person`.execute(db)).rejects.toMatchObject({ code: '42703' })
    await expect(
      db
        .insertInto('person')
        .values({ name: null as never })
        .execute(),
    ).rejects.toMatchObject({
      code: '23502',
      column: 'name',
      table: 'person',
    })
    await db.destroy()
  })
})
