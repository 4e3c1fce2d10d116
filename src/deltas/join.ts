// A join that is told of each row that comes or goes, and tells which combinations come or go by it.
//
// Nothing is kept but the rows themselves, in indexes by the keys they are looked up by: for a row of one range the others are looked up one
// after the other, on a path that is chosen when the join is made. Ranges that are filled up with NULLs (LEFT JOIN) come last; each
// depends on others than those only.
//
//   from lineitem l join orders o on o.id = l.order_id join customer c on c.id = o.customer_id
//   a row of l: o by id, c by id        a row of o: l by order_id, c by id        a row of c: o by customer_id, l by order_id
//
// A row is compared with the others as they are now, and only then joins them, or has left them before: so each combination is told once,
// in whatever order rows come.

import type { Evaluate, Rows } from './expression.ts'
import { joinKeys, type Key, type Kind, keyOf, type Row } from './kinds.ts'
import { NotMaintainable } from './refusals.ts'
import { RowIndex } from './row-index.ts'

/** Both sides must be equal. */
export interface Link {
  readonly sides: readonly [Side, Side]
  readonly kind: Kind
}

interface Side {
  readonly range: number
  /** Of the combination; reads that range alone. */
  readonly evaluate: Evaluate
}

export interface JoinRange {
  /** Rows that do not pass take no part. */
  readonly filter: Evaluate | undefined
  /** Filled up with NULLs where nothing joins. */
  readonly isOuter: boolean
  readonly nulls: Row
  /** True if these links lead to at most one row. */
  isUnique(links: readonly Link[]): boolean
}

/** The combination is overwritten behind the call. */
type OnCombination = (rows: Rows, weight: 1 | -1) => void

interface Index {
  readonly rows: RowIndex
  readonly keys: readonly Evaluate[]
  readonly kinds: readonly Kind[]
}

interface Step {
  readonly range: number
  readonly index: Index
  /** What is looked for, from the rows found before. */
  readonly probe: readonly Evaluate[]
}

export class Join {
  readonly #ranges: readonly JoinRange[]
  readonly #links: readonly Link[]
  readonly #onCombination: OnCombination
  /** Of each range, those it is in. */
  readonly #indexes: Map<string, Index>[]
  readonly #paths: (readonly Step[])[]
  readonly #outerSteps: readonly Step[]
  readonly #rows: Row[]

  constructor(ranges: readonly JoinRange[], links: readonly Link[], onCombination: OnCombination) {
    this.#ranges = ranges
    this.#links = links
    this.#onCombination = onCombination
    this.#indexes = ranges.map(() => new Map())
    this.#rows = ranges.map(({ nulls }) => nulls)
    this.#paths = ranges.map((_, range) => this.#pathFrom(range))
    const inner = ranges.flatMap(({ isOuter }, range) => (isOuter ? [] : [range]))
    this.#outerSteps = ranges.flatMap(({ isOuter }, range) => (isOuter ? [this.#step(range, inner)] : []))
  }

  change(range: number, old: Row | undefined, now: Row | undefined): void {
    const before = old !== undefined && this.#passes(range, old) ? old : undefined
    const after = now !== undefined && this.#passes(range, now) ? now : undefined
    if (before !== undefined) this.#leave(range, before)
    if (after !== undefined) this.#enter(range, after)
  }

  /** Tells the combinations of a row once more; not of a range that is filled up. */
  replay(range: number, row: Row): void {
    if (this.#passes(range, row)) this.#tell(range, row, 1)
  }

  #passes(range: number, row: Row): boolean {
    const { filter } = this.#ranges[range] as JoinRange
    if (filter === undefined) return true
    this.#rows[range] = row
    return filter(this.#rows) === true
  }

  #enter(range: number, row: Row): void {
    this.#tell(range, row, 1)
    this.#rows[range] = row
    for (const index of (this.#indexes[range] as Map<string, Index>).values())
      index.rows.add(this.#keyOf(index.keys, index.kinds), row)
  }

  #leave(range: number, row: Row): void {
    this.#rows[range] = row
    for (const index of (this.#indexes[range] as Map<string, Index>).values())
      index.rows.delete(this.#keyOf(index.keys, index.kinds), row)
    this.#tell(range, row, -1)
  }

  /** Of the combination as it stands; null if a part is. */
  #keyOf(parts: readonly Evaluate[], kinds: readonly Kind[]): Key {
    if (parts.length === 1) return keyOf(kinds[0] as Kind, (parts[0] as Evaluate)(this.#rows))
    const keys: Key[] = []
    for (let at = 0; at < parts.length; at++) {
      const key = keyOf(kinds[at] as Kind, (parts[at] as Evaluate)(this.#rows))
      if (key === null) return null
      keys.push(key)
    }
    return joinKeys(keys)
  }

  #tell(range: number, row: Row, weight: 1 | -1): void {
    this.#rows[range] = row
    this.#walk(range, this.#paths[range] as readonly Step[], 0, weight)
  }

  #walk(from: number, path: readonly Step[], at: number, weight: 1 | -1): void {
    const step = path[at]
    if (step === undefined) {
      this.#fill(from, 0, weight)
      return
    }
    const found = step.index.rows.find(this.#keyOf(step.probe, step.index.kinds))
    if (found === undefined) return
    if (!(found instanceof Set)) {
      this.#rows[step.range] = found as Row
      this.#walk(from, path, at + 1, weight)
      return
    }
    for (const row of found) {
      this.#rows[step.range] = row
      this.#walk(from, path, at + 1, weight)
    }
  }

  /** The ranges that may be NULL. Where one of them is what changed, its first row takes the place of the NULLs, and its last leaves them. */
  #fill(from: number, at: number, weight: 1 | -1): void {
    const step = this.#outerSteps[at]
    if (step === undefined) {
      this.#onCombination(this.#rows, weight)
      return
    }
    const { nulls } = this.#ranges[step.range] as JoinRange
    const key = this.#keyOf(step.probe, step.index.kinds)
    if (step.range === from) {
      const row = this.#rows[from] as Row
      this.#fill(from, at + 1, weight)
      if (!step.index.rows.has(key)) {
        this.#rows[from] = nulls
        this.#fill(from, at + 1, weight === 1 ? -1 : 1)
        this.#rows[from] = row
      }
      return
    }
    const found = step.index.rows.find(key)
    if (found instanceof Set) {
      for (const row of found) {
        this.#rows[step.range] = row
        this.#fill(from, at + 1, weight)
      }
      return
    }
    this.#rows[step.range] = (found as Row | undefined) ?? nulls
    this.#fill(from, at + 1, weight)
  }

  /** Through the ranges that are not filled up. */
  #pathFrom(start: number): readonly Step[] {
    const visited = [start]
    const rest = new Set(this.#ranges.flatMap(({ isOuter }, range) => (isOuter || range === start ? [] : [range])))
    const path: Step[] = []
    while (rest.size > 0) {
      const next = this.#nextOf(visited, rest)
      path.push(this.#step(next, visited))
      visited.push(next)
      rest.delete(next)
    }
    return path
  }

  #nextOf(visited: readonly number[], rest: ReadonlySet<number>): number {
    let best: { readonly range: number; readonly rank: number } | undefined
    for (const range of rest) {
      const links = this.#linksTo(range, visited)
      if (links.length === 0) continue
      const rank = (this.#ranges[range] as JoinRange).isUnique(links) ? 1000 : links.length
      if (best === undefined || rank > best.rank) best = { range, rank }
    }
    if (best === undefined)
      throw new NotMaintainable('shape', 'a join without an equality is not maintained from changes')
    return best.range
  }

  #linksTo(range: number, visited: readonly number[]): readonly Link[] {
    return this.#links.filter(({ sides: [one, other] }) => {
      return (
        (one.range === range && visited.includes(other.range)) || (other.range === range && visited.includes(one.range))
      )
    })
  }

  #step(range: number, visited: readonly number[]): Step {
    const links = this.#linksTo(range, visited)
    if (links.length === 0)
      throw new NotMaintainable('shape', 'a join without an equality is not maintained from changes')
    const keys: Evaluate[] = []
    const probe: Evaluate[] = []
    for (const { sides } of links) {
      const [one, other] = sides[0].range === range ? sides : [sides[1], sides[0]]
      keys.push(one.evaluate)
      probe.push(other.evaluate)
    }
    const name = links.map((link) => this.#links.indexOf(link)).join()
    const indexes = this.#indexes[range] as Map<string, Index>
    let index = indexes.get(name)
    if (index === undefined) {
      index = { rows: new RowIndex(), keys, kinds: links.map(({ kind }) => kind) }
      indexes.set(name, index)
    }
    return { range, index, probe }
  }
}
