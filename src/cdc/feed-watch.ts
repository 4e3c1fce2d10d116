// Looks after a feed, once a second: how far the origin is, how much of its log it keeps for us, and whether we are in somebody's way.
//
// A slot makes the origin keep its log from the beginning of the oldest transaction that writes. So it cannot be without bound, the feed is
// given up when that is more than `feed_retained_bytes_max`. DROP DATABASE, ALTER DATABASE … RENAME and CREATE DATABASE … TEMPLATE
// want nobody else in the database, and the latter two wait five seconds for that: whoever waits is seen by the lock on the database.

import type { Clock } from '../base/index.ts'
import type { SideClient } from '../origin/index.ts'
import type { Following } from './following.ts'
import { type Lsn, readLsn } from './lsn.ts'
import { FeedRefused } from './refusals.ts'

interface WatchParts {
  readonly side: SideClient
  readonly slot: string
  readonly clock: Clock
  readonly retainedBytesMax: () => number
  readonly following: () => Following | undefined
  readonly onWanted: () => void
  /** Once a second, while there is a stream. */
  readonly onLook?: () => void
  /** It has fallen behind: once, until it has caught up. */
  readonly onLate: (lagMs: number) => void
}

/** A feed that is further behind is late. */
const lagMsMax = 5000
const everyMs = 1000
/** A walsender that says nothing for so long is gone: even one that decodes a large transaction says that it lives. */
const silentMsMax = 120_000

const question = `SELECT pg_catalog.pg_current_wal_flush_lsn()::text AS flushed,
  (SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), s.restart_lsn)::text
   FROM pg_catalog.pg_replication_slots s WHERE s.slot_name OPERATOR(pg_catalog.=) $1) AS retained,
  EXISTS (SELECT 1 FROM pg_catalog.pg_locks l WHERE l.locktype OPERATOR(pg_catalog.=) 'object'
   AND l.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_database'::pg_catalog.regclass
   AND l.objid OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
   AND l.mode OPERATOR(pg_catalog.=) ANY ('{ShareLock,AccessExclusiveLock}'))::text AS wanted`

export class FeedWatch {
  /** Where the origin's log was flushed up to when it was last asked. */
  originLsn: Lsn | undefined
  /** Of its log the origin keeps so much for us. */
  retainedBytes: number | undefined
  /** Everything acknowledged at the origin before then has been heard of. */
  watermarkMs: number | undefined
  /** Further behind than a feed may be to be relied on. */
  isLate = false
  failure: Error | undefined
  /** Rejects when the feed cannot go on. */
  readonly over: Promise<never>
  readonly #parts: WatchParts
  readonly #fail: (reason: Error) => void
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  /** The question of where it is that has no answer yet. */
  #fence: { readonly atUs: number } | undefined
  #heard = { messageCount: -1, atUs: 0 }
  #lastLagMs: number | undefined

  constructor(parts: WatchParts) {
    this.#parts = parts
    let reject: (reason: Error) => void = () => undefined
    this.over = new Promise<never>((_, fail) => {
      reject = fail
    })
    this.over.catch(() => undefined)
    this.#fail = (reason) => {
      if (this.#isClosed) return
      this.failure ??= reason
      reject(reason)
    }
  }

  start(): void {
    this.#look()
      .catch(this.#fail)
      .finally(() => {
        if (this.#isClosed) return
        this.#timer = setTimeout(() => this.start(), everyMs)
        this.#timer.unref()
      })
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  /** How far the feed is behind: how long the latest question of where it is took, or has taken. */
  get lagMs(): number | undefined {
    const fence = this.#fence
    if (fence === undefined) return this.#lastLagMs
    return Math.max((this.#parts.clock.monotonicUs() - fence.atUs) / 1000, this.#lastLagMs ?? 0)
  }

  async #look(): Promise<void> {
    const { side, slot, clock, retainedBytesMax, onWanted } = this.#parts
    const asked = { atMs: clock.nowMs(), atUs: clock.monotonicUs() }
    const [row] = await side.query(question, [slot])
    if (this.#isClosed || row === undefined) return
    this.originLsn = readLsn(row.flushed)
    this.retainedBytes = row.retained === null ? undefined : Math.max(0, Number(row.retained))
    if (row.wanted === 'true') onWanted()
    if (this.retainedBytes !== undefined && this.retainedBytes > retainedBytesMax()) {
      throw new FeedRefused(
        `the origin kept ${this.retainedBytes} bytes of its log for the feed; a transaction that writes has been open for long: end it, or raise feed_retained_bytes_max`,
      )
    }
    this.#parts.onLook?.()
    this.#fenceOff(asked, this.originLsn)
  }

  #fenceOff(asked: { atMs: number; atUs: number }, lsn: Lsn): void {
    const following = this.#parts.following()
    if (following === undefined) return
    if (following.messageCount !== this.#heard.messageCount)
      this.#heard = { messageCount: following.messageCount, atUs: asked.atUs }
    if (this.#fence !== undefined) {
      const lagMs = (asked.atUs - this.#fence.atUs) / 1000
      if (lagMs > lagMsMax && !this.isLate) {
        this.isLate = true
        this.#parts.onLate(lagMs)
      }
      if (asked.atUs - Math.max(this.#heard.atUs, this.#fence.atUs) < silentMsMax * 1000) return
      throw new Error('the origin sends nothing any more')
    }
    this.#fence = asked
    const answered = () => {
      this.#fence = undefined
    }
    following.reached(lsn).then(() => {
      answered()
      this.isLate = false
      this.watermarkMs = asked.atMs
      this.#lastLagMs = (this.#parts.clock.monotonicUs() - asked.atUs) / 1000
    }, answered)
  }
}
