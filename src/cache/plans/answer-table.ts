// The stored answers of one statement in one context, by their parameters.
//
// A Map would do the same. But a cache that is full evicts at every fill, and there a Map of 100,000 strings costs what the rest of the
// fill does: its chains lie apart, each key of a chain is looked at where it lies, and what was deleted stays as a grave until the
// whole is made anew, in one go of many milliseconds. Here hashes lie side by side, strings are compared only when hashes are equal,
// and a deletion closes its gap.
//
//   hashes   | 0 | h1 | h2 | h3 | 0 | …       an answer lies at its home, hash & mask, or behind it with no gap between
//   answers  | - | a1 | a2 | a3 | - | …
//
// Invariants
//   1. A place is empty where its hash is 0; at least a third of the places are.
//   2. Between the home of an answer and its place no place is empty.

interface Keyed {
  readonly key: string
}

const placesMin = 8

/** Another one in each process: nobody can know which keys collide. */
const seed = (Math.random() * 0x1_0000_0000) | 0
const factor = 0x5bd1_e995 ^ ((Math.random() * 0x10_0000) << 8)

export class AnswerTable<Answer extends Keyed> {
  #hashes = new Int32Array(placesMin)
  #answers: (Answer | undefined)[] = new Array(placesMin).fill(undefined)
  #mask = placesMin - 1
  #count = 0

  get count(): number {
    return this.#count
  }

  find(key: string): Answer | undefined {
    const place = this.#placeOf(key, hashOfKey(key))
    return place === -1 ? undefined : this.#answers[place]
  }

  /** In place of the one of the same key, if there is one. */
  keep(answer: Answer): void {
    const hash = hashOfKey(answer.key)
    const place = this.#placeOf(answer.key, hash)
    if (place !== -1) {
      this.#answers[place] = answer
      return
    }
    if ((this.#count + 1) * 3 > this.#hashes.length * 2) this.#grow()
    this.#put(hash, answer)
    this.#count++
  }

  /** True if it was there: this answer, not another of the same key. */
  forget(answer: Answer): boolean {
    const place = this.#placeOf(answer.key, hashOfKey(answer.key))
    if (place === -1 || this.#answers[place] !== answer) return false
    this.#close(place)
    this.#count--
    return true
  }

  #placeOf(key: string, hash: number): number {
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const found = this.#hashes[place]
      if (found === 0) return -1
      if (found === hash && (this.#answers[place] as Answer).key === key) return place
    }
  }

  #put(hash: number, answer: Answer): void {
    let place = hash & this.#mask
    while (this.#hashes[place] !== 0) place = (place + 1) & this.#mask
    this.#hashes[place] = hash
    this.#answers[place] = answer
  }

  /** Empties a place and moves back what lies behind it and would not be found any more. */
  #close(place: number): void {
    let gap = place
    for (let next = (gap + 1) & this.#mask; ; next = (next + 1) & this.#mask) {
      const hash = this.#hashes[next] as number
      if (hash === 0) break
      const fromHome = (next - hash) & this.#mask
      const fromGap = (next - gap) & this.#mask
      if (fromHome < fromGap) continue
      this.#hashes[gap] = hash
      this.#answers[gap] = this.#answers[next]
      gap = next
    }
    this.#hashes[gap] = 0
    this.#answers[gap] = undefined
  }

  #grow(): void {
    const hashes = this.#hashes
    const answers = this.#answers
    this.#hashes = new Int32Array(hashes.length * 2)
    this.#answers = new Array(answers.length * 2).fill(undefined)
    this.#mask = this.#hashes.length - 1
    for (let place = 0; place < hashes.length; place++) {
      if (hashes[place] !== 0) this.#put(hashes[place] as number, answers[place] as Answer)
    }
  }
}

/** The key that was hashed last: whoever looks for one and does not find it asks again to keep it. */
let lastKey = ''
let lastHash = hashed('')

/** Not 0. */
export function hashOfKey(key: string): number {
  if (key !== lastKey) {
    lastHash = hashed(key)
    lastKey = key
  }
  return lastHash
}

function hashed(key: string): number {
  let hash = seed
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), factor)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x2c1b3c6d)
  hash ^= hash >>> 13
  return hash === 0 ? 1 : hash
}
