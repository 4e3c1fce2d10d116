// Registrations of a group that lie in a file, and what is known of them here: how many still matter, and which keys they may have.
//
// An answer that is registered here has the segment itself in the place of its registration: all that its leaving does is to count.

import type { Registration } from './footprint-group.ts'
import type { KeyFilter } from './key-filter.ts'

/** Of the objects, without the filter. */
const segmentBytes = 300

interface SegmentHome {
  /** Nobody is registered in it any more. */
  emptied(segment: Segment): void
}

export class Segment implements Registration {
  readonly number: number
  readonly fileBytes: number
  readonly filter: KeyFilter
  /** The list of registrations of an answer that has no other. */
  readonly alone: readonly Registration[]
  /** Registrations in it of answers that are still there. */
  live: number
  isGone = false
  readonly #home: SegmentHome

  constructor(number: number, fileBytes: number, filter: KeyFilter, live: number, home: SegmentHome) {
    this.number = number
    this.fileBytes = fileBytes
    this.filter = filter
    this.live = live
    this.#home = home
    this.alone = [this]
  }

  /** What it takes in memory. */
  get charge(): number {
    return segmentBytes + this.filter.bytes
  }

  leave(): void {
    if (this.isGone) return
    this.live--
    this.#home.emptied(this)
  }
}
