// Proves the pages of a page file by themselves, in the order of the file, as they pass through the hands of who copies them.
//
// Every page in use begins with a header and a checksum, but those of an extent behind its first: the first says how many they are, and
// what they hold is proven by who refers to it (chains.ts). Whether a page is the one that its reference means is not seen here.

import { headerProblem } from './chains.ts'
import { extentPagesAt, pageCommitAt, pageHeaderBytes, pageTypeAt, pageTypes } from './layout.ts'
import { PageDamage, problemOf, read32, read64 } from './page.ts'

const otherTypes: readonly (number | undefined)[] = [pageTypes.tree, pageTypes.map, pageTypes.mapDirectory]

export class PageProof {
  readonly #pageSize: number
  /** Behind the head, and behind what has been proven. */
  #next = 1

  constructor(pageSize: number) {
    this.#pageSize = pageSize
  }

  /** Takes whole pages that are in use, from byte `at` of the file on; `rest` is called between pages. Throws PageDamage. */
  prove(bytes: Uint8Array, at: number, rest: () => void = () => {}): void {
    const first = at / this.#pageSize
    // From the beginning again.
    if (first === 0) this.#next = 1
    const end = first + Math.floor(bytes.length / this.#pageSize)
    let page = Math.max(first, this.#next)
    while (page < end) {
      page += this.#proveOne(bytes, (page - first) * this.#pageSize, page)
      rest()
    }
    this.#next = page
  }

  /** How many pages it is. */
  #proveOne(bytes: Uint8Array, base: number, page: number): number {
    const type = bytes[base + pageTypeAt]
    const pages = type === pageTypes.extent ? read32(bytes, base + extentPagesAt) : 1
    const problem =
      type === pageTypes.extent
        ? headerProblem(bytes.subarray(base, base + pageHeaderBytes), { page, pages }, this.#pageSize)
        : this.#problemOfOther(bytes, base, page, type)
    if (problem !== undefined) throw new PageDamage(page, problem)
    return pages
  }

  #problemOfOther(bytes: Uint8Array, base: number, page: number, type: number | undefined): string | undefined {
    if (type === undefined || !otherTypes.includes(type)) return `its type is ${type}`
    return problemOf(bytes, base, this.#pageSize, { page, commit: read64(bytes, base + pageCommitAt) }, type)
  }
}
