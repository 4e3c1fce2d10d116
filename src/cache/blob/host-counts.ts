// Carries what a store counts by itself over into the counters. Another store begins at zero again, counters go on.

import type { Counters } from '../../observe/index.ts'
import type { Store } from '../../storage/index.ts'

type Counted =
  | 'l2_commits'
  | 'l2_pages_written'
  | 'l2_pages_freed'
  | 'page_hits'
  | 'page_misses'
  | 'page_insertions'
  | 'page_evictions'
  | 'page_writebacks'
  | 'page_ring_overflows'
  | 'bgwriter_rounds'
  | 'bgwriter_pages_written'
  | 'bgwriter_rounds_full'
  | 'bgwriter_write_errors'

const nothing: Pick<Counters, Counted> = {
  l2_commits: 0,
  l2_pages_written: 0,
  l2_pages_freed: 0,
  page_hits: 0,
  page_misses: 0,
  page_insertions: 0,
  page_evictions: 0,
  page_writebacks: 0,
  page_ring_overflows: 0,
  bgwriter_rounds: 0,
  bgwriter_pages_written: 0,
  bgwriter_rounds_full: 0,
  bgwriter_write_errors: 0,
}

export class HostCounts {
  readonly #counters: Counters
  /** What stores before this one counted. */
  #base = { ...nothing }

  constructor(counters: Counters) {
    this.#counters = counters
  }

  take(store: Store): void {
    const counters = this.#counters
    const base = this.#base
    const { areas, writer, ...file } = store.stats()
    counters.l2_commits = base.l2_commits + file.commits
    counters.l2_pages_written = base.l2_pages_written + file.pagesWritten
    counters.l2_pages_freed = base.l2_pages_freed + file.pagesFreed
    counters.l2_file_bytes = file.fileBytes
    counters.l2_free_pages = file.freePages
    const total = (count: 'hits' | 'misses' | 'insertions' | 'evictions' | 'writebacks' | 'overflows'): number =>
      areas.reduce((sum, area) => sum + area[count], 0)
    counters.page_hits = base.page_hits + total('hits')
    counters.page_misses = base.page_misses + total('misses')
    counters.page_insertions = base.page_insertions + total('insertions')
    counters.page_evictions = base.page_evictions + total('evictions')
    counters.page_writebacks = base.page_writebacks + total('writebacks')
    counters.page_ring_overflows = base.page_ring_overflows + total('overflows')
    counters.page_slots = areas.reduce((sum, { slots }) => sum + slots, 0)
    counters.page_dirty = areas.reduce((sum, { dirty }) => sum + dirty, 0)
    counters.page_pinned = areas.reduce((sum, { pinned }) => sum + pinned, 0)
    counters.bgwriter_rounds = base.bgwriter_rounds + writer.rounds
    counters.bgwriter_pages_written = base.bgwriter_pages_written + writer.pagesWritten
    counters.bgwriter_rounds_full = base.bgwriter_rounds_full + writer.roundsFull
    counters.bgwriter_write_errors = base.bgwriter_write_errors + writer.writeErrors
    counters.bgwriter_dirty_fraction = writer.dirtyFraction
  }

  rebase(): void {
    for (const name of Object.keys(nothing) as Counted[]) this.#base[name] = this.#counters[name]
  }
}
