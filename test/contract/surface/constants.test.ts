// Constants are contents: whoever may not see those of a role meets `$n` in their place, everywhere (sql.md, section 7; SQL-36).

import { expect, it } from 'vitest'
import { useSurface } from '../../support/surface.ts'
import { WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, note text);
    create role cache_monitor; create role watcher login in role cache_monitor;
    create role cache_read; create role reader login in role cache_read`,
})

it('section 7 and G-10: a monitor sees shapes, with their parameters and without anybody’s constants', async () => {
  const { host, port } = surface.larder
  const client = await surface.session()
  await client.rows("create role quiet password 'hushhush'")
  await client.rows("select note from item where id = 4711 and note <> 'hushhush' limit 3")
  await client.rows("select set_config('app.hush', 'hushhush', false)")
  await client.rows("select 'do it now, hushhush' from item")
  const watcher = await WireClient.connect({ host, port, user: 'watcher', database: 'postgres' })
  const shape = 'select note from item where id = $1 and note <> $2 limit 3'
  const like = "statement like 'select note%'"
  expect(await watcher.rows(`select statement from cache.queries where ${like}`)).toEqual([[shape]])
  expect(await watcher.rows(`select statement from cache.plans where ${like}`)).toEqual([[shape]])
  expect(await watcher.rows(`select statement from cache.results where ${like}`)).toEqual([[shape]])
  expect(await watcher.rows(`select statement from cache.caches where ${like}`)).toEqual([[shape]])
  const shown = await watcher.rows("show caches where query_text like 'select note%'")
  expect(shown.map((row) => row[2])).toEqual([shape])
  const relations = 'queries plans results caches bypasses decisions entries events last_statement sessions'
  for (const relation of relations.split(' ')) {
    const rows = await watcher.rows(`table cache.${relation}`)
    expect(JSON.stringify(rows), relation).not.toMatch(/hushhush|4711/)
  }
  await watcher.close()
})
