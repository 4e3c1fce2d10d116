// Backups as users type them: over the wire, before a real Postgres, with all threads of a server.

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FaultyRelay, type RelayedRequest } from '../../support/faulty-relay.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { openS3Server, type S3Server } from '../../support/s3-server.ts'

let postgres: TestPostgres
let larder: TestLarder
let client: pg.Client
let folder = ''
let url = ''
let s3: S3Server
let bucket = ''
/** The same service, with its bad days. */
let relay: FaultyRelay
let relayed = ''
const notices: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-statements-'))
  url = `file://${folder}`
  postgres = await openTestPostgres()
  s3 = await openS3Server()
  bucket = `s3://larder/backups?endpoint=http://127.0.0.1:${s3.port}`
  relay = await FaultyRelay.open(s3.port)
  relayed = `s3://larder/relayed?endpoint=http://127.0.0.1:${relay.port}`
  larder = await openLarder({
    upstream: postgres.url,
    settings: {
      archive_allow: `${url}, ${bucket}, ${relayed}`,
      s3_access_key_id: s3.credentials.s3AccessKeyId,
      s3_secret_access_key: s3.credentials.s3SecretAccessKey,
    },
  })
  client = await larder.connect()
  client.on('notice', (notice) => notices.push(notice.message ?? ''))
})
afterAll(async () => {
  await larder?.close()
  await postgres?.close()
  await relay?.close()
  await s3?.close()
  await rm(folder, { recursive: true, force: true })
})

const run = async (text: string, values: unknown[] = []) => (await client.query(text, values)).rows
const codeOf = (text: string, values: unknown[] = []) =>
  client.query(text, values).then(
    () => 'none',
    (error: { code: string }) => error.code,
  )

it('put, tag, back up, lose, restore, get (ARC-1, ARC-4, SQL-22, SQL-23)', async () => {
  await run(`select cache.put('pages', 'home', 'hello', tags => '{red}', durable => true)`)
  await run(`select cache.put('pages', 'about', 'us', durable => true)`)
  const [backup] = await run(`backup cache into '${url}'`)
  expect(backup).toMatchObject({ url, files: '3', entries: '2', job: '1' })
  await run(`select cache.put('pages', 'home', 'changed', durable => true)`)
  await run(`invalidate cache namespace pages key 'about'`)
  const [restore] = await run(`restore cache from latest in $1`, [url])
  expect(restore).toMatchObject({ id: backup.id, state: 'restored', namespaces: '1', entries: '2', left_out: '0' })
  expect(notices.at(-1)).toContain('invalidated one by one')
  const values = await run(`select key, convert_from(value, 'UTF8') as value from cache.blobs order by key`)
  expect(values).toEqual([
    { key: 'about', value: 'us' },
    { key: 'home', value: 'hello' },
  ])
  expect((await run(`invalidate cache namespace pages tag 'red'`))[0]).toMatchObject({ entries: '1' })
})

it('what was flushed stays gone (ARC-11)', async () => {
  await run(`select cache.put('other', 'o', 'x', durable => true)`)
  await run(`backup cache to $1`, [url])
  await run('flush cache namespace other')
  await run(`restore cache from latest in '${url}'`)
  expect(await run(`select key from cache.blobs where namespace = 'other'`)).toEqual([])
})

it('shows what is there, proves it, drops it, and keeps its jobs (ARC-9, ARC-15)', async () => {
  const listed = await run(`show backups in '${url}'`)
  expect(listed.map(({ latest }) => latest)).toEqual([false, true])
  expect(listed[0]).toMatchObject({ namespaces: ['pages'], entries: '2', encrypted: false })
  const [first, second] = listed.map(({ id }) => id as string)
  // A filter is that of any SHOW (2.5).
  const shown = async (filter: string, values: unknown[] = []) =>
    (await run(`show backups in ${values.length > 0 ? '$1' : `'${url}'`} ${filter}`, values)).map(({ id }) => id)
  expect(await shown('limit 1')).toEqual([first])
  expect(await shown("like '2%' where latest and 'pages' = any (namespaces)")).toEqual([second])
  expect(await shown('where entries < 0', [url])).toEqual([])
  expect(await shown('like $2 limit 5', [url, second])).toEqual([second])
  expect(await codeOf(`show backups in '${url}' where nonsense`)).toBe('42703')
  expect(await codeOf(`show backups in '${url}' nonsense`)).toBe('42601')
  expect(await codeOf(`show backups in 'file:///elsewhere' limit 1`)).toBe('42501')
  expect(await run(`show backup latest in '${url}'`)).toHaveLength(2)
  const files = await run(`show backup files from '${second}' in $1 with (check_files)`, [url])
  expect(files.map(({ path, state }) => [path, state])).toEqual([
    [`${second}/l2.pager`, 'ok'],
    [`${second}/l2.ctl`, 'ok'],
  ])
  const [verified] = await run(`restore cache from '${second}' in '${url}' with (verify_only)`)
  expect(verified).toMatchObject({ state: 'verified' })
  expect(await run(`drop cache backup '${first}' in '${url}'`)).toMatchObject([{ id: first, files: '3' }])
  expect(
    (await run('select kind, state, id from cache.backups order by job')).map(({ kind, state }) => [kind, state]),
  ).toEqual([
    ['backup', 'succeeded'],
    ['restore', 'succeeded'],
    ['backup', 'succeeded'],
    ['restore', 'succeeded'],
    ['verify', 'succeeded'],
  ])
  expect(await run('show job 1')).toMatchObject([{ id: '1', kind: 'backup', state: 'succeeded', owner: 'postgres' }])
  expect(await run('show jobs')).toHaveLength(5)
  const [stats] = await run('select backups_completed, restores_completed, archive_requests from cache.stats')
  expect(stats).toMatchObject({ backups_completed: '2', restores_completed: '2' })
})

it('as functions, detached, encrypted (ARC-16, SQL-22, SQL-23)', async () => {
  const options = { detached: true, encryption_passphrase: 'hush-hush' }
  const [started] = await run(`select job from cache.backup($1, options => $2)`, [url, JSON.stringify(options)])
  expect(await run(`show jobs when complete ${started.job}`)).toMatchObject([{ state: 'succeeded' }])
  const [latest] = (await run(`select id, encrypted, latest from cache.show_backups($1)`, [url])).slice(-1)
  expect(latest).toMatchObject({ encrypted: true, latest: true })
  expect(await codeOf(`restore cache from latest in '${url}'`)).toBe('22023')
  expect(await codeOf(`restore cache from latest in '${url}' with (encryption_passphrase = 'wrong')`)).toBe('22023')
  await run(`restore cache from latest in '${url}' with (encryption_passphrase = $1)`, ['hush-hush'])
  await run(`select * from cache.drop_backup($1, $2)`, [url, latest.id])
  const seen = await run('select * from cache.jobs')
  expect(JSON.stringify(seen)).not.toContain('hush')
})

it('refuses what it must, by code (SQL-22, ARC-3, ARC-17)', async () => {
  expect(await codeOf(`backup cache into 'file:///elsewhere'`)).toBe('42501')
  expect(await codeOf(`backup cache into 's3://key:secret@bucket/x'`)).toBe('22023')
  expect(await codeOf(`restore cache from latest in '${url}/empty'`)).toBe('42704')
  expect(await codeOf(`backup cache into latest in '${url}'`)).toBe('0A000')
  expect(await codeOf(`backup cache namespace nowhere into '${url}'`)).toBe('42704')
  expect(await codeOf(`backup cache namespace "$results" into '${url}'`)).toBe('42939')
  expect(await codeOf(`backup cache into '${url}' with (detatched)`)).toBe('22023')
  expect(await codeOf('cancel job 1')).toBe('55000')
  expect(await codeOf('cancel job 999')).toBe('42704')
  expect(await codeOf(`backup cache somewhere`)).toBe('42601')
})

it('chosen namespaces: the others stay as they are, and what was flushed stays gone (ARC-11, ARC-14)', async () => {
  const put = (namespace: string, key: string, value: string) =>
    run('select cache.put($1, $2, $3, tags => $4, durable => true)', [namespace, key, value, ['red']])
  const values = async () => {
    const rows = await run(`select namespace, key, convert_from(value, 'UTF8') as value from cache.blobs
      where namespace in ('one', 'two', 'uno', 'hidden') order by 1, 2`)
    return rows.map(({ namespace, key, value }) => `${namespace}.${key}=${value}`).join(' ')
  }
  await run('create cache namespace hidden with (archive = off)')
  for (const namespace of ['one', 'two', 'hidden']) await put(namespace, 'k', 'archived')
  const [all] = await run(`backup cache into '${url}/chosen'`)
  const [one] = await run(`backup cache namespace one into '${url}/chosen'`)
  expect(one.entries).toBe('1')
  expect(await codeOf(`backup cache namespace hidden into '${url}/chosen'`)).toBe('55000')
  const held = await run(`show backup '${one.id}' in '${url}/chosen'`)
  expect(held.map(({ namespace }) => namespace)).toEqual(['one'])

  for (const namespace of ['one', 'two', 'hidden']) await put(namespace, 'k', 'newer')
  const [restored] = await run(`restore cache namespace one from '${all.id}' in '${url}/chosen'`)
  expect(restored).toMatchObject({ state: 'restored', namespaces: '1', entries: '1', left_out: '0', unproven: '0' })
  expect(await values()).toBe('hidden.k=newer one.k=archived two.k=newer')
  const [info] = await run(`select generation, entries from cache.namespaces where name = 'one'`)
  expect(info).toEqual({ generation: '2', entries: '1' })
  expect((await run(`invalidate cache namespace one tag 'red'`))[0]).toMatchObject({ entries: '1' })

  // Again, as a function, and from a backup of that namespace alone without naming it.
  await run('select * from cache.restore($1, $2, array[$3])', [`${url}/chosen`, all.id, 'one'])
  expect(await values()).toBe('hidden.k=newer one.k=archived two.k=newer')
  await put('one', 'k', 'newer')
  await run(`restore cache from '${one.id}' in '${url}/chosen'`)
  expect(await values()).toBe('hidden.k=newer one.k=archived two.k=newer')
  const [verified] = await run(`restore cache namespace two from latest in '${url}/chosen' with (verify_only)`).catch(
    (error: { code: string }) => [error.code],
  )
  expect(verified).toBe('42704')
  const [named] = await run(`restore cache namespace one as uno, two from '${all.id}' in '${url}/chosen'`)
  expect(named).toMatchObject({ namespaces: '2', entries: '2' })
  expect(await values()).toBe('hidden.k=newer one.k=archived two.k=archived uno.k=archived')

  await run('flush cache namespace one')
  await put('one', 'k', 'after the flush')
  notices.length = 0
  const [gone] = await run(`restore cache namespace one, two from '${all.id}' in '${url}/chosen'`)
  expect(gone).toMatchObject({ namespaces: '1', entries: '1', left_out: '1' })
  expect(notices.join()).toContain('cache namespace "one" was flushed since')
  expect(await values()).toBe('hidden.k=newer one.k=after the flush two.k=archived uno.k=archived')
  expect(await run('select * from cache.check()')).toEqual([])

  expect(await codeOf(`restore cache namespace two as uno from '${all.id}' in '${url}/chosen'`)).toBe('42710')
  expect(await codeOf(`restore cache namespace two as "$x" from '${all.id}' in '${url}/chosen'`)).toBe('42939')
  expect(await codeOf(`restore cache namespace nowhere from '${all.id}' in '${url}/chosen'`)).toBe('42704')
  // All of it, from before they were restored by name.
  await run(`restore cache from '${all.id}' in '${url}/chosen'`)
  expect(await values()).toBe('two.k=archived')
  await run('drop cache namespace one, two, uno, hidden')
})

it('the same through S3 (BKE-4, BKE-9)', async () => {
  await run(`select cache.put('pages', 'large', $1::bytea, durable => true)`, [Buffer.alloc(900_000, 'larder')])
  await run(`select cache.put('pages', 'home', 'in the bucket', durable => true)`)
  const [backup] = await run('backup cache into $1', [bucket])
  expect(backup).toMatchObject({ files: '3' })
  await run(`select cache.put('pages', 'home', 'changed', durable => true)`)
  await run(`restore cache from '${backup.id}' in '${bucket}'`)
  const [home] = await run(
    `select convert_from(value, 'UTF8') as value from cache.blobs where namespace = 'pages' and key = 'home'`,
  )
  expect(home).toEqual({ value: 'in the bucket' })
  expect(await run(`show backups in '${bucket}'`)).toHaveLength(1)
  expect((await run(`show backup files latest in '${bucket}' with (check_files)`)).map(({ state }) => state)).toEqual([
    'ok',
    'ok',
  ])
  const settings = await run(`select name, value from cache.settings where name like 's3%key%'`)
  expect(settings.map(({ value }) => value)).toEqual(['********', '********'])
})

it('a statement that is cancelled takes its job along and leaves nothing (ARC-9, SQL-23)', async () => {
  const isPut = ({ method }: RelayedRequest): boolean => method === 'PUT'
  relay.plan((request) => (isPut(request) ? { silent: true } : undefined))
  const pending = codeOf(`backup cache into '${relayed}'`)
  await relay.seen(1, isPut)
  await cancel(client)
  expect(await pending).toBe('57014')
  expect((await run('select state, error from cache.jobs order by id desc limit 1'))[0]).toEqual({
    state: 'cancelled',
    error: 'canceling statement due to user request',
  })
  relay.plan()
  notices.length = 0
  expect(await run(`show backups in '${relayed}'`)).toEqual([])
  expect(notices).toEqual([])
  expect((await run('select backups_failed from cache.stats'))[0]).not.toEqual({ backups_failed: '0' })
})

/** What psql sends at Ctrl-C. */
async function cancel(running: pg.Client): Promise<void> {
  const { processID, secretKey } = running as unknown as { processID: number; secretKey: number }
  const packet = Buffer.alloc(16)
  packet.writeInt32BE(16, 0)
  packet.writeInt32BE(80_877_102, 4)
  packet.writeInt32BE(processID, 8)
  packet.writeInt32BE(secretKey, 12)
  const socket = connect(larder.port, larder.host)
  socket.end(packet)
  await once(socket, 'close')
}
