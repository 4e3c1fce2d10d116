// Which lives of the origin have been seen: each start of it is one, and each fall begins another (R9).
//
// An origin that falls may have lost what nobody will be told of: the rows of unlogged tables, commits that did not wait for
// their log. No session outlives it, and a new session asks for its context before anything is served to it; a life that nobody
// has seen before makes everything void. Several are alive at once where the address leads to several servers.

/** Servers behind one address, and then some. */
const knownMax = 64

export class OriginLives {
  readonly #known = new Set<string>()
  readonly #begun: () => void

  /** `begun`: another life has begun, and what was read in those before is in doubt. */
  constructor(begun: () => void) {
    this.#begun = begun
  }

  note(life: string): void {
    if (this.#known.has(life)) return
    const isFirst = this.#known.size === 0
    for (const oldest of this.#known) if (this.#known.size >= knownMax) this.#known.delete(oldest)
    this.#known.add(life)
    if (!isFirst) this.#begun()
  }
}
