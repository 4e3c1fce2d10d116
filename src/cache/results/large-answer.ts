// Answers too large for memory: they live in L2 alone, in parts, and are sent while they are read.
//
//   $results   key               head: what an answer is judged by, its description, how many parts there are, and their name
//              key/name/0 …      the rows and the completion, cut anywhere
//
// The parts are put while the rows pass; the head, when all of them lie there and nothing has crossed them. Parts without a head are
// never read; they leave when their time is over, or sooner to make room.

import { randomBytes } from 'node:crypto'
import type { Entry } from './entry.ts'

/** What L2 does for them. */
export interface PartStore {
  /** False, and nothing was put, if there is no room on the way. The promise tells whether it lies there. */
  putPart(key: string, value: Buffer, about: PartFacts): Promise<boolean> | false
  /** All of them, as they stand now; undefined if one is not there. */
  beginParts(keys: readonly string[]): Promise<PartReader | undefined>
}

/** How long an answer lasts that is still on its way. */
export interface Expected {
  readonly expiresAtMs: number
  readonly tags: readonly string[]
}

interface PartFacts extends Expected {
  readonly costUs: number
}

interface PartReader {
  readonly count: number
  /** Undefined after damage, or when the store is gone. */
  part(index: number): Promise<Buffer | undefined>
  end(): void
}

/** Where the parts of one answer lie. */
export interface PartsAt {
  readonly name: string
  readonly count: number
  readonly bytes: number
}

export function partKeys(key: string, { name, count }: PartsAt): string[] {
  return Array.from({ length: count }, (_, index) => partKey(key, name, index))
}

function partKey(key: string, name: string, index: number): string {
  return `${key}/${name}/${index}`
}

/** The parts of an answer on their way into L2. */
export class PartWriter {
  readonly key: string
  /** What was emptied since then must not come back. */
  readonly generation: number
  readonly #store: PartStore
  readonly #facts: PartFacts
  readonly #name = randomBytes(9).toString('base64url')
  readonly #puts: Promise<boolean>[] = []
  #bytes = 0

  constructor(store: PartStore, key: string, generation: number, facts: PartFacts) {
    this.#store = store
    this.key = key
    this.generation = generation
    this.#facts = facts
  }

  /** False if it has no place. */
  add(part: Buffer): boolean {
    const put = this.#store.putPart(partKey(this.key, this.#name, this.#puts.length), part, this.#facts)
    if (put === false) return false
    this.#puts.push(put)
    this.#bytes += part.length
    return true
  }

  /** Where they are, when all of them lie there. */
  async settled(): Promise<PartsAt | undefined> {
    const stored = await Promise.all(this.#puts)
    return stored.every(Boolean) ? { name: this.#name, count: stored.length, bytes: this.#bytes } : undefined
  }
}

/** Who does not begin to send it in that time will not. */
const unusedMs = 10_000

/** An answer that was found in L2, ready to be sent once. Holds room in the file until it ends. */
export class LargeAnswer {
  /** Not in memory: its bytes are the description alone. */
  readonly entry: Entry
  readonly #parts: PartReader
  readonly #timer: NodeJS.Timeout
  #ended = false

  constructor(entry: Entry, parts: PartReader) {
    this.entry = entry
    this.#parts = parts
    this.#timer = setTimeout(() => this.end(), unusedMs)
    this.#timer.unref()
  }

  /** False if it is too late. */
  begin(): boolean {
    clearTimeout(this.#timer)
    return !this.#ended
  }

  /** The parts in order, the next one being read while one is sent; stops short, and returns false, when one cannot be read. */
  async *read(): AsyncGenerator<Buffer, boolean> {
    let next = this.#parts.part(0)
    for (let index = 0; index < this.#parts.count; index++) {
      const part = await next
      if (part === undefined || this.#ended) return false
      if (index + 1 < this.#parts.count) next = this.#parts.part(index + 1)
      yield part
    }
    return true
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.#parts.end()
  }
}
