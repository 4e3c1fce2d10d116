// larder backup and larder restore on a data directory that a server has open.
//
// The server of these tests runs in this process, so its lock is this process's; the commands are processes of their own.

import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { runBackupCommand } from '../../../src/backup-command.ts'
import { DataDirectory } from '../../../src/origin/index.ts'
import { BackupStage, isPut } from '../../support/backup-stage.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { put } from '../../support/offline-cache.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

let stage: BackupStage

beforeAll(async () => {
  stage = await BackupStage.open()
})
afterAll(() => stage?.close())
beforeEach(() => stage.begin())
afterEach(() => stage.end())

let postgres: TestPostgres
let server: TestLarder
let client: pg.Client

beforeAll(async () => {
  postgres = await openTestPostgres()
  server = await openLarder({
    upstream: postgres.url,
    settings: { archive_allow: `${stage.relayed}, file://${tmpdir()}`, l2_read_timeout: '20s' },
  })
  client = await server.connect()
  await client.query(`select cache.put('pages', 'home', 'hello', durable => true)`)
})
afterAll(async () => {
  await server?.close()
  await postgres?.close()
})

const stored = async (key: string) =>
  (
    await client.query(
      `select convert_from(value, 'UTF8') as value from cache.blobs where namespace = 'pages' and key = $1`,
      [key],
    )
  ).rows[0]?.value

it('the server backs up and restores while it serves (ARC-6, ARC-10)', async () => {
  const args = ['--data-dir', server.directory, '--url', stage.collection]
  const written = await stage.larder('backup', ...args)
  expect(written).toMatchObject({ code: 0, stderr: '' })
  expect(written.stdout).toMatch(/^backup \S+ to file:\S+: 1 entries, \d+ bytes, \d+\.\d s\n$/)
  const jobs = await client.query('select kind, owner, state from cache.jobs order by id desc limit 1')
  expect(jobs.rows).toEqual([{ kind: 'backup', owner: 'larder', state: 'succeeded' }])

  await client.query(`select cache.put('pages', 'home', 'changed', durable => true)`)
  const verified = await stage.larder('restore', ...args, '--verify-only')
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^verified /) })
  expect(await stored('home')).toBe('changed')
  const restored = await stage.larder('restore', ...args)
  expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/^restored /) })
  expect(restored.stderr).toMatch(/^notice: .*invalidated one by one/)
  expect(await stored('home')).toBe('hello')
})

it('--namespace is passed on to the server (ARC-14)', async () => {
  await client.query(`select cache.put('other', 'o', 'archived', durable => true)`)
  const args = ['--data-dir', server.directory, '--url', stage.collection, '--namespace', 'other']
  expect(await stage.larder('backup', ...args)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(': 1 entries'),
  })
  await client.query(`select cache.put('other', 'o', 'newer', durable => true)`)
  await client.query(`select cache.put('pages', 'home', 'newer', durable => true)`)
  expect(await stage.larder('restore', ...args)).toMatchObject({ code: 0, stderr: expect.stringMatching(/^notice: /) })
  const { rows } = await client.query(
    `select convert_from(value, 'UTF8') as value from cache.blobs where namespace = 'other'`,
  )
  expect([rows, await stored('home')]).toEqual([[{ value: 'archived' }], 'newer'])
  await client.query(`drop cache namespace other`)
  await client.query(`select cache.put('pages', 'home', 'hello', durable => true)`)
})

it('what the server refuses is said as it said it; a passphrase is in no text (ARC-16, ARC-17, SQL-22)', async () => {
  const data = ['--data-dir', server.directory]
  // The settings of the server count, not those of the command.
  const refused = await stage.larder(
    'backup',
    ...data,
    '--url',
    'file:///elsewhere',
    '--archive-allow',
    'file:///elsewhere',
  )
  expect(refused).toMatchObject({
    code: 1,
    stderr: `larder: permission denied for archive "file:///elsewhere"\nhint: Only what the setting archive_allow lists can be used.\n`,
  })
  const passphrase = stage.path('passphrase')
  writeFileSync(passphrase, 'hush-hush\n')
  expect((await stage.larder('backup', ...data, '--url', stage.collection, '--passphrase-file', passphrase)).code).toBe(
    0,
  )
  const wrong = await stage.larder('restore', ...data, '--url', stage.collection)
  expect(wrong).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/the passphrase is not that of.*\nhint: .*--passphrase-file/),
  })
  for (const relation of ['decisions', 'queries', 'plans', 'jobs', 'backups', 'events']) {
    const { rows } = await client.query(`select t::text from cache.${relation} t`)
    expect(JSON.stringify(rows)).not.toContain('hush-hush')
  }
})

it.each(['SIGINT', 'SIGKILL'] as const)(
  '%s to the command cancels the job, which leaves nothing (ARC-9)',
  async (signal) => {
    const command = await stage.stuck('backup', '--data-dir', server.directory)
    const { rows } = await client.query('select max(id) as id from cache.jobs')
    command.signal(signal)
    expect(await command.exit).toBe(signal === 'SIGINT' ? 130 : null)
    const ended = await client.query(`show jobs when complete ${rows[0].id}`)
    expect(ended.rows).toMatchObject([{ state: 'cancelled' }])
    expect([...stage.http.objects.keys()]).toEqual([])
  },
)

it('a statement that waits for long tells how far its job is (ARC-9)', async () => {
  stage.relay.plan((request) => (isPut(request) ? { silent: true } : undefined))
  const told = once(client, 'notice') as Promise<[{ message: string; detail: string }]>
  const pending = client.query('backup cache into $1', [stage.relayed]).catch((error: { code: string }) => error.code)
  const [{ message, detail }] = await told
  expect(message).toMatch(/^backup to http:.*: \d+ % done$/)
  const [, job] = /^job=(\d+);bytes=\d+;bytes_done=\d+$/.exec(detail) ?? []
  const other = await server.connect()
  await other.query(`cancel job ${job}`)
  expect(await pending).toBe('57014')
})

it('a terminal shows how far the job of the server is, until it ends (ARC-9)', async () => {
  const drawn: string[] = []
  const listeners = new Map<string, () => void>()
  let isDrawn = (): void => undefined
  const bar = new Promise<void>((resolve) => {
    isDrawn = resolve
  })
  const write = (text: string): void => {
    drawn.push(text)
    if (text.includes('%')) isDrawn()
  }
  stage.relay.plan((request) => (isPut(request) ? { silent: true } : undefined))
  const ended = runBackupCommand('backup', ['--data-dir', server.directory, '--url', stage.relayed], {
    ...{ env: {}, stdout: { write }, stderr: { isTTY: true, columns: 80, write }, exit: () => undefined },
    on: (signal, listener) => listeners.set(signal, listener),
    off: (signal) => listeners.delete(signal),
  })
  await Promise.race([bar, ended])
  expect(drawn[0]).toMatch(/^\rbackup {2,4}\d+ % {2}\[[#-]+\] {2}\S+ k?B of \S+ kB/)
  listeners.get('SIGTERM')?.()
  expect(await ended).toBe(143)
  expect(drawn.slice(-2)).toEqual(['\r\x1b[K', expect.stringContaining('cancelled by SIGTERM')])
  const { rows } = await client.query('select state from cache.jobs order by id desc limit 1')
  expect(rows).toEqual([{ state: 'cancelled' }])
  expect(listeners.size).toBe(0)
})

it('its socket is its owner’s alone, who is an admin there, and goes with it', async () => {
  const folder = join(server.directory, 'control')
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, '.s.PGSQL.5432')).mode & 0o777).toBe(0o600)
  const admin = await server.connect({ host: folder, port: 5432, user: 'anybody', database: 'larder' })
  expect((await admin.query('flush all caches')).command).toBe('FLUSH')
  const data = stage.path('data')
  const other = await openLarder({ upstream: postgres.url, settings: { data_dir: data } })
  expect(existsSync(join(data, 'control', '.s.PGSQL.5432'))).toBe(true)
  await other.close()
  expect(existsSync(join(data, 'control'))).toBe(false)
})

it('where its socket cannot be used, the command names the psql command that does it', async () => {
  const data = stage.path('d'.repeat(100))
  const deep = await openLarder({ upstream: postgres.url, settings: { data_dir: data } })
  const passphrase = stage.path('passphrase')
  writeFileSync(passphrase, 'hush-hush\n')
  const { code, stderr } = await stage.larder(
    'backup',
    '--data-dir',
    data,
    '--url',
    "file:///it's",
    '--passphrase-file',
    passphrase,
  )
  await deep.close()
  expect(stderr).toMatch(
    /^larder: a server, process \d+, has data directory ".*" open, and its control socket cannot be used/,
  )
  expect(stderr).toContain(
    `psql -h 127.0.0.1 -p ${deep.port} -U postgres -d larder -c 'BACKUP CACHE INTO '\\''file:///it`,
  )
  expect(stderr).not.toContain('hush-hush')
  expect(code).toBe(1)
})

it('what a killed server left there stops neither the next one nor a command', async () => {
  const data = stage.path('data')
  await put(data, { home: 'hello' })
  mkdirSync(join(data, 'control'))
  const dead = createServer().listen(join(data, 'control', '.s.PGSQL.5432'))
  await once(dead, 'listening')
  writeFileSync(join(data, 'control', 'psql'), '1\npsql -p 1\n')
  const lock = await DataDirectory.open(data)
  dead.close()
  writeFileSync(join(data, 'control', '.s.PGSQL.5432'), '')
  chmodSync(join(data, 'control', '.s.PGSQL.5432'), 0o600)
  // A lock, and not of the server that left the socket.
  const busy = await stage.larder('backup', '--data-dir', data)
  expect(busy).toMatchObject({ code: 1, stderr: expect.stringContaining(`is in use by process ${process.pid}\n`) })
  await lock.close()
  expect((await stage.larder('backup', '--data-dir', data)).code).toBe(0)
  const next = await openLarder({ upstream: postgres.url, settings: { data_dir: data } })
  expect((await stage.larder('backup', '--data-dir', data)).code).toBe(0)
  // Where it went to is where it comes from.
  expect((await stage.larder('restore', '--data-dir', data)).code).toBe(0)
  await next.close()
})
