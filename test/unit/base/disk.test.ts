// The disk of this machine and the one in memory that tests fail with keep the same promises.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Disk, nodeDisk } from '../../../src/base/index.ts'
import { FaultyDisk } from '../../support/faulty-disk.ts'

const made: string[] = []
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true })
})

function temporary(): string {
  const path = mkdtempSync(join(tmpdir(), 'larder-disk-'))
  made.push(path)
  return path
}

const disks: [name: string, make: () => { disk: Disk; root: string }][] = [
  ['of this machine', () => ({ disk: nodeDisk, root: temporary() })],
  ['in memory', () => ({ disk: new FaultyDisk(), root: 'data' })],
]

describe.each(disks)('the disk %s', (_, make) => {
  it('reads back what was written, also later, and knows the size', async () => {
    const { disk, root } = make()
    disk.makeDirectory(`${root}/a/b`)
    const file = disk.open(`${root}/a/b/file`, { create: true })
    file.write(Buffer.from('hello'), 3)
    await file.writeLater(Buffer.from('!'), 8)
    expect(file.size).toBe(9)
    const into = Buffer.alloc(20)
    expect(file.read(into, 1)).toBe(8)
    expect(into.subarray(0, 8)).toEqual(Buffer.from('\0\0hello!'))
    file.truncate(4)
    await file.sync()
    file.syncNow()
    expect([file.size, file.read(into, 0)]).toEqual([4, 4])
    file.close()
  })

  it('makes, renames, lists and removes', () => {
    const { disk, root } = make()
    disk.makeDirectory(`${root}/a`)
    disk.open(`${root}/a/one`, { create: true, exclusive: true }).close()
    expect(() => disk.open(`${root}/a/one`, { create: true, exclusive: true })).toThrow('EEXIST')
    expect(() => disk.open(`${root}/a/two`)).toThrow('ENOENT')
    disk.rename(`${root}/a`, `${root}/b`)
    disk.syncDirectory(root)
    expect([disk.list(`${root}/b`), disk.exists(`${root}/a`)]).toEqual([['one'], false])
    disk.remove(`${root}/b`)
    disk.remove(`${root}/b`)
    expect(disk.list(root)).toEqual([])
  })

  it('gives a lock to one and says to others who has it', () => {
    const { disk, root } = make()
    disk.makeDirectory(root)
    const first = disk.lock(`${root}/LOCK`)
    expect(disk.lock(`${root}/LOCK`)).toEqual({ kind: 'in use', owner: expect.stringMatching(/^process \d+$/) })
    if (first.kind === 'held') first.release()
    expect(disk.lock(`${root}/LOCK`).kind).toBe('held')
  })
})
