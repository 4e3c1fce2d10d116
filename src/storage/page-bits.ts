// One bit per page, in words of 32; grows with the file. Runs of clear bits are found a word at a time.

export class PageBits {
  #words = new Uint32Array(64)

  has(page: number): boolean {
    return ((this.#words[page >>> 5] ?? 0) >>> (page & 31)) % 2 === 1
  }

  set(page: number, count = 1): void {
    this.#reach(page + count)
    for (let at = page; at < page + count; ) {
      const [mask, next] = maskFrom(at, page + count)
      const word = at >>> 5
      this.#words[word] = (this.#words[word] as number) | mask
      at = next
    }
  }

  clear(page: number, count = 1): void {
    this.#reach(page + count)
    for (let at = page; at < page + count; ) {
      const [mask, next] = maskFrom(at, page + count)
      const word = at >>> 5
      this.#words[word] = (this.#words[word] as number) & ~mask
      at = next
    }
  }

  clearAll(): void {
    this.#words.fill(0)
  }

  /** The first page at or after `from` whose bit is clear; `to` if there is none before it. */
  nextClear(from: number, to: number): number {
    return this.#next(from, to, 0xffff_ffff)
  }

  /** The first page at or after `from` whose bit is set; `to` if there is none before it. */
  nextSet(from: number, to: number): number {
    return this.#next(from, to, 0)
  }

  /** The first run of `count` clear bits between `from` and `to`; -1 if there is none. */
  findClear(count: number, from: number, to: number): number {
    for (let start = this.nextClear(from, to); start + count <= to; ) {
      const end = this.nextSet(start, Math.min(to, start + count))
      if (end - start >= count) return start
      start = this.nextClear(end, to)
    }
    return -1
  }

  countSet(from: number, to: number): number {
    let count = 0
    for (let at = from; at < to; ) {
      const [mask, next] = maskFrom(at, to)
      count += bitsIn((this.#words[at >>> 5] ?? 0) & mask)
      at = next
    }
    return count
  }

  /** Copies the bits of pages `from` to `from + 8 * into.length`; `from` is a multiple of 32. */
  copyTo(into: Uint8Array, from: number): void {
    for (let index = 0; index < into.length; index++) {
      const page = from + index * 8
      into[index] = (this.#words[page >>> 5] ?? 0) >>> (page & 31)
    }
  }

  /** The reverse of copyTo(). */
  copyFrom(bytes: Uint8Array, from: number): void {
    this.#reach(from + bytes.length * 8)
    for (let index = 0; index < bytes.length; index++) {
      const page = from + index * 8
      const word = page >>> 5
      const shift = page & 31
      this.#words[word] = ((this.#words[word] as number) & ~(0xff << shift)) | ((bytes[index] as number) << shift)
    }
  }

  /** Takes over all bits of another. */
  copyAll(other: PageBits): void {
    this.#words = other.#words.slice()
  }

  #next(from: number, to: number, flip: number): number {
    let word = from >>> 5
    let bits = (((this.#words[word] ?? 0) ^ flip) >>> 0) & (0xffff_ffff << (from & 31))
    while (bits === 0) {
      word++
      if (word * 32 >= to) return to
      bits = (this.#words[word] ?? 0) ^ flip
    }
    return Math.min(to, word * 32 + (31 - Math.clz32(bits & -bits)))
  }

  #reach(pageCount: number): void {
    if (pageCount <= this.#words.length * 32) return
    const grown = new Uint32Array(Math.max(this.#words.length * 2, (pageCount + 31) >>> 5))
    grown.set(this.#words)
    this.#words = grown
  }
}

/** The bits of the word of page `at` from there to `to` or the word's end, and the page behind them. */
function maskFrom(at: number, to: number): [mask: number, next: number] {
  const next = Math.min(to, (at | 31) + 1)
  const count = next - at
  const ones = count === 32 ? 0xffff_ffff : (1 << count) - 1
  return [ones << (at & 31), next]
}

function bitsIn(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555)
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
