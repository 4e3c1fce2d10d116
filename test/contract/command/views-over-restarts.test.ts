// Materialized views outlive the server: what they are, and their rows.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Command } from '../../support/command.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

let origin: TestPostgres
let direct: pg.Client
let directory: string
let commands: Command[]
let clients: pg.Client[]

beforeAll(async () => {
  origin = await openTestPostgres({ parameters: { wal_level: 'logical', autovacuum: 'off' } })
  direct = await origin.connect()
  await direct.query('create role analyst login')
})

afterAll(async () => {
  await direct?.end()
  await origin?.close()
})

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'larder-views-'))
  chmodSync(directory, 0o711)
  commands = []
  clients = []
  await direct.query(`drop table if exists kept, other; create table kept (id int primary key, v text); create table other (n int primary key);
    insert into kept select n, case n when 3 then null when 4 then E'tab\\t, line\\n, \\\\N' else 'v' || n end from generate_series(1, 3000) n; insert into other values (1); grant select on kept, other to public`)
})

afterEach(async () => {
  for (const client of clients) await client.end().catch(() => undefined)
  for (const command of commands) await command.end()
  rmSync(directory, { recursive: true, force: true })
})

interface Server {
  readonly command: Command
  readonly client: pg.Client
}

async function start(...more: string[]): Promise<Server> {
  const command = Command.run([
    ...['serve', '--listen', '127.0.0.1:0', '--upstream', origin.url, '--data-dir', join(directory, 'data')],
    ...['--view-change-delay', '1ms', ...more],
  ])
  commands.push(command)
  const [, host, port, user, database] = await command.prints(/psql -h (\S+) -p (\d+) -U (\S+) -d (\S+)\n/)
  const client = new pg.Client({ host, port: Number(port), user, database } as pg.ClientConfig)
  client.on('error', () => undefined)
  clients.push(client)
  await client.connect()
  return { command, client }
}

async function stop({ command }: Server, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  command.signal(signal)
  await command.exit
}

const facts = `select name, owner, query, policy, populated, row_count, readers, relations::text from cache.materialized_views order by name`

const all = 'select id, v from kept order by id'

async function texts(client: pg.Client, sql: string): Promise<unknown> {
  const { rows, fields } = await client.query({ text: sql, rowMode: 'array' })
  return [fields.map(({ name, dataTypeID }) => [name, dataTypeID]), rows]
}

const isTrue = (client: pg.Client, sql: string) =>
  expect.poll(async () => Object.values((await client.query(sql)).rows[0] ?? {})[0]).toBe(true)

/** What proves that nothing was written is noted, with the rows. */
const untilKept = (client: pg.Client, rows: number) =>
  isTrue(
    client,
    `select (select proof = 'unmoved' from cache.l2) and (select entries >= ${rows} from cache.namespaces where name = '$views')`,
  )

describe.each(['SIGTERM', 'SIGKILL'] as const)('after %s', (signal) => {
  it('they are what they were, with their rows, and known to be fresh if nothing was written (MV-8, MV-18, MV-24)', async () => {
    const first = await start()
    const made = [
      "manual with (refresh = 'manual', readers = 'analyst', bytes_max = '1MB')",
      "changed (number, word) with (refresh = 'on change')",
      "timed with (refresh = 'every 1d')",
      "counted with (refresh = 'after 2 writes')",
      "followed with (refresh = 'incremental')",
    ]
    for (const one of made) await first.client.query(`create materialized view cache.${one} as ${all}`)
    await first.client.query(`create materialized view cache.empty as ${all} with no data`)
    await first.client.query('create materialized view cache.gone as select 1 as n')
    await first.client.query('alter materialized view cache.gone rename to gone_too')
    await first.client.query('drop materialized view cache.gone_too')
    await first.client.query('alter materialized view cache.timed rename to timely')
    await first.client.query("alter materialized view cache.timely set (refresh = 'every 2d')")
    const before = (await first.client.query(facts)).rows
    const read = {
      manual: await texts(first.client, 'table cache.manual'),
      changed: await texts(first.client, 'table cache.changed'),
    }
    await untilKept(first.client, 8)
    await stop(first, signal)

    const second = await start()
    const after = (await second.client.query(facts)).rows
    const known = ({ name, relations: _, row_count: __, ...rest }: Record<string, unknown>) => ({ name, ...rest })
    expect(after.map(known)).toEqual(before.map(known))
    expect(after.filter(({ name }) => name !== 'followed')).toEqual(before.filter(({ name }) => name !== 'followed'))
    expect(await texts(second.client, 'table cache.manual')).toEqual(read.manual)
    expect(await texts(second.client, 'table cache.changed')).toEqual(read.changed)
    await expect(second.client.query('table cache.empty')).rejects.toMatchObject({ code: '55000' })
    await expect(second.client.query('table cache.gone_too')).rejects.toMatchObject({ code: '42P01' })
    await isTrue(second.client, "select bool_and(not stale) from cache.materialized_views where name not in ('empty')")
    expect((await second.client.query('select view_refreshes from cache.stats')).rows).toEqual([
      { view_refreshes: '0' },
    ])
    await isTrue(second.client, "select not stale from cache.materialized_views where name = 'followed'")
    await second.client.query("insert into kept values (5000, 'new')")
    expect((await second.client.query('select count(*) from cache.followed where id = 5000')).rows).toEqual([
      { count: '1' },
    ])
    await isTrue(second.client, 'select count(*) = 1 from cache.changed where number = 5000')
    expect((await second.client.query('select count(*) from cache.manual where id = 5000')).rows).toEqual([
      { count: '0' },
    ])
    await second.client.query('refresh materialized view cache.empty')
    expect(await texts(second.client, 'table cache.empty')).toEqual(await texts(direct, all))
  })

  it('they are stale when something was written meanwhile, and read anew as they want to be (MV-24)', async () => {
    const first = await start()
    for (const one of ["manual with (refresh = 'manual')", 'changed', "counted with (refresh = 'after 9 writes')"])
      await first.client.query(`create materialized view cache.${one} as ${all}`)
    await untilKept(first.client, 6)
    await stop(first, signal)
    await direct.query("update kept set v = 'meanwhile' where id = 1")
    const second = await start()
    expect((await second.client.query('select v from cache.manual where id = 1')).rows).toEqual([{ v: 'v1' }])
    for (const name of ['changed', 'counted'])
      await isTrue(second.client, `select v = 'meanwhile' from cache.${name} where id = 1`)
    await isTrue(second.client, "select not stale from cache.materialized_views where name = 'changed'")
    expect(
      (await second.client.query("select stale from cache.materialized_views where name = 'manual'")).rows,
    ).toEqual([{ stale: true }])
  })
})

it('what was refreshed last is what comes back, and what was forgotten does not (MV-8, MV-17)', async () => {
  const first = await start()
  await first.client.query(`create materialized view cache.one with (refresh = 'manual') as ${all}`)
  await first.client.query(`create materialized view cache.two with (refresh = 'manual') as ${all}`)
  await direct.query("update kept set v = 'later' where id = 1")
  await first.client.query('refresh materialized view cache.one')
  await first.client.query('refresh materialized view cache.two with no data')
  await stop(first, 'SIGTERM')
  const second = await start()
  expect((await second.client.query('select v from cache.one where id = 1')).rows).toEqual([{ v: 'later' }])
  await expect(second.client.query('table cache.two')).rejects.toMatchObject({ code: '55000' })
  // Only what is of use lies there.
  const { rows } = await second.client.query("select entries from cache.namespaces where name = '$views'")
  expect(rows).toEqual([{ entries: '2' }])
})

it('RESTORE brings back those of the backup beside those there are', async () => {
  const url = `file://${directory}/backups`
  const { client } = await start('--archive-allow', `file://${directory}`)
  await client.query(`create materialized view cache.old with (refresh = 'manual') as ${all}`)
  await client.query('create materialized view cache.moved as select 1 as n')
  await untilKept(client, 4)
  await client.query(`backup cache into '${url}'`)
  await client.query('drop materialized view cache.old')
  await client.query('alter materialized view cache.moved rename to elsewhere')
  await client.query(`create materialized view cache.young with (refresh = 'manual') as ${all}`)
  await client.query(`restore cache from latest in '${url}'`)
  await isTrue(client, "select count(*) = 2 from cache.materialized_views where name in ('old', 'young')")
  await isTrue(client, 'select count(*) = 3000 from cache.young')
})
