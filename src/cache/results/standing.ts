// Where the origin was heard to stand: since which tick has nothing been committed there, if it stands there still?
//
// A feed that begins knows nothing of what was committed before. What was read since the origin stands where it stands needs no voiding.

import type { Epochs } from '../../invalidation/index.ts'
import { nothingWritten, type OriginPosition, readPosition } from './origin-position.ts'

export class Standing {
  /** Where it stood when an earlier process left; what that kept, and all since, holds as long as it stands there. */
  legacy: OriginPosition | undefined
  /** What it last said, whether that proves anything or not. */
  last: OriginPosition | undefined
  tellLegacy: (holds: boolean) => void = () => undefined
  /** Whether what that noted holds: nothing was written since. When that is known. */
  readonly legacyHolds = new Promise<boolean>((resolve) => {
    this.tellLegacy = resolve
  })
  #first: { readonly position: OriginPosition; readonly tick: number } | undefined

  /** What was started behind this tick was read where the origin stands now, or later. */
  heard(position: OriginPosition, epochs: Epochs): void {
    this.last = position
    if (this.#first !== undefined && nothingWritten(this.#first.position, position)) return
    this.#first = position.isQuiet ? { position, tick: epochs.tick() } : undefined
  }

  /** By an answer to `positionQuestion`: nothing was committed since this tick, 0 is since ever; undefined if that is not known. */
  unmovedSince(row: readonly (string | null)[]): number | undefined {
    const position = readPosition(row)
    if (position === undefined) return undefined
    if (this.legacy !== undefined && nothingWritten(this.legacy, position)) return 0
    return this.#first !== undefined && nothingWritten(this.#first.position, position) ? this.#first.tick : undefined
  }
}
