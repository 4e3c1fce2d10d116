// A restored store takes the place of the live one on a disk that may lose power at any operation: afterwards one of the two
// is there, whole (ARC-10).

import { expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import { L2 } from '../../src/cache/blob/l2.ts'
import { checkL2 } from '../../src/cache/blob/l2-check.ts'
import { replaceStore } from '../../src/cache/blob/l2-replace.ts'
import { createCounters } from '../../src/observe/index.ts'
import { Store } from '../../src/storage/index.ts'
import { finish, L2Stage, plainOptions } from '../support/blob.ts'
import type { FaultyDisk } from '../support/faulty-disk.ts'
import { foundAfterFailures, foundAfterLossOfPower } from '../support/interrupted.ts'
import { copyBeside } from '../support/store-copies.ts'

const random = Random.fromEnvironment()

/** A live store where `a` is "live", and beside it, as `store-000002`, a backup of it where `a` is "archived". */
async function prepared(): Promise<L2Stage> {
  const stage = new L2Stage()
  stage.put({ key: 'a', value: 'archived' })
  for (let index = 0; index < 20; index++) stage.put({ key: `k${index}`, value: random.bytes(3000) })
  await copyBeside(stage, 'store-000002')
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
  const { meanwhile, afterwards } = await foundAfterLossOfPower(await prepared(), replace, whichIs, random)
  expect([...meanwhile].sort()).toEqual(['archived', 'live'])
  // Once it has returned it is the new one, whatever happens then.
  expect([...afterwards]).toEqual(['archived'])
})

it('a failure of the disk at any operation leaves the one or the other', async () => {
  const closing = async (stage: L2Stage): Promise<void> => {
    try {
      await replace(stage)
    } finally {
      if (stage.l2.store.state !== 'closed') await stage.l2.store.close().catch(() => undefined)
    }
  }
  const outcomes = await foundAfterFailures(prepared, closing, whichIs)
  expect(outcomes).toContain('failed live')
  expect(outcomes).not.toContain('done live')
}, 120_000)
