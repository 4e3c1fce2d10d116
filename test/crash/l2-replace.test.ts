// A restored store takes the place of the live one on a disk that may lose power at any operation: afterwards one of the two
// is there, whole (ARC-10).

import { expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { L2 } from '../../src/cache/blob/l2.ts'
import { checkL2 } from '../../src/cache/blob/l2-check.ts'
import { holdCommit } from '../../src/cache/blob/l2-hold.ts'
import { replaceStore } from '../../src/cache/blob/l2-replace.ts'
import { createCounters } from '../../src/observe/index.ts'
import { Store } from '../../src/storage/index.ts'
import { finish, L2Stage, plainOptions } from '../support/blob.ts'
import type { FaultyDisk } from '../support/faulty-disk.ts'

const random = Random.fromEnvironment()

/** A live store where `a` is "live", and beside it, as `store-000002`, a backup of it where `a` is "archived". */
async function prepared(): Promise<L2Stage> {
  const stage = new L2Stage()
  stage.put({ key: 'a', value: 'archived' })
  for (let index = 0; index < 20; index++) stage.put({ key: `k${index}`, value: random.bytes(3000) })
  const { pin, held } = await holdCommit(stage.l2)
  stage.disk.makeDirectory('l2/store-000002')
  for (const [name, bytes] of [
    ['l2.pager', pin.read(0, pin.size)],
    ['l2.ctl', held.control],
  ] as const) {
    const file = stage.disk.open(`l2/store-000002/${name}`, { create: true })
    file.write(bytes, 0)
    await file.sync()
  }
  for (const directory of ['', 'l2', 'l2/store-000002']) stage.disk.syncDirectory(directory)
  pin.release()
  stage.put({ key: 'a', value: 'live' })
  await stage.l2.commit()
  return stage
}

function layOn(store: Store, stage: L2Stage): L2 {
  const observer = { damaged: () => {}, synopsis: () => {} }
  return new L2(store, { options: plainOptions, counters: createCounters(), clock: stage.clock, observer })
}

function replace(stage: L2Stage) {
  return replaceStore(stage.l2, {
    ...{ disk: stage.disk, directory: 'l2', name: 'store-000002', keepDerived: true },
    layOn: (store) => layOn(store, stage),
  })
}

/** Which of the two is there after opening the directory; throws if it is not whole. */
function whichIs(disk: FaultyDisk, stage: L2Stage): string {
  const l2 = layOn(Store.open(disk, 'l2', stage.storeOptions), stage)
  expect([...checkL2(l2, true)].filter((finding) => finding !== undefined)).toEqual([])
  for (let index = 0; index < 20; index++) {
    expect(finish(l2.get(stage.shop, `k${index}`, { withValue: true, quiet: true }))?.value).toHaveLength(3000)
  }
  const found = finish(l2.get(stage.shop, 'a', { withValue: true, quiet: true }))
  return Buffer.from(found?.value ?? []).toString()
}

it('a loss of power at any operation finds the one or the other', async () => {
  const stage = await prepared()
  const found = new Map<string, number>()
  const note = (disk: FaultyDisk): void => {
    const which = whichIs(disk, stage)
    found.set(which, (found.get(which) ?? 0) + 1)
  }
  stage.disk.onOperation = () => {
    for (let round = 0; round < 4; round++) note(stage.disk.image(random))
    note(stage.disk.afterKill())
  }
  await replace(stage)
  stage.disk.onOperation = undefined
  expect([...found.keys()].sort()).toEqual(['archived', 'live'])
  // Once it has returned it is the new one, whatever happens then.
  for (let round = 0; round < 20; round++) expect(whichIs(stage.disk.image(random), stage)).toBe('archived')
})

it('a failure of the disk at any operation leaves the one or the other', async () => {
  const counting = await prepared()
  const before = counting.disk.operations
  await replace(counting)
  const count = counting.disk.operations - before
  const outcomes = new Set<string>()
  for (let operation = 0; operation < count; operation++) {
    for (const code of ['EIO', 'ENOSPC']) {
      const stage = await prepared()
      const at = stage.disk.operations + operation
      stage.disk.rules.push(({ number, path }) =>
        number === at ? Object.assign(new Error(`${code}: ${path}`), { code }) : undefined,
      )
      const failed = await replace(stage).then(
        () => 'done',
        () => 'failed',
      )
      if (stage.l2.store.state !== 'closed') await stage.l2.store.close().catch(() => undefined)
      outcomes.add(`${failed} ${whichIs(stage.disk.afterKill(), stage)}`)
    }
  }
  expect(outcomes).toContain('failed live')
  expect(outcomes).not.toContain('done live')
}, 120_000)
