// Statements over Larder's relations that are prepared by SQL or by messages: one name, one statement, wherever it is kept.

import { describe, expect, it } from 'vitest'
import { useSurface } from '../../support/surface.ts'
import {
  bind,
  close,
  describe as describeFrame,
  errorOf,
  execute,
  parse,
  rowsOf,
  sqlstateOf,
  sync,
  tagOf,
  WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: 'create table item (id int primary key, price int); insert into item values (1, 10)',
})

async function stateOf(client: WireClient, sql: string): Promise<string | undefined> {
  const error = errorOf(await client.query(sql))
  return error && sqlstateOf(error)
}

async function tag(client: WireClient, sql: string): Promise<string> {
  const { frames } = await client.query(sql)
  return frames
    .filter(({ type }) => type === 'C')
    .map(tagOf)
    .join()
}

const byName = 'select name from cache.settings where name = $1'

describe('DEALLOCATE', () => {
  it('drops a statement of ours that messages have prepared, in a block too', async () => {
    const client = await surface.session('')
    for (const sql of [byName, 'show cache.result_ttl', 'select s.name from cache.settings s, item']) {
      await client.exchange(Buffer.concat([parse('p', sql), sync()]))
      expect(await stateOf(client, 'prepare p as select 1')).toBe('42P05')
      expect(await stateOf(client, 'prepare p as select 1; discard plans')).toBe('42P05')
      await client.query('begin')
      expect(await tag(client, 'deallocate p')).toBe('DEALLOCATE')
      await client.query('rollback')
      expect(await stateOf(client, 'deallocate p')).toBe('26000')
      expect(errorOf(await client.exchange(Buffer.concat([parse('p', sql), close('S', 'p'), sync()])))).toBeUndefined()
    }
    await client.exchange(Buffer.concat([parse('p', byName), sync()]))
    expect(await tag(client, 'deallocate all')).toBe('DEALLOCATE ALL')
    expect(await stateOf(client, 'deallocate p')).toBe('26000')
  })

  it('drops a statement that was answered by key in the turn it came in, and nothing else does (SQL-7)', async () => {
    const client = await surface.session('')
    await client.query(`select cache.put('point', 'k', 'v')`)
    const read = 'select key from cache.blobs where namespace = $1 and key = $2'
    const run = Buffer.concat([bind({ statement: 'p', values: ['point', 'k'] }), execute(), sync()])
    // The second answers without a question: what the session may see is known by then.
    for (const name of ['other', 'p']) {
      const first = [parse(name, read), bind({ statement: name, values: ['point', 'k'] }), execute(), sync()]
      expect(rowsOf(await client.exchange(Buffer.concat(first)))).toEqual([['k']])
    }
    expect(await stateOf(client, 'prepare p as select 1')).toBe('42P05')
    // A text of unknown effects: which names the origin has is asked anew behind it.
    await client.query(`do $$ begin execute 'prepare q as select 1'; end $$`)
    expect(await stateOf(client, 'execute q')).toBeUndefined()
    expect(rowsOf(await client.exchange(run))).toEqual([['k']])
    expect(await tag(client, 'deallocate p')).toBe('DEALLOCATE')
    expect(errorOf(await client.exchange(run))).toBeDefined()
  })

  it('drops the origin’s statement of a name as ever', async () => {
    const client = await surface.session('')
    await client.query('prepare o as select 42')
    expect(await stateOf(client, `prepare o (text) as ${byName}`)).toBe('42P05')
    expect(await tag(client, 'deallocate o')).toBe('DEALLOCATE')
    expect(await tag(client, `prepare o (text) as ${byName}`)).toBe('PREPARE')
    expect(await client.rows("execute o('listen')")).toEqual([['listen']])
  })
})

describe('Close', () => {
  it('frees the name of a statement of ours, in a failed block too', async () => {
    const client = await surface.session('')
    await client.query(`prepare p (text) as ${byName}`)
    await client.query('begin')
    await client.query('select 1/0')
    expect(errorOf(await client.exchange(Buffer.concat([close('S', 'p'), sync()])))).toBeUndefined()
    await client.query('rollback')
    expect(await stateOf(client, 'execute p')).toBe('26000')
    const again = Buffer.concat([parse('p', byName), describeFrame('S', 'p'), sync()])
    expect(errorOf(await client.exchange(again))).toBeUndefined()
  })
})

describe('a statement that SQL has prepared', () => {
  it('is bound by messages as well', async () => {
    const client = await surface.session('')
    await client.query(`prepare p (text) as ${byName}`)
    const run = Buffer.concat([bind({ statement: 'p', values: ['listen'] }), describeFrame('P'), execute(), sync()])
    expect(rowsOf(await client.exchange(run))).toEqual([['listen']])
  })

  it('outlives its connection to the system database, of which few are kept open', async () => {
    const client = await surface.session('')
    await client.query(`prepare p (text) as ${byName}`)
    for (let count = 0; count < 70; count++) await (await surface.session('')).rows('select since from cache.stats')
    expect(await client.rows("execute p('listen')")).toEqual([['listen']])
    expect(await stateOf(client, `prepare p (text) as ${byName}`)).toBe('42P05')
  })

  it('may be a command, whose values are constants then', async () => {
    const client = await surface.session('')
    await client.query("select 1 as one, price from item /*cache_tags='t'*/")
    await client.query('prepare drop_tags as select * from cache.invalidate(tags => $1)')
    expect(await client.rows("execute drop_tags('{t,u}')")).toEqual([
      ['tag', 't', '1', 't'],
      ['tag', 'u', '0', 't'],
    ])
    expect(await stateOf(client, 'execute drop_tags')).toBe('42601')
    expect(await stateOf(client, "execute drop_tags('{' || 't}')")).toBe('0A000')
  })

  it('keeps the meaning its names had', async () => {
    const client = await surface.session('')
    await client.query('set search_path = public, cache')
    await client.query("prepare p as select name from settings where name = 'listen'")
    await client.query('set search_path = public')
    expect(await client.rows('execute p')).toEqual([['listen']])
    expect(await stateOf(client, 'select name from settings')).toBe('42P01')
  })

  it('is there in an admin database too, and no other is', async () => {
    const { host, port } = surface.larder
    const client = await WireClient.connect({ host, port, user: 'postgres', database: 'larder' })
    await client.query(`prepare p (text) as ${byName}`)
    await client.query('prepare one (int) as select $1 + 1')
    expect(await client.rows("execute p('listen')")).toEqual([['listen']])
    expect(await client.rows('execute one(41)')).toEqual([['42']])
    expect(await stateOf(client, 'prepare p as select 1')).toBe('42P05')
    expect(await tag(client, 'deallocate p')).toBe('DEALLOCATE')
    expect(await stateOf(client, "execute p('listen')")).toBe('26000')
    expect(await stateOf(client, 'deallocate p')).toBe('26000')
    expect(await tag(client, 'deallocate all')).toBe('DEALLOCATE ALL')
    expect(await stateOf(client, 'execute one(1)')).toBe('26000')
    expect(await tag(client, 'prepare one (int) as select $1 + 1')).toBe('PREPARE')
    expect(await stateOf(client, 'execute " rollback"')).toBe('26000')
    await client.close()
  })
})

it('a question that failed leaves nothing in the way of the next', async () => {
  const client = await surface.session('')
  const explain = "explain (cache) select price / 0 from item where id = 'x'"
  expect(await stateOf(client, explain)).toBe('22P02')
  expect(await stateOf(client, explain)).toBe('22P02')
  expect(await stateOf(client, 'prepare p as select no_such(name) from cache.settings')).toBe('42883')
  expect(await stateOf(client, 'invalidate cache relation "a.b.c.d.e"')).toBe('42P01')
  expect(await stateOf(client, 'invalidate cache relation item')).toBeUndefined()
})
