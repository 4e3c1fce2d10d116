// larder check and larder inspect, run as a person does, on a store that holds entries.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { nodeDisk } from '../../../src/base/index.ts'
import { Store } from '../../../src/storage/index.ts'
import { L2Stage } from '../../support/blob.ts'
import { Command } from '../../support/command.ts'

let directory = ''
let pager = ''

/** A store with entries, made in memory and put on the disk of this machine. */
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'larder-l2-'))
  const stage = new L2Stage()
  for (let number = 0; number < 300; number++) {
    stage.put({ key: `product/${number}`, value: 'x'.repeat(number * 30), attributes: { tags: ['products'] } })
  }
  await stage.l2.close()
  nodeDisk.makeDirectory(join(directory, 'store-000001'))
  for (const path of ['CURRENT', 'store-000001/l2.pager', 'store-000001/l2.ctl']) {
    writeFileSync(join(directory, path), stage.disk.contentsOf(`l2/${path}`))
  }
  pager = join(directory, 'store-000001/l2.pager')
})
afterEach(() => rmSync(directory, { recursive: true }))

async function larder(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const command = Command.run(args)
  const code = await command.exit
  return { code, stdout: command.stdout, stderr: command.stderr }
}

it('check proves a sound store and says how much of it there is (L2-44)', async () => {
  const { code, stdout } = await larder('check', directory)
  expect(stdout).toMatch(/: commit \d+, 300 records, \d+ pages: sound\n$/)
  expect(code).toBe(0)
})

it('check names what is wrong, a line each, and fails (L2-33, L2-44)', async () => {
  const bytes = readFileSync(pager)
  const marked = bytes.indexOf('product/7')
  bytes[marked] = (bytes[marked] as number) ^ 1
  writeFileSync(pager, bytes)
  const { code, stdout } = await larder('check', directory)
  expect(stdout).toMatch(/page \d+ of tree "\w+" of the store is damaged: its checksum does not fit\n/)
  expect(stdout).toMatch(/: \d+ findings?\n$/)
  expect(code).toBe(1)
})

it('check is refused while a server has the store open, by whichever process (L2-38)', async () => {
  const store = Store.open(nodeDisk, directory)
  const { code, stderr } = await larder('check', directory)
  expect(stderr).toContain(`directory "${directory}" is in use by process ${process.pid}`)
  expect(code).toBe(1)
  await store.close()
  expect((await larder('check', directory)).code).toBe(0)
})

it('inspect shows the superblock, and a page of each kind', async () => {
  const { stdout } = await larder('inspect', directory)
  expect(stdout).toMatch(/page size +4096\n/)
  const root = Number(/^tree records +root page (\d+), height 2, 300 rows$/m.exec(stdout)?.[1])
  const inner = (await larder('inspect', directory, String(root))).stdout
  expect(inner).toMatch(/^page \d+, commit \d+: an inner page of level 1 of tree "records", \d+ cells/)
  const leaf = /page (\d+) of commit/.exec(inner)?.[1] as string
  expect((await larder('inspect', directory, leaf)).stdout).toMatch(/: a leaf of tree "records"[\s\S]*product\/0 /)
  const map = /free map +page (\d+)/.exec(stdout)?.[1] as string
  expect((await larder('inspect', directory, map)).stdout).toContain('the directory of the free map, 1 pages')
  expect((await larder('inspect', directory, '999999')).stdout).toContain('the file has pages 1 to')
})

it('says how they are used, and that there is no store', async () => {
  expect(await larder('check')).toMatchObject({ code: 2, stderr: expect.stringContaining('larder check DIRECTORY') })
  expect(await larder('inspect', directory, 'x')).toMatchObject({ code: 2 })
  const missing = await larder('check', join(directory, 'nowhere'))
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('could not open file') })
})
