// Answers in L2 under random lives and deaths of both sides: no answer comes back that a change made meanwhile has outdated.
//
// The origin is a model: transaction ids, a log with an end on disk, falls that lose the rest of it. The server is the real second tier
// over the real result cache and the real epochs; its store keeps what was committed, a kill takes the rest.
//
// What must hold: an answer served was true at some time after the last change that had to be seen - a write through the server, or
// anything that happened at the origin while no server was up. (Writes by others while it is up may be missed for the time to live.)

import { describe, expect, it } from 'vitest'
import { ManualClock, Random } from '../../../../src/base/index.ts'
import { L1 } from '../../../../src/cache/blob/index.ts'
import {
  type AnswerStore,
  type Entry,
  ResultCache,
  SecondTier,
  staleness,
} from '../../../../src/cache/results/index.ts'
import { Epochs } from '../../../../src/invalidation/index.ts'
import { createCounters } from '../../../../src/observe/index.ts'

const random = Random.fromEnvironment()
const relationCount = 3

interface LogRow {
  readonly xid: number
  readonly relation: number | undefined
  readonly value: number
}

/** Values only grow; a relation's is that of the last log row about it. */
class Origin {
  log: LogRow[] = []
  flushed = 0
  nextXid = 700
  ended = 699
  running = new Set<number>()
  countersSince = 1
  #value = 0

  value(relation: number): number {
    return this.log.findLast((row) => row.relation === relation)?.value ?? 0
  }

  begin(): number {
    this.running.add(this.nextXid)
    return this.nextXid++
  }

  commit(xid: number, relation: number, isSync: boolean): void {
    this.#end({ xid, relation, value: ++this.#value })
    if (isSync) this.flushed = this.log.length
  }

  abort(xid: number): void {
    this.#end({ xid, relation: undefined, value: 0 })
  }

  #end(row: LogRow): void {
    this.running.delete(row.xid)
    this.log.push(row)
    this.ended = Math.max(this.ended, row.xid)
  }

  restart(isOrderly: boolean): void {
    if (isOrderly) {
      for (const xid of [...this.running]) this.abort(xid)
      this.flushed = this.log.length
    } else {
      this.running.clear()
      this.log.length = this.flushed
      this.nextXid = Math.max(699, ...this.log.map(({ xid }) => xid)) + 1
      this.countersSince++
    }
    this.ended = this.nextXid - 1
  }

  position(): string[] {
    const next = this.ended + 1
    const least = Math.min(next, ...this.running)
    return ['system', '00000001', '180004', least, next, this.log.length, this.countersSince].map(String)
  }
}

/** What a kill leaves is a prefix of what was asked for, and at least what was promised. */
class Store {
  incarnation = 1
  answers = new Map<string, Buffer>()
  notes: string | undefined
  #ops: (() => void)[] = []

  open(): AnswerStore {
    const seen = new Map(this.answers)
    let note = this.notes
    const ops: (() => void)[] = []
    this.#ops = ops
    const commit = async () => {
      await Promise.resolve()
      for (const op of ops.splice(0)) op()
    }
    return {
      incarnation: this.incarnation,
      isEmpty: false,
      mayHold: (key) => seen.has(key),
      get: async (key) => seen.get(key),
      put: (key, value) => {
        seen.set(key, value)
        ops.push(() => this.answers.set(key, value))
      },
      empty: async () => {
        seen.clear()
        ops.push(() => this.answers.clear())
        await commit()
      },
      forgetTag: async () => undefined,
      putPart: async (key, value) => {
        seen.set(key, value)
        ops.push(() => this.answers.set(key, value))
        for (let turns = random.int(40); turns > 0; turns--) await Promise.resolve()
        return true
      },
      beginParts: async (keys) => {
        const parts = keys.map((key) => seen.get(key))
        return parts.includes(undefined)
          ? undefined
          : { count: keys.length, part: async (index: number) => parts[index], end: () => undefined }
      },
      note: async (text) => {
        note = text
        ops.push(() => {
          this.notes = text
        })
        await commit()
      },
      noted: async () => note,
    }
  }

  close(kept: number): void {
    for (const op of this.#ops.splice(0).slice(0, kept)) op()
    this.incarnation++
  }

  get waiting(): number {
    return this.#ops.length
  }
}

/** A statement per relation. */
class Text {
  readonly fingerprint = 'f'
  readonly key: string
  readonly text: string
  readonly outdated = false
  #entry: Entry | undefined

  constructor(relation: number) {
    this.key = `select ${relation}`
    this.text = this.key
  }

  find(): Entry | undefined {
    return this.#entry
  }

  keep(entry: Entry): void {
    this.#entry = entry
  }

  forget(entry: Entry): void {
    if (this.#entry === entry) this.#entry = undefined
  }
}

class Life {
  readonly epochs = new Epochs()
  readonly database = this.epochs.database('d')
  readonly results: ResultCache
  readonly tier: SecondTier
  readonly texts = Array.from({ length: relationCount }, (_, relation) => new Text(relation))
  readonly clock: ManualClock

  constructor(store: AnswerStore, clock: ManualClock) {
    this.clock = clock
    const counters = createCounters()
    this.results = new ResultCache({
      limits: { entriesMax: 2, entryBytesMax: 1e5 },
      ...{ counters, l1: new L1(1e6, counters) },
    })
    this.tier = new SecondTier({
      ...{ store, clock, results: this.results, epochs: this.epochs },
      contexts: { lastingNameOf: () => 'context' },
      delayMs: () => 0,
      onFailure: (error) => {
        throw error
      },
    })
  }

  /** A stored answer that may be served. */
  served(relation: number): number | undefined {
    const entry = this.texts[relation]?.find()
    if (entry === undefined || staleness(entry, this.clock.nowMs(), Number.POSITIVE_INFINITY) !== undefined)
      return undefined
    this.results.touch(entry, this.clock.nowMs())
    return Number(entry.bytes)
  }

  fill(relation: number, start: number, value: number): void {
    const text = this.texts[relation] as Text
    const old = text.find()
    if (old !== undefined) this.results.remove(old, 'replaced')
    const nowMs = this.clock.nowMs()
    const known = this.database.relation(relation)
    const facts = {
      ...{
        key: '',
        contextId: 1,
        database: this.database,
        role: 'r',
        bytes: String(value),
        descriptionBytes: 0,
        rows: 1,
      },
      ...{
        tags: [],
        priority: 128,
        l2: true,
        relations: [known],
        start,
        createdAtMs: nowMs,
        provenAtMs: nowMs,
        costUs: 50_000,
        owner: text,
      },
    }
    const about = { expiresAtMs: nowMs + 1e9, tags: [] }
    const writer = random.int(3) === 0 ? this.tier.partWriter(text, this.database.name, 1, '', about) : undefined
    if (writer !== undefined) {
      for (const digit of String(value)) writer.add(Buffer.from(digit))
      void this.tier.keepLarge({ ...facts, bytes: '' }, 1e9, writer)
      return
    }
    const entry = this.results.store(facts, 1e9)
    if (entry === undefined) throw new Error('an answer fits')
    text.keep(entry)
    this.tier.filled(entry, nowMs)
  }
}

describe('answers in L2', () => {
  it(`L2-30 RRC-16 no life, kill or fall brings back what was outdated (SEED=${random.seed})`, async () => {
    let recalls = 0
    for (let run = 0; run < 500; run++) recalls += await play()
    expect(recalls).toBeGreaterThan(100)
    expect(larges).toBeGreaterThan(100)
  })
})

/** Answers too large for memory that were served. */
let larges = 0

/** How many answers came back from L2 and were served. */
async function play(): Promise<number> {
  const origin = new Origin()
  const store = new Store()
  const clock = new ManualClock()
  const foreign = new Map<number, number>()
  /** Per relation, what has been true since the last change that had to be seen. */
  const allowed = Array.from({ length: relationCount }, () => new Set([0]))
  let life: Life | undefined
  let recalls = 0
  const told: string[] = []

  const mustSee = (relation: number) => {
    allowed[relation] = new Set([origin.value(relation)])
  }
  const before = Array.from({ length: relationCount }, () => 0)
  const changed = () => {
    for (const [relation, values] of allowed.entries()) {
      if (origin.value(relation) === before[relation]) continue
      before[relation] = origin.value(relation)
      if (life === undefined) mustSee(relation)
      else values.add(origin.value(relation))
    }
  }
  const read = async (relation: number) => {
    const { tier, epochs, database, texts } = life as Life
    const check = (value: number, from: string) => {
      const what = `${told.join('\n')}\n${from} of ${relation}: ${value}, allowed ${[...(allowed[relation] as Set<number>)]}`
      expect(allowed[relation]?.has(value), what).toBe(true)
    }
    const hit = life?.served(relation)
    if (hit !== undefined) return check(hit, 'hit')
    const recall = tier.recall({
      ...{ text: texts[relation] as Text, database: database.name, contextId: 1, parameters: '', priority: 128 },
    })
    const large = await recall
    if (large !== undefined) {
      const isFresh = staleness(large.entry, clock.nowMs(), Number.POSITIVE_INFINITY) === undefined
      const may = new Set(allowed[relation])
      let value = ''
      for await (const digit of large.read()) value += digit
      large.end()
      if (isFresh) {
        larges++
        expect(may.has(Number(value)), `${told.join('\n')}\nlarge of ${relation}: ${value}, allowed ${[...may]}`).toBe(
          true,
        )
        return
      }
    }
    const again = recall === undefined ? undefined : life?.served(relation)
    if (again !== undefined) {
      recalls++
      return check(again, 'recall')
    }
    life?.fill(relation, epochs.tick(), origin.value(relation))
  }
  const write = async (relation: number) => {
    const { database } = life as Life
    const scope = { everything: false, relations: [database.relation(relation)] }
    database.suspend(scope)
    const xid = origin.begin()
    if (random.int(3) === 0) await sample()
    const commits = random.int(4) > 0
    if (commits) origin.commit(xid, relation, random.int(2) === 0)
    else origin.abort(xid)
    changed()
    if (random.int(2) === 0) await sample()
    if (random.int(6) === 0) {
      // Killed before the answer came.
      await end(false)
      return mustSee(relation)
    }
    if (commits) {
      database.bump(scope, 'write', clock.nowMs())
      mustSee(relation)
    }
    database.release(scope)
  }
  const settle = async () => {
    for (let turn = 0; turn < 8; turn++) await Promise.resolve()
  }
  const sample = async () => {
    life?.tier.heard(origin.position(), clock.nowMs())
    await settle()
  }
  const end = async (isOrderly: boolean) => {
    if (isOrderly) {
      if (random.int(4) > 0) await sample()
      await life?.tier.end()
      await settle()
      store.close(store.waiting)
    } else store.close(random.int(store.waiting + 1))
    life = undefined
  }

  for (let step = 0; step < 120; step++) {
    const relation = random.int(relationCount)
    const what = random.int(12)
    told.push(`${step}: ${what} ${relation}`)
    clock.advance(random.int(700))
    if (what === 0 && life === undefined) {
      const xid = origin.begin()
      origin.commit(xid, relation, random.int(2) === 0)
      changed()
    } else if (what === 1) {
      const xid = origin.begin()
      if (random.int(2) === 0) foreign.set(xid, relation)
      else {
        if (random.int(3) > 0) origin.commit(xid, relation, random.int(2) === 0)
        else origin.abort(xid)
        changed()
      }
    } else if (what === 2) {
      for (const [xid, on] of foreign) {
        if (origin.running.has(xid)) origin.commit(xid, on, random.int(2) === 0)
        foreign.delete(xid)
      }
      changed()
    } else if (what === 3 && random.int(3) === 0) {
      origin.restart(random.int(2) === 0)
      foreign.clear()
      changed()
    } else if (life === undefined) {
      if (random.int(2) === 0) continue
      life = new Life(store.open(), clock)
      await life.tier.begin()
      if (random.int(3) > 0) await sample()
    } else if (what === 4 && random.int(3) === 0) await end(random.int(2) === 0)
    else if (what === 5) await write(relation)
    else if (what === 6 && random.int(4) === 0) {
      await life.tier.forgetAll()
      life.results.clear()
    } else if (what === 7) await sample()
    else if (what === 8) {
      clock.advance(1500)
      life.tier.turn(clock.nowMs())
      await settle()
    } else await read(relation)
  }
  return recalls
}
