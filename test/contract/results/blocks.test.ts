// Reads inside transaction blocks under result_in_transaction = until_write (systems.md RRC-17): what answers them, until when, and that
// the block's own doings are always in what it reads.

import { afterEach, describe, expect, it } from 'vitest'
import { useSurface, verdictOf } from '../../support/surface.ts'
import {
  bind,
  copyData,
  copyDone,
  describe as describeFrame,
  execute,
  parse,
  query,
  rowsOf,
  sync,
  type WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, v int); insert into item select n, n from generate_series(1, 20) n;
    create table log (v int); create view items as select id, v from item;
    create view locked as select id, v from item for update;
    create function noted(x int) returns int language plpgsql as 'begin insert into log values (x); return x; end';
    create function plain(x int) returns int language sql as 'select v from item where id = x';
    create role clerk; grant select, update on item to clerk`,
})

const sql = 'select v from item where id = 3'

const opened: WireClient[] = []

// A block that a failure leaves open would hold up the next test.
afterEach(() => {
  for (const client of opened.splice(0)) client.destroy()
})

async function session(): Promise<WireClient> {
  const client = await surface.session('-c cache.response_signal=parameter -c cache.result_in_transaction=until_write')
  opened.push(client)
  return client
}

/** Answered, and by whom. */
async function ask(client: WireClient, text = sql): Promise<string> {
  await client.query(text)
  return verdictOf(client)
}

/** Makes sure that the answer is in memory. */
async function warm(client: WireClient, text = sql): Promise<void> {
  while (!(await ask(client, text)).startsWith('hit'));
}

describe('RRC-17 in a READ COMMITTED block that has only read', () => {
  it('answers are given from memory, and the block stays open', async () => {
    const client = await session()
    await warm(client)
    await client.query('begin')
    const batch = await client.query(sql)
    expect([verdictOf(client), batch.status, rowsOf(batch)]).toEqual(['hit', 'T', [['3']]])
    expect(await ask(client, 'select v from item where id = 4 and v > 0')).toBe('miss;reason=cold')
    expect((await client.query('commit')).status).toBe('I')
  })

  it('extended messages get the same, with a statement prepared outside and one prepared inside', async () => {
    const client = await session()
    const group = (name: string, ...first: Buffer[]) =>
      Buffer.concat([...first, bind({ statement: name, values: ['3'] }), describeFrame('P'), execute(), sync()])
    const text = 'select v from item where id = $1'
    await client.exchange(group('outside', parse('outside', text)))
    await client.exchange(group('outside'))
    expect(verdictOf(client)).toBe('hit')
    await client.query('begin')
    for (const message of [group('outside'), group('inside', parse('inside', text)), group('inside')]) {
      const batch = await client.exchange(message)
      expect([verdictOf(client), batch.status]).toEqual(['hit', 'T'])
    }
    await client.query('update item set v = v where id = 20')
    expect((await client.exchange(group('inside'))).status).toBe('T')
    expect(verdictOf(client)).toBe('bypass;reason=wrote')
    await client.query('rollback')
    expect(rowsOf(await client.exchange(group('inside')))).toEqual([['3']])
  })

  it('a driver that sends BEGIN along with its first statement gets them too', async () => {
    const client = await session()
    await warm(client)
    const piece = (text: string) => [parse('', text), bind(), describeFrame('P'), execute()]
    await client.exchange(Buffer.concat([...piece('begin'), ...piece(sql), sync()]))
    expect(await ask(client)).toBe('hit')
    await client.query('commit')
  })

  it('the first statement of a session may be BEGIN', async () => {
    await warm(await session())
    const client = await session()
    await client.query('begin')
    expect(await ask(client)).toBe('hit')
    await client.query('commit')
  })

  it('savepoints and their ends change nothing', async () => {
    const client = await session()
    await warm(client)
    for (const text of ['begin', 'savepoint a', sql, 'rollback to a', sql, 'release a']) await client.query(text)
    expect(await ask(client)).toBe('hit')
    await client.query('rollback')
  })

  it('what others commit through this server is seen by the next statement', async () => {
    const [client, other] = [await session(), await session()]
    await warm(client)
    await client.query('begin')
    expect(await ask(client)).toBe('hit')
    await other.query('update item set v = 33 where id = 3')
    expect((await client.rows(sql))[0]).toEqual(['33'])
    expect(verdictOf(client)).toBe('miss;reason=invalidated(public.item)')
    await other.query('update item set v = 3 where id = 3')
    expect((await client.rows(sql))[0]).toEqual(['3'])
    await client.query('commit')
  })

  it('EXPLAIN (CACHE) tells what would be answered from memory there, and why not', async () => {
    const client = await session()
    await warm(client)
    const explained = async () => (await client.rows(`explain (cache) ${sql}`))[0]?.[0]
    await client.query('begin')
    expect(await explained()).toMatch(/^Cache {2}\(verdict=hit/)
    expect(await ask(client)).toBe('hit')
    await client.query('select 1 from item for update')
    expect(await explained()).toBe('Cache  (verdict=bypass reason=in_transaction)')
    await client.query('rollback')
    await client.query('begin isolation level serializable')
    expect(await explained()).toBe('Cache  (verdict=bypass reason=isolation(serializable))')
    await client.query('rollback')
  })

  it('a hint asks for one statement', async () => {
    const client = await surface.session()
    const hinted = `/*+ cache(in_transaction=until_write) */ ${sql}`
    await warm(client, hinted)
    await client.query('begin')
    expect([await ask(client), await ask(client, hinted)]).toEqual(['bypass;reason=in_transaction', 'hit'])
    await client.query('commit')
  })

  it('a miss fills nothing', async () => {
    const client = await session()
    const text = 'select count(*) from item where id < 4'
    await client.query('begin')
    await client.query(text)
    await client.query('commit')
    expect(await ask(client, text)).toBe('miss;reason=cold')
  })
})

const enders = [
  'update item set v = 99 where id = 3',
  'with w as (update item set v = 99 where id = 3 returning v) select * from w',
  'select v from item where id = 3 for update',
  'select v from locked where id = 3',
  'lock table item in exclusive mode',
  'select noted(3)',
  'select plain(3)',
  'do $$ begin update item set v = 99 where id = 3; end $$',
  'truncate log',
  'create temporary table item (id int, v int)',
  'alter table item add column w int',
  'set local role clerk',
  'set local search_path = pg_catalog',
  "select set_config('search_path', 'pg_catalog', true)",
  'set transaction isolation level read committed',
  'declare c cursor for select v from item',
  'select 1; select 2',
  'prepare inblock as update item set v = 99 where id = 3',
]

describe('RRC-17 from its first statement that is more than a read', () => {
  it.each(enders)('the origin answers: %s', async (ender) => {
    const [client, straight] = [await session(), await surface.straight()]
    await warm(client)
    const answers: unknown[] = []
    for (const one of [client, straight]) {
      await one.query('begin')
      await one.query(sql)
      await one.query(ender)
      const { frames, status } = await one.query(sql)
      answers.push([
        status,
        frames.filter(({ type }) => type === 'D' || type === 'E').map(({ bytes }) => bytes.toString('latin1')),
      ])
      if (one === client) expect(verdictOf(client)).toMatch(/^(?:bypass|miss)/)
      await one.query('rollback')
    }
    expect(answers[0]).toEqual(answers[1])
    await client.query('deallocate all')
    await straight.query('deallocate all')
    await warm(client)
    await client.query('begin')
    expect(await ask(client)).toBe('hit')
    await client.query('rollback')
  })

  it('COPY into what is read is seen', async () => {
    const client = await session()
    await warm(client, 'select count(*) from log')
    await client.query('begin')
    expect(await ask(client, 'select count(*) from log')).toBe('hit')
    client.send(query('copy log from stdin'))
    await client.receive(({ type }) => type === 'G')
    await client.exchange(Buffer.concat([copyData('7\n'), copyDone()]))
    expect((await client.rows('select count(*) from log'))[0]).toEqual(['1'])
    await client.query('rollback')
  })

  it('a block that failed is refused by the origin until it ends', async () => {
    const client = await session()
    await warm(client)
    await client.query('begin')
    await client.query('select 1/0')
    const { frames, status } = await client.query(sql)
    expect([frames.map(({ type }) => type).filter((type) => type !== 'S'), status]).toEqual([['E', 'Z'], 'E'])
    await client.query('rollback')
  })

  it('what is sent behind BEGIN before it is answered counts, locks included', async () => {
    const client = await session()
    await warm(client)
    const locking = 'select v from item where id = 3 for update'
    // From the second time on it is known not to write, and not held back until BEGIN is answered.
    await client.query(locking)
    await client.exchange(Buffer.concat([query('begin'), query(locking)]), 2)
    expect(await ask(client)).toMatch(/^bypass/)
    await client.query('rollback')
  })
})

describe('RRC-17 a block of another kind', () => {
  it('with one snapshot for all its statements is the origin’s', async () => {
    const client = await session()
    await warm(client)
    await client.query('begin isolation level repeatable read')
    expect(await ask(client)).toBe('bypass;reason=isolation(repeatable read)')
    await client.query('commit')
    await client.query('set default_transaction_isolation = serializable')
    await warm(client)
    await client.query('begin')
    expect(await ask(client)).toBe('bypass;reason=isolation(serializable)')
    await client.query('commit')
    await client.query('set session characteristics as transaction isolation level repeatable read')
    await warm(client)
    await client.query('start transaction')
    expect(await ask(client)).toBe('bypass;reason=isolation(repeatable read)')
    await client.query('commit')
  })

  it('that becomes another kind by a second BEGIN is the origin’s', async () => {
    const client = await session()
    await warm(client)
    await client.query('begin')
    expect(await ask(client)).toBe('hit')
    await client.query('begin isolation level repeatable read')
    expect(await ask(client)).toBe('bypass;reason=in_transaction')
    expect((await client.rows('show transaction_isolation'))[0]).toEqual(['repeatable read'])
    await client.query('commit')
  })

  it('that another began is not taken for one that has only read', async () => {
    const client = await session()
    await warm(client)
    await client.query('begin')
    await client.query('commit and chain')
    expect(await ask(client)).toBe('bypass;reason=in_transaction')
    await client.query('commit')
    await client.query('begin; select 1')
    expect(await ask(client)).toBe('bypass;reason=in_transaction')
    await client.query('commit')
  })

  it('of a session that did not ask for it, or whose hint says never, is the origin’s', async () => {
    const client = await session()
    await warm(client)
    await client.query('begin')
    expect(await ask(client, `/*+ cache(in_transaction=never) */ ${sql}`)).toBe('bypass;reason=in_transaction')
    expect(await ask(client)).toBe('hit')
    await client.query('set local cache.result_in_transaction = never')
    expect(await ask(client)).toBe('bypass;reason=in_transaction')
    await client.query('commit')
  })

  it('is not taken for idle by the origin while it is answered from memory', async () => {
    const client = await session()
    await client.query("set idle_in_transaction_session_timeout = '2s'")
    await warm(client)
    await client.query('begin')
    const from = Date.now()
    const seen = new Set<string>()
    while (Date.now() - from < 3000) seen.add(await ask(client))
    expect(seen).toContain('hit')
    expect((await client.query('commit')).status).toBe('I')
  })
})
