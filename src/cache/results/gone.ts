// Why answers that are gone have gone, for the last few thousand: so that the miss that follows can say so.
//
// Every fill of a full cache evicts, and every miss asks: so this is a table of places that are written over, in sets of four, and no
// Map, which would hash, insert and delete with each. A set that overflows forgets its oldest; the miss then says `cold`.
//
// Invariants
//   1. Never more than `setCount * placesPerSet` answers are remembered, and none with a long key: what is held here is bounded.
//   2. A reason is told once: the miss that asks for it makes the answer anew.

import type { ReasonCode } from '../../sql/index.ts'

/** Why an entry that is gone is gone. */
export interface GoneReason {
  readonly code: ReasonCode
  readonly argument: string | undefined
}

/** The statement an answer belonged to. */
interface GoneOwner {
  readonly fingerprint: string
  readonly text: string
}

const placesPerSet = 4
const setCount = 1024
const keyLengthMax = 2000
/** Longer texts are told apart by fingerprint (and what of them is hashed), so that none is held when it has left everywhere else. */
const textLengthMax = 200
/** Characters at the end of key and text that choose the set: there answers of one statement differ. */
const hashedMax = 32

export class GoneAnswers {
  /** Hashes of the answers, 0 in an empty place: nearly every question ends here. */
  readonly #hashes = new Int32Array(setCount * placesPerSet)
  readonly #contextIds = new Int32Array(setCount * placesPerSet)
  readonly #names: string[] = new Array(setCount * placesPerSet).fill('')
  readonly #keys: string[] = new Array(setCount * placesPerSet).fill('')
  readonly #reasons: (GoneReason | undefined)[] = new Array(setCount * placesPerSet).fill(undefined)
  /** Per set, the place written next. */
  readonly #next = new Uint8Array(setCount)

  remember(owner: GoneOwner, contextId: number, key: string, reason: GoneReason): void {
    if (key.length > keyLengthMax) return
    const hash = hashOf(owner.text, key)
    const set = hash & (setCount - 1)
    const next = this.#next[set] as number
    this.#next[set] = (next + 1) % placesPerSet
    const place = set * placesPerSet + next
    this.#hashes[place] = hash
    this.#contextIds[place] = contextId
    this.#names[place] = nameOf(owner)
    this.#keys[place] = key
    this.#reasons[place] = reason
  }

  /** Tells why, and forgets it. */
  take(owner: GoneOwner, contextId: number, key: string): GoneReason | undefined {
    if (key.length > keyLengthMax) return undefined
    const hash = hashOf(owner.text, key)
    const set = hash & (setCount - 1)
    let reason: GoneReason | undefined
    // From the oldest to the newest: if the same answer went more than once, its last going is the true reason.
    for (let step = 0; step < placesPerSet; step++) {
      const place = set * placesPerSet + (((this.#next[set] as number) + step) % placesPerSet)
      if (this.#hashes[place] !== hash || this.#contextIds[place] !== contextId) continue
      if (this.#keys[place] !== key || this.#names[place] !== nameOf(owner)) continue
      reason = this.#reasons[place]
      this.#hashes[place] = 0
    }
    return reason
  }
}

function nameOf(owner: GoneOwner): string {
  return owner.text.length > textLengthMax ? owner.fingerprint : owner.text
}

/** Not 0, and different for texts of different length. A poor spread only forgets sooner. */
function hashOf(text: string, key: string): number {
  const hash = Math.imul(hashOfEnd(key, hashOfEnd(text, text.length)), 0x2c1b3c6d)
  return (hash ^ (hash >>> 15)) | setCount
}

function hashOfEnd(text: string, seed: number): number {
  let hash = seed
  for (let at = Math.max(0, text.length - hashedMax); at < text.length; at++) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  }
  return hash
}
