// Finds the pages that are neither reachable nor free, and frees them (SWP-8).
//
// What `rows` knows of chains decides what is reachable, so nothing is freed when anything of the commit cannot be read.

import type { RowKnowledge } from './check.ts'
import type { Pager } from './pager.ts'
import type { Pin } from './pin.ts'

/** Step by step; gives how many pages there were. What no commit reaches, no later one does: it may take its time. */
export function* reclaimOrphans(pin: Pin, pager: Pager, rows: RowKnowledge): Generator<undefined, number> {
  try {
    const orphans: number[] = []
    let isWhole = true
    for (const finding of pin.check(rows)) {
      if (finding?.kind === 'orphan') orphans.push(finding.page ?? 0)
      else if (finding !== undefined) isWhole = false
      yield undefined
    }
    if (!isWhole) return 0
    pin.assertHeld()
    for (const page of orphans) pager.space.allocator.free({ page, pages: 1 })
    if (orphans.length > 0) pager.changed = true
    return orphans.length
  } finally {
    pin.release()
  }
}
