// Rows of one relation that answers depend on, and what changes of rows make of them.
//
//   footprint     columns an answer pins: a row that fails one of them is no matter to it
//   group         footprints that are found by the same columns: by their values, or, of a range, one after the other
//   guard         of a group: its stamp moves when a change cannot be told apart by these columns; its footprints are void then
//   recent        the last changes of rows, for answers that are on their way to be kept
//   pending       changes that were heard of and may not be visible yet: no answer they match is kept
//
// Invariants
//   1. Whatever is not known of a row matches (an unknown value, a change of the relation as a whole, a change that is not remembered).
//   2. To kill costs what matches and how many groups there are, not how many answers: of ranges there are at most so many.
//   3. A change that is not narrowed to rows moves the guards of all groups, so that a hit looks at no more than one stamp per relation.

import { Relation } from './epochs.ts'

/** Values by the number that `RowFootprints.columnOf` gives columns; null for NULL, undefined for what is not known. */
export type RowVersion = readonly (string | null | undefined)[]

/** A row before and after; undefined where there was none. */
export interface RowChange {
  readonly old: RowVersion | undefined
  readonly new: RowVersion | undefined
}

export type ColumnPin =
  | { readonly column: number; readonly values: readonly string[] }
  | { readonly column: number; readonly low: bigint | undefined; readonly high: bigint | undefined }

/** What an answer depends on of one relation. */
export interface Footprint {
  readonly rows: RowFootprints
  readonly group: FootprintGroup
  readonly pins: readonly ColumnPin[]
}

/** An answer that is kept: killed when a row changes that it depends on. */
interface Footprinted {
  killed(relation: Relation): void
}

/** A footprint in its group. */
export interface Print {
  readonly group: FootprintGroup
  readonly owner: Footprinted
  readonly keys: readonly string[]
  readonly pins: readonly ColumnPin[]
}

const groupsMax = 16
const rangesMax = 256
/** Values of an IN list, each with each other's. */
const keysMax = 128
const recentRowsMax = 4096

export class FootprintGroup {
  /** By whose values footprints are found; of a range it is one, and there are no keys. */
  readonly columns: readonly number[]
  readonly isRange: boolean
  readonly guard: Relation
  #prints = new Map<string, Print | Set<Print>>()
  readonly #ranges = new Set<Print>()

  constructor(columns: readonly number[], isRange: boolean, oid: number, stamp: number) {
    this.columns = columns
    this.isRange = isRange
    this.guard = new Relation(oid)
    this.guard.stamp = stamp
  }

  get count(): number {
    return this.#prints.size + this.#ranges.size
  }

  /** True if there is room for it. */
  takes(pins: readonly ColumnPin[]): boolean {
    return this.isRange ? this.#ranges.size < rangesMax : keysOf(this.columns, pins) !== undefined
  }

  /** Undefined if there is no room. */
  add(pins: readonly ColumnPin[], owner: Footprinted): Print | undefined {
    if (this.isRange) {
      if (this.#ranges.size >= rangesMax) return undefined
      const print = { group: this, owner, keys: noKeys, pins }
      this.#ranges.add(print)
      return print
    }
    const keys = keysOf(this.columns, pins)
    if (keys === undefined) return undefined
    // What the key says is not said again.
    const others = pins.filter((pin) => !this.columns.includes(pin.column))
    const print = { group: this, owner, keys, pins: others.length === 0 ? noPins : others }
    for (const key of keys) {
      const there = this.#prints.get(key)
      if (there === undefined) this.#prints.set(key, print)
      else if (there instanceof Set) there.add(print)
      else this.#prints.set(key, new Set([there, print]))
    }
    return print
  }

  remove(print: Print): void {
    this.#ranges.delete(print)
    for (const key of print.keys) {
      const there = this.#prints.get(key)
      if (there === print) this.#prints.delete(key)
      else if (there instanceof Set && there.delete(print) && there.size === 0) this.#prints.delete(key)
    }
  }

  /** Everything in it is void; its answers are found to be when they are asked for, or swept. */
  void(tick: number): void {
    this.guard.stamp = tick
    this.#prints = new Map()
    this.#ranges.clear()
  }

  /** Kills what depends on a row like this. */
  touched(version: RowVersion, tick: number, relation: Relation): void {
    if (this.count === 0) return
    const unknown = this.columns.some((column) => version[column] === undefined)
    if (unknown) {
      this.void(tick)
      return
    }
    if (this.columns.some((column) => version[column] === null)) return
    const found = this.isRange ? this.#ranges : this.#prints.get(keyOf(this.columns, version))
    if (found === undefined) return
    // Whoever is killed leaves at once.
    for (const print of found instanceof Set ? [...found] : [found]) {
      if (matches(print.pins, version)) print.owner.killed(relation)
    }
  }
}

interface RecentChanges {
  readonly tick: number
  readonly changes: readonly RowChange[]
}

export class RowFootprints {
  readonly relation: Relation
  /** Tick of the latest change that was not narrowed to rows. */
  stamp: number
  /** Quarantines that are not. */
  quarantines: number
  /** What a change is told of, in the order it is told: each column with its type, as `number:type`. Only grows. */
  readonly columns: string[] = []
  /** What some of its columns were before an update is always told. */
  hasIdentity = false
  readonly #groups: FootprintGroup[] = []
  #recent: RecentChanges[] = []
  #recentRows = 0
  /** Of what changed later, everything is in `recent`. */
  #coveredSince: number
  readonly #pending = new Set<readonly RowChange[]>()

  constructor(relation: Relation, tick: number) {
    this.relation = relation
    this.stamp = relation.stamp
    this.quarantines = relation.quarantines
    this.#coveredSince = tick
  }

  get count(): number {
    return this.#groups.reduce((sum, group) => sum + group.count, 0)
  }

  columnOf(attribute: number, type: number): number {
    const name = `${attribute}:${type}`
    const at = this.columns.indexOf(name)
    return at === -1 ? this.columns.push(name) - 1 : at
  }

  /** Undefined if there are too many. */
  group(columns: readonly number[], isRange: boolean): FootprintGroup | undefined {
    const same = this.#groups.find((group) => group.isRange === isRange && group.columns.join() === columns.join())
    if (same !== undefined || this.#groups.length >= groupsMax) return same
    const group = new FootprintGroup(columns, isRange, this.relation.oid, this.stamp)
    group.guard.name = this.relation.name
    this.#groups.push(group)
    return group
  }

  /** The relation has moved: as a whole, or by these rows. */
  moved(tick: number, changes: readonly RowChange[] | undefined): void {
    if (changes === undefined) {
      this.stamp = tick
      for (const group of this.#groups) group.void(tick)
      this.#recent = []
      this.#recentRows = 0
      this.#coveredSince = tick
      return
    }
    this.#remember({ tick, changes })
    for (const group of this.#groups) {
      for (const change of changes) {
        if (change.old !== undefined) group.touched(change.old, tick, this.relation)
        if (change.new !== undefined) group.touched(change.new, tick, this.relation)
      }
    }
  }

  quarantine(changes: readonly RowChange[] | undefined): void {
    if (changes === undefined) this.quarantines++
    else this.#pending.add(changes)
  }

  endQuarantine(changes: readonly RowChange[] | undefined): void {
    if (changes === undefined || !this.#pending.delete(changes)) this.quarantines--
  }

  /** True if an answer may not be kept because of what is pending. */
  isQuarantined(pins: readonly ColumnPin[]): boolean {
    if (this.quarantines > 0) return true
    for (const changes of this.#pending) if (changes.some((change) => touches(pins, change))) return true
    return false
  }

  /** True if what an answer depends on may have changed since. */
  hasMoved({ group, pins }: Footprint, start: number): boolean {
    if (this.relation.stamp <= start) return false
    if (this.stamp > start || group.guard.stamp > start || this.#coveredSince > start) return true
    for (let index = this.#recent.length - 1; index >= 0; index--) {
      const { tick, changes } = this.#recent[index] as RecentChanges
      if (tick <= start) return false
      if (changes.some((change) => touches(pins, change))) return true
    }
    return false
  }

  #remember(recent: RecentChanges): void {
    this.#recent.push(recent)
    this.#recentRows += recent.changes.length
    if (this.#recentRows <= recentRowsMax && this.#recent.length <= recentRowsMax) return
    // Half of it at once: what is dropped is dropped seldom.
    const dropped = this.#recent.splice(0, Math.ceil(this.#recent.length / 2))
    for (const { changes } of dropped) this.#recentRows -= changes.length
    this.#coveredSince = Math.max(this.#coveredSince, dropped.at(-1)?.tick ?? 0)
  }
}

/** Of a relation that answers pin rows of. */
export function rowsOf(relation: Relation, tick: number): RowFootprints {
  relation.rows ??= new RowFootprints(relation, tick)
  return relation.rows
}

/** Keeps footprints for an answer; undefined, and none is kept, if one of them has no place. */
export function keepFootprints(footprints: readonly Footprint[], owner: Footprinted): readonly Print[] | undefined {
  const prints: Print[] = []
  for (const { group, pins } of footprints) {
    const print = group.add(pins, owner)
    if (print === undefined) {
      dropFootprints(prints)
      return undefined
    }
    prints.push(print)
  }
  return prints
}

export function dropFootprints(prints: readonly Print[]): void {
  for (const print of prints) print.group.remove(print)
}

const noKeys: readonly string[] = []
const noPins: readonly ColumnPin[] = []

function keyOf(columns: readonly number[], version: RowVersion): string {
  return columns.length === 1
    ? (version[columns[0] as number] as string)
    : columns.map((column) => version[column]).join('\0')
}

/** Every combination of the values that the columns are pinned to; undefined if there are too many. */
function keysOf(columns: readonly number[], pins: readonly ColumnPin[]): readonly string[] | undefined {
  let keys: string[] | undefined
  for (const column of columns) {
    const pin = pins.find((one) => one.column === column)
    if (pin === undefined || !('values' in pin)) return undefined
    const values = [...new Set(pin.values)]
    keys = keys === undefined ? values : keys.flatMap((key) => values.map((value) => `${key}\0${value}`))
    if (keys.length > keysMax) return undefined
  }
  return keys
}

function touches(pins: readonly ColumnPin[], change: RowChange): boolean {
  return (
    (change.old !== undefined && matches(pins, change.old)) || (change.new !== undefined && matches(pins, change.new))
  )
}

function matches(pins: readonly ColumnPin[], version: RowVersion): boolean {
  return pins.every((pin) => {
    const value = version[pin.column]
    if (value === undefined) return true
    if (value === null) return false
    if ('values' in pin) return pin.values.includes(value)
    const number = BigInt(value)
    return (pin.low === undefined || number >= pin.low) && (pin.high === undefined || number <= pin.high)
  })
}
