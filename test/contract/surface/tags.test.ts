// Tags: given by a setting or a hint, attached when an answer is stored, removed together (SQL-16, SQL-31).

import { describe, expect, it } from 'vitest'
import { noticesOf, useSurface, verdictOf } from '../../support/surface.ts'
import { bind, errorOf, execute, parse, sqlstateOf, sync, type WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int);
    insert into item select n, 10 * n from generate_series(1, 9) n;
    create table page (id int primary key, title text);
    insert into page values (1, 'Home');
    create role teller login; grant select on item to teller;
    create role cache_read; create role reader login in role cache_read; grant select on item to reader`,
})

async function verdict(client: WireClient, sql: string): Promise<string> {
  await client.rows(sql)
  return verdictOf(client)
}

async function invalidated(client: WireClient, sql: string): Promise<[string | null, string | null][]> {
  return (await client.rows(sql)).map(([, subject, entries]) => [subject ?? null, entries ?? null])
}

async function tagsOf(client: WireClient, pattern: string): Promise<(string | null)[]> {
  const rows = await client.rows(
    `select tags::text from cache.results where statement like '%${pattern}%' and statement not like '%results%'`,
  )
  return rows.map(([tags]) => tags ?? null)
}

describe('a tag', () => {
  it('removes exactly the answers that carry it, and says how many (SQL-16)', async () => {
    const client = await surface.session()
    const texts = [1, 2, 3].map((id) => `select price from item where id = ${id}`)
    await client.rows(`${texts[0]} /*+ cache(tags=shop|price) */`)
    await client.rows(`${texts[1]} /*cache_tags='price'*/`)
    await client.rows(texts[2] as string)
    expect(await tagsOf(client, 'item where id = 1')).toEqual(['{shop,price}'])
    expect(await tagsOf(client, 'item where id = 2')).toEqual(['{price}'])
    expect(await tagsOf(client, 'item where id = 3')).toEqual(['{}'])
    expect(await client.rows("select tags::text from cache.entries where 'shop' = any (tags)")).toEqual([
      ['{shop,price}'],
    ])
    expect(await invalidated(client, "invalidate cache tag 'shop', 'nobody'")).toEqual([
      ['shop', '1'],
      ['nobody', '0'],
    ])
    expect(await verdict(client, texts[0] as string)).toBe('miss;reason=invalidated(tag shop)')
    expect(await verdict(client, texts[1] as string)).toBe('hit')
    expect(await invalidated(client, "select * from cache.invalidate(tags => '{price}')")).toEqual([['price', '1']])
    expect(await verdict(client, texts[1] as string)).toBe('miss;reason=invalidated(tag price)')
    expect(await verdict(client, texts[2] as string)).toBe('hit')
  })

  it('comes from the setting, undone with its transaction, and a hint takes its place (SQL-29, SQL-30)', async () => {
    const client = await surface.session()
    await client.rows("set cache.result_tags = 'a, b ,a'")
    expect(await client.rows('show cache.result_tags')).toEqual([['a, b']])
    await client.rows('select price from item where id = 4')
    await client.rows('select price from item where id = 5 /*+ cache(tags=c) */')
    await client.rows('begin')
    await client.rows("set local cache.result_tags = 'z'")
    await client.rows('commit')
    await client.rows('select price from item where id = 6')
    expect(await tagsOf(client, 'item where id = 4')).toEqual(['{a,b}'])
    expect(await tagsOf(client, 'item where id = 5')).toEqual(['{c}'])
    expect(await tagsOf(client, 'item where id = 6')).toEqual(['{a,b}'])
    await client.rows('reset cache.result_tags')
    await client.rows("invalidate cache tag 'a', 'c'")
  })

  it('is no part of the key: those of the fill stay until the answer is stored anew (SQL-31)', async () => {
    const client = await surface.session()
    const sql = 'select title from page where id = 1'
    await client.rows(`${sql} /*cache_tags='first'*/`)
    expect(await verdict(client, `${sql} /*cache_tags='second'*/`)).toBe('hit')
    expect(await tagsOf(client, 'title from page')).toEqual(['{first}'])
    await client.rows(`${sql} /*cache='refresh',cache_tags='second'*/`)
    expect(await tagsOf(client, 'title from page')).toEqual(['{second}'])
    expect(await invalidated(client, "invalidate cache tag 'first', 'second'")).toEqual([
      ['first', '0'],
      ['second', '1'],
    ])
  })

  it('is text in any language, and goes along with a prepared statement', async () => {
    const client = await surface.session()
    await client.exchange(
      Buffer.concat([
        parse('s', "select price from item where id = $1 /*cache_tags='caf%C3%A9,a%7Cb'*/", [23]),
        bind({ statement: 's', values: ['7'] }),
        execute(),
        sync(),
      ]),
    )
    await client.rows('/*+ cache(tags=größe) */ select price from item where id = 8')
    expect(await invalidated(client, "invalidate cache tag 'café', 'größe', 'a|b'")).toEqual([
      ['café', '1'],
      ['größe', '1'],
      ['a|b', '0'],
    ])
  })

  it('is that of entries of the blob cache too: one statement removes both, and marks stale only what may be (SQL-16, TTL-15)', async () => {
    const client = await surface.session()
    const sql = "select price from item where id = 1 and price > 0 /*cache_tags='both'*/"
    const put = "select cache.put('tagged', 'a', 'one', tags => '{both}', stale_window => '1h')"
    const state = "select state from cache.blobs where namespace = 'tagged'"
    await client.rows(sql)
    await client.rows(put)
    expect(await invalidated(client, "invalidate cache tag 'both' mark stale")).toEqual([['both', '2']])
    expect(await client.rows(state)).toEqual([['stale']])
    expect(await verdict(client, sql)).toBe('miss;reason=invalidated(tag both)')
    await client.rows(put)
    expect(await invalidated(client, "invalidate cache dependency 'both'")).toEqual([['both', '0']])
    expect(await verdict(client, sql)).toBe('hit')
    expect(await invalidated(client, "invalidate cache tag 'both'")).toEqual([['both', '2']])
    expect(await client.rows(state)).toEqual([])
  })

  it('is refused if it is none: 22023 from SET, a NOTICE from a hint', async () => {
    const client = await surface.session()
    const long = 'x'.repeat(256)
    for (const value of [long, 'a\nb', Array.from({ length: 65 }, (_, index) => `t${index}`).join(',')]) {
      const refused = errorOf(await client.query(`set cache.result_tags = '${value}'`))
      expect(refused && sqlstateOf(refused)).toBe('22023')
    }
    const batch = await client.query(`select price from item where id = 9 /*cache_tags='${long}'*/`)
    expect(noticesOf(batch).map((notice) => notice.get('M'))).toEqual([`invalid value for hint "tags": "${long}"`])
    expect(await tagsOf(client, 'item where id = 9')).toEqual(['{}'])
  })

  it('removes only answers of one’s own roles for a reader, none for others (section 7)', async () => {
    const admin = await surface.session()
    const reader = await surface.session(undefined, 'reader')
    const teller = await surface.session(undefined, 'teller')
    const sql = 'select sum(price) from item'
    for (const client of [admin, reader, teller]) await client.rows(`${sql} /*cache_tags='sum'*/`)
    const refused = errorOf(await teller.query("invalidate cache tag 'sum'"))
    expect(refused && sqlstateOf(refused)).toBe('42501')
    expect(await invalidated(reader, "invalidate cache tag 'sum'")).toEqual([['sum', '1']])
    expect(await verdict(teller, sql)).toBe('hit')
    expect(await invalidated(admin, "invalidate cache tag 'sum'")).toEqual([['sum', '2']])
    expect(await verdict(teller, sql)).toBe('miss;reason=invalidated(tag sum)')
  })
})

describe('a fill that an invalidation of its tag crosses', () => {
  it('is not kept, and nobody who asks later waits for it', async () => {
    const client = await surface.session()
    const other = await surface.session()
    const locker = await surface.straight()
    const sql = "select count(*) from item where price > 1 /*cache_tags='crossed'*/"
    const again = 'select count(*) from item where price > 1'
    await other.rows("set cache.result_coalesce_wait = '1h'")
    // Known, so that the next goes straight and may be joined.
    await client.rows(sql)
    await other.rows(again)
    await other.rows("invalidate cache tag 'crossed'")
    await locker.rows('begin')
    await locker.rows('lock table item')
    const slow = client.query(sql)
    const waiting = 'select count(*) from pg_locks where not granted'
    while ((await locker.rows(waiting))[0]?.[0] !== '1');
    expect(await invalidated(other, "invalidate cache tag 'crossed'")).toEqual([['crossed', '0']])
    const later = other.query(sql)
    while ((await locker.rows(waiting))[0]?.[0] !== '2');
    await locker.rows('commit')
    await Promise.all([slow, later])
    expect(verdictOf(client)).toContain('miss')
    expect(verdictOf(other)).toContain('miss')
    const unstored = await client.rows('select unstored from cache.decisions order by id desc limit 2')
    expect(unstored.flat().sort()).toEqual(['moved', null])
    expect(await verdict(client, again)).toBe('hit')
  })
})
