// Makes the open changes durable, in groups: a caller starts a commit if none runs, and those who come meanwhile share the
// next one (L2-25).
//
// Order of a commit (each step ends before the next begins; docs/file-format.md says why)
//   (1) extents               written when their blob was, before the commit began
//   (2) tree pages            those the background writer has not written yet
//   (3) free map
//   (4) sync the page file
//   (5) write the slot
//   (6) sync the control file
//   (7) acknowledge, and let the pages freed by this commit be used from the next one on
//
// What is committed is fixed when the commit begins (sealed); changes made while it is written belong to the next.

import type { DiskFile } from '../base/index.ts'
import type { ReadyPage } from './free-map.ts'
import type { Health } from './health.ts'
import { controlSlotBytes, slotCount } from './layout.ts'
import type { Pager } from './pager.ts'
import { encodeSlot, type Superblock } from './superblock.ts'

/** A commit whose contents are fixed. */
export interface Sealed {
  readonly superblock: Superblock
  readonly map: readonly ReadyPage[]
}

/** Lets other work of the thread go first, when some time has passed. */
type Pause = () => Promise<void> | undefined

/** Steps 2 to 6. Throws diskFull or ioError; in the latter case the store is fenced. */
export async function writeCommit(sealed: Sealed, pager: Pager, control: DiskFile, pause: Pause): Promise<void> {
  const { superblock, map } = sealed
  await writeTreePages(pager, superblock.commit, pause)
  for (const { page, bytes } of map) pager.file.write(bytes, page)
  await pager.file.sync()
  writeSlot(control, superblock, pager.health)
  try {
    await control.sync()
  } catch (error) {
    throw pager.health.syncFailed(error)
  }
}

/** Step 2, in the order of the file. */
async function writeTreePages(pager: Pager, commit: number, pause: Pause): Promise<void> {
  const { pool } = pager
  const sealed = [...pool.dirtySlots()].filter((slot) => pager.commitOf(slot) <= commit)
  sealed.sort((left, right) => pool.pageAt(left) - pool.pageAt(right))
  for (const slot of sealed) {
    await pause()
    // An older write of the same page must not arrive behind ours.
    for (let write = pager.beingWritten.get(pool.pageAt(slot)); write !== undefined; ) {
      await write.catch(() => {})
      write = pager.beingWritten.get(pool.pageAt(slot))
    }
    // It may have left the pool meanwhile, written, and another may be there.
    if (pool.isDirty(slot) && pager.commitOf(slot) <= commit) pager.write(slot)
  }
}

/** Step 5. Also done once more with the same bytes after opening: what was read may not have reached the device. */
export function writeSlot(control: DiskFile, superblock: Superblock, health: Health): void {
  for (;;) {
    health.assertUsable()
    try {
      control.write(encodeSlot(superblock), (superblock.commit % slotCount) * controlSlotBytes)
      health.wrote()
      return
    } catch (error) {
      const failure = health.writeFailed(error)
      if (health.state === 'fenced') throw failure
      // The slot lies within the file and takes no new space; a disk that says "full" here is a disk that fails.
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw health.syncFailed(error)
    }
  }
}
