// The blob cache of a data directory that no server has open, as a server would have it: to put entries there and look for them.

import { mkdirSync } from 'node:fs'
import { systemClock } from '../../src/base/index.ts'
import { openCacheStore } from '../../src/cache-store.ts'
import { SettingsStore } from '../../src/config/index.ts'
import { Epochs } from '../../src/invalidation/index.ts'
import { createLog, EventRing, Metrics } from '../../src/observe/index.ts'

export async function withCache<T>(
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

/** Into namespace `pages`. */
export function put(dataDirectory: string, entries: Readonly<Record<string, string>>): Promise<void> {
  return withCache(dataDirectory, async (cache) => {
    const puts = Object.entries(entries).map(([key, value]) => ({ namespace: 'pages', key, value: Buffer.from(value) }))
    if (cache.namespace('pages') === undefined) await cache.createNamespace('pages')
    await cache.put(puts, true)
  })
}

export function get(dataDirectory: string, key: string): Promise<string | undefined> {
  return withCache(dataDirectory, async (cache) => {
    const { blob } = await cache.get('pages', key)
    return blob?.value === undefined ? undefined : Buffer.from(blob.value).toString()
  })
}
