// The bytes of a file in memory, in pieces that copies share until one of them changes.
//
// Tests look at a disk as it may be found after each of thousands of operations. A copy costs a list of pieces then, and
// what comes to both is there once.

/** The smallest page of a store: most writes replace whole pieces. */
const pieceBytes = 4096

export class DiskContents {
  size = 0
  /** A piece that is missing holds zeros. */
  #pieces: (Uint8Array | undefined)[] = []
  /** Which pieces nobody else has. */
  #own: boolean[] = []

  copy(): DiskContents {
    const copy = new DiskContents()
    copy.size = this.size
    copy.#pieces = this.#pieces.slice()
    this.#own = []
    return copy
  }

  /** Fills `into` from `at` on; the number of bytes that there were. */
  read(into: Uint8Array, at: number): number {
    const end = Math.min(this.size, at + into.length)
    for (let from = at; from < end; ) {
      const to = Math.min(end, pieceEnd(from))
      const piece = this.#pieces[Math.floor(from / pieceBytes)]
      if (piece === undefined) into.fill(0, from - at, to - at)
      else into.set(piece.subarray(from % pieceBytes, (from % pieceBytes) + to - from), from - at)
      from = to
    }
    return Math.max(0, end - at)
  }

  /** `bytes` must not change afterwards. */
  write(bytes: Uint8Array, at: number): void {
    this.size = Math.max(this.size, at + bytes.length)
    for (let from = at; from < at + bytes.length; ) {
      const to = Math.min(at + bytes.length, pieceEnd(from))
      const part = bytes.subarray(from - at, to - at)
      const index = Math.floor(from / pieceBytes)
      if (part.length === pieceBytes) this.#share(index, part)
      else this.#ownPiece(index).set(part, from % pieceBytes)
      from = to
    }
  }

  truncate(size: number): void {
    if (size < this.size) {
      const kept = Math.ceil(size / pieceBytes)
      this.#pieces.length = Math.min(this.#pieces.length, kept)
      this.#own.length = Math.min(this.#own.length, kept)
      if (size % pieceBytes !== 0 && this.#pieces[kept - 1] !== undefined) {
        this.#ownPiece(kept - 1).fill(0, size % pieceBytes)
      }
    }
    this.size = size
  }

  flip(at: number, mask: number): void {
    if (at >= this.size) return
    const piece = this.#ownPiece(Math.floor(at / pieceBytes))
    piece[at % pieceBytes] = (piece[at % pieceBytes] as number) ^ mask
  }

  #share(index: number, piece: Uint8Array): void {
    this.#pieces[index] = piece
    this.#own[index] = false
  }

  #ownPiece(index: number): Uint8Array {
    const piece = this.#pieces[index]
    if (piece !== undefined && this.#own[index] === true) return piece
    const own = piece?.slice() ?? new Uint8Array(pieceBytes)
    this.#pieces[index] = own
    this.#own[index] = true
    return own
  }
}

/** Where the piece that holds this place ends. */
function pieceEnd(at: number): number {
  return at - (at % pieceBytes) + pieceBytes
}
