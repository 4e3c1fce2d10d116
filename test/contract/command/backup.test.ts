// larder backup and larder restore, run as a person or cron does: on a data directory that no server has open, and on one
// that a server has.
//
// The server of these tests runs in this process, so its lock is this process's; the commands are processes of their own.

import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/index.ts'
import { openCacheStore } from '../../../src/cache-store.ts'
import { SettingsStore } from '../../../src/config/index.ts'
import { Epochs } from '../../../src/invalidation/index.ts'
import { createLog, EventRing, Metrics } from '../../../src/observe/index.ts'
import { DataDirectory } from '../../../src/origin/index.ts'
import { Command } from '../../support/command.ts'
import { FaultyRelay, type RelayedRequest } from '../../support/faulty-relay.ts'
import { HttpArchiveServer } from '../../support/http-archive-server.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

let root = ''
let collection = ''
let commands: Command[] = []
let http: HttpArchiveServer
let relay: FaultyRelay
let relayed = ''

beforeAll(async () => {
  http = await HttpArchiveServer.open()
  relay = await FaultyRelay.open(http.port)
  relayed = `http://127.0.0.1:${relay.port}/backups`
})
afterAll(async () => {
  await relay?.close()
  await http?.close()
})
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'larder-backup-'))
  collection = pathToFileURL(join(root, 'collection')).href
  commands = []
  relay.plan()
  http.objects.clear()
})
afterEach(async () => {
  for (const command of commands) await command.end()
  rmSync(root, { recursive: true, force: true })
})

function start(...args: string[]): Command {
  const command = Command.run(args)
  commands.push(command)
  return command
}

async function larder(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const command = start(...args)
  const code = await command.exit
  return { code, stdout: command.stdout, stderr: command.stderr }
}

/** The cache of a data directory, as a server has it that is not there. */
async function withCache<T>(
  dataDirectory: string,
  use: (cache: Awaited<ReturnType<typeof openCacheStore>>['cache']) => Promise<T>,
): Promise<T> {
  mkdirSync(dataDirectory, { recursive: true })
  // On a busy machine a read that takes long is a miss otherwise.
  const flags = new Map(Object.entries({ data_dir: dataDirectory, l2_read_timeout: '20s' }))
  const { snapshot } = SettingsStore.open({ flags, environment: {} })
  const clock = systemClock
  const events = new EventRing({ clock, log: createLog({ write: () => undefined }), countMax: 10 })
  const parts = { settings: snapshot, dataDirectory, metrics: new Metrics(clock), events, epochs: new Epochs(), clock }
  const store = await openCacheStore(parts)
  try {
    return await use(store.cache)
  } finally {
    await store.close()
  }
}

function put(dataDirectory: string, entries: Readonly<Record<string, string>>): Promise<void> {
  return withCache(dataDirectory, async (cache) => {
    const puts = Object.entries(entries).map(([key, value]) => ({ namespace: 'pages', key, value: Buffer.from(value) }))
    if (cache.namespace('pages') === undefined) await cache.createNamespace('pages')
    await cache.put(puts, true)
  })
}

function get(dataDirectory: string, key: string): Promise<string | undefined> {
  return withCache(dataDirectory, async (cache) => {
    const { blob } = await cache.get('pages', key)
    return blob?.value === undefined ? undefined : Buffer.from(blob.value).toString()
  })
}

const isPut = ({ method }: RelayedRequest): boolean => method === 'PUT'

/** A command whose first upload is never answered. */
async function stuck(...args: string[]): Promise<Command> {
  relay.plan((request) => (isPut(request) ? { silent: true } : undefined))
  const command = start(...args, '--archive-allow', relayed, '--url', relayed)
  await Promise.race([relay.seen(1, isPut), command.exit])
  relay.plan()
  return command
}

describe('without a server', () => {
  it('a backup is written, and restored into another data directory (ARC-4, ARC-9, ARC-10)', async () => {
    const [from, to] = [join(root, 'from'), join(root, 'to')]
    await put(from, { home: 'hello', about: 'us' })
    const allow = ['--archive-allow', collection, '--url', collection]
    const written = await larder('backup', '--data-dir', from, ...allow)
    expect(written).toMatchObject({ code: 0, stderr: '' })
    const [, id] = /^backup (\S+) to (\S+): 2 entries, \d+ bytes, \d+\.\d s\n$/.exec(written.stdout) ?? []
    expect(existsSync(join(root, 'collection', id as string, 'manifest.json'))).toBe(true)

    const verified = await larder('restore', '--data-dir', to, ...allow, '--verify-only')
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`verified ${id} from ${collection}: 2 `),
    })
    expect(existsSync(to)).toBe(false)

    const restored = await larder('restore', '--data-dir', to, ...allow, '--id', id as string)
    expect(restored).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`restored ${id} from ${collection}: 2 `),
    })
    expect(restored.stderr).toMatch(/^notice: .*invalidated one by one.*\n$/)
    expect(await get(to, 'about')).toBe('us')
    expect((await larder('check', join(to, 'l2'))).code).toBe(0)
    expect(readdirSync(from)).toEqual(['l2'])
  })

  it('a restore switches the store, and what was flushed since stays gone (ARC-10, ARC-11)', async () => {
    const data = join(root, 'data')
    await put(data, { home: 'hello' })
    expect(await larder('backup', '--data-dir', data, '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' })
    await put(data, { home: 'changed', late: 'x' })
    expect(await larder('restore', '--data-dir', data, '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await get(data, 'home')).toBe('hello')
    expect(await get(data, 'late')).toBe(undefined)
    await withCache(data, async (cache) => void (await cache.flush('pages')))
    expect((await larder('restore', '--data-dir', data)).code).toBe(0)
    expect(await get(data, 'home')).toBe(undefined)
  })

  it('says that there is no store, no backup, or no permission, and makes nothing (ARC-3, ARC-17)', async () => {
    const data = join(root, 'data')
    const missing = await larder('backup', '--data-dir', data)
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^larder: there is no store in ".*\nhint: .*\n$/),
    })
    const empty = await larder('restore', '--data-dir', data)
    expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('does not exist') })
    expect(existsSync(data)).toBe(false)

    await put(data, { home: 'hello' })
    const refused = await larder('backup', '--data-dir', data, '--url', collection)
    expect(refused).toMatchObject({
      code: 1,
      stderr: `larder: permission denied for archive "${collection}"\nhint: Only what the setting archive_allow lists can be used.\n`,
    })
    const telling = await larder('backup', '--data-dir', data, '--url', 's3://key:hush-hush@bucket/x')
    expect(telling).toMatchObject({ code: 1, stderr: expect.stringContaining('It holds credentials.') })
    expect(telling.stderr).not.toContain('hush')
    expect(existsSync(join(root, 'collection'))).toBe(false)
  })

  it('a passphrase comes from a file, and a wrong one changes nothing (ARC-16)', async () => {
    const data = join(root, 'data')
    await put(data, { home: 'hello' })
    const [right, wrong] = [join(root, 'right'), join(root, 'wrong')]
    writeFileSync(right, 'open sesame\n')
    writeFileSync(wrong, 'hush-hush\n')
    expect((await larder('backup', '--data-dir', data, '--passphrase-file', right)).code).toBe(0)
    await put(data, { home: 'changed' })
    for (const given of [['--passphrase-file', wrong], []]) {
      const { code, stderr } = await larder('restore', '--data-dir', data, ...given)
      expect(stderr).toMatch(/^larder: the passphrase is not that of backup "\S+"\nhint: .*\n$/)
      expect(stderr).not.toContain('hush-hush')
      expect(code).toBe(1)
    }
    expect(await get(data, 'home')).toBe('changed')
    expect((await larder('restore', '--data-dir', data, '--passphrase-file', right)).code).toBe(0)
    expect(await get(data, 'home')).toBe('hello')
  })

  it('SIGINT cancels it, and leaves neither parts nor a lock (ARC-9)', async () => {
    const data = join(root, 'data')
    await put(data, { home: 'hello' })
    const command = await stuck('backup', '--data-dir', data)
    // Whoever comes while the command has the directory is told so.
    const other = await larder('backup', '--data-dir', data)
    expect(other).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is in use by process \d+\nhint: .*psql -h .*BACKUP CACHE/),
    })
    command.signal('SIGINT')
    expect(await command.exit).toBe(130)
    expect(command.stderr).toBe('larder: the backup was cancelled by SIGINT\nhint: Nothing of it was left behind.\n')
    expect(command.stdout).toBe('')
    expect([...http.objects.keys()]).toEqual([])
    expect(readdirSync(data)).toEqual(['l2'])
    expect(await get(data, 'home')).toBe('hello')
  })
})

describe('with a server', () => {
  let postgres: TestPostgres
  let server: TestLarder
  let client: pg.Client

  beforeAll(async () => {
    postgres = await openTestPostgres()
    server = await openLarder({
      upstream: postgres.url,
      settings: { archive_allow: `${relayed}, file://${tmpdir()}`, l2_read_timeout: '20s' },
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
    const args = ['--data-dir', server.directory, '--url', collection]
    const written = await larder('backup', ...args)
    expect(written).toMatchObject({ code: 0, stderr: '' })
    expect(written.stdout).toMatch(/^backup \S+ to file:\S+: 1 entries, \d+ bytes, \d+\.\d s\n$/)
    const jobs = await client.query('select kind, owner, state from cache.jobs order by id desc limit 1')
    expect(jobs.rows).toEqual([{ kind: 'backup', owner: 'larder', state: 'succeeded' }])

    await client.query(`select cache.put('pages', 'home', 'changed', durable => true)`)
    const verified = await larder('restore', ...args, '--verify-only')
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^verified /) })
    expect(await stored('home')).toBe('changed')
    const restored = await larder('restore', ...args)
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/^restored /) })
    expect(restored.stderr).toMatch(/^notice: .*invalidated one by one/)
    expect(await stored('home')).toBe('hello')
  })

  it('what the server refuses is said as it said it; a passphrase is in no text (ARC-16, ARC-17, SQL-22)', async () => {
    const data = ['--data-dir', server.directory]
    // The settings of the server count, not those of the command.
    const refused = await larder(
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
    const passphrase = join(root, 'passphrase')
    writeFileSync(passphrase, 'hush-hush\n')
    expect((await larder('backup', ...data, '--url', collection, '--passphrase-file', passphrase)).code).toBe(0)
    const wrong = await larder('restore', ...data, '--url', collection)
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
      const command = await stuck('backup', '--data-dir', server.directory)
      const { rows } = await client.query('select max(id) as id from cache.jobs')
      command.signal(signal)
      expect(await command.exit).toBe(signal === 'SIGINT' ? 130 : null)
      const ended = await client.query(`show jobs when complete ${rows[0].id}`)
      expect(ended.rows).toMatchObject([{ state: 'cancelled' }])
      expect([...http.objects.keys()]).toEqual([])
    },
  )

  it('a statement that waits for long tells how far its job is (ARC-9)', async () => {
    relay.plan((request) => (isPut(request) ? { silent: true } : undefined))
    const told = once(client, 'notice') as Promise<[{ message: string; detail: string }]>
    const pending = client.query('backup cache into $1', [relayed]).catch((error: { code: string }) => error.code)
    const [{ message, detail }] = await told
    expect(message).toMatch(/^backup to http:.*: \d+ % done$/)
    const [, job] = /^job=(\d+);bytes=\d+;bytes_done=\d+$/.exec(detail) ?? []
    const other = await server.connect()
    await other.query(`cancel job ${job}`)
    expect(await pending).toBe('57014')
  })

  it('its socket is its owner’s alone, who is an admin there, and goes with it', async () => {
    const folder = join(server.directory, 'control')
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, '.s.PGSQL.5432')).mode & 0o777).toBe(0o600)
    const admin = await server.connect({ host: folder, port: 5432, user: 'anybody', database: 'larder' })
    expect((await admin.query('flush all caches')).command).toBe('FLUSH')
    const data = join(root, 'data')
    const other = await openLarder({ upstream: postgres.url, settings: { data_dir: data } })
    expect(existsSync(join(data, 'control', '.s.PGSQL.5432'))).toBe(true)
    await other.close()
    expect(existsSync(join(data, 'control'))).toBe(false)
  })

  it('where its socket cannot be used, the command names the psql command that does it', async () => {
    const data = join(root, 'd'.repeat(100))
    const deep = await openLarder({ upstream: postgres.url, settings: { data_dir: data } })
    const passphrase = join(root, 'passphrase')
    writeFileSync(passphrase, 'hush-hush\n')
    const { code, stderr } = await larder(
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
    const data = join(root, 'data')
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
    const busy = await larder('backup', '--data-dir', data)
    expect(busy).toMatchObject({ code: 1, stderr: expect.stringContaining(`is in use by process ${process.pid}\n`) })
    await lock.close()
    expect((await larder('backup', '--data-dir', data)).code).toBe(0)
    const next = await openLarder({ upstream: postgres.url, settings: { data_dir: data } })
    expect((await larder('backup', '--data-dir', data)).code).toBe(0)
    await next.close()
  })
})

it('says how they are used', async () => {
  const { code, stdout } = await larder('backup', '--help')
  expect(stdout).toMatch(/^Usage\n {2}larder backup /)
  expect(code).toBe(0)
  expect((await larder('restore', '-h')).stdout).toMatch(/--verify-only/)
  expect(await larder('backup', '--urll', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('--url.') })
})
