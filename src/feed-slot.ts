// Composition: what slots of this Larder are called, where they outlive their connection (`feed_slot = persistent`).
//
// The name is made once for a data directory, and stands in its file `feed-slot` from then on, so that what was left is known to be ours.

import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SlotWish } from './cdc/index.ts'

const namePattern = /^larder_keep_[0-9a-f]{12}$/

/** Undefined if there never was one. */
export async function feedSlotOf(directory: string, isKept: boolean): Promise<SlotWish | undefined> {
  const path = join(directory, 'feed-slot')
  const noted = (await readFile(path, 'utf8').catch(() => '')).trim()
  if (namePattern.test(noted)) return { prefix: noted, isKept }
  if (!isKept) return undefined
  const prefix = `larder_keep_${randomBytes(6).toString('hex')}`
  await writeFile(path, `${prefix}\n`)
  return { prefix, isKept }
}
