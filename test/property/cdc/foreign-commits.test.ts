// Two-phase invalidation against a model of an origin: commits are flushed, sent, made visible and acknowledged in whatever order an
// origin may, fills run through all of it, and snapshots come late. In the middle of it the stream is lost: what is flushed from then until
// the next begins is never sent.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { ForeignCommits } from '../../../src/cdc/index.ts'
import { type DatabaseEpochs, Epochs, quarantined, type Relation, unmoved } from '../../../src/invalidation/index.ts'

const rounds = Number(process.env.ROUNDS ?? 300)
const random = Random.fromEnvironment()

type Rule = 'R4-arrival' | 'R4-quarantine' | 'R5-confirm' | 'R9-gap' | 'R9-suspects'

interface Transaction {
  readonly xid: number
  readonly relations: readonly Relation[]
  readonly isOurs: boolean
  flushed: boolean
  visible: boolean
  arrived: boolean
  /** Flushed while there was no stream. */
  missed: boolean
  acknowledged: boolean
}

interface Fill {
  readonly relations: readonly Relation[]
  readonly start: number
  rows: string | undefined
}

interface Kept {
  readonly relations: readonly Relation[]
  readonly start: number
  readonly rows: string
}

function maybe<Item>(items: readonly Item[]): Item | undefined {
  return items.length === 0 || random.int(4) === 0 ? undefined : random.pick(items)
}

/** `without` names what is left out on purpose. */
class World {
  readonly epochs = new Epochs()
  readonly database: DatabaseEpochs = this.epochs.database('shop')
  readonly commits: ForeignCommits
  isStreaming = true
  readonly all: Transaction[] = []
  readonly snapshots: { xmin: number; xmax: number; running: ReadonlySet<number> }[] = []
  fills: Fill[] = []
  kept: Kept[] = []
  #nextXid = (0xffff_ffff - random.int(20)) >>> 0
  readonly #without: Rule | undefined
  #lastEnd = 0n

  constructor(without: Rule | undefined) {
    this.#without = without
    this.commits = new ForeignCommits(this.database, () => 0, new Set(without === undefined ? [] : [without]))
  }

  relations(): Relation[] {
    const oids = [1, 2, 3, 4].filter(() => random.int(4) === 0)
    return (oids.length === 0 ? [1] : oids).map((oid) => this.database.relation(oid))
  }

  /** What is visible of what changed these relations: the rows they have. */
  rowsOf(relations: readonly Relation[]): string {
    const touched = this.all.filter((each) => each.visible && each.relations.some((one) => relations.includes(one)))
    return touched.map(({ xid }) => xid).join()
  }

  begin(): void {
    // Few, so that not all that was kept is void at the end.
    if (this.all.length === 4) return
    const xid = this.#nextXid
    this.#nextXid = (xid + 1) >>> 0
    const isOurs = random.int(2) === 0
    const none = { flushed: false, visible: false, arrived: false, missed: false, acknowledged: false }
    this.all.push({ xid, relations: this.relations(), isOurs, ...none })
  }

  step(): void {
    const any = (holds: (each: Transaction) => boolean) => maybe(this.all.filter(holds))
    const steps = [
      () => this.begin(),
      () => this.flush(any((each) => !each.flushed)),
      () =>
        this.#mark(
          any((each) => each.flushed && !each.visible),
          'visible',
        ),
      () => this.arrive(any((each) => each.flushed && !each.arrived && !each.missed)),
      () => this.#loseOrBegin(),
      () => this.acknowledge(any((each) => each.isOurs && each.visible && !each.acknowledged)),
      () => this.ask(),
      () => this.#hear(),
      () => this.fills.push({ relations: this.relations(), start: this.epochs.tick(), rows: undefined }),
      () => this.#read(),
    ]
    random.pick(steps)()
  }

  #hear(): void {
    const snapshot = this.snapshots.shift()
    if (snapshot !== undefined) this.commits.seen(snapshot)
  }

  flush(transaction: Transaction | undefined): void {
    if (transaction === undefined) return
    transaction.flushed = true
    transaction.missed = !this.isStreaming
  }

  #loseOrBegin(): void {
    if (random.int(this.isStreaming ? 20 : 3) > 0) return
    if (this.isStreaming) {
      this.isStreaming = false
      this.commits.clear()
      this.snapshots.length = 0
      // What was on its way is lost with it, and what had come but was not visible may be read without it until the next begins.
      for (const each of this.all) each.missed ||= each.flushed
    } else this.beginStream()
  }

  beginStream(): void {
    this.isStreaming = true
    this.commits.begin(this.#snapshot(), undefined)
    if (this.#without === 'R9-suspects') {
      this.commits.seen({ xmin: this.#nextXid, xmax: this.#nextXid, running: new Set() })
    }
  }

  #snapshot() {
    const running = new Set(this.all.filter((each) => !each.visible).map(({ xid }) => xid))
    const xmin = this.all.find((each) => !each.visible)?.xid ?? this.#nextXid
    return { xmin, xmax: this.#nextXid, running }
  }

  ask(): void {
    if (this.isStreaming) this.snapshots.push(this.#snapshot())
  }

  arrive(transaction: Transaction | undefined): void {
    if (transaction === undefined || !this.isStreaming) return
    transaction.arrived = true
    const { xid, relations } = transaction
    const about = { end: this.#lastEnd++, claims: [], truncated: new Set<number>() }
    this.commits.arrived({ xid, scope: { everything: false, relations }, ...about })
  }

  acknowledge(transaction: Transaction | undefined): void {
    if (transaction === undefined) return
    transaction.acknowledged = true
    const scope = { everything: false, relations: transaction.relations }
    this.database.bump(scope, 'write', 0)
    if (this.isStreaming) this.commits.acknowledged(transaction.xid, scope)
  }

  /** A fill reads, or ends; and answers kept are looked at. */
  #read(): void {
    const fill = maybe(this.fills)
    if (fill !== undefined && fill.rows === undefined) fill.rows = this.rowsOf(fill.relations)
    else if (fill !== undefined) this.end(fill)
    this.check((kept) =>
      this.all.every((each) => !(each.acknowledged || (each.arrived && !each.missed)) || this.#shows(kept, each)),
    )
  }

  #shows(kept: Kept, { xid, relations }: Transaction): boolean {
    return !relations.some((one) => kept.relations.includes(one)) || kept.rows.split(',').includes(String(xid))
  }

  end(fill: Fill): void {
    this.fills = this.fills.filter((each) => each !== fill)
    const { relations, start, rows = this.rowsOf(relations) } = fill
    const isHeld = this.#without !== 'R4-quarantine' && quarantined(this.database, relations)
    if (unmoved(this.database, relations, start) && !isHeld) {
      const kept = { relations, start, rows }
      // What had been heard of when it was kept is in it.
      if (this.all.some((each) => each.arrived && !each.missed && !this.#shows(kept, each)))
        throw new Error(`stale: ${rows}`)
      this.kept.push(kept)
    }
  }

  check(holds: (kept: Kept) => boolean): void {
    this.kept = this.kept.filter(({ relations, start }) => unmoved(this.database, relations, start))
    for (const kept of this.kept) if (!holds(kept)) throw new Error(`stale: ${JSON.stringify(kept.rows)}`)
  }

  /** Everything that is under way ends. */
  settle(): void {
    if (!this.isStreaming) this.beginStream()
    for (const each of this.all) {
      if (!each.flushed) this.flush(each)
      each.visible = true
    }
    for (const each of this.all) if (!each.arrived && !each.missed) this.arrive(each)
    for (const each of this.all) if (each.isOurs && !each.acknowledged) this.acknowledge(each)
    for (const fill of this.fills) this.end(fill)
    this.ask()
    for (const snapshot of this.snapshots.splice(0)) this.commits.seen(snapshot)
    this.check((kept) => kept.rows === this.rowsOf(kept.relations))
  }

  #mark(transaction: Transaction | undefined, what: 'visible'): void {
    if (transaction !== undefined) transaction[what] = true
  }
}

function run(without?: Rule): World {
  const world = new World(without)
  for (let step = 0; step < 200; step++) world.step()
  world.settle()
  return world
}

describe('two-phase invalidation (R4, R5, R9, DEP-6)', () => {
  it('keeps nothing that is older than a commit that was acknowledged, or was heard of and settled', () => {
    let kept = 0
    for (let round = 0; round < rounds; round++) {
      const world = run()
      kept += world.kept.length
      expect([world.commits.pendingCount, world.commits.suspectCount, world.database.quarantines]).toEqual([0, 0, 0])
      for (const oid of [1, 2, 3]) expect(world.database.relation(oid).quarantines).toBe(0)
    }
    // A cache that keeps nothing is never wrong either.
    expect(kept).toBeGreaterThan(0)
  })

  it.each<Rule>(['R4-arrival', 'R4-quarantine', 'R5-confirm', 'R9-gap', 'R9-suspects'])(
    'is caught without %s',
    (without) => {
      expect(() => {
        for (let round = 0; round < 40 * rounds; round++) run(without)
      }).toThrow(/stale/)
    },
  )
})
