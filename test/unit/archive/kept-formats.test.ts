// Backups that older versions wrote and every later one must read. One folder a format; `npx vitest … -t 'format 1'` shows one.
//
// The files were made by that version and are never made again. The passphrase of the sealed one is its folder's name.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Collection } from '../../../src/archive/collection.ts'
import { fetchFile } from '../../../src/archive/fetch.ts'
import { LocalStore } from '../../../src/archive/local-store.ts'
import { formatVersion } from '../../../src/archive/manifest.ts'
import { holesOf } from '../../../src/archive/manifest-consistency.ts'
import { sealOf } from '../../../src/archive/prove.ts'
import { between } from '../../../src/archive/segment-stream.ts'
import { impatience } from '../../support/archive.ts'

const kept = join(import.meta.dirname, 'kept-formats')
const folders = readdirSync(kept).filter((name) => name.startsWith('format-'))

it('there is one folder for each format', () => {
  expect(folders).toHaveLength(formatVersion)
})

it.each(
  folders.flatMap((folder) => [
    [folder, 'plain'],
    [folder, 'sealed'],
  ]),
)('%s, %s', async (folder, kind) => {
  const root = join(kept, folder, kind)
  const store = new LocalStore(`file://${root}`, root, impatience())
  const read = await new Collection(store).open('LATEST')
  const seal = await sealOf(read, kind === 'sealed' ? folder : undefined)
  for (const file of read.manifest.files) {
    const bytes = Buffer.alloc(file.size)
    const options = { seal, lanes: 1, signal: undefined, onProven: () => undefined }
    await fetchFile(store, read.manifest, file, options, async (segment, filled) => {
      let at = 0
      for (const { offset, length } of between(holesOf(segment), segment.length)) {
        bytes.set(filled.subarray(at, at + length), offset)
        at += length
      }
    })
    expect(bytes.equals(readFileSync(join(kept, folder, file.name))), file.name).toBe(true)
  }
})
