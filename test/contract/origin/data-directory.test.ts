// The lock of a data directory: between processes, after a death, and when the pid of a dead owner lives again.

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { StartupError } from '../../../src/errors/index.ts'
import { DataDirectory } from '../../../src/origin/index.ts'
import { OriginCode, type OriginProcess } from '../../support/origin-process.ts'

const isRoot = process.getuid?.() === 0
let code: OriginCode
let parent = ''
let path = ''
const processes: OriginProcess[] = []

beforeAll(async () => {
  code = await OriginCode.compile()
})
afterAll(() => code.remove())
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'larder-data-'))
  await chmod(parent, 0o755)
  path = join(parent, 'deep', 'data')
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map((process) => process.kill()))
  await rm(parent, { recursive: true })
})

async function refusal(of = path): Promise<StartupError> {
  const error = await DataDirectory.open(of).then(
    () => expect.unreachable('it opened'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StartupError)
  expect((error as StartupError).hint).toMatch(/\.$/)
  return error as StartupError
}

async function ownerElsewhere(): Promise<OriginProcess> {
  const owner = await code.run(`
    await DataDirectory.open(${JSON.stringify(path)})
    say('open')
    setInterval(() => undefined, 1000)
  `)
  processes.push(owner)
  expect(await owner.says()).toBe('open')
  return owner
}

test('makes the directory, private, and gives it back', async () => {
  const directory = await DataDirectory.open(path)
  expect((await stat(path)).mode & 0o777).toBe(isRoot ? 0o711 : 0o700)
  expect(await readFile(join(path, 'larder.lock'), 'latin1')).toMatch(new RegExp(`^${process.pid}\n`))
  await directory.close()
  await directory.close()
  expect(await readdir(path)).toEqual([])
  await (await DataDirectory.open(path)).close()
})

test('leaves the mode of a directory alone that holds other things', async () => {
  await mkdir(path, { recursive: true, mode: 0o755 })
  await writeFile(join(path, 'a letter'), '')
  await (await DataDirectory.open(path)).close()
  expect((await stat(path)).mode & 0o777).toBe(0o755)
})

test('is refused to a second process, which is told who has it', async () => {
  const owner = await ownerElsewhere()
  expect((await refusal()).message).toBe(`data directory "${path}" is in use by process ${owner.pid}`)
})

test('is refused under another name too, and to a second opener in the same process', async () => {
  const directory = await DataDirectory.open(path)
  await symlink(path, join(parent, 'alias'))
  expect((await refusal(join(parent, 'alias'))).message).toContain(`in use by process ${process.pid}`)
  await directory.close()
})

test('is taken over from an owner that was killed', async () => {
  const owner = await ownerElsewhere()
  await owner.kill()
  expect(await readFile(join(path, 'larder.lock'), 'latin1')).toContain(String(owner.pid))
  await (await DataDirectory.open(path)).close()
})

test('is taken over by exactly one of many', async () => {
  await (await ownerElsewhere()).kill()
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => DataDirectory.open(path)))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await readdir(path)).toEqual(['larder.lock'])
})

test.runIf(process.platform === 'linux')(
  'is taken over when the pid of its owner belongs to another process by now',
  async () => {
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'larder.lock'), `${process.ppid}\nan earlier boot/12345\n`)
    await (await DataDirectory.open(path)).close()
  },
)

test('is taken over when the lock was cut short or a takeover was', async () => {
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'larder.lock'), '')
  await writeFile(join(path, 'larder.lock.takeover'), '')
  const directory = await DataDirectory.open(path)
  expect(await readdir(path)).toEqual(['larder.lock'])
  await directory.close()
})

test('is refused where a file stands, and says so', async () => {
  await writeFile(join(parent, 'deep'), '')
  expect((await refusal()).message).toContain('something on its path is not a directory')
  expect((await refusal(join(parent, 'deep'))).message).toContain('it is not a directory')
})

test('is refused where we have no permission, and says so', async () => {
  await mkdir(join(parent, 'deep'), { mode: 0o555 })
  const body = `await DataDirectory.open(${JSON.stringify(path)})`
  const stranger = await code.run(body, isRoot ? { uid: 65_534, gid: 65_534 } : {})
  processes.push(stranger)
  expect(await stranger.says()).toBe(`StartupError: cannot use data directory "${path}": permission denied`)
})
