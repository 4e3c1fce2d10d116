// Which keys a spilled segment may hold: a Bloom filter, so that changes of other rows read no file.
//
// Three bytes a key, ten bits of them set: one key in 50,000 seems to be there and is not. There may be hundreds of segments that a change asks.

const bitsPerKey = 24
const bitsSet = 10

/** What a filter knows of a key, to be worked out once for all of them. */
interface KeyHash {
  readonly one: number
  readonly other: number
}

export function hashOf(key: string): KeyHash {
  let [one, other] = [0x811c9dc5, 0x9e3779b9]
  for (let at = 0; at < key.length; at++) {
    const unit = key.charCodeAt(at)
    one = Math.imul(one ^ unit, 0x01000193)
    other = Math.imul(other + unit, 0x85ebca6b)
    other ^= other >>> 13
  }
  one ^= one >>> 15
  return { one, other }
}

export class KeyFilter {
  readonly #words: Uint32Array

  constructor(keyCount: number) {
    this.#words = new Uint32Array(Math.ceil((keyCount * bitsPerKey) / 32) + 1)
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  add(key: string): void {
    this.#each(hashOf(key), (word, bit) => {
      this.#words[word] = (this.#words[word] as number) | bit
      return true
    })
  }

  mayHold(hash: KeyHash): boolean {
    return this.#each(hash, (word, bit) => ((this.#words[word] as number) & bit) !== 0)
  }

  #each({ one, other }: KeyHash, look: (word: number, bit: number) => boolean): boolean {
    const bits = this.#words.length * 32
    for (let step = 0; step < bitsSet; step++) {
      const place = (Math.imul(one + step, 0x2c1b3c6d) + Math.imul(other, 2 * step + 1)) >>> 0
      const at = ((place ^ (place >>> 16)) >>> 0) % bits
      if (!look(at >>> 5, 1 << (at & 31))) return false
    }
    return true
  }
}
