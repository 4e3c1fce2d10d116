// Kysely doing business with the blob cache, by the types that `pglarder/schema/kysely` ships.

import { Kysely, PostgresDialect, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BlobsRow } from '../../src/schema/index.ts'
import type { CacheTables, LarderTables } from '../../src/schema/kysely.ts'
import { openPool } from '../support/pool.ts'
import { useClientStage } from './client-stage.ts'

interface Tables extends LarderTables {
  readonly person: { id: number; name: string; photo: string }
}

const stage = useClientStage({
  schema: `create table person (id int primary key, name text not null, photo text not null);
    insert into person select i, 'p' || i, 'photo:' || i from generate_series(1, 20) i`,
})

const opened: Kysely<Tables>[] = []

function open(): Kysely<Tables> {
  const pool = openPool({ connectionString: stage.larder.url(), max: 4 })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  opened.push(db)
  return db
}

beforeEach(async () => {
  const client = await stage.larder.connect()
  await client.query('drop cache namespace if exists app')
  await client.query("create cache namespace app with (ttl = '1h')")
  await client.end()
})

afterEach(async () => {
  await Promise.all(opened.splice(0).map((db) => db.destroy()))
})

const bytes = (value: string): Buffer => Buffer.from(value)
const entry = (key: string, value = key) => ({ namespace: 'app', key, value: bytes(value) })

describe('Kysely', () => {
  it('puts, gets, touches and deletes, with what its types say (SQL-28)', async () => {
    const db = open()
    const put: BlobsRow = await db
      .insertInto('cache.blobs')
      .values({ ...entry('a', 'one'), tags: ['x', 'y'], metadata: { n: 1 }, priority: 200, ttl: '90 minutes' })
      .returningAll()
      .executeTakeFirstOrThrow()
    expect(put).toMatchObject({ key: 'a', value: bytes('one'), tags: ['x', 'y'], metadata: { n: 1 }, priority: '200' })
    expect(put.ttl).toMatchObject({ hours: 1, minutes: 30 })
    expect(put.created_at).toBeInstanceOf(Date)
    const get = () =>
      db.selectFrom('cache.blobs').select(['value', 'tags']).where('namespace', '=', 'app').where('key', '=', 'a')
    expect(await get().executeTakeFirst()).toEqual({ value: bytes('one'), tags: ['x', 'y'] })
    const expiresAt = new Date(Date.now() + 3_600_000)
    const touched = await db
      .updateTable('cache.blobs')
      .set({ tags: ['z'], expires_at: expiresAt })
      .where('namespace', '=', 'app')
      .where('key', '=', 'a')
      .returning(['tags', 'version'])
      .execute()
    expect(touched).toEqual([{ tags: ['z'], version: null }])
    const gone = await db.deleteFrom('cache.blobs').where('namespace', '=', 'app').returning('key').execute()
    expect(gone).toEqual([{ key: 'a' }])
    expect(await get().execute()).toEqual([])
  })

  it('upserts, skips, and compares and sets by version (SQL-28)', async () => {
    const db = open()
    await db
      .insertInto('cache.blobs')
      .values({ ...entry('v', 'first'), version: 7 })
      .execute()
    await expect(db.insertInto('cache.blobs').values(entry('v')).execute()).rejects.toMatchObject({ code: '23505' })
    const skipped = await db
      .insertInto('cache.blobs')
      .values(entry('v'))
      .onConflict((conflict) => conflict.columns(['namespace', 'key']).doNothing())
      .executeTakeFirst()
    expect(skipped.numInsertedOrUpdatedRows).toBe(0n)
    const put = (expected: string, value: string) =>
      db
        .insertInto('cache.blobs')
        .values(entry('v', value))
        .onConflict((conflict) =>
          conflict
            .columns(['namespace', 'key'])
            .doUpdateSet(({ ref }) => ({ value: ref('excluded.value') }))
            .where('cache.blobs.version', '=', expected),
        )
        .returning('version')
        .execute()
    expect(await put('6', 'never')).toEqual([])
    expect(await put('7', 'second')).toEqual([{ version: '8' }])
    const set = await db
      .updateTable('cache.blobs')
      .set(({ eb }) => ({ value: bytes('third'), version: eb('version', '+', '1') }))
      .where('namespace', '=', 'app')
      .where('key', '=', 'v')
      .where('version', '=', '8')
      .returning(['version', 'value'])
      .execute()
    expect(set).toEqual([{ version: '9', value: bytes('third') }])
  })

  it('finds by tags and keys, joins namespaces and tables of yours (SQL-25)', async () => {
    const db = open()
    await db
      .insertInto('cache.blobs')
      .values([1, 2, 3].map((id) => ({ ...entry(`photo:${id}`, `jpeg ${id}`), tags: id > 1 ? ['late'] : [] })))
      .execute()
    const late = db.selectFrom('cache.blobs').select('key').orderBy('key')
    expect(await late.where('tags', '@>', sql<string[]>`${['late']}`).execute()).toEqual([
      { key: 'photo:2' },
      { key: 'photo:3' },
    ])
    expect(await late.where(({ eb, fn }) => eb(sql.val('late'), '=', fn.any('tags'))).execute()).toHaveLength(2)
    expect(await late.where('key', 'in', ['photo:1', 'photo:9']).execute()).toEqual([{ key: 'photo:1' }])
    const joined = await db
      .selectFrom('cache.blobs as b')
      .innerJoin('cache.namespaces as n', 'n.name', 'b.namespace')
      .select(['b.key', 'n.entries', 'n.options'])
      .where('b.key', '=', 'photo:2')
      .execute()
    expect(joined).toEqual([{ key: 'photo:2', entries: '3', options: { ttl: '1h' } }])
    const people = await db
      .selectFrom('person')
      .leftJoin('cache.blobs as b', (join) => join.onRef('b.key', '=', 'person.photo').on('b.namespace', '=', 'app'))
      .select(['person.name', 'b.value'])
      .where('person.id', 'in', [3, 4])
      .orderBy('person.id')
      .execute()
    expect(people).toEqual([
      { name: 'p3', value: bytes('jpeg 3') },
      { name: 'p4', value: null },
    ])
    const copied = await db
      .insertInto('cache.blobs')
      .columns(['namespace', 'key', 'value'])
      .expression((eb) =>
        eb
          .selectFrom('person')
          .select([sql<string>`'app'`.as('namespace'), 'name', sql<Buffer>`convert_to(photo, 'UTF8')`.as('value')])
          .where('id', '>', 18),
      )
      .returning('key')
      .execute()
    expect(copied).toEqual([{ key: 'p19' }, { key: 'p20' }])
  })

  it('writes a thousand rows at once, and a megabyte comes back as it was', async () => {
    const db = open()
    const rows = Array.from({ length: 1000 }, (_, index) => ({ ...entry(`k${index}`), tags: [`t${index % 10}`] }))
    const result = await db.insertInto('cache.blobs').values(rows).executeTakeFirst()
    expect(result.numInsertedOrUpdatedRows).toBe(1000n)
    const byKeys = db
      .selectFrom('cache.blobs')
      .select('key')
      .where('namespace', '=', 'app')
      .where('key', '=', sql<string>`any(${['k1', 'k999', 'none']})`)
      .orderBy('key')
    expect(await byKeys.execute()).toEqual([{ key: 'k1' }, { key: 'k999' }])
    const megabyte = Buffer.alloc(
      3 << 20,
      Uint8Array.from({ length: 251 }, (_, index) => index),
    )
    await db.insertInto('cache.blobs').values({ namespace: 'app', key: 'big', value: megabyte }).execute()
    const big = await db.selectFrom('cache.blobs').select('value').where('key', '=', 'big').executeTakeFirst()
    expect(big?.value?.equals(megabyte)).toBe(true)
  })

  it('goes on in a transaction, which undoes your tables and not the cache (SQL-6)', async () => {
    const db = open()
    const failed = db.transaction().execute(async (tx) => {
      await tx.updateTable('person').set({ name: 'changed' }).where('id', '=', 1).execute()
      await tx.insertInto('cache.blobs').values(entry('kept')).execute()
      throw new Error('as planned')
    })
    await expect(failed).rejects.toThrow('as planned')
    expect(await db.selectFrom('person').select('name').where('id', '=', 1).execute()).toEqual([{ name: 'p1' }])
    expect(await db.selectFrom('cache.blobs').select('key').where('namespace', '=', 'app').execute()).toEqual([
      { key: 'kept' },
    ])
  })

  it('names the relations without their schema where it is said once', async () => {
    const pool = openPool({ connectionString: stage.larder.url(), max: 1 })
    const db = new Kysely<CacheTables>({ dialect: new PostgresDialect({ pool }) }).withSchema('cache')
    await db.insertInto('blobs').values(entry('s')).execute()
    expect(await db.selectFrom('blobs').select('key').execute()).toEqual([{ key: 's' }])
    const stats = await db.selectFrom('stats').select('blob_puts').executeTakeFirstOrThrow()
    expect(Number(stats.blob_puts)).toBeGreaterThan(0)
    await db.destroy()
  })

  it('does not compile what cannot be done', () => {
    const refused = (db: Kysely<Tables>) => [
      // @ts-expect-error hits are counted by the server
      db.insertInto('cache.blobs').values({ ...entry('a'), hits: 1 }),
      // @ts-expect-error a key is given once
      db.updateTable('cache.blobs').set({ key: 'b' }),
      // @ts-expect-error an entry has a value
      db.insertInto('cache.blobs').values({ namespace: 'app', key: 'a' }),
      // @ts-expect-error what is counted is not written
      db.updateTable('cache.stats').set({ l1_hits: '0' }),
    ]
    expect(refused).toHaveLength(1)
  })
})
