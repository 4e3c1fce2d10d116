// A directory is made with all that is missing above it, and where none can be made that is said at once.

import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { makeDirectory } from '../../../src/base/index.ts'

const home = mkdtempSync(join(tmpdir(), 'larder-make-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

describe('makeDirectory', () => {
  it('makes what is missing, with the mode, and tells whether it was', async () => {
    const path = join(home, 'a', 'b', 'c')
    expect(await makeDirectory(path, 0o711)).toBe(true)
    expect(await makeDirectory(path, 0o711)).toBe(false)
    for (const made of [path, join(home, 'a')]) expect(statSync(made).mode & 0o777).toBe(0o711)
  })

  it('takes one that another makes meanwhile', async () => {
    const path = join(home, 'd', 'e', 'f')
    const made = await Promise.all(Array.from({ length: 8 }, () => makeDirectory(path, 0o700)))
    expect(made.filter(Boolean)).toHaveLength(1)
  })

  it('follows links to directories', async () => {
    await makeDirectory(join(home, 'real'), 0o700)
    symlinkSync(join(home, 'real'), join(home, 'link'))
    expect(await makeDirectory(join(home, 'link'), 0o700)).toBe(false)
    expect(await makeDirectory(join(home, 'link', 'below'), 0o700)).toBe(true)
  })

  it('says what stands in the way', async () => {
    writeFileSync(join(home, 'file'), '')
    symlinkSync(join(home, 'nowhere'), join(home, 'dangling'))
    const codeOf = (path: string) =>
      makeDirectory(path, 0o700).then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error.code,
      )
    expect(await codeOf(join(home, 'file'))).toBe('EEXIST')
    expect(await codeOf(join(home, 'file', 'below', 'it'))).toBe('ENOTDIR')
    expect(await codeOf(join(home, 'dangling'))).toBe('EEXIST')
    if (existsSync('/proc/self')) expect(await codeOf('/proc/nope/deeper')).toBe('ENOENT')
  })
})
