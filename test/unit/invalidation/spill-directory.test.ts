// The files of the graph on a real disk: how they are named, and whose are removed when.

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SpillDirectory } from '../../../src/invalidation/index.ts'

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'spill-'))
})
afterEach(async () => {
  await rm(parent, { recursive: true, force: true })
})

describe('the directory of the files', () => {
  it('is made for the first file, named by whose it is, and the files by numbers (SPL-8, SPL-13)', async () => {
    const below = join(parent, 'not', 'there')
    const files = await SpillDirectory.open(below, 'store', 'owner', 7)
    expect(await readdir(parent)).toEqual([])
    await files.write(1, Buffer.from('one'))
    await files.write(12, Buffer.from('twelve'))
    expect(await readdir(below)).toEqual(['store-owner-7'])
    expect((await readdir(join(below, 'store-owner-7'))).sort()).toEqual(['1.spill', '12.spill'])
    expect((await files.read(12)).toString()).toBe('twelve')
    await files.remove(12)
    await expect(files.read(12)).rejects.toThrow('ENOENT')
    await files.close()
    expect(await readdir(below)).toEqual([])
  })

  it('takes away what earlier processes of the same owner left, and nothing else (SPL-4, SPL-13)', async () => {
    for (const name of ['store-owner-6', 'other-owner-1', 'store-else-6', 'elsewhere']) {
      await mkdir(join(parent, name))
      await writeFile(join(parent, name, '1.spill'), 'left')
    }
    await mkdir(join(parent, 'store-owner-5'))
    await writeFile(join(parent, 'store-owner-5', 'notes.txt'), 'of somebody')
    const files = await SpillDirectory.open(parent, 'store', 'owner', 7)
    expect((await readdir(parent)).sort()).toEqual(['elsewhere', 'store-else-6', 'store-owner-5'])
    expect(await readdir(join(parent, 'store-owner-5'))).toEqual(['notes.txt'])
    await files.close()
    expect((await readdir(parent)).length).toBe(3)
  })

  it('that cannot be made is tried again for the next file', async () => {
    await writeFile(join(parent, 'place'), 'in the way')
    const files = await SpillDirectory.open(join(parent, 'place'), 'store', 'owner', 7)
    await expect(files.write(1, Buffer.from('one'))).rejects.toThrow()
    await rm(join(parent, 'place'))
    await files.write(2, Buffer.from('two'))
    expect((await files.read(2)).toString()).toBe('two')
  })
})
