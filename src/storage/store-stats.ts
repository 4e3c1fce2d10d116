// What a store counts of itself, since it was opened.

import type { BackgroundWriter } from './background-writer.ts'
import type { AreaStats } from './page-pool.ts'
import type { Pager } from './pager.ts'
import type { Space } from './space.ts'

export interface StoreStats {
  readonly commits: number
  readonly pagesFreed: number
  readonly pagesWritten: number
  readonly reads: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly pageCount: number
  readonly freePages: number
  readonly fileBytes: number
  /** The memory of pages, area by area. */
  readonly areas: readonly AreaStats[]
  readonly writer: BackgroundWriter['stats'] & { readonly dirtyFraction: number }
}

export function statsOf(
  counts: { readonly commits: number; readonly pagesFreed: number },
  { pager, space, writer }: { readonly pager: Pager; readonly space: Space; readonly writer: BackgroundWriter },
): StoreStats {
  const { pageCount, unusedCount: freePages } = space.allocator
  const { file, pool } = pager
  return {
    ...counts,
    ...file.stats,
    ...{ pageCount, freePages, fileBytes: file.size, areas: pool.stats() },
    writer: { ...writer.stats, dirtyFraction: writer.dirtyFraction },
  }
}
