// One stream of one database, from its slot to its end: lines become invalidations, and what they told is followed until it is visible.
//
//   stream ──► lines ──► a commit's relations ──► arrival: bump, quarantine ──┐
//   side ──► snapshot and names, while commits are pending ──► confirmed ◄────┘
//     └────► once a second: how far the origin is, what it keeps for us, whether somebody waits for the database
//
// Of a transaction only the relations are kept, however many rows it has. Names that the stream brings are proven (relation-names.ts).

import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/index.ts'
import { type DatabaseEpochs, type WriteScope, wholeDatabase } from '../invalidation/index.ts'
import type { SideClient } from '../origin/index.ts'
import { type FeedEvent, type RelationName, UnreadableChange } from './change.ts'
import type { ForeignCommits } from './foreign-commits.ts'
import type { Lsn } from './lsn.ts'
import { type Named, proveNames, RelationNames } from './relation-names.ts'
import type { ReplicationStream } from './replication-stream.ts'
import { readSnapshot } from './snapshot.ts'
import { readWithoutRows } from './test-decoding.ts'

/** Of the transaction that the stream tells of now. */
interface Telling {
  touchesAll: boolean
  readonly names: Set<Named>
  readonly truncated: Set<number>
}

interface FollowingParts {
  readonly epochs: DatabaseEpochs
  readonly commits: ForeignCommits
  readonly clock: Clock
  readonly side: SideClient
  readonly stream: ReplicationStream
  /** What was started at this tick or later holds, for nothing was committed since then (asked after the stream began). */
  readonly unmovedSince: (side: SideClient) => Promise<number | undefined>
  readonly tally: FeedTally
}

/** Told of what is heard. */
export interface FeedTally {
  transaction(): void
  change(): void
}

/** So long nothing is kept after a stream began while transactions run that ran then; longer ones are only watched. */
const holdMsMax = 250
/** Before it is asked whether a commit is visible, and between two such questions. */
const askAfterMs = 1
/** Names are not read again sooner than this, nor than ten times as long as it took. */
const namesEveryMs = 100
/** Of a line that tells of a row: more than two quoted names are long. */
const rowHeadBytes = 512

export class Following {
  /** Everything up to here has been heard of. */
  position: Lsn
  /** Messages so far: whoever sends any lives. */
  messageCount = 0
  readonly #parts: FollowingParts
  readonly #names = new RelationNames()
  #telling: Telling = { touchesAll: false, names: new Set(), truncated: new Set() }
  /** How a line begins that tells of another row of the relation just touched. */
  #prefix: Buffer | undefined
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
    this.position = parts.stream.start
    let end: (reason: Error) => void = () => undefined
    this.over = new Promise<never>((_, reject) => {
      end = reject
    })
    this.over.catch(() => undefined)
    this.#end = end
    void parts.side.over.then(end)
  }

  /** Everything that is visible at the origin up to here has taken its effect. */
  get settled(): Lsn {
    return this.#parts.commits.settled(this.position)
  }

  /** Resolves when all that commits from now on will be heard of, and what was kept before is judged. */
  async begin(): Promise<void> {
    const { stream, side, commits, clock, unmovedSince } = this.#parts
    await this.#names.read(side)
    await stream.begin({
      data: (head, isWhole, end) => this.#line(head, isWhole, end),
      keepalive: (end) => {
        this.messageCount++
        this.#reach(end)
      },
      lost: this.#end,
    })
    // In this order: what ran at the snapshot would have to be known to the second question.
    const [row] = await side.query('SELECT pg_catalog.pg_current_snapshot()::text AS snapshot')
    const since = await unmovedSince(side)
    this.#beganUs = clock.monotonicUs()
    commits.begin(readSnapshot(row?.snapshot), since)
    this.#confirm()
  }

  close(): void {
    this.#isOver = true
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

  #line(head: Buffer, isWhole: boolean, end: Lsn): void {
    const { tally } = this.#parts
    const prefix = this.#prefix
    this.messageCount++
    // Another row of what is touched already: all that a large transaction costs.
    if (prefix !== undefined && head.length >= prefix.length && prefix.equals(head.subarray(0, prefix.length))) {
      tally.change()
      return
    }
    const event = readLine(head, isWhole)
    if (event === undefined) {
      tally.change()
      this.#telling.touchesAll = true
    } else this.#take(event, head, end)
  }

  #take(event: FeedEvent, head: Buffer, end: Lsn): void {
    const { tally } = this.#parts
    switch (event.kind) {
      case 'begin':
        this.#forgetTelling()
        return
      case 'message':
        return
      case 'insert':
      case 'update':
      case 'delete':
        tally.change()
        this.#touch(event.relation)
        this.#prefix = prefixOf(head)
        return
      case 'truncate':
        tally.change()
        for (const relation of event.relations)
          for (const { oid } of this.#touch(relation)) this.#telling.truncated.add(oid)
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
    const found = this.#names.find(relation)
    if (found === undefined) {
      this.#telling.touchesAll = true
      this.#readNamesSoon()
      return []
    }
    for (const named of found) this.#telling.names.add(named)
    return found
  }

  #forgetTelling(): void {
    this.#telling = { touchesAll: false, names: new Set(), truncated: new Set() }
    this.#prefix = undefined
  }

  #committed(xid: number, end: Lsn): void {
    const { epochs, commits } = this.#parts
    const { names, truncated, touchesAll } = this.#telling
    this.#forgetTelling()
    if (!touchesAll && names.size === 0) return
    // Printed before names were read, perhaps with others.
    const isAll = touchesAll || end <= this.#names.validFrom
    const relations = [...new Set([...names].map(({ oid }) => oid))].map((oid) => epochs.relation(oid))
    const scope: WriteScope = isAll ? wholeDatabase : { everything: false, relations }
    if (commits.arrived({ xid, end, scope, names: isAll ? [] : [...names], truncated })) this.#confirm()
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
        if (commits.pendingCount === 0 || this.#isOver) continue
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
    const names = new Set<Named>()
    for (const commit of commits.pending) for (const named of commit.names) names.add(named)
    const isTruncatedBy = (oid: number, xid: number) => {
      for (const commit of commits.pending) if (commit.xid === xid) return commit.truncated.has(oid)
      return false
    }
    const { snapshot, holds } = await proveNames(side, names, isTruncatedBy)
    if (this.#isOver) return
    if (!holds) {
      this.#names.forget()
      commits.doubt()
      this.#readNamesSoon()
    }
    commits.seen(readSnapshot(snapshot))
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
      await this.#names.read(side)
      await sleep(Math.max(namesEveryMs, (clock.monotonicUs() - startUs) / 100), undefined, { ref: false })
    }
  }
}

/** Undefined if it may be about anything: a list of relations that was cut. */
function readLine(head: Buffer, isWhole: boolean): FeedEvent | undefined {
  const isTable = head.toString('latin1', 0, 6) === 'table '
  if (!isTable) {
    // What is not cut short is read to its end. A message that is tells nothing that is needed.
    return isWhole
      ? readWithoutRows(head.toString())
      : { kind: 'message', transactional: true, prefix: '', content: '' }
  }
  const short = head.length > rowHeadBytes ? tryRead(head.toString('utf8', 0, rowHeadBytes)) : undefined
  if (short !== undefined) return short
  return isWhole ? readWithoutRows(head.toString()) : tryRead(head.toString())
}

function tryRead(line: string): FeedEvent | undefined {
  try {
    return readWithoutRows(line)
  } catch (error) {
    if (error instanceof UnreadableChange) return undefined
    throw error
  }
}

const verbs = [': INSERT:', ': UPDATE:', ': DELETE:'].map((verb) => Buffer.from(verb))

/** The line up to behind its verb, copied; undefined if it is far away, or if a name may hold what looks like a verb. */
function prefixOf(head: Buffer): Buffer | undefined {
  const beginning = head.subarray(0, rowHeadBytes)
  const ends = verbs.map((verb) => beginning.indexOf(verb)).filter((at) => at !== -1)
  if (ends.length === 0) return undefined
  const prefix = beginning.subarray(0, Math.min(...ends) + ': INSERT:'.length)
  return prefix.includes(0x22) ? undefined : Buffer.from(prefix)
}
