// How far the feed must have come for an answer from memory: the levels of consistency (SQL-35; origins.md 4.3, R2, R6 and R7).
//
//   eventual   nothing is asked for
//   bounded    what was acknowledged to anybody `max_staleness` ago has been heard of, or the answer itself is younger than that
//   session    whatever the session may have seen has: the floor
//   strict     and whatever was acknowledged to anybody before the read arrived
//
// The floor of a session is the tick at which the origin last told it something, or at which an answer it was given from memory had been
// told. What stands in memory and was asked for behind the floor is newer than all that; anything else waits for a fence that began
// behind it (horizon.ts). So reads that follow each other never go back in time, whoever wrote.

import type { StatementText, TextHints } from '../cache/plans/index.ts'
import type { Entry } from '../cache/results/index.ts'
import type { Settings } from '../config/index.ts'
import type { Relation } from '../invalidation/index.ts'
import type { ReasonCode } from '../sql/index.ts'
import { status } from '../wire/index.ts'
import type { Session } from './session.ts'
import type { Aside } from './source-text.ts'
import { hintsFor } from './text-hints.ts'

interface Uncovered {
  readonly code: ReasonCode
  readonly argument: string | undefined
}

/** `waiting`: the session waits, and looks at the message again. */
type Cover = 'covered' | 'waiting' | Uncovered

/** What one statement asks of answers from memory. */
interface Demand {
  readonly level: Settings['consistency']
  readonly maxStalenessMs: number
  /** What is to be in it at least, if a hint says that; else the setting counts. */
  readonly minLsn: string | undefined
}

/** A message that was held back until the feed had come far enough. */
export interface Awaited {
  readonly text: StatementText
  readonly parameters: string
  /** Tick at which it was first looked at. */
  readonly arrived: number
  isCanceled: boolean
}

/** A message that asks for an answer. */
export interface Wish {
  readonly text: StatementText
  readonly parameters: string
  readonly demand: Demand
  /** What it was held back for: not again. */
  readonly awaited: Awaited | undefined
}

/** An answer that may be given, as far as it is judged here. */
interface Held {
  /** Tick before it was asked for. */
  readonly start: number
  readonly askedAtMs: number
  readonly relations: readonly Relation[]
}

export function demandOf(settings: Settings, hints: TextHints | undefined): Demand {
  return {
    level: hints?.consistency ?? settings.consistency,
    maxStalenessMs: hints?.maxStalenessMs ?? settings.maxStaleness,
    minLsn: hints?.minLsn,
  }
}

/** The level a statement is to be answered at. */
export function levelOf(session: Session, text: StatementText | undefined, aside: Aside | undefined): Demand['level'] {
  const hints = text === undefined ? aside?.hints : hintsFor(text, aside)
  return hints?.consistency ?? session.settings.current.consistency
}

/** True if there is nothing to be waited for; else `cover` says more. All that a hit costs in a session that knows no more than the feed. */
export function isCovered(session: Session, { consistency, minLsn }: Settings): boolean {
  if (minLsn !== '') return false
  const { horizon, commits } = session.epochs
  if (consistency !== 'session') return consistency === 'eventual' && commits === 0
  return session.floor < horizon.visible && (commits === 0 || horizon.state === 'streaming')
}

/** The origin has told the session something. */
export function raiseFloor(session: Session): void {
  session.floor = session.services.epochs.clock
}

/** Whether this answer is new enough for who asks. */
export function cover(session: Session, held: Held, wish: Wish): Cover {
  const least = leastCover(session, held, wish)
  return least === 'covered' ? levelCover(session, held, wish) : least
}

/** What a session was told to take for its least: the value, and the tick by which it was. */
const leasts = new WeakMap<Session, { readonly value: string; readonly tick: number }>()

/** As `min_lsn` asks: what was written before it was set is in it. */
function leastCover(session: Session, held: Held, wish: Wish): Cover {
  const { minLsn: hinted } = wish.demand
  if (hinted !== undefined) {
    const tick = hintedLeast(session, hinted, wish)
    return typeof tick === 'number' ? coverBehind(session, held, wish, tick) : tick
  }
  const { minLsn: value } = session.settings.current
  if (value === '') return 'covered'
  let least = leasts.get(session)
  if (least?.value !== value) {
    least = { value, tick: session.services.epochs.clock }
    leasts.set(session, least)
  }
  return coverBehind(session, held, wish, least.tick)
}

/** So many tokens a session may ask by in turn; each that is new costs a question. */
const hintedMax = 16

/** What hints have named, and the tick by which the origin was seen to have it; undefined: it has not. */
const hintedLeasts = new WeakMap<Session, Map<string, number | undefined>>()

/** SET asks whether the origin has come there; what a hint names is asked about when it is first met. */
function hintedLeast(session: Session, value: string, wish: Wish): number | Cover {
  const known = hintedLeasts.get(session) ?? new Map<string, number | undefined>()
  hintedLeasts.set(session, known)
  if (known.has(value)) return known.get(value) ?? floorMiss
  // In a block the question would take its snapshot before its time.
  if (wish.awaited !== undefined || session.status !== status.idle || !session.quiet) return floorMiss
  const { own, epochs } = session.services
  session.before(async () => {
    const isReached = await own.isReached(session, value)
    if (known.size >= hintedMax) known.delete(known.keys().next().value as string)
    known.set(value, isReached ? epochs.clock : undefined)
  })
  return 'waiting'
}

/** What was written before the tick is in it. */
function coverBehind(session: Session, held: Held, wish: Wish, tick: number): Cover {
  const { horizon } = session.epochs
  const isTold = horizon.state === 'streaming' && !held.relations.some((relation) => relation.isUnfed)
  const holds = () => held.start > tick || (isTold && horizon.visible > tick) || session.services.broken.has('R2-least')
  if (held.relations.length === 0 || holds()) return 'covered'
  return isTold ? wait(session, wish, tick, holds, floorMiss) : floorMiss
}

function levelCover(session: Session, held: Held, wish: Wish): Cover {
  const { level } = wish.demand
  const isOrdered = (level === 'session' || level === 'strict') && session.epochs.horizon.state === 'streaming'
  const committed = isOrdered ? undefined : held.relations.find(({ commits }) => commits > 0)
  if (committed !== undefined) return { code: 'suspended', argument: committed.toString() }
  if (level === 'eventual' || held.relations.length === 0) return 'covered'
  if (level === 'bounded') return boundedCover(session, held, wish)
  const { horizon } = session.epochs
  const { broken, epochs } = session.services
  if (level === 'session' && horizon.state === 'unheard') return 'covered'
  const unheard = unheardOf(session, held.relations, level)
  if (unheard !== undefined) return { code: 'feed_down', argument: unheard.toString() }
  if (horizon.state !== 'streaming') return 'covered'
  const arrived = wish.awaited?.arrived ?? epochs.clock
  const holdsFloor = () => session.floor < horizon.visible || held.start > session.floor || broken.has('R2-floor')
  const holdsFence = () => level === 'session' || horizon.acked > arrived || broken.has('R6-fence')
  const holds = () => holdsFloor() && holdsFence()
  if (holds()) return 'covered'
  return wait(session, wish, level === 'session' ? session.floor : arrived, holds, floorMiss)
}

export function coverEntry(session: Session, entry: Entry, wish: Wish): Cover {
  const { current } = session.settings
  // As nearly all are: nothing is made for these.
  const { level, minLsn } = wish.demand
  if (level === current.consistency && minLsn === undefined && isCovered(session, current)) return 'covered'
  const { start, createdAtMs: askedAtMs, relations } = entry
  return cover(session, { start, askedAtMs, relations }, wish)
}

const floorMiss: Uncovered = { code: 'floor', argument: undefined }

/** As young as the bound allows, or standing when everything older had been heard of. */
function boundedCover(session: Session, held: Held, wish: Wish): Cover {
  const { clock, broken } = session.services
  const { maxStalenessMs } = wish.demand
  // Both are cut to the millisecond: what seems to be as old as the bound may be nearly one more.
  if (clock.nowMs() - held.askedAtMs < maxStalenessMs || broken.has('R6-bound')) return 'covered'
  const unheard = unheardOf(session, held.relations, 'bounded')
  if (unheard !== undefined) return { code: 'feed_down', argument: unheard.toString() }
  const { horizon } = session.epochs
  const lagMs = () => (clock.monotonicUs() - horizon.ackedAtUs) / 1000
  const isNear = () => lagMs() <= maxStalenessMs
  // In time for the next, so that those who keep asking never wait.
  if (lagMs() > maxStalenessMs / 2) horizon.request(horizon.acked)
  if (isNear()) return 'covered'
  const argument = Number.isFinite(lagMs()) ? String(Math.round(lagMs())) : undefined
  return wait(session, wish, horizon.acked, isNear, { code: 'lagging', argument })
}

/** One of them that others may change without being heard; what is in no stream binds `session` no more than where there is none. */
function unheardOf(session: Session, relations: readonly Relation[], level: Demand['level']): Relation | undefined {
  if (session.services.broken.has('R9-down')) return undefined
  const isStreaming = session.epochs.horizon.state === 'streaming'
  if (level === 'session') return isStreaming ? undefined : relations.find((relation) => !relation.isUnfed)
  return isStreaming ? relations.find((relation) => relation.isUnfed) : relations[0]
}

/** Holds the message back until it holds: once, and as long as the session allows. */
function wait(session: Session, wish: Wish, behind: number, holds: () => boolean, miss: Uncovered): Cover {
  if (wish.awaited !== undefined) return miss
  const { horizon } = session.epochs
  horizon.request(behind)
  const msMax = session.settings.current.floorWait
  if (msMax === 0 || !session.quiet) return miss
  const { text, parameters } = wish
  const awaited: Awaited = { text, parameters, arrived: session.services.epochs.clock, isCanceled: false }
  session.services.counters.feed_waits++
  session.slowly(
    () =>
      new Promise((resolve) => {
        const settle = () => {
          session.cancelWait = undefined
          session.awaited = awaited
          resolve()
        }
        const leave = horizon.wait(holds, msMax, settle)
        session.cancelWait = () => {
          leave()
          awaited.isCanceled = true
          settle()
        }
      }),
  )
  return 'waiting'
}

/** What the message at hand was held back for; whatever is asked next must not get it. */
export function awaitedFor(session: Session, text: StatementText, parameters: string): Awaited | undefined {
  const { awaited } = session
  session.awaited = undefined
  return awaited?.text === text && awaited.parameters === parameters ? awaited : undefined
}

/** Why an answer in memory would not be given now, if the feed does not come within the time that a read of it would wait; undefined: it would. */
export async function foresee(
  session: Session,
  entry: Entry,
  wish: Omit<Wish, 'awaited'>,
): Promise<Uncovered | undefined> {
  const { text, parameters } = wish
  const arrived = session.services.epochs.clock
  const awaited: Awaited = { text, parameters, arrived, isCanceled: false }
  const look = () => coverEntry(session, entry, { ...wish, awaited })
  const { horizon } = session.epochs
  const { floorWait } = session.settings.current
  const isLate = (cover: Cover) => typeof cover === 'object' && cover.code !== 'feed_down' && cover.code !== 'suspended'
  if (isLate(look()) && horizon.state === 'streaming' && floorWait > 0) {
    horizon.request(arrived)
    await new Promise<void>((resolve) => horizon.wait(() => !isLate(look()), floorWait, resolve))
  }
  const seen = look()
  return typeof seen === 'object' ? seen : undefined
}
