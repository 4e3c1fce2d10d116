// Several entries of L2 read one after the other: as they stood together, whatever becomes of their keys and pages meanwhile.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { CacheStage } from '../../../support/blob.ts'

const keys = ['part 0', 'part 1', 'part 2']
// Nothing that could be compressed into its record.
const values = keys.map((_, index) => new Random(index).bytes(40_000 + index))
const bytesAt = (index: number) => values[index] as Buffer

async function stored(): Promise<CacheStage> {
  const stage = await CacheStage.open({ store: { bytesMax: 1 << 20 } })
  for (const [index, key] of keys.entries()) {
    const receipt = await stage.put(key, bytesAt(index), { admission: 'never' }, true)
    expect(receipt?.tier).toBe('l2')
  }
  return stage
}

async function begun(stage: CacheStage) {
  const parts = await stage.cache.beginParts('shop', keys)
  if (parts === undefined) throw new Error('all parts are there')
  return parts
}

/** Writes so much that every page that may be used again is. */
async function churn(stage: CacheStage): Promise<void> {
  for (let count = 0; count < 60; count++) {
    await stage.put(`other ${count}`, new Random(count).bytes(30_000), { admission: 'never' }, count % 10 === 9)
  }
}

describe('L2-41 a reader of parts', () => {
  it('gives each as it was put', async () => {
    const stage = await stored()
    const parts = await begun(stage)
    for (const index of [0, 1, 2, 1]) expect((await parts.part(index))?.equals(bytesAt(index))).toBe(true)
    parts.end()
    expect(await parts.part(0)).toBeUndefined()
  })

  it.each<[string, (stage: CacheStage) => Promise<unknown>]>([
    ['are put anew', (stage) => Promise.all(keys.map((key) => stage.put(key, 'new', {}, true)))],
    ['are invalidated', (stage) => stage.invalidate('key', ...keys)],
    ['are flushed with all that is there', (stage) => stage.cache.flush('shop')],
    [
      'are dropped with their namespace',
      (stage) => stage.cache.dropNamespace('shop').then(() => stage.cache.createNamespace('shop')),
    ],
    ['make room for others', async () => undefined],
  ])('gives them whole though meanwhile they %s, and their pages are wanted', async (_, change) => {
    const stage = await stored()
    const parts = await begun(stage)
    expect((await parts.part(0))?.equals(bytesAt(0))).toBe(true)
    await change(stage)
    await churn(stage)
    for (const index of [1, 2]) expect((await parts.part(index))?.equals(bytesAt(index)), `part ${index}`).toBe(true)
    parts.end()
    await churn(stage)
    expect((await stage.cache.check()).length).toBe(0)
  })

  it('does not begin where one is not there, or not any more', async () => {
    const stage = await stored()
    expect(await stage.cache.beginParts('shop', [...keys, 'part 3'])).toBeUndefined()
    expect(await stage.cache.beginParts('nowhere', keys)).toBeUndefined()
    await stage.invalidate('key', 'part 1')
    expect(await stage.cache.beginParts('shop', keys)).toBeUndefined()
  })

  it('gives nothing when the store is gone', async () => {
    const stage = await stored()
    const parts = await begun(stage)
    await stage.cache.close()
    expect(await parts.part(1)).toBeUndefined()
    parts.end()
  })
})
