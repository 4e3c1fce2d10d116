// Composition: what is known of the standby behind `read_origin`: whose it is, and how far it has come. One connection of our own asks.
//
//   connecting ──► ready ──► refused: not reached, no standby (any more), no superuser; asked again with a growing pause
//
// Its log has positions of a timeline. A standby that follows another server than ours may be on another one, whose positions say nothing here;
// its walreceiver tells, to superusers alone. Timelines only grow: one that is found before and after an answer was there in between.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from './base/index.ts'
import { readLsn, SharedRuns, type Shown } from './cdc/index.ts'
import { type OriginTarget, SideClient } from './origin/index.ts'

/** How it stood when it was last asked. */
interface StandbyLook {
  readonly system: string
  readonly isStandby: boolean
  readonly replayed: bigint
  /** Of what it is streamed; NaN if nothing is. */
  readonly timeline: number
  /** When it was started: another where the address leads to another. */
  readonly life: string
}

const lookText = `SELECT (pg_control_system()).system_identifier::text AS system, pg_is_in_recovery()::text AS recovering,
  pg_last_wal_replay_lsn()::text AS replayed, (SELECT received_tli::text FROM pg_stat_wal_receiver WHERE status = 'streaming') AS timeline,
  encode(timestamptz_send(pg_postmaster_start_time()), 'hex') AS life, current_setting('is_superuser') AS super`

/** Of some transactions, those that it shows to have been committed. */
const committedText = `SELECT string_agg(x::text, ',') AS committed FROM unnest($1::xid8[]) x
  WHERE CASE WHEN x < pg_snapshot_xmax(pg_current_snapshot()) THEN pg_xact_status(x) = 'committed' END`

const answerMsMax = 10_000
const pauseMsFirst = 250
const pauseMsMost = 30_000
const lookEveryMs = 1000
/** A standby that had not come far enough is not waited for again so soon. */
const impatientMs = 50

export class StandbyWatch {
  /** Why it is not asked. */
  reason: string | undefined = 'not reached yet'
  sinceMs: number
  last: StandbyLook | undefined
  /** Why the last answer counted for nothing, if it was not a standby of ours: then one read a second finds out whether it still is none. */
  strangeness: string | undefined
  readonly #target: OriginTarget
  readonly #clock: Clock
  readonly #onChange: (reason: string | undefined) => void
  readonly #abort = new AbortController()
  readonly #looks = new SharedRuns(() => this.#look())
  readonly #running: Promise<void>
  #side: SideClient | undefined
  #impatientUntilUs = 0
  #judgedAtMs = 0

  /** `onChange` hears why it is not asked from now on, or that it is. */
  constructor(target: OriginTarget, clock: Clock, onChange: (reason: string | undefined) => void) {
    this.#target = target
    this.#clock = clock
    this.#onChange = onChange
    this.sinceMs = clock.nowMs()
    this.#running = this.#run()
  }

  get isReady(): boolean {
    if (this.reason !== undefined || this.#side === undefined) return false
    return this.strangeness === undefined || this.#clock.nowMs() - this.#judgedAtMs >= lookEveryMs
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  /** True when it has replayed as much, which is waited for so long. */
  async reached(lsn: bigint, msMax: number): Promise<boolean> {
    const isThere = () => this.last !== undefined && this.last.replayed >= lsn
    if (isThere()) return true
    const beganUs = this.#clock.monotonicUs()
    await this.#looks.ask()
    while (!isThere()) {
      const nowUs = this.#clock.monotonicUs()
      if (nowUs < this.#impatientUntilUs) return false
      if (nowUs - beganUs > msMax * 1000) {
        this.#impatientUntilUs = nowUs + impatientMs * 1000
        return false
      }
      await sleep(1)
      await this.#looks.ask()
    }
    return true
  }

  /** Of these transactions, which it shows; undefined if it is no standby of the origin that shows this, or another than that of this life. */
  async committedOf(shown: Shown, xids: readonly bigint[], life: string): Promise<readonly bigint[] | undefined> {
    const look = await this.#looks.ask()
    this.strangeness = strangenessOf(look, shown)
    this.#judgedAtMs = this.#clock.nowMs()
    if (!look.isStandby || look.life !== life || this.strangeness !== undefined) return undefined
    if (xids.length === 0) return []
    const [row] = (await this.#side?.query(committedText, [`{${xids.join(',')}}`])) ?? []
    if (row === undefined) return undefined
    return row.committed === null || row.committed === undefined ? [] : row.committed.split(',').map(BigInt)
  }

  async #look(): Promise<StandbyLook> {
    const [row] = (await this.#side?.query(lookText)) ?? []
    if (row === undefined) throw new Error(this.reason ?? 'the standby is not reached')
    const look: StandbyLook = {
      system: row.system ?? '',
      isStandby: row.recovering === 'true',
      replayed: row.replayed === null ? 0n : readLsn(row.replayed),
      timeline: Number(row.timeline ?? Number.NaN),
      life: row.life ?? '',
    }
    this.last = look
    this.#become(
      look.isStandby
        ? row.super === 'on'
          ? undefined
          : 'the user of read_origin is no superuser: it could not read as others'
        : 'it is no standby, or no longer one',
    )
    return look
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    let pauseMs = pauseMsFirst
    while (!signal.aborted) {
      try {
        await this.#follow(() => {
          pauseMs = pauseMsFirst
        })
      } catch (error) {
        if (!signal.aborted) this.#become((error as Error).message)
      }
      this.last = undefined
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
      pauseMs = Math.min(pauseMsMost, pauseMs * 2)
    }
  }

  /** Until the connection is over. */
  async #follow(onReady: () => void): Promise<never> {
    const { signal } = this.#abort
    const side = await SideClient.open(this.#target, {
      ...{ signal, applicationName: 'larder standby', answerMsMax },
      settings: { statement_timeout: `${answerMsMax}`, idle_session_timeout: '0', search_path: 'pg_catalog' },
    })
    this.#side = side
    const ended = side.over.then((error) => Promise.reject(error))
    ended.catch(() => undefined)
    try {
      for (;;) {
        await Promise.race([this.#looks.ask(), ended])
        if (this.isReady) onReady()
        await Promise.race([sleep(lookEveryMs, undefined, { signal, ref: false }), ended])
      }
    } finally {
      this.#side = undefined
      await side.leave()
    }
  }

  #become(reason: string | undefined): void {
    if (this.reason === reason) return
    this.reason = reason
    this.sinceMs = this.#clock.nowMs()
    this.#onChange(reason)
  }
}

function strangenessOf(look: StandbyLook, shown: Shown): string | undefined {
  if (look.system !== shown.system) return `it is of another system than the origin, ${look.system}`
  if (Number.isNaN(look.timeline)) return 'nothing is streamed to it'
  if (look.timeline === shown.timeline) return undefined
  return `it is on timeline ${look.timeline}, the origin on ${shown.timeline}`
}
