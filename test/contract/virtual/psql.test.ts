// The real psql: in an admin database, and in a database of the origin with the catalogue router in between.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openParser } from '../../../src/sql/index.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { openSystemDatabase } from '../../support/system-database.ts'
import { VirtualFrontend } from '../../support/virtual-frontend.ts'
import { resultRow, sourcesWith } from '../../support/virtual-sources.ts'

const run = promisify(execFile)
const hasPsql = await run('psql', ['--version']).then(
  () => true,
  () => false,
)

const system = openSystemDatabase()
const sources = sourcesWith({ results: () => [resultRow()] })
let origin: TestPostgres
let admin: VirtualFrontend
let normal: VirtualFrontend

beforeAll(async () => {
  const parser = await openParser()
  origin = await openTestPostgres()
  const client = await origin.connect()
  await client.query('CREATE TABLE item (id int PRIMARY KEY); CREATE SCHEMA app; CREATE TABLE app.stats (mine int)')
  const { host, port } = origin.target
  const options = { database: system.database, sources, parser }
  admin = await VirtualFrontend.open(options)
  normal = await VirtualFrontend.open({ ...options, origin: { host, port, user: 'postgres', database: 'postgres' } })
})

afterAll(async () => {
  await admin?.close()
  await normal?.close()
  await origin?.close()
  await system.close()
})

async function psql(frontend: VirtualFrontend, ...commands: string[]): Promise<string> {
  const where = ['-X', '-h', '127.0.0.1', '-p', String(frontend.port), '-U', 'alice', '-d', 'larder']
  const { stdout, stderr } = await run('psql', [...where, ...commands.flatMap((command) => ['-c', command])]).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  return stdout + stderr
}

describe.runIf(hasPsql)('psql in an admin database', () => {
  it('lists and describes the relations', async () => {
    const listed = await psql(admin, '\\dt cache.*')
    expect(listed).toMatch(/ cache {2}\| stats +\| table \|/)
    expect(listed).toMatch(/\(36 rows\)/)
    const described = await psql(admin, '\\d+ cache.memory')
    expect(described).toMatch(/bytes_max +\| bigint .*\| its bound/)
    expect(await psql(admin, '\\dt+ cache.stats')).toMatch(/counters and gauges of the whole server/)
    expect(await psql(admin, '\\dn')).toMatch(/ cache +\|/)
  })

  it('lists the functions, with what they take (SQL-13)', async () => {
    const listed = await psql(admin, '\\df cache.*')
    expect(listed).toMatch(/ cache {2}\| check +\| TABLE\(severity text, kind text, subject text, detail text\)/)
    expect(listed).toMatch(/\| version +\| text /)
    expect(await psql(admin, '\\df cache.get')).toMatch(/namespace text, key text, lease boolean DEFAULT false/)
  })

  it('selects', async () => {
    const [header, , row] = (await psql(admin, "SELECT key, hits FROM cache.results WHERE key = '00ff'")).split('\n')
    expect([header, row]).toEqual([' key  | hits ', ' 00ff |    3'])
  })

  it('has nothing of the origin', async () => {
    expect(await psql(admin, 'SELECT * FROM item')).toMatch(/relation "item" in an admin database is not supported/)
    expect(await psql(admin, 'SELECT * FROM cache.nope')).toMatch(/relation "cache.nope" does not exist\nLINE 1/)
    expect(await psql(admin, 'CREATE TABLE t (i int)')).toMatch(/not supported/)
  })
})

describe.runIf(hasPsql)('psql in a database of the origin', () => {
  it('lists and describes the relations as if they were there', async () => {
    expect(await psql(normal, '\\dt cache.*')).toMatch(/\(36 rows\)/)
    expect(await psql(normal, '\\d cache.bypasses')).toMatch(/last_at +\| timestamp with time zone/)
    const all = await psql(normal, '\\d cache.*')
    expect(all.match(/Unlogged table "cache\.\w+"/g)).toHaveLength(36)
  })

  it('lists the functions as if they were there (SQL-13)', async () => {
    expect(await psql(normal, '\\df cache.*')).toMatch(/\(30 rows\)/)
  })

  it("sees the origin's catalogue everywhere else", async () => {
    normal.atOrigin.length = 0
    expect(await psql(normal, '\\d item')).toMatch(/Table "public.item"/)
    expect(await psql(normal, '\\dt')).toMatch(/ public \| item/)
    expect(await psql(normal, '\\d app.stats')).toMatch(/ mine /)
    expect(await psql(normal, '\\d cache')).toMatch(/Did not find any relation named "cache"/)
    expect(normal.atOrigin.length).toBeGreaterThan(10)
  })

  it('is not confused by going back and forth', async () => {
    const answer = await psql(normal, '\\d cache.memory', '\\d item', '\\d cache.memory', '\\d app.stats')
    expect(answer.match(/Unlogged table "cache.memory"/g)).toHaveLength(2)
    expect(answer).toMatch(/"item_pkey" PRIMARY KEY/)
    expect(answer).toMatch(/Table "app.stats"/)
  })
})
