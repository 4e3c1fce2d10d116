// One stream of one database, from its slot to its end: lines become invalidations, and what they told is followed until it is visible.
//
//   stream ──► lines ──► a commit's relations ──► arrival: bump, quarantine ──┐
//   side ──► snapshot and names, while commits are pending ──► confirmed ◄────┘
//     └────► once a second: how far the origin is, what it keeps for us, whether somebody waits for the database
//
// Of a transaction only the relations are kept, however many rows it has. Names that the stream brings are proven (relation-names.ts).

import { setTimeout as sleep } from 'node:timers/promises'
import { type Relation, type WriteScope, wholeDatabase } from '../invalidation/index.ts'
import { type FeedEvent, type RelationName, UnreadableChange } from './change.ts'
import { ddlPrefix, readDdl } from './ddl-triggers.ts'
import type { FollowingParts } from './following-parts.ts'
import type { Lsn } from './lsn.ts'
import { type Claim, type Named, proveNames, RelationNames } from './relation-names.ts'
import { RowShapes } from './row-shapes.ts'
import { SharedRuns } from './shared-runs.ts'
import { askShown } from './shown.ts'
import { readSnapshot } from './snapshot.ts'
import { newTelling, type Telling } from './telling.ts'

/** So long nothing is kept after a stream began while transactions run that ran then; longer ones are only watched. */
const holdMsMax = 250
/** Before it is asked whether a commit is visible, and between two such questions. */
const askAfterMs = 1
/** Names are not read again sooner than this, nor than ten times as long as it took. */
const namesEveryMs = 100

export class Following {
  /** Everything up to here has been heard of. */
  position: Lsn
  /** Messages so far: whoever sends any lives. */
  messageCount = 0
  readonly #parts: FollowingParts
  readonly names: RelationNames
  readonly #shapes: RowShapes
  readonly #toProve = new Set<Relation>()
  readonly #proofs = new SharedRuns(() => this.#prove())
  #telling: Telling
  /** How a line begins that tells of another row of the relation just touched. */
  #prefix: Buffer | undefined
  /** Between a begin and its commit. */
  #isTelling = false
  #isConfirming = false
  #wake: (() => void) | undefined
  #areNamesOutdated = false
  #isReadingNames = false
  #isOver = false
  #beganUs = 0
  #waiting: { readonly lsn: Lsn; resolve(): void; reject(error: Error): void }[] = []
  readonly #end: (reason: Error) => void
  /** Rejects when the stream is over: always with a reason. */
  readonly over: Promise<never>

  constructor(parts: FollowingParts) {
    this.#parts = parts
    this.#telling = newTelling(this.#parts.broken)
    this.names = parts.names ?? new RelationNames()
    this.position = parts.stream.start
    let end: (reason: Error) => void = () => undefined
    this.over = new Promise<never>((_, reject) => {
      end = reject
    })
    this.over.catch(() => undefined)
    this.#end = end
    this.#shapes = new RowShapes(parts.side, end)
    void parts.side.over.then(end)
  }

  /** What the origin shows, and who it is, asked after the call. */
  readonly shown = new SharedRuns(() => askShown(this.#parts.side))

  /** Everything that is visible at the origin up to here has taken its effect. */
  get settled(): Lsn {
    return this.#parts.commits.settled(this.position)
  }

  /** Resolves when all that commits from now on will be heard of, and what was kept before is judged. */
  async begin(): Promise<void> {
    const { stream, side, commits, clock, epochs, unmovedSince } = this.#parts
    if (this.#parts.names === undefined) await this.names.read(side)
    epochs.onRowsWanted = (relation) => this.#shapes.want(relation)
    for (const relation of epochs.relations.values()) if (relation.rows !== undefined) this.#shapes.want(relation)
    await stream.begin({
      data: (head, isWhole, end) => this.#line(head, isWhole, end),
      keepalive: (end) => {
        this.messageCount++
        this.#reach(end)
      },
      lost: this.#end,
    })
    this.#beganUs = clock.monotonicUs()
    if (this.#parts.names !== undefined) return
    // In this order: what ran at the snapshot would have to be known to the second question.
    const [row] = await side.query('SELECT pg_catalog.pg_current_snapshot()::text AS snapshot')
    const since = await unmovedSince(side)
    commits.begin(readSnapshot(row?.snapshot), since)
    this.#confirm()
  }

  close(): void {
    this.#isOver = true
    this.#parts.epochs.onRowsWanted = undefined
    this.#shapes.close()
    const reason = new Error('the stream was lost')
    this.#end(reason)
    for (const { reject } of this.#waiting.splice(0)) reject(reason)
    this.#parts.commits.clear()
  }

  /** Resolves when everything up to this position has been heard of. */
  async reached(lsn: Lsn): Promise<void> {
    if (this.position >= lsn) return
    if (this.#isOver) throw new Error('the stream was lost')
    const heard = new Promise<void>((resolve, reject) => this.#waiting.push({ lsn, resolve, reject }))
    this.#parts.stream.ping()
    await heard
  }

  /**
   * Of relations that a transaction of ours holds locks on that keep their definitions as they are: which of them are known, and are what
   * they were when names and shapes were read. By relation, the mark its rows must have been read with.
   */
  prove(relations: readonly Relation[]): Promise<ReadonlyMap<Relation, string>> {
    for (const relation of relations) this.#toProve.add(relation)
    return this.#proofs.ask()
  }

  async #prove(): Promise<ReadonlyMap<Relation, string>> {
    const asked: [Relation, Claim][] = []
    for (const relation of this.#toProve) {
      const named = this.names.named(relation.oid)
      const shape = relation.rows === undefined ? undefined : this.#shapes.find(relation)
      if (named !== undefined && shape !== undefined) asked.push([relation, { named, rowMark: shape.mark }])
    }
    this.#toProve.clear()
    if (asked.length === 0) return new Map()
    const claims = asked.map(([, claim]) => claim)
    const { others } = await proveNames(this.#parts.side, claims, () => false)
    if (others.length > 0) this.#readNamesSoon()
    const isProven = (claim: Claim) => !others.includes(claim) || this.#parts.broken.has('rows-proof')
    return new Map(
      asked.filter(([, claim]) => isProven(claim)).map(([relation, { rowMark }]) => [relation, rowMark ?? '']),
    )
  }

  /** Asks the origin to say how far it has come. */
  ping(): void {
    if (!this.#isOver) this.#parts.stream.ping()
  }

  /** All that was heard of is known to be visible, and nothing may have been missed. */
  get isSettled(): boolean {
    const { commits } = this.#parts
    return commits.pendingCount === 0 && commits.suspectCount === 0
  }

  /** Some that ran when the stream began may have been committed before it. */
  get hasSuspects(): boolean {
    return this.#parts.commits.suspectCount > 0
  }

  /** Resolves when it is known which of them have ended by now. */
  lookAtSuspects(): Promise<void> {
    return this.#look()
  }

  #line(head: Buffer, isWhole: boolean, end: Lsn): void {
    const { tally } = this.#parts
    const prefix = this.#prefix
    this.messageCount++
    // Another row of what is touched already: all that a large transaction costs.
    if (prefix !== undefined && head.length >= prefix.length && prefix.equals(head.subarray(0, prefix.length))) {
      tally.change()
      return
    }
    const event = this.#parts.decoder.event(head, isWhole)
    if (event === undefined) {
      tally.change()
      this.#telling.touchesAll = true
    } else this.#take(event, head, isWhole, end)
  }

  #take(event: FeedEvent, head: Buffer, isWhole: boolean, end: Lsn): void {
    const { tally } = this.#parts
    switch (event.kind) {
      case 'begin':
        this.#forgetTelling()
        this.#isTelling = true
        return
      case 'message':
        this.#prefix = undefined
        if (event.prefix === ddlPrefix) this.#ddl(event.content, end)
        return
      case 'insert':
      case 'update':
      case 'delete':
        tally.change()
        this.#prefix = this.#noteRow(this.#touch(event.relation), head, isWhole)
          ? undefined
          : this.#parts.decoder.prefixOf(head)
        return
      case 'truncate':
        tally.change()
        for (const relation of event.relations)
          for (const { oid } of this.#touch(relation)) {
            this.#telling.truncated.add(oid)
            this.#telling.rows.giveUp(this.#parts.epochs.relation(oid))
          }
        return
      case 'prepare':
      case 'fate':
        // Not decoded in two phases: a prepared transaction is told of at its commit, like any other.
        throw new UnreadableChange(`unexpected ${event.kind} in the stream`)
      case 'commit':
        tally.transaction()
        this.#committed(event.xid, end)
        this.#reach(end)
    }
  }

  #touch(relation: RelationName): readonly Named[] {
    const found = this.names.find(relation)
    if (found === undefined) {
      this.#telling.touchesAll = true
      this.#readNamesSoon()
      return []
    }
    for (const named of found) this.#telling.names.add(named)
    return found
  }

  /** True if the next row of it is to be looked at as well. */
  #noteRow(found: readonly Named[], line: Buffer, isWhole: boolean): boolean {
    const { rows } = this.#telling
    const relations = found.map(({ oid }) => this.#parts.epochs.relation(oid))
    const [relation] = relations
    if (relation === undefined || relations.length > 1 || !isWhole) {
      for (const one of relations) rows.giveUp(one)
      return false
    }
    if (!rows.wants(relation)) {
      rows.giveUp(relation)
      return false
    }
    const shape = this.#shapes.find(relation)
    if (shape === undefined) this.#shapes.want(relation)
    rows.note(relation, shape, () => this.#parts.decoder.row(line))
    return rows.wants(relation)
  }

  /** Event triggers tell of DDL: of relations that nothing was read from, the catalogue is looked at. */
  #ddl(content: string, end: Lsn): void {
    const { commits, epochs, onDdl } = this.#parts
    const told = readDdl(content)
    onDdl()
    if (told?.relations?.every((oid) => epochs.relations.get(oid)?.name === undefined)) return
    if (this.#isTelling) {
      this.#telling.touchesAll = true
      this.#telling.isSchema = true
      return
    }
    // Before PostgreSQL 16 a transaction that changes no rows is told of by its messages alone.
    const { xid } = told ?? {}
    if (xid === undefined) {
      commits.doubt()
      return
    }
    const commit = { xid, end, scope: wholeDatabase, claims: [], truncated: new Set<number>(), isSchema: true }
    if (commits.arrived(commit)) this.#confirm()
  }

  #forgetTelling(): void {
    this.#telling = newTelling(this.#parts.broken)
    this.#prefix = undefined
  }

  #committed(xid: number, end: Lsn): void {
    const { epochs, commits } = this.#parts
    const { names, truncated, touchesAll, isSchema, rows } = this.#telling
    this.#forgetTelling()
    this.#isTelling = false
    if (!touchesAll && names.size === 0) return
    // Printed before names were read, perhaps with others.
    const isAll = touchesAll || end <= this.names.validFrom
    const told = new Map([...rows.told()].filter(([, { shape }]) => end > shape.validFrom))
    const relations = [...new Set([...names].map(({ oid }) => oid))].map((oid) => epochs.relation(oid))
    const changes = new Map([...told].map(([relation, one]) => [relation, one.changes]))
    const scope: WriteScope = isAll
      ? wholeDatabase
      : { everything: false, relations, ...(changes.size === 0 ? {} : { rows: changes }) }
    const claims = [...names].map((named): Claim => {
      return { named, rowMark: told.get(epochs.relation(named.oid))?.shape.mark }
    })
    if (commits.arrived({ xid, end, scope, claims: isAll ? [] : claims, truncated, isSchema })) this.#confirm()
  }

  #reach(position: Lsn): void {
    if (position > this.position) this.position = position
    if (this.#waiting.length === 0) return
    for (const waiting of this.#waiting) if (waiting.lsn <= this.position) waiting.resolve()
    this.#waiting = this.#waiting.filter(({ lsn }) => lsn > this.position)
  }

  /** Sees to it that whatever is pending becomes known to be visible (R5). */
  #confirm(): void {
    this.#wake?.()
    if (this.#isConfirming || this.#isOver) return
    this.#isConfirming = true
    this.#confirmAll()
      .catch(this.#end)
      .finally(() => {
        this.#isConfirming = false
      })
  }

  async #confirmAll(): Promise<void> {
    const { commits } = this.#parts
    while (!this.#isOver && (commits.pendingCount > 0 || commits.suspectCount > 0)) {
      // Of our own, the acknowledgement is on its way as often as not, and saves the question.
      if (commits.pendingCount > 0) {
        await sleep(askAfterMs, undefined, { ref: false })
        if (commits.pendingCount === 0 || commits.areAllExpected || this.#isOver) continue
      }
      await this.#look()
      const ageMs = (this.#parts.clock.monotonicUs() - this.#beganUs) / 1000
      if (commits.isHolding && ageMs > holdMsMax) commits.endHold()
      if (commits.pendingCount === 0 && commits.suspectCount > 0)
        await this.#rest(Math.min(1000, Math.max(askAfterMs, ageMs / 100)))
    }
  }

  async #look(): Promise<void> {
    const { commits, side } = this.#parts
    const claims = new Map<string, Claim>()
    const arrived = new Set([...commits.pending].map(({ xid }) => xid))
    for (const commit of commits.pending)
      for (const claim of commit.claims) claims.set(`${claim.named.oid}:${claim.rowMark ?? ''}`, claim)
    const isTruncatedBy = (oid: number, xid: number) => {
      for (const commit of commits.pending) if (commit.xid === xid) return commit.truncated.has(oid)
      return false
    }
    const { snapshot, others } = await proveNames(side, [...claims.values()], isTruncatedBy)
    if (this.#isOver) return
    if (others.length > 0 && !this.#parts.broken.has('rows-proof')) {
      this.names.forget()
      this.#shapes.forget()
      commits.doubt()
      this.#readNamesSoon()
    }
    commits.seen(readSnapshot(snapshot), arrived)
  }

  /** Ends early when another commit arrives. */
  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(wake, ms)
      timer.unref()
      this.#wake = wake
    })
  }

  #readNamesSoon(): void {
    this.#areNamesOutdated = true
    if (this.#isReadingNames) return
    this.#isReadingNames = true
    this.#readNames()
      .catch(this.#end)
      .finally(() => {
        this.#isReadingNames = false
      })
  }

  async #readNames(): Promise<void> {
    const { clock, side } = this.#parts
    while (this.#areNamesOutdated && !this.#isOver) {
      this.#areNamesOutdated = false
      const startUs = clock.monotonicUs()
      await this.names.read(side)
      await sleep(Math.max(namesEveryMs, (clock.monotonicUs() - startUs) / 100), undefined, { ref: false })
    }
  }
}
