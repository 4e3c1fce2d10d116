// What others change in the catalogue of a database (DDL, GRANT, roles, policies, functions), by looking again and again.
//
//   snapshot     the same as at the last look: nothing was committed, and nothing is asked
//   fingerprint  the same: nothing of the catalogue has changed
//   relations    which of them differ, where the change is about relations alone
//
// A look that finds a change comes after it, in a snapshot that shows it: whatever is read from then on is read under the new catalogue.
// What concerns relations that no answer is known to be read from is a change of those alone, unless their names could mean something else.

import type { Clock } from '../base/index.ts'
import type { DatabaseEpochs } from '../invalidation/index.ts'
import type { SideClient } from '../origin/index.ts'
import { collisionQuestion, fingerprintQuestion, relationsQuestion } from './catalogue-questions.ts'

/** What has to be void. */
export type CatalogueChange =
  | { readonly kind: 'everything'; readonly detail: string }
  | { readonly kind: 'relations'; readonly oids: readonly number[] }

export interface CatalogueWatchParts {
  readonly side: SideClient
  readonly epochs: DatabaseEpochs
  readonly clock: Clock
  readonly everyMs: number
  /** Names that mean something here unless the origin has a relation of them. */
  readonly ourNames: readonly string[]
  readonly onChange: (change: CatalogueChange) => void
  readonly onFailure: (error: Error) => void
}

interface Mark {
  readonly kind: string
  readonly what: string
  readonly file: string
}

/** What the catalogue was found to be. */
export interface Seen {
  readonly fingerprint: string
  /** Undefined where there are more than are told apart. */
  readonly relations: ReadonlyMap<number, Mark> | undefined
  readonly types: string
}

/** More relations are not told apart: any change of them is one of everything. */
const relationsMax = 20_000
/** At most this share of the time is spent on looking. */
const shareMost = 1 / 20

export class CatalogueWatch {
  readonly #parts: CatalogueWatchParts
  #seen: Seen | undefined
  #snapshot: string | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #isLooking = false
  #isWanted = false
  #waiting: ((hasLooked: boolean) => void)[] = []

  constructor(parts: CatalogueWatchParts) {
    this.#parts = parts
  }

  get seen(): Seen | undefined {
    return this.#seen
  }

  /** What changes from now on will be told, and what has changed since it was seen like this. */
  async begin(before?: Seen): Promise<void> {
    this.#seen = before
    if (before !== undefined) return this.#turn()
    this.#snapshot = await this.#askSnapshot()
    this.#seen = await this.#look()
    this.#later(0)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const resolve of this.#waiting.splice(0)) resolve(false)
  }

  /** Something has been changed: looks at once. */
  poke(): void {
    this.#isWanted = true
    if (this.#isLooking || this.#isClosed || this.#seen === undefined) return
    clearTimeout(this.#timer)
    this.#turn()
  }

  /** Resolves behind a look that began after the call; false if there will be none. */
  looked(): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.poke()
    })
  }

  #turn(): void {
    const { clock, onFailure } = this.#parts
    const waiting = this.#waiting.splice(0)
    const startUs = clock.monotonicUs()
    this.#isLooking = true
    this.#isWanted = false
    this.#compare()
      .catch((error: Error) => {
        if (!this.#isClosed) onFailure(error)
        this.close()
      })
      .finally(() => {
        this.#isLooking = false
        for (const resolve of waiting) resolve(!this.#isClosed)
        this.#later((clock.monotonicUs() - startUs) / 1000)
      })
  }

  #later(tookMs: number): void {
    if (this.#isClosed) return
    const pauseMs = this.#isWanted ? 0 : Math.max(this.#parts.everyMs, tookMs / shareMost)
    this.#timer = setTimeout(() => this.#turn(), pauseMs)
    this.#timer.unref()
  }

  async #compare(): Promise<void> {
    const before = this.#seen as Seen
    const snapshot = await this.#askSnapshot()
    if (snapshot === this.#snapshot) return
    const [row] = await this.#parts.side.query(fingerprintQuestion)
    if (this.#isClosed || row === undefined) return
    if (row.fingerprint !== before.fingerprint) {
      const now = await this.#look()
      const change = await this.#changeBetween(before, now)
      if (this.#isClosed) return
      this.#seen = now
      if (change !== undefined) this.#parts.onChange(change)
    }
    // Only now: whoever was heard of before it has been looked at.
    this.#snapshot = snapshot
  }

  async #askSnapshot(): Promise<string | undefined> {
    const [row] = await this.#parts.side.query('SELECT pg_catalog.pg_current_snapshot()::text AS snapshot')
    return row?.snapshot ?? undefined
  }

  async #look(): Promise<Seen> {
    const { side } = this.#parts
    const [counted] = await side.query(fingerprintQuestion)
    const fingerprint = counted?.fingerprint ?? ''
    if (Number.parseInt(fingerprint, 10) > relationsMax) return { fingerprint, relations: undefined, types: '' }
    const [row] = await side.query(relationsQuestion)
    const marks = JSON.parse(row?.relations ?? '[]') as [number, string, string, number][]
    return {
      fingerprint: row?.fingerprint ?? '',
      types: row?.types ?? '',
      relations: new Map(marks.map(([oid, kind, what, file]) => [oid, { kind, what, file: String(file) }])),
    }
  }

  async #changeBetween(before: Seen, now: Seen): Promise<CatalogueChange | undefined> {
    const everything = (detail: string) => ({ kind: 'everything', detail }) as const
    const [, others] = now.fingerprint.split(' / ')
    if (before.fingerprint.split(' / ')[1] !== others || before.types !== now.types)
      return everything('functions, types, roles or the like have changed')
    if (before.relations === undefined || now.relations === undefined) return everything('relations have changed')
    const { changed, refilled } = differing(before.relations, now.relations)
    const known = changed.filter((oid) => this.#parts.epochs.relations.get(oid)?.name !== undefined)
    if (known[0] !== undefined) {
      return everything(`${this.#parts.epochs.relation(known[0])} has changed`)
    }
    // A composite type has no rows of its own: whoever uses it does not name it.
    const isComposite = changed.some((oid) => before.relations?.get(oid)?.kind === 'c')
    const inUse = changed.filter((oid) => before.relations?.has(oid))
    if (isComposite || (await this.#collides(changed, inUse))) {
      return everything('names, or types of columns, may mean something else')
    }
    const oids = [...changed, ...refilled]
    return oids.length === 0 ? undefined : { kind: 'relations', oids }
  }

  async #collides(changed: readonly number[], inUse: readonly number[]): Promise<boolean> {
    if (changed.length === 0) return false
    const { side, ourNames } = this.#parts
    const lists = [changed, inUse, ourNames].map((list) => `{${list.join()}}`)
    const [row] = await side.query(collisionQuestion, lists)
    return row?.collides !== 'false'
  }
}

/** Made, altered or dropped; and those that have only another file. */
function differing(
  before: ReadonlyMap<number, Mark>,
  now: ReadonlyMap<number, Mark>,
): { readonly changed: readonly number[]; readonly refilled: readonly number[] } {
  const changed: number[] = []
  const refilled: number[] = []
  for (const [oid, mark] of now) {
    const old = before.get(oid)
    if (old?.what !== mark.what) changed.push(oid)
    else if (old.file !== mark.file) refilled.push(oid)
  }
  for (const oid of before.keys()) if (!now.has(oid)) changed.push(oid)
  return { changed, refilled }
}
