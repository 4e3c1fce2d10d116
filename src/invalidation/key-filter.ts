// Which keys a spilled segment may hold: a Bloom filter, so that changes of other rows read no file.
//
// Twelve bits a key, five of them set: one key in three hundred seems to be there and is not.

const bitsPerKey = 12
const bitsSet = 5

export class KeyFilter {
  readonly #words: Uint32Array

  constructor(keyCount: number) {
    this.#words = new Uint32Array(Math.ceil((keyCount * bitsPerKey) / 32) + 1)
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  add(key: string): void {
    this.#each(key, (word, bit) => {
      this.#words[word] = (this.#words[word] as number) | bit
      return true
    })
  }

  mayHold(key: string): boolean {
    return this.#each(key, (word, bit) => ((this.#words[word] as number) & bit) !== 0)
  }

  #each(key: string, look: (word: number, bit: number) => boolean): boolean {
    let [one, other] = [0x811c9dc5, 0x9e3779b9]
    for (let at = 0; at < key.length; at++) {
      const unit = key.charCodeAt(at)
      one = Math.imul(one ^ unit, 0x01000193)
      other = Math.imul(other + unit, 0x85ebca6b)
      other ^= other >>> 13
    }
    one ^= one >>> 15
    const bits = this.#words.length * 32
    for (let step = 0; step < bitsSet; step++) {
      const place = (Math.imul(one + step, 0x2c1b3c6d) + Math.imul(other, 2 * step + 1)) >>> 0
      const at = ((place ^ (place >>> 16)) >>> 0) % bits
      if (!look(at >>> 5, 1 << (at & 31))) return false
    }
    return true
  }
}
