// The store thread as a worker of its own, on a real disk, as the server runs it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../../src/base/index.ts'
import { BlobCache, type BlobSettings, startStoreThread } from '../../../../src/cache/blob/index.ts'
import { createCounters } from '../../../../src/observe/index.ts'
import { blobSettings } from '../../../support/blob.ts'

let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'larder-store-'))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function open(settings: BlobSettings = blobSettings): Promise<BlobCache> {
  const link = startStoreThread({
    directory: join(directory, 'l2'),
    clear: false,
    store: { poolBytes: 4 << 20 },
    settings: settings.store,
  })
  const parts = { settings, counters: createCounters(), clock: systemClock, l1BytesMax: 16 << 20 }
  return await BlobCache.open(parts, link)
}

it('two puts of one turn may be of one piece of memory that is given away (L2-38)', async () => {
  const cache = await open()
  await cache.createNamespace('twice')
  const value = Buffer.alloc(20_000, 'larder ')
  const put = { namespace: 'twice', value, admission: 'never', isOwned: true }
  await cache.put(
    [
      { ...put, key: 'one' },
      { ...put, key: 'two' },
    ],
    true,
  )
  const found = await cache.look('twice', ['one', 'two'], true)
  expect(found.map(({ key }) => key)).toEqual(['one', 'two'])
  const filled = Buffer.alloc(20_000, 'larder ')
  for (const { value: bytes = new Uint8Array(0) } of found) expect(filled.equals(bytes)).toBe(true)
  await cache.close()
})

it('keeps what was put across restarts, moved in and out without a copy to spare (L2-1, L2-38)', async () => {
  const cache = await open()
  await cache.createNamespace('shop')
  const large = Buffer.alloc(300_000, 'larder ')
  await cache.put([{ namespace: 'shop', key: 'large', value: large, tags: ['t'] }], true)
  await cache.put([{ namespace: 'shop', key: 'small', value: Buffer.from('x') }])
  const second = await open()
  expect(second.storeState).toBe('failed')
  await second.close()
  await cache.close()

  const again = await open()
  const read = await again.get('shop', 'large')
  expect(Buffer.compare(read.blob?.value as Uint8Array, large)).toBe(0)
  expect((await again.getMany('shop', ['small', 'large', 'none'])).map(({ key }) => key)).toEqual(['small', 'large'])
  expect(await again.check()).toEqual([])
  expect((await again.status())?.state).toBe('open')
  await again.close()
})
