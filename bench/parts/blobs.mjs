// A second tier full of values, made beforehand in the data directory that a server will open, through the classes that the server uses.

import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '../../dist/base/index.js'
import { openCacheStore } from '../../dist/cache-store.js'
import { SettingsStore } from '../../dist/config/index.js'
import { Epochs } from '../../dist/invalidation/index.js'
import { createLog, EventRing, Metrics } from '../../dist/observe/index.js'

/**
 * Runs `use` with the blob cache of a data directory that no server has open.
 *
 * @param {string} dataDirectory
 * @param {Record<string, string>} settings
 */
export async function withBlobs(dataDirectory, settings, use) {
  const flags = new Map(Object.entries({ data_dir: dataDirectory, ...settings }))
  const { snapshot } = SettingsStore.open({ flags, environment: {} })
  const metrics = new Metrics(systemClock)
  const events = new EventRing({ clock: systemClock, log: createLog({ write: () => undefined }), countMax: 10 })
  const epochs = new Epochs()
  const store = await openCacheStore({ settings: snapshot, dataDirectory, metrics, events, epochs, clock: systemClock })
  try {
    return await use(store.cache, metrics.counters)
  } finally {
    await store.close()
  }
}

/** Random values, which no compressor shrinks, of `valueBytes` each, under key-0, key-1 … of namespace "bench". */
export async function fillBlobs(cache, totalBytes, valueBytes) {
  if (cache.namespace('bench') === undefined) await cache.createNamespace('bench')
  const count = Math.ceil(totalBytes / valueBytes)
  const digest = createHash('sha256')
  const atOnce = Math.max(1, Math.floor((8 << 20) / valueBytes))
  for (let first = 0; first < count; first += atOnce) {
    const puts = Array.from({ length: Math.min(atOnce, count - first) }, (_, index) => ({
      namespace: 'bench',
      key: `key-${first + index}`,
      value: randomBytes(valueBytes),
      admission: 'never',
    }))
    for (const { value } of puts) digest.update(value)
    await cache.put(puts, true)
  }
  return { count, sha256: digest.digest('hex') }
}

export const pagerOf = (dataDirectory) => join(dataDirectory, 'l2', 'store-000001', 'l2.pager')
