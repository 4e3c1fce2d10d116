// Rows of one relation that answers depend on, and what changes of rows make of them.
//
//   footprint     columns an answer pins: a row that fails one of them is no matter to it
//   group         footprints that are found by the same columns (footprint-group.ts)
//   recent        the last changes of rows, for answers that are on their way to be kept
//   pending       changes that were heard of and may not be visible yet: no answer they match is kept
//
// It is a partition of the graph (graph.ts): what is cold of it may lie in files.
//
// Invariants
//   1. Whatever is not known of a row matches (an unknown value, a change of the relation as a whole, a change that is not remembered).
//   2. To kill costs what matches and how many groups there are, not how many answers: of ranges there are at most so many.
//   3. A change that is not narrowed to rows moves the guards of all groups, so that a hit looks at no more than one stamp per relation.
//   4. From a change that a file may know more about until the file was consulted, the relation is suspended: nothing is served from it (SPL-11).

import type { DatabaseEpochs, Relation } from './epochs.ts'
import { type Footprinted, FootprintGroup, type Print, type Registration } from './footprint-group.ts'
import type { Graph, Partition } from './graph.ts'
import { type ColumnPin, chargeOfChange, type RowChange, type RowVersion, touches } from './pins.ts'
import type { Segment } from './segment.ts'
import { encodeSegment, type SpilledPrint } from './spill-format.ts'

/** What an answer depends on of one relation. */
export interface Footprint {
  readonly rows: RowFootprints
  readonly group: FootprintGroup
  readonly pins: readonly ColumnPin[]
}

const groupsMax = 16
const recentRowsMax = 4096
/** Rows that wait for one segment to be read. */
const askedRowsMax = 4096
/** A segment takes no more than a moment to write down, and to read. */
const segmentPrintsMax = 2048
const segmentBytesMax = 256 * 1024
/** Without registrations: of the partition, and of a group. */
const partitionBytes = 1200
const groupBytes = 1000

interface RecentChanges {
  readonly tick: number
  readonly changes: readonly RowChange[]
  readonly charge: number
}

export class RowFootprints implements Partition {
  readonly id: number
  readonly relation: Relation
  readonly database: DatabaseEpochs
  readonly graph: Graph
  /** Tick of the latest change that was not narrowed to rows. */
  stamp: number
  /** Quarantines that are not. */
  quarantines: number
  /** What a change is told of, in the order it is told: each column with its type, as `number:type`. Only grows. */
  readonly columns: string[] = []
  /** What some of its columns were before an update is always told. */
  hasIdentity = false
  bytes = 0
  /** In memory and in files. */
  edges = 0
  score = 0
  lastAccessAtMs = 0
  readonly #groups: FootprintGroup[] = []
  /** The group that next() is in. */
  #handAt = 0
  #recent: RecentChanges[] = []
  #recentRows = 0
  /** Of what changed later, everything is in `recent`. */
  #coveredSince: number
  readonly #pending = new Set<readonly RowChange[]>()
  /** Segments to be read, for rows that were changed. */
  readonly #asked = new Map<Segment, { readonly group: FootprintGroup; readonly versions: RowVersion[] }>()
  #isConsulting = false

  constructor(relation: Relation, database: DatabaseEpochs) {
    this.relation = relation
    this.database = database
    this.graph = database.graph
    this.id = this.graph.nextPartition()
    this.stamp = relation.stamp
    this.quarantines = relation.quarantines
    this.#coveredSince = database.clock
    this.graph.open(this)
    this.account(partitionBytes, 0)
  }

  /** Registrations. */
  get count(): number {
    return this.edges
  }

  get spillableBytes(): number {
    return this.#groups.reduce((bytes, group) => (isSpillable(group) ? bytes + group.heldBytes : bytes), 0)
  }

  get diskBytes(): number {
    let bytes = 0
    for (const { segments } of this.#groups) for (const { fileBytes } of segments) bytes += fileBytes
    return bytes
  }

  columnOf(attribute: number, type: number): number {
    const name = `${attribute}:${type}`
    const at = this.columns.indexOf(name)
    return at === -1 ? this.columns.push(name) - 1 : at
  }

  /** Undefined if there are too many. */
  group(columns: readonly number[], isRange: boolean): FootprintGroup | undefined {
    const same = this.#groups.find((group) => group.isRange === isRange && group.columns.join() === columns.join())
    if (same !== undefined || this.#groups.length >= groupsMax || !this.graph.makeRoom(groupBytes)) return same
    const group = new FootprintGroup(columns, isRange, this.stamp, this)
    group.guard.name = this.relation.name
    this.#groups.push(group)
    this.account(groupBytes, 0)
    return group
  }

  /** The relation has moved: as a whole, or by these rows. */
  moved(tick: number, changes: readonly RowChange[] | undefined): void {
    if (changes === undefined) {
      this.stamp = tick
      for (const group of this.#groups) group.void(tick)
      this.#forgetRecent(tick)
      return
    }
    this.#remember(tick, changes)
    if (this.edges === 0) return
    this.graph.used(this)
    const { edges } = this
    for (const group of this.#groups) {
      for (const change of changes) {
        if (change.old !== undefined) this.#touched(group, change.old, tick)
        if (change.new !== undefined) this.#touched(group, change.new, tick)
      }
    }
    this.graph.counters.invalidation_fanout += edges - this.edges
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

  account(bytes: number, edges: number): void {
    this.bytes += bytes
    this.edges += edges
    this.graph.account(bytes, edges)
  }

  decay(seconds: number): void {
    for (const group of this.#groups) group.decay(seconds)
  }

  forget(): void {
    const tick = this.database.tick()
    for (const group of this.#groups) if (group.segments.size > 0) group.void(tick)
    this.#forgetRecent(tick)
  }

  async spill(bytesWanted: number): Promise<boolean> {
    const [group] = this.#groups.filter(isSpillable).sort((one, other) => other.heldBytes - one.heldBytes)
    const prints = group?.first(segmentPrintsMax, Math.min(bytesWanted, segmentBytesMax)) ?? []
    if (group === undefined || prints.length === 0) return false
    const number = this.graph.nextFile()
    const bytes = encodeSegment(
      number,
      prints.map(({ owner: { place, id }, keys, pins }) => ({ place, id, keys, pins })),
    )
    // Until it is written everything is found in memory, and afterwards what is still there.
    if (!(await this.graph.write(number, bytes))) return false
    if (group.spilled(prints, number, bytes.length)) return true
    this.graph.discard(number)
    return false
  }

  next(changingOften: boolean): Footprinted | undefined {
    for (; this.#handAt < this.#groups.length; this.#handAt++) {
      const group = this.#groups[this.#handAt] as FootprintGroup
      const print = changingOften && !group.changesOften ? undefined : group.next()
      if (print !== undefined) return print.owner
    }
    this.#handAt = 0
    return undefined
  }

  discard({ number }: Segment): void {
    this.graph.discard(number)
  }

  found({ place, id }: SpilledPrint): Footprinted | undefined {
    return this.graph.find(place, id)
  }

  verify(): void {
    let [bytes, edges] = [partitionBytes + this.#groups.length * groupBytes, 0]
    for (const { charge } of this.#recent) bytes += charge
    for (const group of this.#groups) {
      const held = group.verify()
      bytes += held.bytes
      edges += held.edges
    }
    if (bytes !== this.bytes || edges !== this.edges) throw new Error('charges add up to the bytes of a partition')
  }

  #touched(group: FootprintGroup, version: RowVersion, tick: number): void {
    for (const segment of group.touched(version, tick)) {
      const asked = this.#asked.get(segment)
      if (asked === undefined) this.#asked.set(segment, { group, versions: [version] })
      else if (asked.versions.length < askedRowsMax) asked.versions.push(version)
      else group.void(tick)
    }
    if (this.#isConsulting || this.#asked.size === 0) return
    this.#isConsulting = true
    this.relation.suspensions++
    void this.#consult()
  }

  async #consult(): Promise<void> {
    try {
      for (let [next] = this.#asked; next !== undefined; [next] = this.#asked) {
        const [segment, { group, versions }] = next
        const prints = segment.isGone ? [] : await this.graph.read(segment.number, this.relation.toString())
        // Those rows, too, that were changed while it was read.
        this.#asked.delete(segment)
        this.#hear(segment, group, versions, prints)
      }
    } catch (error) {
      this.#asked.clear()
      const tick = this.database.tick()
      for (const group of this.#groups) group.void(tick)
      this.graph.lost(this.relation.toString(), String(error))
    } finally {
      this.#isConsulting = false
      this.relation.suspensions--
    }
  }

  #hear(
    segment: Segment,
    group: FootprintGroup,
    versions: readonly RowVersion[],
    prints: readonly SpilledPrint[] | undefined,
  ): void {
    if (segment.isGone) return
    if (prints === undefined) {
      group.void(this.database.tick())
      return
    }
    const { edges } = this
    group.consulted(segment, prints, versions)
    this.graph.counters.invalidation_fanout += edges - this.edges
    if (segment.isGone) return
    if (this.graph.hasRoomToInstall(group.costOfAll(segment, prints))) group.install(segment, prints)
    else if (group.changesOften) {
      this.graph.counters.graph_evictions += group.dissolve(segment, prints, this.graph)
    }
  }

  #remember(tick: number, changes: readonly RowChange[]): void {
    const charge = changes.reduce((bytes, change) => bytes + chargeOfChange(change), 0)
    if (!this.graph.hasRoom(charge)) {
      this.#forgetRecent(tick)
      return
    }
    this.#recent.push({ tick, changes, charge })
    this.#recentRows += changes.length
    this.account(charge, 0)
    if (this.#recentRows <= recentRowsMax && this.#recent.length <= recentRowsMax) return
    // Half of it at once: what is dropped is dropped seldom.
    const dropped = this.#recent.splice(0, Math.ceil(this.#recent.length / 2))
    let bytes = 0
    for (const one of dropped) {
      this.#recentRows -= one.changes.length
      bytes += one.charge
    }
    this.account(-bytes, 0)
    this.#coveredSince = Math.max(this.#coveredSince, dropped.at(-1)?.tick ?? 0)
  }

  #forgetRecent(tick: number): void {
    this.account(-this.#recent.reduce((bytes, { charge }) => bytes + charge, 0), 0)
    this.#recent = []
    this.#recentRows = 0
    this.#coveredSince = tick
  }
}

/** Of a relation that answers pin rows of; undefined if there is no room for it. */
export function rowsOf(relation: Relation, database: DatabaseEpochs): RowFootprints | undefined {
  if (relation.rows === undefined && database.graph.makeRoom(partitionBytes)) {
    relation.rows = new RowFootprints(relation, database)
  }
  return relation.rows
}

/** Keeps footprints for an answer; undefined, and none is kept, if one of them has no place. */
export function keepFootprints(
  footprints: readonly Footprint[],
  owner: Footprinted,
  graph: Graph,
): readonly Registration[] | undefined {
  const prints: Print[] = []
  for (const { rows, group, pins } of footprints) {
    const print = group.add(pins, owner)
    if (print === undefined) {
      for (const kept of prints) kept.leave()
      return undefined
    }
    rows.graph.used(rows)
    prints.push(print)
  }
  graph.counters.graph_nodes++
  return prints
}

export function dropFootprints(prints: readonly Registration[], graph: Graph): void {
  for (const print of prints) print.leave()
  graph.counters.graph_nodes--
}

function isSpillable({ isRange, changesOften, count }: FootprintGroup): boolean {
  return !isRange && !changesOften && count > 0
}
