// larder backup and larder restore on a data directory that no server has open, run as a person or cron does.

import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { BackupStage, isPut } from '../../support/backup-stage.ts'
import { get, put, withCache } from '../../support/offline-cache.ts'

let stage: BackupStage

beforeAll(async () => {
  stage = await BackupStage.open()
})
afterAll(() => stage?.close())
beforeEach(() => stage.begin())
afterEach(() => stage.end())

it('a backup is written, and restored into another data directory (ARC-4, ARC-9, ARC-10)', async () => {
  const [from, to] = [stage.path('from'), stage.path('to')]
  await put(from, { home: 'hello', about: 'us' })
  const allow = ['--archive-allow', stage.collection, '--url', stage.collection]
  const written = await stage.larder('backup', '--data-dir', from, ...allow)
  expect(written).toMatchObject({ code: 0, stderr: '' })
  const [, id] = /^backup (\S+) to (\S+): 2 entries, \d+ bytes, \d+\.\d s\n$/.exec(written.stdout) ?? []
  expect(existsSync(join(stage.root, 'collection', id as string, 'manifest.json'))).toBe(true)

  const verified = await stage.larder('restore', '--data-dir', to, ...allow, '--verify-only')
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`verified ${id} from ${stage.collection}: 2 `),
  })
  expect(existsSync(to)).toBe(false)

  const restored = await stage.larder('restore', '--data-dir', to, ...allow, '--id', id as string)
  expect(restored).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`restored ${id} from ${stage.collection}: 2 `),
  })
  expect(restored.stderr).toMatch(/^notice: .*invalidated one by one.*\n$/)
  expect(await get(to, 'about')).toBe('us')
  expect((await stage.larder('check', join(to, 'l2'))).code).toBe(0)
  expect(readdirSync(from)).toEqual(['l2'])
})

it('a restore switches the store, and what was flushed since stays gone (ARC-10, ARC-11)', async () => {
  const data = stage.path('data')
  await put(data, { home: 'hello' })
  expect(await stage.larder('backup', '--data-dir', data, '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' })
  await put(data, { home: 'changed', late: 'x' })
  expect(await stage.larder('restore', '--data-dir', data, '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(await get(data, 'home')).toBe('hello')
  expect(await get(data, 'late')).toBe(undefined)
  await withCache(data, async (cache) => void (await cache.flush('pages')))
  expect((await stage.larder('restore', '--data-dir', data)).code).toBe(0)
  expect(await get(data, 'home')).toBe(undefined)
})

it('--namespace chooses: the others stay as they are (ARC-14)', async () => {
  const data = stage.path('data')
  const other = (value: string) =>
    withCache(data, async (cache) => {
      if (cache.namespace('other') === undefined) await cache.createNamespace('other')
      await cache.put([{ namespace: 'other', key: 'o', value: Buffer.from(value) }], true)
    })
  await put(data, { home: 'hello' })
  await other('archived')
  const written = await stage.larder('backup', '--data-dir', data, '--namespace', 'pages')
  expect(written).toMatchObject({ code: 0, stdout: expect.stringContaining(': 1 entries') })
  await put(data, { home: 'changed' })
  await other('newer')
  const restored = await stage.larder('restore', '--data-dir', data, '--namespace', 'pages')
  expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining(': 1 entries') })
  expect(await get(data, 'home')).toBe('hello')
  const kept = await withCache(data, async (cache) => (await cache.get('other', 'o')).blob?.value)
  expect(Buffer.from(kept ?? '').toString()).toBe('newer')
  const unknown = await stage.larder('restore', '--data-dir', data, '--namespace=nowhere')
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('namespace "nowhere" in backup') })
  expect(readdirSync(data).sort()).toEqual(['backups', 'l2'])
})

it('the next backup takes away what a killed one left (ARC-8)', async () => {
  const data = stage.path('data')
  await put(data, { home: 'hello' })
  stage.relay.plan((request) => (isPut(request) && request.target.includes('l2.pager') ? { silent: true } : undefined))
  const command = stage.start('backup', '--data-dir', data, '--archive-allow', stage.relayed, '--url', stage.relayed)
  await stage.relay.seen(1, (request) => isPut(request) && request.target.includes('l2.pager'))
  command.signal('SIGKILL')
  await command.exit
  stage.relay.plan()
  const [left] = [...stage.http.objects.keys()]
  expect(left).toMatch(/\/writer$/)
  const again = await stage.larder(
    'backup',
    '--data-dir',
    data,
    '--archive-allow',
    stage.relayed,
    '--url',
    stage.relayed,
  )
  expect(again).toMatchObject({ code: 0, stderr: '' })
  const names = [...stage.http.objects.keys()].map((name) => name.split('/').at(-1))
  expect(names.sort()).toEqual(['LATEST', 'l2.ctl', 'l2.pager', 'manifest.json'])
})

it('says that there is no store, no backup, or no permission, and makes nothing (ARC-3, ARC-17)', async () => {
  const data = stage.path('data')
  const missing = await stage.larder('backup', '--data-dir', data)
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^larder: there is no store in ".*\nhint: .*\n$/),
  })
  const empty = await stage.larder('restore', '--data-dir', data)
  expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('does not exist') })
  expect(existsSync(data)).toBe(false)

  await put(data, { home: 'hello' })
  const refused = await stage.larder('backup', '--data-dir', data, '--url', stage.collection)
  expect(refused).toMatchObject({
    code: 1,
    stderr: `larder: permission denied for archive "${stage.collection}"\nhint: Only what the setting archive_allow lists can be used.\n`,
  })
  const telling = await stage.larder('backup', '--data-dir', data, '--url', 's3://key:hush-hush@bucket/x')
  expect(telling).toMatchObject({ code: 1, stderr: expect.stringContaining('It holds credentials.') })
  expect(telling.stderr).not.toContain('hush')
  expect(existsSync(stage.path('collection'))).toBe(false)
})

it('a passphrase comes from a file, and a wrong one changes nothing (ARC-16)', async () => {
  const data = stage.path('data')
  await put(data, { home: 'hello' })
  const [right, wrong] = [stage.path('right'), stage.path('wrong')]
  writeFileSync(right, 'open sesame\n')
  writeFileSync(wrong, 'hush-hush\n')
  expect((await stage.larder('backup', '--data-dir', data, '--passphrase-file', right)).code).toBe(0)
  await put(data, { home: 'changed' })
  for (const given of [['--passphrase-file', wrong], []]) {
    const { code, stderr } = await stage.larder('restore', '--data-dir', data, ...given)
    expect(stderr).toMatch(/^larder: the passphrase is not that of backup "\S+"\nhint: .*\n$/)
    expect(stderr).not.toContain('hush-hush')
    expect(code).toBe(1)
  }
  expect(await get(data, 'home')).toBe('changed')
  expect((await stage.larder('restore', '--data-dir', data, '--passphrase-file', right)).code).toBe(0)
  expect(await get(data, 'home')).toBe('hello')
})

it('SIGINT cancels it, and leaves neither parts nor a lock (ARC-9)', async () => {
  const data = stage.path('data')
  await put(data, { home: 'hello' })
  const command = await stage.stuck('backup', '--data-dir', data)
  // Whoever comes while the command has the directory is told so.
  const other = await stage.larder('backup', '--data-dir', data)
  expect(other).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/is in use by process \d+\nhint: .*psql -h .*BACKUP CACHE/),
  })
  command.signal('SIGINT')
  expect(await command.exit).toBe(130)
  expect(command.stderr).toBe('larder: the backup was cancelled by SIGINT\nhint: Nothing of it was left behind.\n')
  expect(command.stdout).toBe('')
  expect([...stage.http.objects.keys()]).toEqual([])
  expect(readdirSync(data)).toEqual(['l2'])
  expect(await get(data, 'home')).toBe('hello')
})

it('says how they are used', async () => {
  const { code, stdout } = await stage.larder('backup', '--help')
  expect(stdout).toMatch(/^Usage\n {2}larder backup /)
  expect(code).toBe(0)
  expect((await stage.larder('restore', '-h')).stdout).toMatch(/--verify-only/)
  expect(await stage.larder('backup', '--urll', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--url.'),
  })
})
