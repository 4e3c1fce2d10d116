// A slot that outlives its connection (`feed_slot = persistent`): a stream that breaks off goes on where it was, and nothing is void.
//
//   prepare ──► as we left it: go on behind what was heard          (the same server in the same life, nobody was there meanwhile)
//          ├──► another's, lost, or doubtful: dropped, made anew     (everything is void, as with a temporary slot)
//          └──► in use: refused for now                              (our own walsender that has not noticed is ended)
//
// Whatever the origin must keep for the slot it keeps while we are away, too. So the slot is dropped as soon as it is of no more use: with
// the feed that it was made for, when it costs more log than it may, and when it cannot be gone on with.

import type { SideClient } from '../origin/index.ts'
import type { Seen } from './catalogue-watch.ts'
import { type Lsn, readLsn } from './lsn.ts'
import { FeedRefused } from './refusals.ts'
import type { RelationNames } from './relation-names.ts'

export interface SlotWish {
  /** Names of slots begin with it: nobody else's do. */
  readonly prefix: string
  /** False: what there are of them are left from before, and are dropped. */
  readonly isKept: boolean
}

/** Where a stream broke off: all before was heard of, and known to be visible. */
interface BrokenOff {
  /** See ChangeFeed.life. */
  readonly life: string
  readonly from: Lsn
  readonly names: RelationNames
  readonly seen: Seen | undefined
  readonly walsenderPid: number
}

const found = `SELECT s.active_pid::text AS pid, s.confirmed_flush_lsn::text AS confirmed, s.wal_status AS wal, s.plugin AS plugin
 FROM pg_catalog.pg_replication_slots s WHERE s.slot_name OPERATOR(pg_catalog.=) $1`
const drop =
  'SELECT pg_catalog.pg_drop_replication_slot(s.slot_name) FROM pg_catalog.pg_replication_slots s WHERE NOT s.active'
const dropOne = `${drop} AND s.slot_name OPERATOR(pg_catalog.=) $1`
const dropAll = `${drop} AND pg_catalog.starts_with(s.slot_name::text, $1)`
const named = `SELECT d.oid::text AS oid, pg_catalog.current_setting('max_slot_wal_keep_size') AS most
 FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()`
const dropLeft = `${drop} AND s.slot_name OPERATOR(pg_catalog.~) '^larder_keep_'
 AND s.database OPERATOR(pg_catalog.=) pg_catalog.current_database()`

/** Those of this database that nobody uses now, of whatever Larder: one that still wants his makes another. */
export async function dropLeftSlots(side: SideClient): Promise<void> {
  await side.query(dropLeft)
}

/** Whoever wants to leave does not wait longer for an origin that does not answer. */
const dropMsMax = 3000

export class PersistentSlot {
  readonly #wish: SlotWish
  readonly #plugin: string
  readonly #tell: (event: string, detail: string) => void
  #name: string | undefined
  #broken: BrokenOff | undefined
  #isClean = false

  constructor(wish: SlotWish, plugin: string, tell: (event: string, detail: string) => void) {
    this.#wish = wish
    this.#plugin = plugin
    this.#tell = tell
  }

  get isKept(): boolean {
    return this.#wish.isKept
  }

  /** Undefined before it is known which database this is, and where none is kept. */
  get name(): string | undefined {
    return this.#name
  }

  brokeOff(at: BrokenOff): void {
    this.#broken = at
  }

  /** What a stream can go on from; undefined if there is no slot now. Throws a FeedRefused if somebody is there. */
  async prepare(side: SideClient, life: string): Promise<BrokenOff | undefined> {
    if (!this.isKept) {
      if (!this.#isClean) await side.query(dropAll, [this.#wish.prefix])
      this.#isClean = true
      return undefined
    }
    const broken = this.#broken
    this.#broken = undefined
    const [database] = await side.query(named)
    const name = `${this.#wish.prefix}_${database?.oid}`
    this.#name = name
    const [slot] = await side.query(found, [name])
    if (slot === undefined) {
      if (broken?.life === life) this.#tell('feed_slot_lost', `${name} was dropped by somebody else`)
      if (database?.most === '-1')
        this.#tell(
          'feed_slot_unbounded',
          'max_slot_wal_keep_size is -1: without Larder nothing bounds the log kept for it',
        )
      return undefined
    }
    if (slot.pid !== null) {
      this.#broken = broken
      await this.#inUse(side, name, Number(slot.pid))
    }
    if (slot.wal === 'lost') this.#tell('feed_slot_lost', `the origin has removed log that ${name} needed`)
    // A life is told by two marks, or a crash may have gone unnoticed.
    const isWhole = slot.wal !== 'lost' && slot.plugin === this.#plugin && life.includes(' ')
    if (isWhole && broken?.life === life && readLsn(slot.confirmed) <= broken.from) return broken
    await side.query(dropOne, [name])
    return undefined
  }

  /** Its stream is over. Nothing is thrown: whoever comes next finds it, and drops it. */
  async drop(side: SideClient): Promise<void> {
    if (!this.isKept || this.#name === undefined) return
    const query = side.query(dropOne, [this.#name]).catch(() => undefined)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, dropMsMax)
    })
    await Promise.race([query, late])
    clearTimeout(timer)
  }

  async #inUse(side: SideClient, name: string, pid: number): Promise<never> {
    if (pid === this.#broken?.walsenderPid) {
      await side.query('SELECT pg_catalog.pg_terminate_backend($1)', [pid])
      throw new FeedRefused(`slot "${name}" is still in use by our own walsender, process ${pid}`, true)
    }
    const remedy =
      'another Larder on a copy of this data directory? Give it one of its own, or remove the file feed-slot there'
    throw new FeedRefused(`slot "${name}" is in use by process ${pid}: ${remedy}`, true)
  }
}
