// One stored answer: the frames the origin sent, and what it was derived from.
//
//   bytes   +------------------+-----------+-----+-----------------+
//           | RowDescription   | DataRow * | …   | CommandComplete |      never ParseComplete, BindComplete, ReadyForQuery:
//           +------------------+-----------+-----+-----------------+      those belong to the flow and are made at replay (RRC-13)
//           ^ 0                ^ descriptionBytes
//
// Invariants
//   1. `bytes` is written once and never changed; whoever sends it may hold it after the entry has left (L1-32).
//   2. `charge` is what the budget was charged; exactly that is refunded (G-3).

import type { DatabaseEpochs, Registration, Relation } from '../../invalidation/index.ts'
import type { Resident } from '../blob/index.ts'
import type { AnswerBytes } from './answer-bytes.ts'
import { tagBytes } from './tags.ts'

/** Rough cost of an entry beside its bytes: objects, the key, places in maps and lists; measured, see docs/decisions. */
const entryOverheadBytes = 400

export interface EntryFacts {
  readonly key: string
  readonly contextId: number
  readonly database: DatabaseEpochs
  readonly role: string
  readonly bytes: AnswerBytes
  readonly descriptionBytes: number
  /** ParameterDescription of the statement, if the client asked for it. */
  readonly parameterDescription?: Buffer | undefined
  readonly rows: number
  readonly relations: readonly Relation[]
  /** In their place where it depends on some rows alone: what moves with changes that cannot be told in rows. */
  readonly guards?: readonly Relation[] | undefined
  /** Labels by which it can be removed, none twice. */
  readonly tags: readonly string[]
  /** 0 to 255: in L1, those of lower priority leave first. */
  readonly priority: number
  /** It may be kept in L2 as well. */
  readonly l2: boolean
  /** Tick taken before the first byte of the statement went to the origin. */
  readonly start: number
  /** A tick by which it was answered; undefined if that is not known. */
  readonly end?: number | undefined
  readonly createdAtMs: number
  /** When what is known of its dependencies was last proven; the time to live runs from here. */
  readonly provenAtMs: number
  /** Microseconds the origin took. */
  readonly costUs: number
  /** The statement it answers, for tables that show it. */
  readonly owner: EntryOwner
}

/** What an entry needs of the statement it belongs to: where it is found, and how it is called. */
export interface EntryOwner {
  readonly fingerprint: string
  readonly key: string
  readonly text: string
  readonly shape?: { readonly shown: string; readonly counts: { invalidations: number } }
  forget(entry: Entry): void
  /** A place for what its entries have in common. */
  provenance?: unknown
}

/** What keeps it: told when it has left the budget to make room. */
export interface EntryKeeper {
  left(entry: Entry): void
  /** A row has changed that it depends on. */
  killed(entry: Entry, relation: Relation): void
  /** True if it was used and shall stay; that counts once less then. */
  spare(entry: Entry): boolean
  /** The graph needs the room of its footprints. */
  crowdedOut(entry: Entry): void
}

/** What many answers have in common: held once for all of them. */
interface Provenance {
  readonly contextId: number
  readonly database: DatabaseEpochs
  readonly role: string
  readonly relations: readonly Relation[]
  readonly guards: readonly Relation[]
  readonly tags: readonly string[]
  readonly priority: number
  readonly l2: boolean
  readonly owner: EntryOwner
  readonly keeper: EntryKeeper
}

/** Of the entry last made of a statement: the next is nearly always alike. */
function provenanceOf(facts: EntryFacts, keeper: EntryKeeper): Provenance {
  const { contextId, database, role, relations, guards = relations, tags, priority, l2, owner } = facts
  const last = owner.provenance as Provenance | undefined
  if (
    last?.contextId === contextId &&
    last.database === database &&
    last.role === role &&
    last.relations === relations &&
    last.guards === guards &&
    last.tags === tags &&
    last.priority === priority &&
    last.l2 === l2 &&
    last.keeper === keeper
  ) {
    return last
  }
  const provenance: Provenance = { contextId, database, role, relations, guards, tags, priority, l2, owner, keeper }
  owner.provenance = provenance
  return provenance
}

let lastId = 0

/**
 * The moment an entry was first made. Entries count theirs from here, in whole milliseconds: such numbers lie in the entry itself for 24
 * days, and where a date would be an object of its own, there are 100,000 times four of them to be made, moved and marked.
 */
let firstMs: number | undefined

export class Entry implements Resident {
  readonly id = ++lastId
  readonly key: string
  readonly bytes: AnswerBytes
  readonly descriptionBytes: number
  readonly parameterDescription: Buffer | undefined
  readonly rows: number
  readonly start: number
  /** Tick by which it had been answered, or later. */
  readonly end: number
  readonly costUs: number
  readonly charge: number
  /** In L1; -1 when it has left. */
  slot = -1
  /** Among the answers. */
  place = -1
  hits = 0
  /** L2 has it as well, as far as is known. */
  inL2 = false
  /** Where it is found by the rows it depends on, if it does not depend on its relations as a whole; charged in the graph. */
  prints: readonly Registration[] | undefined = undefined
  readonly #provenance: Provenance
  readonly #created: number
  readonly #proven: number
  readonly #expires: number
  #lastAccess: number

  constructor(facts: EntryFacts, ttlMs: number, keeper: EntryKeeper) {
    firstMs ??= facts.createdAtMs
    this.key = facts.key
    this.#provenance = provenanceOf(facts, keeper)
    this.bytes = facts.bytes
    this.descriptionBytes = facts.descriptionBytes
    this.parameterDescription = facts.parameterDescription
    this.rows = facts.rows
    this.start = facts.start
    this.end = facts.end ?? facts.database.clock
    this.costUs = Math.round(facts.costUs)
    this.charge = facts.bytes.length + besideBytes(this)
    this.#created = facts.createdAtMs - firstMs
    this.#proven = facts.provenAtMs - firstMs
    this.#expires = this.#proven + ttlMs
    this.#lastAccess = this.#created
  }

  /** Length of `bytes`, without a look at them: whoever leaves has not been looked at for long, and memory is slow. */
  get payloadBytes(): number {
    return this.charge - besideBytes(this)
  }

  get contextId(): number {
    return this.#provenance.contextId
  }

  get database(): DatabaseEpochs {
    return this.#provenance.database
  }

  get role(): string {
    return this.#provenance.role
  }

  get relations(): readonly Relation[] {
    return this.#provenance.relations
  }

  /** Whose stamps say whether it holds. */
  get guards(): readonly Relation[] {
    return this.#provenance.guards
  }

  get tags(): readonly string[] {
    return this.#provenance.tags
  }

  get owner(): EntryOwner {
    return this.#provenance.owner
  }

  get priority(): number {
    return this.#provenance.priority
  }

  get l2(): boolean {
    return this.#provenance.l2
  }

  killed(relation: Relation): void {
    this.#provenance.keeper.killed(this, relation)
  }

  spare(): boolean {
    return this.#provenance.keeper.spare(this)
  }

  crowdedOut(): void {
    this.#provenance.keeper.crowdedOut(this)
  }

  evicted(): void {
    this.#provenance.keeper.left(this)
  }

  get createdAtMs(): number {
    return this.#created + (firstMs ?? 0)
  }

  get provenAtMs(): number {
    return this.#proven + (firstMs ?? 0)
  }

  get expiresAtMs(): number {
    return this.#expires + (firstMs ?? 0)
  }

  get lastAccessAtMs(): number {
    return this.#lastAccess + (firstMs ?? 0)
  }

  set lastAccessAtMs(nowMs: number) {
    this.#lastAccess = nowMs - (firstMs ?? 0)
  }
}

function besideBytes({ key, parameterDescription, tags }: Entry): number {
  return key.length + (parameterDescription?.length ?? 0) + tagBytes(tags) + entryOverheadBytes
}
