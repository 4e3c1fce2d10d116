// What L1 charges for an entry against what it really takes: the difference of used memory, divided by the entries (L1-29).

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { CacheStage } from '../../../support/blob.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedBytes(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const count = 20_000

it.each([
  ['short values', 100, 0, undefined],
  ['longer values', 1000, 0, undefined],
  ['a version each', 100, 0, 7],
  ['two labels each', 100, 2, undefined],
])(
  'the charge of entries with %s is within a fifth of what they take (L1-29)',
  async (_, bytes, labelCount, version) => {
    const stage = await CacheStage.open({ off: true, l1BytesMax: 1 << 30 })
    const before = usedBytes()
    for (let index = 0; index < count; index++) {
      const tags = labelCount === 0 ? [] : [`shared ${index % 100}`, `own ${index}`]
      // More of them in one millisecond than there are stamps for would not be rows.
      if (index % 500 === 0) stage.clock.advance(1)
      const value = Buffer.allocUnsafeSlow(bytes)
      stage.cache.put([{ namespace: 'shop', key: `key:${index}`, value, tags, version }])
    }
    const taken = (usedBytes() - before) / count
    const charged = stage.cache.l1.bytesInUse / count
    expect(charged).toBeGreaterThan(taken * 0.8)
    expect(charged).toBeLessThan(taken * 1.2)
    expect(stage.counters.l1_payload_bytes).toBe(count * bytes)
  },
)
