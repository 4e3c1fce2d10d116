// Composition: reads of a hot standby (R10, docs/decisions/034-standby-reads.md).
//
//   mark (tick, position) ──► has it replayed that? ──► the statement, between two looks at where it stands
//        no: the primary answers                          └──► does the primary show all that it may have shown? ──► an answer of that tick
//
// A standby shows a commit when it has replayed it, and the primary when it has taken it off the list of those running: that may be later, by
// a moment, or by as long as a synchronous standby takes to answer. So what an answer may have shown is looked for at the primary. Of the
// transactions that it still runs, the standby is asked which it shows as committed; they are waited for.
//
// Whatever is not as it should be, the primary is asked: nothing that goes wrong here is told to a client.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from './base/index.ts'
import type { ContextTable } from './cache/plans/index.ts'
import type { ChangeFeeds } from './change-feeds.ts'
import type { Settings } from './config/index.ts'
import type { StandbyDoor, StandbyQuestion, StandbyReader } from './frontend/index.ts'
import type { Epochs, Mark } from './invalidation/index.ts'
import type { Counters, EventRing } from './observe/index.ts'
import { type OriginTarget, parseOriginUrl } from './origin/index.ts'
import { StandbySession } from './standby-session.ts'
import { StandbyWatch } from './standby-watch.ts'

interface StandbyParts {
  readonly target: OriginTarget
  readonly connectionsMax: () => number
  readonly contexts: () => ContextTable
  readonly feeds: Pick<ChangeFeeds, 'feedOf'>
  readonly epochs: Epochs
  readonly clock: Clock
  readonly counters: Counters
  readonly events: EventRing
  /** Rules of consistency left out on purpose. */
  readonly broken: ReadonlySet<string>
}

/** The one of the settings, if they name one. */
export function openStandby({ readOrigin }: Settings, parts: Omit<StandbyParts, 'target'>): Standby | undefined {
  return readOrigin === '' ? undefined : new Standby({ ...parts, target: parseOriginUrl(readOrigin) })
}

/** A connection nobody reads on is kept for so long. */
const idleMsMax = 60_000
/** A reader whom it would not have is not tried again so soon. */
const refusedMs = 1000

export class Standby implements StandbyDoor {
  readonly display: string
  readonly watch: StandbyWatch
  readonly #parts: StandbyParts
  readonly #sessions = new Set<StandbySession>()
  readonly #opening = new Set<string>()
  readonly #refusedUntilMs = new Map<string, number>()
  readonly #abort = new AbortController()
  readonly #sweeper: NodeJS.Timeout

  constructor(parts: StandbyParts) {
    this.#parts = parts
    this.display = parts.target.display
    this.watch = new StandbyWatch(parts.target, parts.clock, (reason) => this.#tell(reason))
    this.#sweeper = setInterval(() => this.#sweep(), idleMsMax / 4)
    this.#sweeper.unref()
  }

  get isReady(): boolean {
    return this.watch.isReady
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    this.#abort.abort()
    for (const session of this.#sessions) if (session.isBusy) session.abandon()
    await Promise.all([this.watch.close(), ...[...this.#sessions].map((session) => session.close())])
  }

  async read(question: StandbyQuestion): Promise<readonly Buffer[] | undefined> {
    const session = this.#take(question)
    if (session === undefined) return undefined
    const { signal, limitMs, waitMs } = question
    let giveUp: () => void = () => undefined
    const given = new Promise<undefined>((resolve) => {
      giveUp = () => {
        session.abandon()
        resolve(undefined)
      }
    })
    const timer = setTimeout(giveUp, limitMs + 2 * waitMs)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await Promise.race([this.#readOn(session, question), given])
    } catch {
      this.#parts.counters.standby_failures++
      return undefined
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      session.isBusy = false
      if (session.isOver) this.#sessions.delete(session)
    }
  }

  isOpenFor(who: StandbyReader, contextId: number): boolean {
    const key = keyOf(who)
    const isFit = (session: StandbySession) => session.knownContextId === contextId || session.knownContextId === -1
    return [...this.#sessions].some((session) => !session.isOver && keyOf(session.who) === key && isFit(session))
  }

  reached({ lsn }: Mark, waitMs: number): Promise<boolean> {
    return this.watch.reached(lsn, waitMs)
  }

  async #readOn(session: StandbySession, question: StandbyQuestion): Promise<readonly Buffer[] | undefined> {
    const { counters, broken, clock, contexts } = this.#parts
    const { mark, waitMs, limitMs } = question
    const asked = session.contextId(contexts(), clock.nowMs(), question.contextAgeMsMax)
    if ((await within(session, limitMs, asked)) !== question.contextId) return undefined
    const minds = !broken.has('R10-old')
    if (minds && !(await this.watch.reached(mark.lsn, waitMs))) {
      counters.standby_too_old++
      return undefined
    }
    const answer = await within(session, limitMs, session.read(question.statement, question.bytesMax))
    if (answer === undefined) {
      counters.standby_failures++
      return undefined
    }
    session.usedAtMs = clock.nowMs()
    if (minds && answer.replayed < mark.lsn) {
      counters.standby_too_old++
      return undefined
    }
    if (!(await this.#isShown(question, answer.xmax, session.life))) {
      counters.standby_too_new++
      return undefined
    }
    return answer.frames
  }

  /** True when the primary shows all that an answer of the server of this life may have shown, in the stream that the mark is of. */
  async #isShown({ who, mark, waitMs }: StandbyQuestion, xmax: bigint, life: string): Promise<boolean> {
    const { feeds, clock, broken, epochs } = this.#parts
    const { marks } = epochs.database(who.database).horizon
    const untilUs = clock.monotonicUs() + waitMs * 1000
    let unseen: readonly bigint[] | undefined
    for (;;) {
      const following = feeds.feedOf(who.database)?.following
      const shown = await following?.shown.ask()
      if (shown === undefined || (mark.era !== marks.era && !broken.has('R10-old'))) return false
      const mayHide = shown.xmax < xmax && !broken.has('R10-new')
      if (!mayHide && unseen === undefined) {
        const running = broken.has('R10-new') ? [] : shown.running.filter((xid) => xid < xmax)
        unseen = await this.watch.committedOf(shown, running, life)
        if (unseen === undefined) return false
        if (unseen.length === 0) return true
      } else if (!mayHide) {
        unseen = unseen?.filter((xid) => shown.running.includes(xid))
        if (unseen?.length === 0) return true
      }
      if (clock.monotonicUs() > untilUs) return false
      await sleep(1)
    }
  }

  /** One that is free; if there is none, one is opened for the next time. */
  #take({ who, contextId, contextAgeMsMax }: StandbyQuestion): StandbySession | undefined {
    const key = keyOf(who)
    const life = this.watch.last?.life
    let isAnyOther = false
    for (const session of this.#sessions) {
      if (session.isOver) this.#sessions.delete(session)
      // Where it was, another is.
      else if (session.life !== life) {
        if (!session.isBusy) this.#drop(session)
      } else if (keyOf(session.who) === key && !session.isBusy) {
        if (session.knownContextId === contextId || session.knownContextId === -1) {
          session.isBusy = true
          return session
        }
        isAnyOther = true
        session.doubt(this.#parts.contexts(), this.#parts.clock.nowMs(), contextAgeMsMax)
      }
    }
    if (!isAnyOther) void this.#open(who, key)
    return undefined
  }

  async #open(who: StandbyReader, key: string): Promise<void> {
    const { clock, target, connectionsMax } = this.#parts
    const life = this.watch.last?.life
    const isRefused = (this.#refusedUntilMs.get(key) ?? 0) > clock.nowMs()
    if (life === undefined || isRefused || this.#opening.has(key) || !this.#makeRoom(connectionsMax())) return
    this.#opening.add(key)
    try {
      const session = await StandbySession.open(target, who, life, this.#abort.signal)
      session.usedAtMs = clock.nowMs()
      if (this.#abort.signal.aborted) await session.close()
      else this.#sessions.add(session)
    } catch {
      this.#parts.counters.standby_failures++
      if (this.#refusedUntilMs.size > 1000) this.#refusedUntilMs.clear()
      this.#refusedUntilMs.set(key, clock.nowMs() + refusedMs)
    } finally {
      this.#opening.delete(key)
    }
  }

  /** For one more: who was not read on for longest gives way. */
  #makeRoom(countMax: number): boolean {
    const idle = [...this.#sessions].filter(({ isBusy }) => !isBusy).sort((one, other) => one.usedAtMs - other.usedAtMs)
    while (this.#sessions.size + this.#opening.size >= countMax) {
      const [oldest] = idle.splice(0, 1)
      // Whoever is read on now and then keeps it: to open them in turn would cost more than they are worth.
      if (oldest === undefined || this.#parts.clock.nowMs() - oldest.usedAtMs < refusedMs) return false
      this.#drop(oldest)
    }
    return true
  }

  #sweep(): void {
    const nowMs = this.#parts.clock.nowMs()
    for (const session of this.#sessions)
      if (session.isOver || (!session.isBusy && nowMs - session.usedAtMs > idleMsMax)) this.#drop(session)
  }

  #drop(session: StandbySession): void {
    this.#sessions.delete(session)
    void session.close()
  }

  #tell(reason: string | undefined): void {
    const subject = this.display
    if (reason === undefined) this.#parts.events.record({ severity: 'info', event: 'standby_ready', subject })
    else this.#parts.events.record({ severity: 'warning', event: 'standby_refused', subject, detail: reason })
    // Where it was, another may be.
    if (reason !== undefined) for (const session of this.#sessions) if (!session.isBusy) this.#drop(session)
  }
}

/** Given up when it takes longer. */
async function within<Result>(session: StandbySession, limitMs: number, work: Promise<Result>): Promise<Result> {
  const timer = setTimeout(() => session.abandon(), limitMs)
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}

function keyOf({ login, database, startup }: StandbyReader): string {
  return JSON.stringify([login, database, ...startup])
}
