// cache.compact(): what lies behind free space moves down, the file ends earlier, nothing is lost, whatever happens meanwhile (L2-24).

import { expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { L2 } from '../../../../src/cache/blob/l2.ts'
import { checkL2 } from '../../../../src/cache/blob/l2-check.ts'
import { type CompactReport, compact, type Moved } from '../../../../src/cache/blob/l2-compact.ts'
import { extentsOf } from '../../../../src/cache/blob/l2-record.ts'
import type { Steps } from '../../../../src/cache/blob/l2-value.ts'
import { createCounters } from '../../../../src/observe/index.ts'
import { Store } from '../../../../src/storage/index.ts'
import { CacheStage, finish, L2Stage, plainOptions } from '../../../support/blob.ts'
import type { FaultyDisk } from '../../../support/faulty-disk.ts'

const random = Random.fromEnvironment()

function newStage(): L2Stage {
  return new L2Stage({ options: { bytesMax: 1 << 30 }, store: { reserve: 8 } })
}

/** A store with holes all over it: of many entries every fourth, or so, is left. Gives what is there. */
async function holed(stage: L2Stage, count: number): Promise<Map<string, string>> {
  const values = new Map<string, string>()
  for (let index = 0; index < count; index++) {
    const value = random.bytes(random.pick([20, 900, 5000, 30_000])).toString('latin1')
    stage.put({ key: `k${index}`, value: Buffer.from(value, 'latin1'), attributes: { tags: [`t${index % 7}`] } })
    values.set(`k${index}`, value)
    if (index % 40 === 0) await stage.l2.commit()
  }
  await stage.l2.commit()
  for (const key of [...values.keys()]) {
    if (random.int(4) === 0) continue
    stage.invalidate({ kind: 'key', subjects: [key] })
    values.delete(key)
  }
  await stage.l2.commit()
  return values
}

const atOnce = async (steps: Steps<Moved>): Promise<Moved> => finish(steps)

function run(stage: L2Stage, how = atOnce): Promise<CompactReport> {
  return compact(stage.l2, how)
}

function expectWhole(l2: L2, values: ReadonlyMap<string, string>): void {
  const pin = l2.store.pin()
  const knowledge = { extentsOf: (tree: string, _: Uint8Array, value: Uint8Array) => extentsOf(tree, value) }
  expect([...pin.check(knowledge)].filter((finding) => finding !== undefined)).toEqual([])
  pin.release()
  expect([...checkL2(l2, true)].filter((finding) => finding !== undefined)).toEqual([])
  expect(l2.namespaces.entries).toBe(values.size)
  const scope = l2.namespaces.find(1)?.scope ?? { id: 1, generation: 1 }
  for (const [key, value] of values) {
    const found = finish(l2.get(scope, key, { withValue: true, quiet: true }))
    expect(Buffer.from(found?.value ?? []).equals(Buffer.from(value, 'latin1')), key).toBe(true)
  }
}

it('the file ends where its contents fit, and says by how much it is shorter (L2-24)', async () => {
  const stage = newStage()
  const values = await holed(stage, 300)
  const before = stage.store.file.size
  const report = await run(stage)
  const after = stage.store.file.size
  expect(report.bytes).toBe(before - after)
  expect(report.extents).toBeGreaterThan(0)
  expect(report.pages).toBeGreaterThan(0)
  const { pageCount, unusedCount } = stage.store.space.allocator
  // What is held back for commits and invalidations, and a few pages that found no place.
  expect(unusedCount).toBeLessThan(8 + 40)
  expect(after).toBe(pageCount * 4096)
  expectWhole(stage.l2, values)
  await stage.restart()
  expectWhole(stage.l2, values)
  // Nothing is left to be done.
  expect((await run(stage)).bytes).toBeLessThan(20 * 4096)
  // And the file grows again as ever.
  for (let index = 0; index < 100; index++) stage.put({ key: `new${index}`, value: random.bytes(9000) })
  await stage.l2.commit()
  expect(stage.check()).toEqual([])
})

it('an empty store becomes as small as a new one, nearly (L2-24)', async () => {
  const stage = newStage()
  await holed(stage, 200)
  stage.l2.flush(1, 2)
  while (stage.sweep().truncated);
  await run(stage)
  expect(stage.store.space.allocator.pageCount).toBeLessThan(40)
  expectWhole(stage.l2, new Map())
})

it('writers go on between the steps, and are not undone (L2-24)', async () => {
  const stage = newStage()
  const values = await holed(stage, 240)
  let changes = 0
  const change = (): void => {
    const key = random.pick([...values.keys(), 'new'])
    changes++
    if (random.int(8) === 0) {
      stage.invalidate({ kind: 'key', subjects: [key] })
      values.delete(key)
      return
    }
    const value = random.bytes(random.pick([50, 9000, 20_000])).toString('latin1')
    stage.put({ key, value: Buffer.from(value, 'latin1') })
    values.set(key, value)
  }
  // So many that what is being moved is often among them.
  const meanwhile = async (work: Steps<Moved>): Promise<Moved> => {
    for (let step = work.next(); ; step = work.next()) {
      if (step.done === true) return step.value
      for (let count = 0; count < 8; count++) change()
      if (random.int(5) === 0) await stage.l2.commit()
    }
  }
  await run(stage, meanwhile)
  expect(changes).toBeGreaterThan(20)
  expectWhole(stage.l2, values)
})

it('a commit that is held keeps its pages, and can be read as it was (L2-42)', async () => {
  const stage = newStage()
  const values = await holed(stage, 150)
  const pin = stage.store.pin()
  const before = pin.read(0, pin.size)
  await run(stage)
  expect(Buffer.compare(pin.read(0, pin.size), before)).toBe(0)
  pin.release()
  const { bytes } = await run(stage)
  expect(bytes).toBeGreaterThan(0)
  expectWhole(stage.l2, values)
})

it('a loss of power at any operation finds all of it (L2-24, L2-26)', async () => {
  const stage = newStage()
  const values = await holed(stage, 60)
  let looks = 0
  const look = (disk: FaultyDisk): void => {
    const opened = Store.open(disk, 'l2', stage.storeOptions)
    const observer = { damaged: () => {}, synopsis: () => {} }
    const parts = { options: plainOptions, counters: createCounters(), clock: stage.clock, observer }
    expectWhole(new L2(opened, parts), values)
    looks++
  }
  const before = stage.disk.operations
  stage.disk.onOperation = () => {
    look(random.int(3) > 0 ? stage.disk.image(random) : stage.disk.afterKill())
  }
  await run(stage)
  stage.disk.onOperation = undefined
  expect(stage.disk.operations - before).toBeGreaterThan(20)
  expect(looks).toBeGreaterThan(20)
  for (let round = 0; round < 5; round++) look(stage.disk.image(random))
})

it('a failure of the disk at any operation loses nothing (L2-24, L2-34, L2-35)', async () => {
  const counting = newStage()
  await holed(counting, 40)
  const start = counting.disk.operations
  await run(counting)
  const count = counting.disk.operations - start
  for (let operation = 0; operation < count; operation += 1 + random.int(4)) {
    const code = random.pick(['EIO', 'ENOSPC'])
    const stage = newStage()
    const values = await holed(stage, 40)
    stage.disk.failAt(stage.disk.operations + operation, code)
    await run(stage).catch(() => undefined)
    stage.kill()
    expectWhole(stage.l2, values)
  }
})

it('is done by the store thread when there is time, and answered (L2-24)', async () => {
  const stage = await CacheStage.open({ store: { bytesMax: 1 << 30 } })
  for (let index = 0; index < 60; index++) await stage.put(`k${index}`, random.bytes(20_000), {}, true)
  for (let index = 0; index < 55; index++)
    await stage.cache.invalidate({ kind: 'key', namespace: 'shop', subjects: [`k${index}`] })
  const [report] = await Promise.all([stage.cache.compact(), stage.put('meanwhile', 'x', {}, true)])
  expect(report?.bytes).toBeGreaterThan(200_000)
  expect(await stage.value('meanwhile')).toBe('x')
  expect(await stage.cache.check()).toEqual([])
  await stage.restart()
  expect((await stage.get('k59')).blob?.value).toHaveLength(20_000)
  expect(await stage.value('meanwhile')).toBe('x')
})

it('the last entry of a namespace that was dropped may be moved before it is swept', async () => {
  const stage = newStage()
  for (let index = 0; index < 60; index++) stage.put({ key: `k${index}`, value: random.bytes(30_000) })
  const gone = { id: 2, generation: 1 }
  stage.l2.define('gone', gone, '{}')
  stage.put({ key: 'last', value: random.bytes(30_000), scope: gone })
  await stage.l2.commit()
  for (let index = 0; index < 50; index++) stage.invalidate({ kind: 'key', subjects: [`k${index}`] })
  stage.l2.drop(gone.id)
  await stage.l2.commit()
  expect((await run(stage)).extents).toBeGreaterThan(10)
  expect(stage.l2.namespaces.deadEntries).toBe(1)
  expect([...checkL2(stage.l2, true)].filter((finding) => finding !== undefined)).toEqual([])
  await stage.restart()
  expect([...checkL2(stage.l2, true)].filter((finding) => finding !== undefined)).toEqual([])
})
