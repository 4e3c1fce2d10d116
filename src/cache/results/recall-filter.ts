// Whether an answer may lie in L2, told for a few nanoseconds: its key there is a SHA-256, too dear to be made for each miss.
//
// A bit per hash of what this process has put. It may say yes where there is nothing, and says yes to everything while answers of an
// earlier process may be there.

const bitsMax = 2 ** 20
/** Of a long text or many parameters the ends are looked at. */
const charactersMax = 64

export class RecallFilter {
  readonly #bits = new Uint32Array(bitsMax / 32)
  #isOpen = true

  /** There is nothing any more. */
  clear(): void {
    this.#bits.fill(0)
    this.#isOpen = false
  }

  add(contextId: number, text: string, parameters: string): void {
    const bit = hashOf(contextId, text, parameters)
    this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] as number) | (1 << (bit & 31))
  }

  mayHold(contextId: number, text: string, parameters: string): boolean {
    if (this.#isOpen) return true
    const bit = hashOf(contextId, text, parameters)
    return ((this.#bits[bit >>> 5] as number) & (1 << (bit & 31))) !== 0
  }
}

/** The text that was hashed last: the next question is nearly always about the same. */
let lastText = ''
let lastHash = mixed(0, '')

/** Below bitsMax. */
function hashOf(contextId: number, text: string, parameters: string): number {
  if (text !== lastText) {
    lastHash = mixed(text.length, text)
    lastText = text
  }
  const hash = mixed(Math.imul(contextId ^ lastHash, 0x9e3779b1), parameters)
  return (hash ^ (hash >>> 15)) & (bitsMax - 1)
}

function mixed(start: number, text: string): number {
  let hash = start
  for (let at = Math.max(0, text.length - charactersMax); at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash
}
