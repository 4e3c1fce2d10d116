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

import type { DatabaseEpochs, Relation } from '../../invalidation/index.ts'
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
  /** Labels by which it can be removed, none twice. */
  readonly tags: readonly string[]
  /** Tick taken before the first byte of the statement went to the origin. */
  readonly start: number
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
}

/** What keeps it: told when it has left the budget to make room. */
export interface EntryKeeper {
  /** Of all its entries; never changes. */
  readonly priority: number
  left(entry: Entry): void
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
  readonly contextId: number
  readonly database: DatabaseEpochs
  readonly role: string
  readonly bytes: AnswerBytes
  readonly descriptionBytes: number
  readonly parameterDescription: Buffer | undefined
  readonly rows: number
  readonly relations: readonly Relation[]
  readonly tags: readonly string[]
  readonly start: number
  readonly costUs: number
  readonly owner: EntryOwner
  readonly charge: number
  /** In L1; -1 when it has left. */
  slot = -1
  /** Among the answers. */
  place = -1
  hits = 0
  /** L2 has it as well, as far as is known. */
  inL2 = false
  readonly #keeper: EntryKeeper
  readonly #created: number
  readonly #proven: number
  readonly #expires: number
  #lastAccess: number

  constructor(facts: EntryFacts, ttlMs: number, keeper: EntryKeeper) {
    firstMs ??= facts.createdAtMs
    this.key = facts.key
    this.contextId = facts.contextId
    this.database = facts.database
    this.role = facts.role
    this.bytes = facts.bytes
    this.descriptionBytes = facts.descriptionBytes
    this.parameterDescription = facts.parameterDescription
    this.rows = facts.rows
    this.relations = facts.relations
    this.tags = facts.tags
    this.start = facts.start
    this.costUs = Math.round(facts.costUs)
    this.owner = facts.owner
    this.charge = facts.bytes.length + this.#besideBytes
    this.#keeper = keeper
    this.#created = facts.createdAtMs - firstMs
    this.#proven = facts.provenAtMs - firstMs
    this.#expires = this.#proven + ttlMs
    this.#lastAccess = this.#created
  }

  /** Length of `bytes`, without a look at them: whoever leaves has not been looked at for long, and memory is slow. */
  get payloadBytes(): number {
    return this.charge - this.#besideBytes
  }

  get #besideBytes(): number {
    return this.key.length + (this.parameterDescription?.length ?? 0) + tagBytes(this.tags) + entryOverheadBytes
  }

  get priority(): number {
    return this.#keeper.priority
  }

  evicted(): void {
    this.#keeper.left(this)
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
