// What killed backups leave is taken away by the next one into the same place; of those that run, or may, nothing is (ARC-8).

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeBackup } from '../../../src/archive/backup.ts'
import { Collection } from '../../../src/archive/collection.ts'
import { LocalStore } from '../../../src/archive/local-store.ts'
import { contentOf } from '../../../src/archive/store.ts'
import { hasDied, markOf, ownMark } from '../../../src/archive/writer-mark.ts'
import { Random } from '../../../src/base/index.ts'
import { impatience } from '../../support/archive.ts'
import { fakeSource } from '../../support/archive-source.ts'
import { deadMark } from '../../support/writer-marks.ts'

const isTold = markOf(process.pid) !== undefined

let root = ''
let collection: Collection

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'larder-mark-'))
  collection = new Collection(new LocalStore(`file://${root}`, root, impatience()))
})
afterEach(() => rm(root, { recursive: true }))

async function leave(id: string, mark: string): Promise<void> {
  await collection.mark(id, mark)
  await writeFile(join(root, id, '.l2.pager.0123456789ab.partial'), 'half of it')
  await collection.store.write(`${id}/l2.ctl`, contentOf(Buffer.from('x')))
}

it.runIf(isTold)('who runs has not died, who ran has, and of others nobody can say (ARC-8)', () => {
  const own = ownMark()
  expect(hasDied(own)).toBe(false)
  expect(markOf(process.pid)).toBe(own)
  const dead = deadMark()
  expect(hasDied(dead)).toBe(true)
  // The number is somebody else's by now.
  expect(hasDied(own.replace(/ (\d+)\n$/, (_, start) => ` ${Number(start) + 1}\n`))).toBe(true)
  expect(hasDied(dead.replace(/^\S/, 'z'))).toBe(false)
  expect(hasDied(dead.replace('pid:[', 'pid:[1'))).toBe(false)
  for (const odd of ['', 'nonsense', dead.trim(), `${dead}${dead}`, dead.replace(/ \d+ /, ' -1 ')]) {
    expect(hasDied(odd), odd).toBe(false)
  }
})

it.runIf(isTold)('a backup takes away what a killed one left, and nothing else (ARC-8)', async () => {
  const source = fakeSource(new Random(1), { pages: 20 })
  const whole = await writeBackup(collection, source, { writer: ownMark() })
  await leave('20200101T000000.000Z-00000001', deadMark())
  await leave('20200101T000000.000Z-00000002', ownMark())
  await leave('20200101T000000.000Z-00000003', deadMark().replace(/^\S/, 'z'))
  // A whole backup whose writer was killed behind the manifest.
  await collection.mark(whole.id, deadMark())
  const second = await writeBackup(collection, source, { writer: ownMark() })
  expect((await readdir(root)).sort()).toEqual([
    '20200101T000000.000Z-00000002',
    '20200101T000000.000Z-00000003',
    ...[whole.id, second.id].sort(),
    'LATEST',
  ])
  for (const { id } of [whole, second]) {
    expect((await readdir(join(root, id))).sort()).toEqual(['l2.ctl', 'l2.pager', 'manifest.json'])
  }
  expect((await collection.list()).backups).toHaveLength(2)
})
