// Eviction as books and papers describe it, one class a policy, written to be read: what Larder's own classes are held against.
//
// Each has get(id): true for a hit; a miss takes it in. Maps keep their keys in the order of insertion, so the first key of one is the
// oldest. None of them is fast, and none has pins, rings or priorities.

const oldestOf = (map) => map.keys().next().value

/** The least recently used leaves. In entries, or in bytes when sizes are given. */
export class TextbookLru {
  #used = new Map()
  #inUse = 0

  constructor(capacity) {
    this.capacity = capacity
  }

  get(id, size = 1) {
    const isHit = this.#used.delete(id)
    if (!isHit) {
      if (size > this.capacity) return false
      for (this.#inUse += size; this.#inUse > this.capacity; ) this.#evict()
    }
    this.#used.set(id, size)
    return isHit
  }

  #evict() {
    const id = oldestOf(this.#used)
    this.#inUse -= this.#used.get(id)
    this.#used.delete(id)
  }
}

/** The queue of SIEVE: entries in the order they came, and a hand that goes from the oldest to the newest and around. */
class Queue {
  #newest
  #oldest
  #hand

  get first() {
    return this.#hand ?? this.#oldest
  }

  after(entry) {
    return entry.newer ?? this.#oldest
  }

  enter(entry) {
    entry.older = this.#newest
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  /** The hand is at the entry, and goes on to the next. */
  leave({ newer, older }) {
    this.#hand = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
  }
}

/**
 * SIEVE. Source: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024. With a bound the last of so many entries leaves when all were
 * visited; as published there is none.
 */
export class TextbookSieve {
  #entries = new Map()
  #queue = new Queue()

  constructor(capacity, walkMax = Number.POSITIVE_INFINITY) {
    this.capacity = capacity
    this.walkMax = walkMax
  }

  get(id) {
    const known = this.#entries.get(id)
    if (known !== undefined) {
      known.isVisited = true
      return true
    }
    if (this.#entries.size === this.capacity) this.#evict()
    const entry = { id, isVisited: false }
    this.#entries.set(id, entry)
    this.#queue.enter(entry)
    return false
  }

  #evict() {
    let entry = this.#queue.first
    for (let looked = 1; entry.isVisited && looked < this.walkMax; looked++) {
      entry.isVisited = false
      entry = this.#queue.after(entry)
    }
    this.#queue.leave(entry)
    this.#entries.delete(entry.id)
  }
}

/**
 * Clock2Q+. Source: Zhai et al., arXiv 2511.21958, 2025, with the shares of the authors' simulator: a tenth is the small FIFO, the ghost
 * has nine tenths, the correlation window is half of the FIFO. The clock is a FIFO here, whose referenced entries enter it again.
 */
export class TextbookClock2Q {
  #small = new Map()
  #main = new Map()
  #ghost = new Map()
  #admitted = 0

  constructor(capacity) {
    this.capacity = capacity
    this.smallMax = Math.max(1, Math.floor(capacity * 0.1))
    this.mainMax = capacity - this.smallMax
    this.ghostMax = Math.floor(capacity * 0.9)
    this.window = this.smallMax * 0.5
  }

  get(id) {
    const small = this.#small.get(id)
    if (small !== undefined) {
      if (this.#admitted - small.admittedAt >= this.window) small.isReferenced = true
      return true
    }
    const main = this.#main.get(id)
    if (main !== undefined) {
      main.isReferenced = true
      return true
    }
    const isKnown = this.#ghost.delete(id)
    while (this.#small.size + this.#main.size >= this.capacity) this.#evict()
    if (isKnown) this.#main.set(id, { isReferenced: false })
    else this.#small.set(id, { admittedAt: ++this.#admitted, isReferenced: false })
    return false
  }

  #evict() {
    if (this.#main.size > this.mainMax || this.#small.size === 0) this.#evictFromMain()
    else this.#evictFromSmall()
  }

  #evictFromMain() {
    for (;;) {
      const id = oldestOf(this.#main)
      const { isReferenced } = this.#main.get(id)
      this.#main.delete(id)
      if (!isReferenced) return
      this.#main.set(id, { isReferenced: false })
    }
  }

  #evictFromSmall() {
    while (this.#small.size > 0) {
      const id = oldestOf(this.#small)
      const { isReferenced } = this.#small.get(id)
      this.#small.delete(id)
      if (isReferenced) {
        this.#main.set(id, { isReferenced: false })
        continue
      }
      this.#ghost.set(id, true)
      if (this.#ghost.size > this.ghostMax) this.#ghost.delete(oldestOf(this.#ghost))
      return
    }
  }
}

/**
 * SIEVE with credits, as Larder's design describes it, in bytes: d = log2(cost / size) less its mean so far; an entry starts with
 * clamp(round(d), 0, 7) credits, a hit lifts them to clamp(round(1 + d), 1, 7), the hand takes one and evicts who has none.
 */
export class TextbookCredits {
  bytesInUse = 0
  #entries = new Map()
  #queue = new Queue()
  #worthSum = 0
  #worthCount = 0

  constructor(bytesMax) {
    this.bytesMax = bytesMax
  }

  get(id, size, cost) {
    const known = this.#entries.get(id)
    if (known !== undefined) {
      known.credits = Math.max(known.credits, known.lift)
      return true
    }
    if (size > this.bytesMax) return false
    while (this.bytesInUse + size > this.bytesMax) this.#evict()
    const d = this.#worthOf(size, cost)
    const entry = { id, size, credits: clamp(d, 0), lift: clamp(1 + d, 1) }
    this.#entries.set(id, entry)
    this.#queue.enter(entry)
    this.bytesInUse += size
    return false
  }

  #worthOf(size, cost) {
    const worth = Math.log2(cost / size)
    this.#worthSum += worth
    this.#worthCount++
    return worth - this.#worthSum / this.#worthCount
  }

  #evict() {
    let entry = this.#queue.first
    while (entry.credits > 0) {
      entry.credits--
      entry = this.#queue.after(entry)
    }
    this.#queue.leave(entry)
    this.#entries.delete(entry.id)
    this.bytesInUse -= entry.size
  }
}

const clamp = (value, least) => Math.min(7, Math.max(least, Math.round(value)))
