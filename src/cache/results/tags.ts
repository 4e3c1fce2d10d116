// Which stored answers carry a tag, and when tags were last invalidated.
//
// An answer gets its tags when it is stored. Most have none and are not here. What a tag stands for lies outside any database, so
// nothing else tells when it changes: a fill that was under way when its tag was invalidated may hold what was true before, and is not kept.
//
// Invariants
//   1. An answer is found under each of its tags as long as it is held, and no longer; a tag without answers is not held.
//   2. `movedSince` is never false for a tag that was invalidated later than `start`; with very many tags it may be true without need.

import { assert } from '../../base/index.ts'
import type { Entry } from './entry.ts'

/** Invalidated tags whose ticks are known one by one; of older ones only the latest tick is. */
const ticksMax = 1024

/** What a tag of an answer takes beside its bytes: its place in the table and in the tag's own set; measured, see docs/decisions. */
const tagOverheadBytes = 220

export function tagBytes(tags: readonly string[]): number {
  let bytes = 0
  for (let index = 0; index < tags.length; index++) bytes += (tags[index] as string).length + tagOverheadBytes
  return bytes
}

export class Tags {
  readonly #byTag = new Map<string, Set<Entry>>()
  /** By tag, the tick of its last invalidation; the one invalidated longest ago comes first. */
  readonly #ticks = new Map<string, number>()
  #forgottenTick = 0

  add(entry: Entry): void {
    for (const tag of entry.tags) {
      const entries = this.#byTag.get(tag)
      if (entries === undefined) this.#byTag.set(tag, new Set([entry]))
      else entries.add(entry)
    }
  }

  remove(entry: Entry): void {
    for (const tag of entry.tags) {
      const entries = this.#byTag.get(tag)
      entries?.delete(entry)
      if (entries?.size === 0) this.#byTag.delete(tag)
    }
  }

  /** As they are now: removing some while looking at them is fine. */
  entriesOf(tag: string): readonly Entry[] {
    return [...(this.#byTag.get(tag) ?? [])]
  }

  /** Whatever was asked for before `tick` is void under this tag. */
  move(tag: string, tick: number): void {
    this.#ticks.delete(tag)
    this.#ticks.set(tag, tick)
    if (this.#ticks.size <= ticksMax) return
    const [oldest] = this.#ticks
    if (oldest === undefined) return
    this.#ticks.delete(oldest[0])
    this.#forgottenTick = oldest[1]
  }

  movedSince(tags: readonly string[], start: number): boolean {
    return tags.some((tag) => Math.max(this.#forgottenTick, this.#ticks.get(tag) ?? 0) > start)
  }

  /** Asserts that exactly these answers are found by their tags. */
  verify(held: Iterable<Entry>): void {
    let expected = 0
    for (const entry of held) {
      for (const tag of entry.tags) assert(this.#byTag.get(tag)?.has(entry), 'an answer is found by its tags')
      expected += entry.tags.length
    }
    let found = 0
    for (const entries of this.#byTag.values()) {
      assert(entries.size > 0, 'a tag without answers is not held')
      found += entries.size
    }
    assert(found === expected, 'what is found by a tag is held')
  }
}
