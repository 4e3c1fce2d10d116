// Backups of servers in front of different origins: what results are derived from is in the manifest, and results of another origin never
// come back.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { scratch } from '../../support/templates.ts'

let folder = ''
const origins: TestPostgres[] = []
const larders: TestLarder[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(scratch, 'larder-origins-'))
})
afterEach(async () => {
  for (const larder of larders.splice(0)) await larder.close()
  for (const origin of origins.splice(0)) await origin.close()
  await rm(folder, { recursive: true, force: true })
})

interface Shop {
  readonly origin: TestPostgres
  readonly client: pg.Client
  readonly system: string
  readonly notices: string[]
}

/** An origin where every item costs as much, and a Larder in front of it. */
async function openShop(price: number, ownSystem: boolean): Promise<Shop> {
  const origin = await openTestPostgres({ ownSystem, parameters: { autovacuum: 'off' } })
  origins.push(origin)
  const direct = await origin.connect()
  await direct.query('create table item (id int primary key, price int)')
  await direct.query('insert into item select n, $1 from generate_series(1, 10) n', [price])
  const { rows } = await direct.query('select system_identifier::text as system from pg_control_system()')
  return { origin, system: rows[0].system, ...(await serve(origin)) }
}

/** Each origin has one data directory, so that a second server goes on where the first ended. */
async function serve(origin: TestPostgres): Promise<Pick<Shop, 'client' | 'notices'>> {
  const settings = {
    ...{ archive_allow: `file://${folder}`, data_dir: join(folder, `data-${origins.indexOf(origin)}`) },
    ...{ result_l2_delay: '0', l2_read_timeout: '20s', result_ttl: '1h' },
  }
  const larder = await openLarder({ upstream: origin.url, settings })
  larders.push(larder)
  const client = await larder.connect()
  const notices: string[] = []
  client.on('notice', ({ message = '' }) => notices.push(message))
  return { client, notices }
}

async function priceOf({ client }: Shop, id: number): Promise<number> {
  return (await client.query('select price from item where id = $1', [id])).rows[0].price
}

/** Until answers lie in L2, and what proves them has been written down. */
async function fill(shop: Shop): Promise<void> {
  for (let isKept = false; !isKept; ) {
    for (let id = 1; id <= 10; id++) await priceOf(shop, id)
    const { rows } = await shop.client.query(
      `select l.proof, n.entries from cache.l2 l, cache.namespaces n where n.name = '$results'`,
    )
    isKept = rows[0]?.proof === 'unmoved' && Number(rows[0]?.entries) === 10
  }
}

it('a manifest says which origin results are of, and before another they are left out, told, and not served (ARC-7, ARC-12)', async () => {
  const ours = await openShop(1, false)
  await fill(ours)
  await ours.client.query(`select cache.put('pages', 'home', 'hello', durable => true)`)
  const [backup] = (await ours.client.query(`backup cache into 'file://${folder}'`)).rows
  const manifest = JSON.parse(await readFile(join(folder, backup.id, 'manifest.json'), 'utf8'))
  expect(manifest.origin).toMatchObject({ system_identifier: ours.system, timeline: 1, database: 'postgres' })
  expect(manifest.origin.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/)
  expect(manifest.origin.lsn).not.toBe('0/0')
  expect(manifest.key_input_version).toBe(1)

  const theirs = await openShop(2, true)
  expect(theirs.system).not.toBe(ours.system)
  await fill(theirs)
  const [restored] = (await theirs.client.query(`restore cache from latest in 'file://${folder}'`)).rows
  expect(restored).toMatchObject({ left_out: '10', unproven: '0', entries: '1' })
  const told = theirs.notices.join('\n')
  expect(told).toContain(`system identifier ${ours.system}, and this one has ${theirs.system}`)
  for (let id = 1; id <= 10; id++) expect(await priceOf(theirs, id)).toBe(2)
  const { rows } = await theirs.client.query(`select convert_from(value, 'UTF8') as value from cache.blobs`)
  expect(rows).toEqual([{ value: 'hello' }])
})

it('before the same origin results come back unproven, and what was written since is seen (ARC-12)', async () => {
  const ours = await openShop(1, false)
  await fill(ours)
  await ours.client.query(`backup cache into 'file://${folder}'`)
  // Past the server, so that nothing but the proof can tell.
  const direct = await ours.origin.connect()
  await direct.query('update item set price = 7')
  const [restored] = (await ours.client.query(`restore cache from latest in 'file://${folder}'`)).rows
  expect(restored).toMatchObject({ left_out: '0', unproven: '10' })
  await larders.pop()?.close()
  const again = { ...ours, ...(await serve(ours.origin)) }
  for (let id = 1; id <= 10; id++) expect(await priceOf(again, id)).toBe(7)
})
