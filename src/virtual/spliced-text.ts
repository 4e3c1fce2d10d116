// A text with parts of it replaced, and the way back: where a place in the new one is in the old.

interface Splice {
  /** Of the old text, as places in the string. */
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A stretch of the old text in the new one. */
interface Stretch {
  readonly start: number
  readonly end: number
  readonly newStart: number
}

export class SplicedText {
  readonly text: string
  readonly #old: string
  readonly #stretches: readonly Stretch[]

  /** `splices` in the order of their places. */
  constructor(old: string, splices: readonly Splice[]) {
    const stretches: Stretch[] = []
    let text = ''
    let at = 0
    for (const splice of [...splices, { start: old.length, end: old.length, text: '' }]) {
      stretches.push({ start: at, end: splice.start, newStart: text.length })
      text += old.slice(at, splice.start) + splice.text
      at = splice.end
    }
    this.text = text
    this.#old = old
    this.#stretches = stretches
  }

  /** A position in characters, from 1, as PostgreSQL counts; undefined within what was put in. */
  positionOf(position: number): number | undefined {
    const at = [...this.text].slice(0, position - 1).join('').length
    const last = this.#stretches.at(-1)
    const found = this.#stretches.find((stretch) => {
      const newEnd = stretch.newStart + (stretch.end - stretch.start)
      return at >= stretch.newStart && (at < newEnd || (at === newEnd && stretch === last))
    })
    if (found === undefined) return undefined
    return [...this.#old.slice(0, found.start + at - found.newStart)].length + 1
  }
}
