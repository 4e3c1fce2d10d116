// Queries of one database that follow its replication stream.
//
//   stream ──► transaction ──► each query that reads what it changed
//   read ──► far enough? ──► rows of that position ──► is all of it visible, and is every name what it was? ──► the answer
//
// The walsender may send a commit before it is visible to others: whoever was answered with it and asked the origin next would see time go
// back. So an answer is given when a snapshot of the origin shows all that is in it, and by the same question that the relations are
// those that were read (followed-relations.ts). Of whatever does not fit everything is read anew.

import { setTimeout as sleep } from 'node:timers/promises'
import {
  type FeedEvent,
  isVisible,
  type Lsn,
  ReplicationStream,
  readLsn,
  readSnapshot,
  testDecoding,
  valueSettings,
} from '../../cdc/index.ts'
import { NotMaintainable } from '../../deltas/index.ts'
import { SideClient } from '../../origin/index.ts'
import { analyse } from '../../sql/index.ts'
import type { FollowedAnswer, FollowedParts, FollowedStatus, FollowedSubject } from './followed-parts.ts'
import { FollowedQuery, type FollowedWish } from './followed-query.ts'
import { readMarks, streamKey } from './followed-relations.ts'
import { seed } from './followed-seed.ts'
import { readQuery } from './view-rows.ts'
import { Waiting } from './waiting.ts'

/** A row may be as long as PostgreSQL allows. */
const rowBytesMax = 0x7fff_ffff
const pauseMsFirst = 50
const pauseMsMost = 30_000
/** What has followed for so long is filled again without much of a pause. */
const steadyMs = 10_000
/** TRUNCATE and changes of the catalogue come one after the other; they do not make the pause longer than that of so many attempts. */
const attemptsOfKnown = 2
/** Whether a commit has become visible is asked again so soon. */
const askAgainMs = 1
/** The walsender answers with where it is, which may not be far enough yet. */
const pingAgainMs = 5

const flushedQuestion = 'SELECT pg_catalog.pg_current_wal_flush_lsn()::pg_catalog.text AS lsn'

export class FollowedQueries {
  readonly #parts: FollowedParts
  readonly #queries = new Map<string, FollowedQuery>()
  readonly #watching = new Map<string, { readonly query: FollowedQuery; readonly oid: number }[]>()
  readonly #abort = new AbortController()
  readonly #waiting = new Waiting()
  readonly #seeding = new Set<Promise<void>>()
  #stream: ReplicationStream | undefined
  #side: SideClient | undefined
  #life = ''
  #position: Lsn = 0n
  /** Between a begin and its commit. */
  #isTelling = false
  #running: Promise<void> | undefined

  constructor(parts: FollowedParts) {
    this.#parts = parts
  }

  /** Begins to follow; resolves when it answers, or is refused for good (see `status`). Throws 42601 or 0A000 for a text that is not one SELECT. */
  async add(wish: FollowedWish): Promise<FollowedStatus> {
    const text = readQuery(this.#parts.parser, wish.text)
    this.remove(wish.id)
    const query = new FollowedQuery({ ...wish, text }, this.#parts.bytesMax)
    this.#queries.set(wish.id, query)
    this.#running ??= this.#run()
    this.#fill(query)
    await this.#waiting.until(
      () => query.state === 'following' || query.state === 'refused' || this.#abort.signal.aborted,
    )
    return this.#statusOf(query)
  }

  remove(id: string): void {
    const query = this.#queries.get(id)
    this.#queries.delete(id)
    if (query !== undefined) this.#drop(query, 'refused', 'removed')
  }

  /** So far the log was told. */
  get position(): Lsn {
    return this.#position
  }

  *status(): Generator<FollowedStatus> {
    for (const query of this.#queries.values()) yield this.#statusOf(query)
  }

  /** Undefined while it does not follow. */
  subject(id: string): FollowedSubject | undefined {
    return this.#queries.get(id)?.subject
  }

  /** Why another statement over the same relation is not answered from what this one gathers; undefined if it is. */
  whyNot(id: string, statement: unknown): string | undefined {
    const maintained = this.#queries.get(id)?.query
    return maintained === undefined ? 'it does not follow changes now' : maintained.whyNot(statement)
  }

  /** The same as of now: what was acknowledged before, and is in the log on disk, is in it. */
  async readNow(id: string, waitMs: number, signal?: AbortSignal): Promise<FollowedAnswer | undefined> {
    const untilMs = performance.now() + waitMs
    const asked = await this.#side?.query(flushedQuestion).catch(() => undefined)
    const flushed = asked?.[0]?.lsn
    if (flushed === undefined || flushed === null) return undefined
    return this.read(id, readLsn(flushed), untilMs - performance.now(), signal)
  }

  /**
   * Undefined if it is not so far in time, or cannot answer at all. `statement`: another one over the same relation, which is answered from what is gathered.
   * Throws the EvaluationError that PostgreSQL would answer with, NotMaintainable for such a statement that cannot be answered so.
   */
  async read(
    id: string,
    atLeast: Lsn,
    waitMs: number,
    signal?: AbortSignal,
    statement?: unknown,
  ): Promise<FollowedAnswer | undefined> {
    const query = this.#queries.get(id)
    const untilMs = performance.now() + waitMs
    const isOver = () => signal?.aborted === true || performance.now() >= untilMs
    for (;;) {
      if (query === undefined || this.#abort.signal.aborted) return undefined
      const rows = this.#rowsOf(query, atLeast, statement)
      if (rows === 'never') return undefined
      if (rows !== undefined && (await this.#inTime(this.#isShown(query, rows.unshown, isOver), untilMs, signal)))
        return rows.answer
      if (isOver()) return undefined
      const isBehind = this.#position < atLeast
      if (isBehind) this.#stream?.ping()
      const leftMs = untilMs - performance.now()
      const soonMs = rows !== undefined ? askAgainMs : isBehind ? pingAgainMs : leftMs
      await this.#waiting.next(Math.min(leftMs, soonMs), signal)
    }
  }

  async close(): Promise<void> {
    this.#abort.abort()
    this.#waiting.wake()
    await this.#running
    await Promise.all([...this.#seeding])
  }

  #statusOf({ wish: { id }, state, reason, bytes }: FollowedQuery): FollowedStatus {
    return { id, state, reason, bytes }
  }

  /** False when the time is over: whoever has to be asked may not answer. */
  async #inTime(shown: Promise<boolean>, untilMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const over = new AbortController()
    const signals = [this.#abort.signal, over.signal, ...(signal === undefined ? [] : [signal])]
    const late = sleep(Math.max(0, untilMs - performance.now()), false, {
      signal: AbortSignal.any(signals),
      ref: false,
    })
    try {
      return await Promise.race([shown, late.catch(() => false)])
    } finally {
      over.abort()
    }
  }

  /** As they stand; undefined if that is not far enough yet, or in the middle of a transaction. */
  #rowsOf(
    query: FollowedQuery,
    atLeast: Lsn,
    statement: unknown,
  ): { readonly answer: FollowedAnswer; readonly unshown: readonly number[] } | 'never' | undefined {
    if (query.state === 'refused') return 'never'
    const maintained = query.query
    if (maintained === undefined || this.#isTelling || this.#position < atLeast) return undefined
    const told = statement === undefined ? maintained : maintained.answer(statement)
    const rows = told.texts()
    if (told.isAmbiguous) return 'never'
    const columns = told.columns.map(({ name, type: { oid: typeOid, modifier } }) => ({
      name,
      typeOid,
      modifier,
    }))
    const relations = query.relations.map(({ facts }) => facts.oid)
    const { description } = query
    const answer = { columns, rows, position: this.#position, relations, description, life: this.#life }
    return { answer, unshown: [...query.unshown] }
  }

  /** True when the origin shows all of it, and the relations are what they were. */
  async #isShown(query: FollowedQuery, unshown: readonly number[], isOver: () => boolean): Promise<boolean> {
    const { broken } = this.#parts
    const { relations } = query
    for (;;) {
      const side = this.#side
      if (side === undefined || query.state !== 'following') return false
      const { snapshot, byOid } = await readMarks(
        side,
        relations.map(({ facts }) => facts.oid),
      ).catch(() => ({ snapshot: null, byOid: new Map<number, string>() }))
      if (snapshot === null) return false
      // It may have been filled anew meanwhile.
      if (query.relations !== relations || query.state !== 'following') return false
      if (broken?.has('marks') !== true && relations.some(({ facts, mark }) => byOid.get(facts.oid) !== mark)) {
        this.#again(query, 'a relation it reads was changed', true)
        return false
      }
      const seen = readSnapshot(snapshot)
      const left = unshown.filter((xid) => !isVisible(xid, seen))
      if (left.length === 0 || broken?.has('visible') === true) {
        const done = new Set(unshown)
        query.unshown = query.unshown.filter((xid) => !done.has(xid))
        return true
      }
      if (isOver()) return false
      await sleep(askAgainMs)
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    for (let pauseMs = pauseMsFirst; !signal.aborted; pauseMs = Math.min(pauseMsMost, pauseMs * 2)) {
      const beganMs = performance.now()
      await this.#follow().catch(() => undefined)
      this.#isTelling = false
      for (const query of this.#queries.values())
        if (query.state !== 'refused') this.#drop(query, 'failed', 'the stream was lost')
      if (performance.now() - beganMs > 1000) pauseMs = pauseMsFirst
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** One stream, until it is over. */
  async #follow(): Promise<void> {
    const target = this.#parts.target()
    const { signal } = this.#abort
    const about = { applicationName: 'larder views', signal, settings: { ...valueSettings, statement_timeout: '0' } }
    const side = await SideClient.open(target, about)
    let stream: ReplicationStream | undefined
    try {
      this.#life = await this.#lifeOf(side)
      stream = await ReplicationStream.open(target, {
        rowBytesMax,
        signal,
        check: (client) => this.#mustBeHere(client),
      })
      let end: () => void = () => undefined
      const over = new Promise<void>((resolve) => {
        end = resolve
      })
      signal.addEventListener('abort', end, { once: true })
      void side.over.then(end)
      this.#position = stream.start
      await stream.begin({
        data: (head, isWhole, end) => this.#line(head, isWhole, end),
        keepalive: (end) => this.#reach(end),
        lost: end,
      })
      this.#side = side
      this.#stream = stream
      for (const query of this.#queries.values()) if (query.state !== 'refused') this.#fill(query)
      if (!signal.aborted) await over
    } finally {
      this.#stream = undefined
      this.#side = undefined
      await stream?.close()
      await side.leave()
    }
  }

  async #mustBeHere(side: SideClient): Promise<void> {
    if ((await this.#lifeOf(side)) !== this.#life) throw new Error('the connections lead to different servers')
  }

  async #lifeOf(side: SideClient): Promise<string> {
    return (await side.query(this.#parts.lifeQuestion))[0]?.life ?? ''
  }

  #line(head: Buffer, isWhole: boolean, end: Lsn): void {
    const event = testDecoding.event(head, isWhole)
    // Throws end the stream: nothing may be concluded from what cannot be read.
    if (event === undefined) throw new Error('a line that may be about anything')
    switch (event.kind) {
      case 'begin':
        this.#isTelling = true
        return
      case 'commit':
        for (const query of this.#queries.values()) this.#tell(query, () => query.committed(event.xid, end))
        this.#isTelling = false
        this.#reach(end)
        return
      case 'truncate':
        for (const relation of event.relations)
          for (const { query } of this.#watching.get(streamKey(relation)) ?? []) this.#again(query, 'truncated', true)
        return
      case 'insert':
      case 'update':
      case 'delete':
        this.#row(event, head, isWhole)
        return
      case 'message':
        return
      default:
        throw new Error(`unexpected ${event.kind} in the stream`)
    }
  }

  #row(
    { relation }: Extract<FeedEvent, { kind: 'insert' | 'update' | 'delete' }>,
    head: Buffer,
    isWhole: boolean,
  ): void {
    const watching = this.#watching.get(streamKey(relation))
    if (watching === undefined) return
    if (!isWhole) throw new Error('a row that is too long')
    const event = testDecoding.row(head)
    if (event.kind !== 'insert' && event.kind !== 'update' && event.kind !== 'delete') return
    for (const { query, oid } of [...watching]) this.#tell(query, () => query.tell(oid, event, this.#position))
  }

  /** What was told does not fit, or cannot be computed: all is read anew. */
  #tell(query: FollowedQuery, tell: () => void): void {
    try {
      tell()
    } catch (error) {
      if (error instanceof NotMaintainable) this.#drop(query, 'refused', error.message)
      else this.#again(query, (error as Error).message)
    }
  }

  #reach(position: Lsn): void {
    if (position > this.#position) this.#position = position
    this.#waiting.wake()
  }

  /** `isKnown`: it is known what happened, and the next attempt will do as well as the first. */
  #again(query: FollowedQuery, reason: string, isKnown = false): void {
    if (performance.now() - query.filledAtMs > steadyMs) query.attempts = 0
    if (isKnown) query.attempts = Math.min(query.attempts, attemptsOfKnown)
    this.#drop(query, 'failed', reason)
    this.#fill(query)
  }

  #drop(query: FollowedQuery, state: 'failed' | 'refused', reason: string): void {
    this.#unwatch(query)
    query.fail(state, reason)
    this.#waiting.wake()
  }

  #unwatch(query: FollowedQuery): void {
    for (const key of query.watched.keys()) {
      const others = this.#watching.get(key)?.filter((one) => one.query !== query) ?? []
      if (others.length > 0) this.#watching.set(key, others)
      else this.#watching.delete(key)
    }
  }

  #fill(query: FollowedQuery): void {
    const filling = this.#fillNow(query).finally(() => this.#seeding.delete(filling))
    this.#seeding.add(filling)
  }

  async #fillNow(query: FollowedQuery): Promise<void> {
    const stream = this.#stream
    const { signal } = this.#abort
    // What was begun with an earlier stream is not for this one.
    const isOurs = () =>
      stream !== undefined && stream === this.#stream && !signal.aborted && this.#queries.get(query.wish.id) === query
    const pauseMs = query.attempts === 0 ? 0 : Math.min(pauseMsMost, pauseMsFirst * 2 ** query.attempts)
    query.attempts++
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    if (!isOurs()) return
    query.state = 'seeding'
    const attempt = {}
    query.attempt = attempt
    try {
      const { target, parser, bytesMax } = this.#parts
      const filled = await seed({
        ...{ target: target(), parser, wish: query.wish, signal, bytesMax: bytesMax() },
        statement: analyse(parser, query.wish.text, { virtualSchema: undefined }),
        check: (side) => this.#mustBeHere(side),
        watch: (relations) => {
          if (!isOurs() || query.attempt !== attempt) return
          query.watch(relations, streamKey)
          for (const [key, oid] of query.watched)
            this.#watching.set(key, [...(this.#watching.get(key) ?? []), { query, oid }])
        },
      })
      if (!isOurs() || query.attempt !== attempt || query.state !== 'seeding') return
      this.#tell(query, () => query.fill(filled))
      this.#waiting.wake()
    } catch (error) {
      if (!isOurs() || query.attempt !== attempt) return
      if (error instanceof NotMaintainable) this.#drop(query, 'refused', error.message)
      else this.#again(query, (error as Error).message)
    }
  }
}
