// What a change through the server reaches: everything that was derived from what it changed, however far that is, and only when it is committed.

import { expect, it } from 'vitest'
import { useSurface, verdictOf } from '../../support/surface.ts'
import type { WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int); insert into item values (1, 10), (2, 20);
    create table part (id int primary key, item int references item on delete cascade); insert into part values (1, 2);
    create table log (what text);
    create table apart (n int); insert into apart values (1);
    create view dear as select * from item where price > 5;
    create view dearest as select max(price) as most from dear;
    create view most as select (select most from dearest) as most where exists (select from dear);
    create function note() returns trigger language plpgsql as 'begin insert into log values (tg_op); return null; end';
    create trigger note after update or delete on item for each row execute function note()`,
})

const reads = {
  far: 'select most from most',
  parts: 'select count(*) from part',
  log: 'select count(*) from log',
  apart: 'select n from apart',
}

async function verdicts(client: WireClient): Promise<Record<string, string>> {
  const told: Record<string, string> = {}
  for (const [name, text] of Object.entries(reads)) {
    await client.query(text)
    told[name] = verdictOf(client).split(';')[0] as string
  }
  return told
}

async function warm(client: WireClient): Promise<void> {
  await verdicts(client)
  expect(await verdicts(client)).toEqual({ far: 'hit', parts: 'hit', log: 'hit', apart: 'hit' })
}

it('reaches what was read through views of views, and what triggers and cascades wrote, by the locks it holds (DEP-1, DEP-4)', async () => {
  const client = await surface.session()
  await warm(client)
  await client.query('update item set price = 30 where id = 1')
  expect(await verdicts(client)).toEqual({ far: 'miss', parts: 'hit', log: 'miss', apart: 'hit' })
  await warm(client)
  await client.query('delete from item where id = 2')
  expect(await verdicts(client)).toEqual({ far: 'miss', parts: 'miss', log: 'miss', apart: 'hit' })
})

it('reaches everything where the origin cannot be asked what it holds (DEP-4)', async () => {
  const client = await surface.session()
  await warm(client)
  await client.query('do $$ begin update item set price = price + 1; commit; end $$')
  expect(await verdicts(client)).toEqual({ far: 'miss', parts: 'miss', log: 'miss', apart: 'miss' })
})

it('acts at the commit and all at once; what was rolled back, to a savepoint too, hides nothing (DEP-5)', async () => {
  const [writer, reader] = [await surface.session(), await surface.session()]
  await warm(reader)
  await writer.query('begin')
  await writer.query('update item set price = 1')
  expect(await verdicts(reader)).toEqual({ far: 'hit', parts: 'hit', log: 'hit', apart: 'hit' })
  await writer.query('rollback')
  expect(await verdicts(reader)).toEqual({ far: 'hit', parts: 'hit', log: 'hit', apart: 'hit' })
  await writer.query('begin')
  await writer.query('savepoint s')
  await writer.query('update item set price = 1')
  await writer.query('rollback to s')
  await writer.query('update apart set n = n + 1')
  await writer.query('update part set item = item')
  await writer.query('commit')
  expect(await verdicts(reader)).toEqual({ far: 'hit', parts: 'miss', log: 'hit', apart: 'miss' })
})
