// Whose turn it is to leave when there are more answers than may be: SIEVE over the answers alone, a list per priority, the lowest first.
//
// L1 has the same answers in lists of its own, among blobs; to look for an answer there could mean to pass over all of these. What was
// used is known there, so whoever asks whose turn it is says whether L1 would spare the one at that place.

import { marksAt, Places, Sieve } from '../../eviction/index.ts'

/** Most places one choice looks at; the last of them is it, then. */
const walkMax = 1000

interface List {
  readonly priority: number
  readonly sieve: Sieve
}

export class Turns {
  readonly #places = new Places(marksAt + 1, 64)
  readonly #byPriority: (List | undefined)[] = []
  /** Lowest priority first. */
  readonly #lists: List[] = []

  get count(): number {
    return this.#lists.reduce((sum, { sieve }) => sum + sieve.count, 0)
  }

  /** A place, of one number whatever the priority. */
  add(priority: number): number {
    return (this.#byPriority[priority] ?? this.#open(priority)).sieve.insert()
  }

  remove(place: number, priority: number): void {
    this.#byPriority[priority]?.sieve.remove(place)
  }

  /** The place that should be emptied next: the first that `spares` does not spare. Undefined if none is taken. */
  next(spares: (place: number) => boolean): number | undefined {
    const list = this.#lists.find(({ sieve }) => sieve.count > 0)
    let looked = 0
    return list?.sieve.victim((place) => !spares(place) || ++looked === walkMax)
  }

  verify(): void {
    for (const { sieve } of this.#lists) sieve.verify()
  }

  #open(priority: number): List {
    const list: List = { priority, sieve: new Sieve({ withCredits: false, places: this.#places }) }
    this.#byPriority[priority] = list
    this.#lists.push(list)
    this.#lists.sort((one, two) => one.priority - two.priority)
    return list
  }
}
