// Who changed when: one clock, one stamp per relation, and the suspensions that hold hits back while a write is being committed.
//
// An answer remembers `start`, a tick of the clock taken before the first byte of its statement went to the origin. It may be
// served as long as no relation it was read from has a later stamp, and none of them is suspended (origins.md 4.3, R1-R3).
//
// Invariants
//   1. The clock only grows; a stamp is the tick of the latest acknowledged change (G-4).
//   2. Bumping costs the same however much depends on the relation (DEP-3): hits compare stamps, bytes are removed later.
//   3. `suspensions` of a relation equals the number of scopes that hold it, and one while files are consulted about its rows; every suspend
//      has exactly one release.
//   4. A suspension holds hits back, never a fill: the bump at the acknowledgement drops what was filled meanwhile. A quarantine holds
//      fills back, never a hit: its end is a bump.

import { assert } from '../base/index.ts'
import type { RowFootprints } from './footprints.ts'
import { boundless, Graph } from './graph.ts'
import { Horizon } from './horizon.ts'
import type { ChangedBy } from './invalidation-ring.ts'
import type { RowChange } from './pins.ts'

/** A relation of one database, by OID: what a read was derived from, what a write has changed. */
export class Relation {
  readonly oid: number
  /** Tick of the latest change; 0 for none since start. */
  stamp = 0
  /** Scopes that hold hits back now. */
  suspensions = 0
  /** Commits of ours under way whose rows a feed will tell: they hold back hits of those who do not ask for its order (level.ts). */
  commits = 0
  /** Commits heard of that are not known to be visible: what is read of it meanwhile may be old, and is not kept. */
  quarantines = 0
  /** Count of changes, shown as epoch. */
  epoch = 0
  /** Qualified name when the catalogue told it. */
  name: string | undefined
  lastChangeAtMs = 0
  /** Position behind the commit of its last change, once the feed has told of it. */
  lastChangeLsn: bigint | undefined = undefined
  /** Its rows are gone when the origin falls, and no transaction says so. */
  unlogged = false
  /** What others write to it is in no stream of changes. */
  isUnfed = false
  /** Set when answers depend on some of its rows alone. */
  rows: RowFootprints | undefined = undefined

  constructor(oid: number) {
    this.oid = oid
  }

  toString(): string {
    return this.name ?? String(this.oid)
  }
}

/** Why everything of a database was bumped. */
type GlobalCause = 'schema' | 'unknown' | 'flush'

/** What a write may have changed: some relations, or everything. */
export interface WriteScope {
  readonly everything: boolean
  readonly relations: readonly Relation[]
  /** Of some of them, which rows: the others as a whole. */
  readonly rows?: ReadonlyMap<Relation, readonly RowChange[]>
}

export const wholeDatabase: WriteScope = { everything: true, relations: [] }

interface InvalidationObserver {
  /** `by` is undefined where somebody else notes it, or has noted it, as when a commit that arrived becomes visible. */
  bumped(database: string, scope: WriteScope, by: ChangedBy | undefined): void
  suspended(): void
}

export class DatabaseEpochs {
  readonly name: string
  /** Tick of the latest change that could not be narrowed. */
  stamp = 0
  cause: GlobalCause = 'schema'
  /** Tick of the latest change of the catalogue: what is known of statements before it is void. */
  schemaStamp = 0
  /** Scopes that suspend everything. */
  suspensions = 0
  /** Of all relations together. */
  commits = 0
  /** Quarantines of everything. */
  quarantines = 0
  readonly horizon = new Horizon()
  readonly relations = new Map<number, Relation>()
  /** Told of a relation some rows of which answers will depend on, and when they depend on more of its columns. */
  onRowsWanted: ((relation: Relation) => void) | undefined
  readonly #epochs: Epochs

  constructor(name: string, epochs: Epochs) {
    this.name = name
    this.#epochs = epochs
  }

  /** Which answers were read from which rows; of all databases. */
  get graph(): Graph {
    return this.#epochs.graph
  }

  /** Of the clock that all databases share. */
  tick(): number {
    return this.#epochs.tick()
  }

  get clock(): number {
    return this.#epochs.clock
  }

  relation(oid: number): Relation {
    let relation = this.relations.get(oid)
    if (relation === undefined) {
      relation = new Relation(oid)
      this.relations.set(oid, relation)
    }
    return relation
  }

  suspend(scope: WriteScope): void {
    if (scope.everything) this.suspensions++
    else for (const relation of scope.relations) relation.suspensions++
    this.#epochs.observer?.suspended()
  }

  release(scope: WriteScope): void {
    if (scope.everything) {
      assert(this.suspensions > 0, 'release without suspend')
      this.suspensions--
      return
    }
    for (const relation of scope.relations) {
      assert(relation.suspensions > 0, 'release without suspend')
      relation.suspensions--
    }
  }

  /** Of relations alone. */
  beginCommit(scope: WriteScope): void {
    for (const relation of scope.relations) relation.commits++
    this.commits += scope.relations.length
  }

  endCommit(scope: WriteScope): void {
    for (const relation of scope.relations) {
      assert(relation.commits > 0, 'the end of a commit that was begun')
      relation.commits--
    }
    this.commits -= scope.relations.length
  }

  quarantine(scope: WriteScope): void {
    if (scope.everything) this.quarantines++
    else {
      for (const relation of scope.relations) {
        relation.quarantines++
        relation.rows?.quarantine(scope.rows?.get(relation))
      }
    }
  }

  endQuarantine(scope: WriteScope): void {
    if (scope.everything) {
      assert(this.quarantines > 0, 'the end of a quarantine that was begun')
      this.quarantines--
      return
    }
    for (const relation of scope.relations) {
      assert(relation.quarantines > 0, 'the end of a quarantine that was begun')
      relation.quarantines--
      relation.rows?.endQuarantine(scope.rows?.get(relation))
    }
  }

  /** Makes everything unservable that was started before this tick. */
  voidBefore(tick: number): void {
    if (tick <= this.stamp) return
    this.stamp = tick
    this.cause = 'unknown'
    this.schemaStamp = Math.max(this.schemaStamp, tick)
    this.#epochs.observer?.bumped(this.name, wholeDatabase, { cause: 'feed' })
  }

  /** The feed says where a change lies that was acted upon before. */
  placed(scope: WriteScope, lsn: bigint): void {
    for (const relation of scope.relations) relation.lastChangeLsn = lsn
  }

  /** Makes everything derived from the scope before now unservable. A `write` changes rows, whatever else may change the catalogue. */
  bump(scope: WriteScope, cause: 'write' | GlobalCause, nowMs: number, by?: ChangedBy, lsn = by?.lsn): void {
    const tick = this.#epochs.tick()
    if (scope.everything) {
      this.stamp = tick
      this.cause = cause === 'write' ? 'unknown' : cause
      if (cause !== 'flush' && cause !== 'write') this.schemaStamp = tick
    } else {
      for (const relation of scope.relations) {
        relation.stamp = tick
        relation.epoch++
        relation.lastChangeAtMs = nowMs
        relation.lastChangeLsn = lsn
        relation.rows?.moved(tick, scope.rows?.get(relation))
      }
    }
    this.#epochs.observer?.bumped(this.name, scope, by)
  }
}

export class Epochs {
  /** Told of every bump and suspension, for counters and `cache.events`. */
  observer: InvalidationObserver | undefined
  readonly databases = new Map<string, DatabaseEpochs>()
  readonly graph: Graph
  #clock = 0

  constructor(graph = new Graph(boundless)) {
    this.graph = graph
  }

  tick(): number {
    return ++this.#clock
  }

  get clock(): number {
    return this.#clock
  }

  /** Ticks up to this one were another process's: ours come after them. */
  advance(tick: number): void {
    this.#clock = Math.max(this.#clock, tick)
  }

  database(name: string): DatabaseEpochs {
    let database = this.databases.get(name)
    if (database === undefined) {
      database = new DatabaseEpochs(name, this)
      this.databases.set(name, database)
    }
    return database
  }

  /** For what concerns the whole cluster: roles, memberships, databases, settings of the server. */
  bumpAllDatabases(cause: GlobalCause, nowMs: number, by?: ChangedBy): void {
    for (const database of this.databases.values()) database.bump(wholeDatabase, cause, nowMs, by)
  }
}

/** True if nothing that `relations` stand for changed after `start`, in this database. */
export function unmoved(database: DatabaseEpochs, relations: readonly Relation[], start: number): boolean {
  if (database.stamp > start) return false
  for (let index = 0; index < relations.length; index++) {
    if ((relations[index] as Relation).stamp > start) return false
  }
  return true
}

/** True if a write to one of them is being committed. */
export function suspended(database: DatabaseEpochs, relations: readonly Relation[]): boolean {
  if (database.suspensions > 0) return true
  for (let index = 0; index < relations.length; index++) {
    if ((relations[index] as Relation).suspensions > 0) return true
  }
  return false
}

/** True if a commit was heard of that changed one of them and may not be visible yet: no answer from them is kept. */
export function quarantined(database: DatabaseEpochs, relations: readonly Relation[]): boolean {
  if (database.quarantines > 0) return true
  for (let index = 0; index < relations.length; index++) {
    if ((relations[index] as Relation).quarantines > 0) return true
  }
  return false
}
