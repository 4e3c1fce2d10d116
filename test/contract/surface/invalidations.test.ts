// cache.invalidations: every way in which stored answers are hidden leaves a row that says on whose account.

import { describe, expect, it } from 'vitest'
import { useSurface } from '../../support/surface.ts'
import type { WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, n int); insert into item values (1, 0);
    create table child (id int references item on delete cascade);
    create role watcher login; create role cache_monitor; grant cache_monitor to watcher; create role guest login`,
})

const shown = 'cause, kind, subject, relation is not null, lsn is not null, session is not null, entries'

/** What came to be known while `run` ran. */
async function during(client: WireClient, run: () => Promise<unknown>): Promise<(string | null)[][]> {
  const [before] = await client.rows('select count(*) from cache.invalidations')
  await run()
  return client.rows(`select ${shown} from cache.invalidations offset ${before?.[0]}`)
}

describe('cache.invalidations', () => {
  it('names what a write has changed, its cascades too, and the session', async () => {
    const client = await surface.session()
    await client.query('select n, c.id from item i left join child c on true')
    expect(await during(client, () => client.query('update item set n = n + 1'))).toEqual([
      ['write', 'relation', 'public.item', 't', 'f', 't', null],
    ])
    const deleted = await during(client, () => client.query('delete from item'))
    expect(deleted.map((row) => row[2]).sort()).toEqual(['public.child', 'public.item'])
    const [row] = await client.rows(
      `select elapsed_us >= 0, at > now() - interval '1 minute', exists (select from cache.sessions s where s.id = i.session)
       from cache.invalidations i where kind = 'relation' limit 1`,
    )
    expect(row).toEqual(['t', 't', 't'])
  })

  it('has no row for what was rolled back, or only read', async () => {
    const client = await surface.session()
    const rows = await during(client, async () => {
      for (const sql of ['begin', 'insert into item values (5, 5)', 'rollback']) await client.query(sql)
      await client.query('select * from item')
    })
    expect(rows).toEqual([])
  })

  it('tells DDL, and what may have done anything', async () => {
    const client = await surface.session()
    expect(await during(client, () => client.query('create table fresh (a int)'))).toEqual([
      ['ddl', 'database', 'postgres', 'f', 'f', 't', null],
    ])
    expect(await during(client, () => client.query('do $$ begin null; end $$'))).toEqual([
      ['write', 'database', 'postgres', 'f', 'f', 't', null],
    ])
  })

  it('counts what statements remove (INVALIDATE, FLUSH)', async () => {
    const client = await surface.session()
    await client.query("select cache.put('app', 'a/1', 'x', tags => '{hot}')")
    await client.query('select n from item')
    const rows = await during(client, async () => {
      await client.query('invalidate cache relation item')
      await client.query("invalidate cache namespace app key 'a/1', 'a/2'")
      await client.query('flush cache namespace app')
      await client.query('select n from item')
      await client.query('flush all caches')
    })
    expect(rows).toEqual([
      ['statement', 'relation', 'public.item', 't', 'f', 't', '1'],
      ['statement', 'key', 'a/1', 'f', 'f', 't', '1'],
      ['statement', 'namespace', 'app', 'f', 'f', 't', '0'],
      // What is dead and not yet swept counts.
      ['statement', 'all', 'all', 'f', 'f', 't', expect.stringMatching(/^[1-9]/)],
    ])
  })

  it('is for monitors, and empty if invalidations_max is 0', async () => {
    const watcher = await surface.session('', 'watcher')
    expect(Number((await watcher.rows('select count(*) from cache.invalidations'))[0]?.[0])).toBeGreaterThan(0)
    const guest = await surface.session('', 'guest')
    expect(await guest.rows('select * from cache.invalidations')).toEqual([])
    const client = await surface.session()
    await client.query('alter system set cache.invalidations_max = 0')
    await client.query('update item set n = 1')
    expect(await client.rows('select * from cache.invalidations')).toEqual([])
    await client.query('alter system reset cache.invalidations_max')
  })
})
