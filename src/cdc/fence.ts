// Fences of one stream (origins.md 4.3, R6): at most one asks, and one is to come; any number of readers share them.
//
//   began at tick t ──► where does the log end? ──► the stream is there ──► everything acknowledged before t has been heard of
//                             └─► where it is flushed, and where it is written ──► everything visible before t
//
// A commit is flushed before it is acknowledged, but with `synchronous_commit = off`, where it is visible and acknowledged before. So what was
// acknowledged is waited for where the log is flushed; what a session may have seen, where it is written, which is a little further
// while others write and comes when their log is flushed: by their commit, or by the origin's walwriter within 200 ms.
//
// What was committed before the stream began is never heard of: as long as some of those that ran then may have been, a snapshot is asked for.

import type { Clock } from '../base/index.ts'
import type { Horizon } from '../invalidation/index.ts'
import type { SideClient } from '../origin/index.ts'
import type { Following } from './following.ts'
import { type Lsn, readLsn } from './lsn.ts'
import { toldMark } from './publication.ts'

interface FenceParts {
  readonly horizon: Horizon
  readonly side: Pick<SideClient, 'query'>
  readonly following: Pick<Following, 'position' | 'reached' | 'ping' | 'hasSuspects' | 'lookAtSuspects'>
  readonly clock: Clock
  readonly nextTick: () => number
  /** What the stream tells of: a fence behind which it is something else does not hold. */
  readonly published?: { readonly name: string; readonly mark: string } | undefined
  /** It cannot go on: the origin does not answer. */
  readonly onFailure: (reason: Error) => void
}

const question = `SELECT pg_catalog.pg_current_wal_flush_lsn()::text AS flushed,
  pg_catalog.pg_current_wal_insert_lsn()::text AS written`
const publishedQuestion = `${question}, ${toldMark} AS mark`

const sizesQuestion = `SELECT pg_catalog.current_setting('wal_block_size') AS block,
  pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::text AS segment`

/** The walsender answers a ping with where it is: it is asked again after so long, and then ever less often. */
const pingMsFirst = 1
const pingMsMost = 20
/** Fences that wait for what is written and not flushed. */
const writtenMax = 16

export class Fence {
  readonly #parts: FenceParts
  /** Tick at which the one that asks began; 0 if none does. */
  #asking = 0
  #isWanted = false
  #isRunning = false
  #isClosed = false
  #writtenCount = 0
  /** Of a page and of a file of the log. */
  #sizes: { readonly block: bigint; readonly segment: bigint } | undefined

  constructor(parts: FenceParts) {
    this.#parts = parts
  }

  /** Sees to it that a fence begins behind this tick, unless the one that asks did. */
  request(tick: number): void {
    if (this.#isClosed || this.#isWanted || this.#asking > tick) return
    this.#isWanted = true
    if (this.#isRunning) return
    this.#isRunning = true
    // Whoever arrives in the same turn shares it.
    setImmediate(() => void this.#run())
  }

  close(): void {
    this.#isClosed = true
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWanted && !this.#isClosed) {
        this.#isWanted = false
        await this.#pass()
      }
    } catch (error) {
      if (!this.#isClosed) this.#parts.onFailure(error as Error)
    } finally {
      this.#isRunning = false
      this.#asking = 0
    }
  }

  async #pass(): Promise<void> {
    const { horizon, side, following, clock, nextTick } = this.#parts
    this.#sizes ??= await sizesOf(side)
    const tick = nextTick()
    this.#asking = tick
    const atUs = clock.monotonicUs()
    const atMs = clock.nowMs()
    const { published } = this.#parts
    const [row] = await (published === undefined
      ? side.query(question)
      : side.query(publishedQuestion, [published.name]))
    if (published !== undefined && row?.mark !== published.mark)
      throw new Error('the publication tells of other tables now')
    const flushed = readLsn(row?.flushed)
    const written = endOfLog(flushed, readLsn(row?.written), this.#sizes)
    if (!this.#isClosed) horizon.marks.note(tick, atMs, written)
    await this.#reach(flushed)
    if (following.hasSuspects) await following.lookAtSuspects()
    if (this.#isClosed) return
    horizon.passed(tick, atUs)
    if (following.position >= written) horizon.passedVisible(tick)
    else if (this.#writtenCount < writtenMax) {
      this.#writtenCount++
      this.#reach(written)
        .then(() => this.#isClosed || horizon.passedVisible(tick))
        .catch(() => undefined)
        .finally(() => this.#writtenCount--)
    }
  }

  async #reach(lsn: Lsn): Promise<void> {
    const { following } = this.#parts
    if (following.position >= lsn) return
    let pauseMs = pingMsFirst
    let timer: NodeJS.Timeout | undefined
    const pingAgain = () => {
      following.ping()
      pauseMs = Math.min(pingMsMost, pauseMs * 2)
      timer = setTimeout(pingAgain, pauseMs)
      timer.unref()
    }
    timer = setTimeout(pingAgain, pauseMs)
    timer.unref()
    try {
      await following.reached(lsn)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Where the log that is written ends. At the beginning of a page that is behind the page's header, though nothing is written there. */
export function endOfLog(flushed: Lsn, written: Lsn, { block, segment }: { block: bigint; segment: bigint }): Lsn {
  const ahead = written - flushed
  const isShortHeader = ahead === 24n && flushed % block === 0n
  const isLongHeader = ahead === 40n && flushed % segment === 0n
  return isShortHeader || isLongHeader ? flushed : written
}

async function sizesOf(side: Pick<SideClient, 'query'>): Promise<{ block: bigint; segment: bigint }> {
  const [row] = await side.query(sizesQuestion)
  return { block: BigInt(row?.block ?? 1), segment: BigInt(row?.segment ?? 1) }
}
