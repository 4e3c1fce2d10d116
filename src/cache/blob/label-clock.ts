// When a label was last invalidated: for values on their way that carry labels nobody could know when the invalidation came.
//
// A read of L2, a lease or a promotion begins at a tick. What arrives in the end is refused if one of its labels was invalidated
// since. It is kept only while such work is under way, and beyond its bound everything older counts as invalidated.

import type { LabelKind } from './l2-keys.ts'
import type { Attributes } from './l2-record.ts'

const labelsMax = 4096

export class LabelClock {
  #tick = 0
  /** What began before this tick is refused, whatever its labels. */
  #floor = 0
  readonly #invalidated = new Map<string, number>()
  /** Ticks at which work that is under way began, each with its count. */
  #underWay = 0

  /** Work begins that will end with `end`. */
  begin(): number {
    this.#underWay++
    return this.#tick
  }

  end(): void {
    this.#underWay--
    if (this.#underWay === 0) this.#invalidated.clear()
  }

  invalidate(kind: LabelKind, label: string): void {
    if (this.#underWay === 0) return
    this.#tick++
    if (this.#invalidated.size >= labelsMax) {
      this.#floor = this.#tick
      this.#invalidated.clear()
    }
    this.#invalidated.set(nameOf(kind, label), this.#tick)
  }

  /** Whether one of these labels was invalidated after work began at that tick. */
  isLate(begunAt: number, { tags, dependencies }: Pick<Attributes, 'tags' | 'dependencies'>): boolean {
    if (this.#tick === begunAt) return false
    if (this.#floor > begunAt) return true
    const moved = (kind: LabelKind, label: string): boolean =>
      (this.#invalidated.get(nameOf(kind, label)) ?? 0) > begunAt
    return tags.some((tag) => moved('tag', tag)) || dependencies.some((label) => moved('dependency', label))
  }
}

function nameOf(kind: LabelKind, label: string): string {
  return kind === 'tag' ? `t${label}` : `d${label}`
}
