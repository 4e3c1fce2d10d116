// Chosen namespaces of a restored store join the live one, on a disk that may lose power at any operation: afterwards each is what it
// was or what the backup says, all of them the same, and the others are what they were (ARC-14).

import { expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { L2 } from '../../../../src/cache/blob/l2.ts'
import { checkL2 } from '../../../../src/cache/blob/l2-check.ts'
import type { Scope } from '../../../../src/cache/blob/l2-keys.ts'
import { type LoadedPart, loadNamespaces } from '../../../../src/cache/blob/l2-load.ts'
import { createCounters } from '../../../../src/observe/index.ts'
import { Store } from '../../../../src/storage/index.ts'
import { CacheStage, finish, L2Stage, type PutWish, plainOptions } from '../../../support/blob.ts'
import type { FaultyDisk } from '../../../support/faulty-disk.ts'
import { foundAfterFailures, foundAfterLossOfPower } from '../../../support/interrupted.ts'
import { copyBeside } from '../../../support/store-copies.ts'

const random = Random.fromEnvironment()
const store = 'store-000002'
const chosen = ['shop', 'second']

/** Three namespaces where everything is "live", and beside the store, as `store-000002`, a backup of it where everything is "archived". */
async function prepared(): Promise<L2Stage> {
  const stage = new L2Stage()
  stage.l2.define('second', { id: 2, generation: 1 }, '{}')
  stage.l2.define('untouched', { id: 3, generation: 1 }, '{}')
  fill(stage, 'archived')
  await copyBeside(stage, store)
  fill(stage, 'live')
  await stage.l2.commit()
  return stage
}

function fill(stage: L2Stage, value: string): void {
  for (const id of [1, 2, 3]) {
    const scope = { id, generation: 1 }
    for (let index = 0; index < 8; index++) stage.put({ scope, key: `k${index}`, value })
    stage.put({ scope, key: 'large', value: value.repeat(2000), attributes: { tags: ['red'] } })
  }
}

function begin({ l2, disk }: L2Stage, given: Partial<LoadedPart['part']> = {}) {
  const ids = new Map([...l2.namespaces.living()].map(({ name, id }) => [name, id]))
  const parts = chosen.map((name, index) => {
    const part = { from: name, as: name, id: 11 + index, replaced: ids.get(name), options: '{}' }
    return index === 0 ? { ...part, ...given } : part
  })
  return loadNamespaces(l2, disk, 'l2', { store, parts })
}

async function restore(stage: L2Stage): Promise<readonly LoadedPart[]> {
  const loaded = finish(begin(stage))
  await stage.l2.commit()
  for (const part of loaded) if (part.gone === undefined) stage.l2.admit(part)
  await stage.l2.commit()
  return loaded
}

/** What a disk has to say: "live" or "archived" of the chosen namespaces; throws if it is neither, or anything else is amiss. */
function whichIs(disk: FaultyDisk, stage: L2Stage): string {
  const opened = Store.open(disk, 'l2', stage.storeOptions)
  const observer = { damaged: () => {}, synopsis: () => {} }
  const l2 = new L2(opened, { options: plainOptions, counters: createCounters(), clock: stage.clock, observer })
  const pin = opened.pin()
  expect([...checkL2(l2, true)].filter((finding) => finding !== undefined)).toEqual([])
  pin.release()
  const values = new Map([...l2.namespaces.living()].map(({ name, scope }) => [name, valuesOf(l2, scope)]))
  expect([...values.keys()].sort()).toEqual(['second', 'shop', 'untouched'])
  expect(values.get('untouched')).toBe('live')
  expect(values.get('second')).toBe(values.get('shop'))
  // What is left of the others goes, whatever it is.
  while (finish(l2.sweeper.sweep({ entriesMax: 100, msMax: 1000 }, 'call')).truncated);
  expect(l2.namespaces.entries).toBe(27)
  expect([...checkL2(l2, true)].filter((finding) => finding !== undefined)).toEqual([])
  return values.get('shop') ?? ''
}

function valuesOf(l2: L2, scope: Scope): string {
  const read = (key: string): string => {
    const found = finish(l2.get(scope, key, { withValue: true, quiet: true }))
    return Buffer.from(found?.value ?? []).toString()
  }
  const all = new Set(Array.from({ length: 8 }, (_, index) => read(`k${index}`)))
  expect(all.size).toBe(1)
  const [value = ''] = all
  expect(read('large')).toBe(value.repeat(2000))
  return value
}

it('a loss of power at any operation finds all of them as they were or as they were archived (ARC-14)', async () => {
  const { meanwhile, afterwards } = await foundAfterLossOfPower(await prepared(), restore, whichIs, random)
  expect([...meanwhile].sort()).toEqual(['archived', 'live'])
  expect([...afterwards]).toEqual(['archived'])
})

it('a failure of the disk at any operation leaves all of them as they were or as they were archived (ARC-14)', async () => {
  const outcomes = await foundAfterFailures(prepared, restore, whichIs)
  expect(outcomes).toContain('failed live')
  expect(outcomes).not.toContain('done live')
})

it('the switch holds after a fall of the store behind it (ARC-14, L2-34)', async () => {
  const stage = await prepared()
  const loaded = finish(begin(stage))
  await stage.l2.commit()
  for (const part of loaded) stage.l2.admit(part)
  stage.disk.rules.push(({ kind, path }) =>
    kind === 'sync' && path.endsWith('l2.pager') ? Object.assign(new Error('EIO'), { code: 'EIO' }) : undefined,
  )
  await expect(stage.l2.commit()).rejects.toThrow()
  stage.disk.rules.length = 0
  stage.store.reopen()
  await stage.l2.commits.fallen()
  expect(valuesOf(stage.l2, { id: 11, generation: 2 })).toBe('archived')
  await stage.l2.commit()
  expect(whichIs(stage.disk.afterKill(), stage)).toBe('archived')
})

it('one that is broken off leaves nothing, and what goes on meanwhile is kept (ARC-14)', async () => {
  const stage = await prepared()
  // Too large for a record, so that there are steps to stop at.
  stage.put({ scope: { id: 2, generation: 1 }, key: 'other', value: random.bytes(20_000) })
  stage.disk.remove(`l2/${store}`)
  await copyBeside(stage, store)
  const steps = begin(stage)
  expect(steps.next().done).toBe(false)
  stage.put({ key: 'k0', value: 'newer' })
  steps.return([])
  await stage.l2.commit()
  expect(stage.get('k0')).toBe('newer')
  expect(stage.check()).toEqual([])
  while (stage.sweep(100).truncated);
  expect(stage.l2.namespaces.entries).toBe(28)
})

it('an entry that hangs on relations, is over, or does not fit is not brought back (ARC-12, ARC-14)', async () => {
  const stage = new L2Stage()
  stage.l2.define('second', { id: 2, generation: 1 }, '{}')
  stage.put({ key: 'plain' })
  stage.put({ key: 'derived', attributes: { proof: { incarnation: 1, pairs: [{ source: 'shop/1', epoch: 1 }] } } })
  stage.put({ key: 'short', policy: { ttlMs: 1000 } })
  stage.put({ key: 'big', value: random.bytes(20_000) })
  await copyBeside(stage, store)
  stage.clock.advance(1000)
  const loaded = finish(begin(stage, { options: '{"bytesMax":10000}' }))
  expect(loaded.map(({ entries, leftOut }) => [entries, leftOut])).toEqual([
    [1, 2],
    [0, 0],
  ])
  for (const part of loaded) stage.l2.admit(part)
  expect(stage.get('plain', { id: 11, generation: 2 })).toBe('value of plain')
  expect(stage.check()).toEqual([])
})

it('of another store nothing counts as flushed, and its page size does not matter (ARC-11, ARC-14)', async () => {
  const other = new L2Stage({ store: { pageSize: 8192 } })
  fillShop(other, 'archived')
  const stage = new L2Stage()
  fillShop(stage, 'live')
  stage.l2.flush(1, 7)
  await stage.l2.commit()
  await copyBeside(other, store, stage.disk)
  const part = { from: 'shop', as: 'shop', id: 11, replaced: 1, options: undefined }
  const [loaded] = finish(loadNamespaces(stage.l2, stage.disk, 'l2', { store, parts: [part] }))
  expect(loaded).toMatchObject({ gone: undefined, scope: { id: 11, generation: 8 }, entries: 9 })
  stage.l2.admit(loaded as LoadedPart)
  expect(valuesOf(stage.l2, { id: 11, generation: 8 })).toBe('archived')
  expect(stage.check()).toEqual([])
})

it('options that this version does not know are an error, and nothing of it stays (ARC-14, G-7)', async () => {
  const other = new L2Stage()
  other.l2.define('odd', { id: 2, generation: 1 }, '{"given":{"nonsense":true}}')
  other.put({ scope: { id: 2, generation: 1 }, key: 'k' })
  const stage = await CacheStage.open()
  await stage.put('k', 'here', {}, true)
  await copyBeside(other, store, stage.disk)
  await expect(stage.cache.load(store, [{ from: 'odd', as: 'odd' }])).rejects.toMatchObject({ sqlstate: '22023' })
  while ((await stage.cache.sweep())?.truncated === true);
  expect([...stage.cache.namespaces()].map(({ name, entries }) => [name, entries])).toEqual([['shop', 1]])
  expect(await stage.cache.check()).toEqual([])
  expect(stage.counters.l2_entries).toBe(1)
  await stage.cache.close()
})

function fillShop(stage: L2Stage, value: string): void {
  const put = (wish: PutWish) => stage.put(wish)
  for (let index = 0; index < 8; index++) put({ key: `k${index}`, value })
  put({ key: 'large', value: value.repeat(2000) })
}
