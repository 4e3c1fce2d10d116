// What foreign writers commit in one database of the origin, as invalidations (origins.md 4.3, R4, R5, R9): its states, and what is known of it.
//
//   connecting ──► streaming ──► lost ──► connecting …        with a growing pause in between
//        └──────► refused ────────────────┘                   the origin says no: wal_level, REPLICATION, slots (refusals.ts)
//
// One connection streams, another asks. While there is no stream nothing is known of foreign writers: answers are then as old as their
// time to live allows, as they are where there is no feed. When a stream begins, everything that was kept before it is void.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/index.ts'
import type { DatabaseEpochs } from '../invalidation/index.ts'
import { type OriginTarget, SideClient } from '../origin/index.ts'
import { CatalogueWatch, type CatalogueWatchParts, type Seen } from './catalogue-watch.ts'
import { UnreadableChange } from './change.ts'
import { type Decoder, testDecoding } from './feed-line.ts'
import { FeedWatch } from './feed-watch.ts'
import { Fence } from './fence.ts'
import { Following } from './following.ts'
import type { FeedTally } from './following-parts.ts'
import type { ForeignCommits } from './foreign-commits.ts'
import { PersistentSlot, type SlotWish } from './persistent-slot.ts'
import { PgOutput } from './pgoutput.ts'
import { readTold, type Told } from './publication.ts'
import { checkOrigin, FeedRefused, refusalOf } from './refusals.ts'
import { ReplicationStream, slotName } from './replication-stream.ts'

export type FeedState = 'connecting' | 'streaming' | 'lost' | 'refused' | 'closed'

export interface FeedParts {
  /** Where the database is now. */
  readonly target: () => OriginTarget
  readonly epochs: DatabaseEpochs
  readonly commits: ForeignCommits
  readonly clock: Clock
  readonly tally: FeedTally
  /** A slot that outlives its connection, or what is left of such. */
  readonly slot?: SlotWish | undefined
  /** Decoded by pgoutput, if there is one to ask for. */
  readonly publication?: string | undefined
  readonly onSlot: (event: string, detail: string) => void
  /** Most of the origin's log that may be kept for us. */
  readonly retainedBytesMax: () => number
  /** Names the server, and which of its lives it is: another where the address leads to another, or after a fall. */
  readonly lifeOf: (side: SideClient) => Promise<string>
  /** The server that is followed from now on. */
  readonly onLife: (life: string) => void
  /** The tick since when nothing was committed at the origin, as it shows now; undefined if that is not known. */
  readonly unmovedSince: (side: SideClient) => Promise<number | undefined>
  /** Rules of consistency left out on purpose. */
  readonly broken: ReadonlySet<string>
  /** Told of every change of state; `reason` says why it is lost or refused, and what to do. */
  readonly onState: (state: FeedState, reason: string | undefined) => void
  /** Somebody waits for the database to have no other connections. */
  readonly onWanted: () => void
  /** The feed has fallen behind. */
  readonly onLate: (lagMs: number) => void
  /** How the catalogue is looked at, if it is. */
  readonly catalogue?: Omit<CatalogueWatchParts, 'side' | 'epochs' | 'clock'> | undefined
}

const pauseMsFirst = 100
const pauseMsMost = 30_000
const refusedMsFirst = 30_000
const refusedMsMost = 300_000
/** A stream that lasted so long is followed by the next without much of a pause. */
const steadyMs = 10_000
const answerMsMax = 30_000
/** Somebody has seen to something there, perhaps to what was in the way: asked again this long after the last time. */
const retryMs = 1000
/** So long after a loss what may pass by itself is no refusal. */
const passMs = 5000

export class ChangeFeed {
  state: FeedState = 'connecting'
  /** Why it is not streaming. */
  reason: string | undefined
  /** Since when the state is what it is. */
  sinceMs: number
  readonly #parts: FeedParts
  readonly #abort = new AbortController()
  #following: Following | undefined
  #watch: FeedWatch | undefined
  #slot: string | undefined
  #catalogue: CatalogueWatch | undefined
  #running: Promise<void> | undefined
  #life: string | undefined
  #told: Told | undefined
  #end: ((reason: Error) => void) | undefined
  #lostUs = 0
  #askedUs = Number.NEGATIVE_INFINITY
  #retry: (() => void) | undefined
  /** Somebody saw to something while it was being tried. */
  #isRetryWanted = false
  readonly #kept: PersistentSlot | undefined

  constructor(parts: FeedParts) {
    this.#parts = parts
    if (parts.slot !== undefined) this.#kept = new PersistentSlot(parts.slot, this.plugin, parts.onSlot)
    this.sinceMs = parts.clock.nowMs()
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when the origin has let go of the slot and the connections. */
  async close(): Promise<void> {
    this.#abort.abort()
    await this.#running
    this.#become('closed', undefined)
  }

  /** Of the stream there is, if there is one. */
  get slot(): string | undefined {
    return this.#slot
  }

  get following(): Following | undefined {
    return this.state === 'streaming' ? this.#following : undefined
  }

  get watch(): FeedWatch | undefined {
    return this.#watch
  }

  /** The server it follows, or is about to; see `lifeOf`. */
  get life(): string | undefined {
    return this.#life
  }

  get plugin(): Decoder['plugin'] {
    return this.#parts.publication === undefined ? 'test_decoding' : 'pgoutput'
  }

  /** False if changes of the relation are not told in full: the publication leaves them out. */
  isTold(oid: number): boolean {
    return this.#told?.oids?.has(oid) !== false
  }

  /** A session has reached the origin in this life of it. */
  met(life: string): void {
    if (life === this.#life || life === '') return
    if (this.#end === undefined) this.retry()
    else this.#end(new ElsewhereError('sessions reach another server than the feed follows, or another life of it'))
  }

  /** It may be allowed now. */
  retry(): void {
    if (this.#retry === undefined) this.#isRetryWanted = true
    else this.#retry()
  }

  /** The catalogue has been changed: it is looked at now. */
  poke(): void {
    this.#catalogue?.poke()
  }

  /** Resolves when all is heard of that was acknowledged to anybody before the call (R6). Throws if there is no stream, or not for long enough. */
  async fence(): Promise<void> {
    const { horizon } = this.#parts.epochs
    const tick = this.#parts.epochs.tick()
    horizon.request(tick)
    await new Promise<void>((resolve) => horizon.wait(() => horizon.acked > tick, answerMsMax, resolve))
    if (horizon.state !== 'streaming' || horizon.acked <= tick) throw new Error('there is no stream')
  }

  /** The same, and of what was changed in the catalogue; false if that is not looked at. */
  async settled(): Promise<boolean> {
    await this.fence()
    return (await this.#catalogue?.looked()) ?? false
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    let pauseMs = pauseMsFirst
    let refusedMs = refusedMsFirst
    while (!signal.aborted) {
      const outcome = await this.#attempt()
      if (signal.aborted) return
      if (outcome.wasSteady) pauseMs = pauseMsFirst
      if (outcome.isRefused && this.#parts.epochs.horizon.state === 'lost') this.#giveUp()
      this.#become(outcome.isRefused ? 'refused' : 'lost', outcome.reason)
      await this.#rest(outcome.isRefused ? refusedMs : pauseMs)
      if (outcome.isRefused) refusedMs = Math.min(refusedMsMost, refusedMs * 2)
      else pauseMs = Math.min(pauseMsMost, pauseMs * 2)
      if (outcome.wasSteady) refusedMs = refusedMsFirst
    }
  }

  /** As where there never was a feed: own writes are exact, the time to live bounds what others write. */
  #giveUp(): void {
    this.#parts.commits.giveUp()
    this.#parts.epochs.horizon.giveUp()
  }

  /** Shorter if somebody sees to what was in the way. */
  async #rest(ms: number): Promise<void> {
    const { clock } = this.#parts
    const woken = new AbortController()
    let timer: NodeJS.Timeout | undefined
    this.#retry = () => {
      const sinceMs = (clock.monotonicUs() - this.#askedUs) / 1000
      timer ??= setTimeout(() => woken.abort(), Math.max(0, retryMs - sinceMs)).unref()
    }
    if (this.#isRetryWanted) this.#retry()
    this.#isRetryWanted = false
    const signal = AbortSignal.any([this.#abort.signal, woken.signal])
    await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
    clearTimeout(timer)
    this.#retry = undefined
  }

  /** One stream, until it is over. */
  async #attempt(): Promise<{ isRefused: boolean; wasSteady: boolean; reason: string }> {
    const { clock, target } = this.#parts
    let begunUs: number | undefined
    this.#askedUs = clock.monotonicUs()
    const begun = () => {
      begunUs = clock.monotonicUs()
      this.#become('streaming', undefined)
    }
    const reason = await this.#follow(begun).catch((error: unknown) => error as Error)
    const refusal = refusalOf(reason, target().user)
    const wasSteady = begunUs !== undefined && clock.monotonicUs() - begunUs > steadyMs * 1000
    if (begunUs !== undefined) this.#lostUs = clock.monotonicUs()
    const isLost = this.#parts.epochs.horizon.state === 'lost'
    const mayPass = isLost && refusal?.mayPass === true && clock.monotonicUs() - this.#lostUs < passMs * 1000
    const isRefused = refusal !== undefined && (begunUs === undefined || refusal === reason) && !mayPass
    return { isRefused, wasSteady, reason: (isRefused ? refusal : reason).message }
  }

  async #follow(onBegun: () => void): Promise<never> {
    const { epochs, commits, clock, tally, unmovedSince, broken, lifeOf, publication } = this.#parts
    const target = this.#parts.target()
    const over = new AbortController()
    const { signal } = over
    const end = (reason: unknown) => over.abort(reason instanceof Error ? reason : new Error('closed'))
    this.#abort.signal.addEventListener('abort', end, { once: true })
    const side = await SideClient.open(target, { ...sideOptions, signal: this.#abort.signal })
    const decoder = publication === undefined ? testDecoding : new PgOutput(publication)
    let watch: FeedWatch | undefined
    let walsenderPid = 0
    let begun = false
    let isSlotOurs = false
    let reason: unknown
    let stream: ReplicationStream | undefined
    let fence: Fence | undefined
    try {
      const life = await lifeOf(side)
      this.#life = life
      this.#end = end
      this.#parts.onLife(life)
      const isThere = async (client: SideClient) => {
        if ((await lifeOf(client)) !== life) throw new Error('the address leads to several servers')
        walsenderPid = Number((await client.query('SELECT pg_catalog.pg_backend_pid()::text AS pid'))[0]?.pid)
      }
      const told = publication === undefined ? undefined : await readTold(side, publication)
      this.#told = told
      const left = await this.#kept?.prepare(side, `${life}${told?.mark ?? ''}`)
      isSlotOurs = true
      const slot = this.#kept?.name ?? slotName()
      await checkOrigin(side, left !== undefined)
      await this.#watchCatalogue(side, left?.seen)
      const onLook = () => {
        // Nobody may ask for one, and what is published may have changed.
        if (told !== undefined) fence?.request(epochs.clock)
      }
      watch = new FeedWatch({ ...this.#parts, side, slot, onLook, following: () => this.#following })
      this.#watch = watch
      this.#slot = slot
      watch.start()
      void watch.over.catch(end)
      void side.over.then(end)
      stream = await ReplicationStream.open(target, {
        ...{ slot, signal, check: isThere, from: left?.from, decoder },
        isKept: this.#kept?.isKept === true,
      })
      const following = new Following({
        decoder,
        onDdl: () => this.poke(),
        epochs,
        commits,
        clock,
        side,
        stream,
        // What was kept before may be of relations that are not told of.
        unmovedSince: told?.oids === undefined ? unmovedSince : async () => undefined,
        tally,
        broken,
        names: left?.names,
      })
      this.#following = following
      const isOver = Promise.race([following.over, watch.over])
      isOver.catch(() => undefined)
      await Promise.race([following.begin(), isOver, aborted(signal)])
      const published = publication === undefined ? undefined : { name: publication, mark: told?.mark ?? '' }
      const nextTick = () => epochs.tick()
      const made = new Fence({ horizon: epochs.horizon, side, following, clock, nextTick, onFailure: end, published })
      fence = made
      epochs.horizon.begin((tick) => made.request(tick))
      begun = true
      onBegun()
      return await Promise.race([isOver, aborted(signal)])
    } catch (error) {
      // The watch may know better why the stream was ended.
      reason = watch?.failure ?? error
      throw reason
    } finally {
      this.#abort.signal.removeEventListener('abort', end)
      const seen = this.#catalogue?.seen
      this.#catalogue?.close()
      this.#catalogue = undefined
      watch?.close()
      fence?.close()
      epochs.horizon.lose()
      this.#end = undefined
      const { life, following } = { life: this.#life, following: this.#following }
      const mayGoOn = begun && following?.isSettled === true && goesOnBehind(reason) && !this.#abort.signal.aborted
      if (mayGoOn && stream !== undefined)
        this.#kept?.brokeOff({
          life: `${life}${this.#told?.mark ?? ''}`,
          from: stream.seen,
          names: following.names,
          seen,
          walsenderPid,
        })
      this.#life = undefined
      following?.close()
      this.#following = undefined
      this.#watch = undefined
      this.#slot = undefined
      await stream?.close()
      if (isSlotOurs && !mayGoOn) await this.#kept?.drop(side)
      await side.leave()
    }
  }

  /** What was there before the stream is void, or known to be unmoved; so whatever changes from here on is all that matters. */
  async #watchCatalogue(side: SideClient, seen: Seen | undefined): Promise<void> {
    const { catalogue, epochs, clock } = this.#parts
    if (catalogue === undefined) return
    const watch = new CatalogueWatch({ ...catalogue, side, epochs, clock })
    this.#catalogue = watch
    await watch.begin(seen).catch(catalogue.onFailure)
  }

  #become(state: FeedState, reason: string | undefined): void {
    if (this.state === state && this.reason === reason) return
    this.state = state
    this.reason = reason
    this.sinceMs = this.#parts.clock.nowMs()
    this.#parts.onState(state, reason)
  }
}

const sideOptions = {
  applicationName: 'larder feed',
  answerMsMax,
  settings: {
    ...{ statement_timeout: `${answerMsMax}`, lock_timeout: '5s', idle_session_timeout: '0' },
    // The same questions again and again: to plan them takes longer than to answer them.
    plan_cache_mode: 'force_generic_plan',
    // Operators of users do not get in the way of ours.
    search_path: 'pg_catalog',
  },
}

class ElsewhereError extends Error {}

/** Nothing of the stream itself was wrong. */
function goesOnBehind(reason: unknown): boolean {
  return !(reason instanceof UnreadableChange || reason instanceof FeedRefused || reason instanceof ElsewhereError)
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason)
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}
