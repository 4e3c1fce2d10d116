// The rows of L1 under random puts, hits, changes of mind and evictions, against objects in a Map and SIEVE with credits written down
// over an array. Whatever can be asked of an entry is asked of both, at every step: what is there, under which key, what it is charged,
// how often and when it was used, and who leaves.

import { expect, it } from 'vitest'
import { ManualClock, Random } from '../../../../src/base/index.ts'
import { Entries } from '../../../../src/cache/blob/entries.ts'
import { BlobEntry, type EntryFacts, type EntryHome, stampsPerMs } from '../../../../src/cache/blob/entry.ts'
import { plainAttributes } from '../../../../src/cache/blob/entry-parts.ts'
import type { RowHome } from '../../../../src/cache/blob/entry-rows.ts'
import { KeyTable } from '../../../../src/cache/blob/key-table.ts'
import { L1, type Resident } from '../../../../src/cache/blob/l1.ts'
import type { Policy } from '../../../../src/cache/blob/policy.ts'
import { createCounters } from '../../../../src/observe/index.ts'
import { plainPolicy } from '../../../support/blob.ts'

const random = Random.fromEnvironment()

/** What the model knows of one entry, or of a stored answer, which has no facts. */
interface Known {
  readonly name: string
  readonly facts: EntryFacts | undefined
  readonly charge: number
  readonly priority: number
  hits: number
  lastAccessAtMs: number
  credit: number
  lift: number
}

interface List {
  readonly items: Known[]
  hand: number
  mean: number
  weighed: number
}

const clamp = (value: number, least: number): number => Math.min(7, Math.max(least, Math.round(value)))

/** SIEVE with credits as design.md has it: a list per priority, the oldest first, and a hand that walks to the newer. */
class Model {
  readonly bytesMax: number
  readonly all = new Map<string, Known>()
  readonly left: string[] = []
  readonly #lists = new Map<number, List>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  get bytes(): number {
    return [...this.all.values()].reduce((sum, { charge }) => sum + charge, 0)
  }

  admit(known: Known, costUs: number): void {
    this.makeRoom(known.charge, undefined)
    const list = this.#listOf(known.priority)
    const worth = this.#worth(list, costUs, known.charge)
    known.credit = clamp(worth, 0)
    known.lift = clamp(1 + worth, 1)
    list.items.push(known)
    this.all.set(known.name, known)
  }

  replace(old: Known, known: Known, costUs: number): void {
    if (old.priority !== known.priority) {
      this.remove(old)
      this.admit(known, costUs)
      return
    }
    this.all.delete(old.name)
    this.makeRoom(known.charge, old)
    const list = this.#listOf(old.priority)
    known.credit = old.credit
    known.lift = clamp(1 + this.#worth(list, costUs, known.charge), 1)
    list.items[list.items.indexOf(old)] = known
    this.all.set(known.name, known)
  }

  hit(known: Known, nowMs: number): void {
    known.credit = Math.max(known.credit, known.lift)
    known.hits++
    known.lastAccessAtMs = Math.max(known.lastAccessAtMs, nowMs)
  }

  remove(known: Known): void {
    const list = this.#listOf(known.priority)
    const at = list.items.indexOf(known)
    list.items.splice(at, 1)
    if (list.hand > at) list.hand--
    if (list.hand >= list.items.length) list.hand = 0
    this.all.delete(known.name)
  }

  makeRoom(bytes: number, staying: Known | undefined): void {
    while (this.bytes + bytes > this.bytesMax) {
      const victim = this.#victim(staying)
      this.remove(victim)
      this.left.push(victim.name)
    }
  }

  #victim(staying: Known | undefined): Known {
    const lists = [...this.#lists.entries()].sort(([one], [two]) => one - two).map(([, list]) => list)
    const able = lists.filter(({ items }) => items.some((item) => item !== staying))
    const list = able.find(({ items }) => items.some((item) => item !== staying && item.credit === 0)) ?? able[0]
    if (list === undefined) throw new Error('nobody can leave')
    for (let step = 0; ; step++) {
      const item = list.items[list.hand] as Known
      if (item !== staying && (item.credit === 0 || step >= 1000)) return item
      if (item !== staying) item.credit--
      list.hand = (list.hand + 1) % list.items.length
    }
  }

  #listOf(priority: number): List {
    const list: List = this.#lists.get(priority) ?? { items: [], hand: 0, mean: 0, weighed: 0 }
    this.#lists.set(priority, list)
    return list
  }

  #worth(list: List, cost: number, size: number): number {
    const worth = Math.log2(cost / size)
    list.weighed = list.items.length === 0 ? 1 : Math.min(4096, list.weighed + 1)
    list.mean += (worth - list.mean) / list.weighed
    return worth - list.mean
  }
}

/** Entries of several namespaces and stored answers in one L1, each step done to the model as well. */
class Play {
  readonly dice: Random
  readonly clock = new ManualClock()
  readonly l1: L1
  readonly model: Model
  readonly left: string[] = []
  readonly spaces: { name: string; home: EntryHome; entries: Entries }[] = []
  readonly #answers = new Map<string, Resident>()
  readonly #policies: Policy[]
  #stamp = 0
  #lastAnswer = 0

  constructor(dice: Random, bytesMax: number) {
    this.dice = dice
    this.l1 = new L1(bytesMax, createCounters())
    this.model = new Model(bytesMax)
    for (const name of ['a', 'b', 'c']) {
      const home: EntryHome = {
        name,
        scope: { id: 1, generation: 1 },
        evicted: (entry) => {
          require(entries.delete(entry), 'who leaves was there')
          this.left.push(`${name} ${entry.key}`)
        },
      }
      const entries = new Entries(this.l1.rows, home)
      this.spaces.push({ name, home, entries })
    }
    this.#policies = [
      plainPolicy,
      { ...plainPolicy, ttlMs: 50 },
      { ...plainPolicy, ttlMs: 30_010 },
      { ...plainPolicy, ttlMs: 40, jitterPercent: 20, priority: 10 },
      { ...plainPolicy, ttlMs: 30, staleWindowMs: 100 },
      { ...plainPolicy, expiresAtMs: this.clock.nowMs() + 500 },
    ]
  }

  step(): void {
    const { dice, clock } = this
    const space = dice.pick(this.spaces)
    const key = dice.chance(0.1) ? 'k' : `key-${dice.int(60)}`
    const action = dice.int(100)
    if (action < 45) this.#put(space, key)
    else if (action < 75) this.#hit(space, key)
    else if (action < 82) this.#remove(space, key)
    else if (action < 85) this.#note(space, key)
    else if (action < 95) this.#answer()
    else clock.advance(dice.int(5))
    expect(this.left).toEqual(this.model.left)
    require(this.l1.bytesInUse === this.model.bytes, 'the bytes in use are the sum of the charges')
    require(this.l1.bytesInUse <= this.model.bytesMax, 'the bound holds')
  }

  compare(): void {
    this.l1.verify()
    for (const { name, entries } of this.spaces) {
      entries.verify()
      const known = [...this.model.all.values()].filter((each) => each.name.startsWith(`${name} `))
      expect(entries.size).toBe(known.length)
      for (const { facts, charge, hits, lastAccessAtMs } of known) {
        const entry = entries.get(facts?.key ?? '')
        const { value, ...others } = facts as EntryFacts
        require(entry?.value.equals(value) === true, 'it has its value')
        expect(entry).toMatchObject({ ...others, costUs: others.costUs || 1000, charge, hits, lastAccessAtMs })
        expect(entry?.isUnreported).toBe(lastAccessAtMs > (facts?.lastAccessAtMs ?? 0))
      }
      expect([...entries.values()].map(({ key }) => key).sort()).toEqual(known.map((each) => each.facts?.key).sort())
    }
  }

  #put({ name, home: owner, entries }: Play['spaces'][number], key: string): void {
    const { dice } = this
    const entry = new BlobEntry(owner, this.#facts(key))
    const known = knownOf(name, entry, this.#asked(entry))
    const old = entries.get(key)
    const costUs = dice.pick([10, 1000, 100_000])
    const home = entries.reserve(entry) as RowHome
    if (old === undefined) {
      this.model.admit(known, costUs)
      require(this.l1.admit(entry, costUs), 'it fits')
    } else {
      const { slot } = old
      this.model.replace(this.model.all.get(known.name) as Known, known, costUs)
      entries.delete(old)
      require(this.l1.replace(old, entry, costUs), 'it fits')
      if (old.priority === entry.priority) require(entry.slot === slot, 'it keeps its slot')
    }
    entries.add(entry, home)
  }

  #asked({ key, value, attributes, policy, version, createdAtMs, ttlFromMs, stamp, costUs }: BlobEntry): EntryFacts {
    const { lastAccessAtMs, bounds, inL2, storedBytes, codec } = this.#last as EntryFacts
    const rest = { lastAccessAtMs, bounds, inL2, storedBytes, codec }
    return { key, value, attributes, policy, version, createdAtMs, ttlFromMs, stamp, costUs, ...rest }
  }

  #last: EntryFacts | undefined

  /** Of a plain entry mostly, else with something that only objects can say. */
  #facts(key: string): EntryFacts {
    const { dice } = this
    const nowMs = this.clock.nowMs()
    this.#stamp = Math.max(this.#stamp + 1, nowMs * 1024)
    const inL2 = dice.chance(0.5)
    this.#last = {
      key,
      value: Buffer.from(dice.bytes(dice.int(200))),
      attributes: dice.chance(0.9) ? plainAttributes : { ...plainAttributes, tags: ['t'] },
      policy: dice.pick(this.#policies),
      version: dice.chance(0.9) ? undefined : dice.int(5),
      createdAtMs: dice.chance(0.95) ? nowMs : nowMs - 7,
      ttlFromMs: nowMs,
      lastAccessAtMs: nowMs,
      stamp: this.#stamp,
      costUs: dice.chance(0.9) ? 0 : 77,
      bounds: dice.chance(0.95) ? undefined : [],
      inL2,
      storedBytes: inL2 ? dice.int(100) : 0,
      codec: inL2 ? dice.int(2) : 0,
    }
    return this.#last
  }

  #hit({ name, entries }: Play['spaces'][number], key: string): void {
    const place = entries.find(key)
    const known = this.model.all.get(`${name} ${key}`)
    require((place !== -1) === (known !== undefined), 'both have it, or none')
    if (known === undefined) return
    this.model.hit(known, this.clock.recent.ms())
    const { l1, clock } = this
    const served = l1.rows.serve(place, clock.recent)
    if (served !== undefined) require(known.facts?.value.equals(served) === true, 'it is its value')
    else if (!l1.rows.use(place, clock.nowMs())) l1.lift(place)
  }

  #remove({ name, entries }: Play['spaces'][number], key: string): void {
    const entry = entries.get(key)
    const known = this.model.all.get(`${name} ${key}`)
    require((entry !== undefined) === (known !== undefined), 'both have it, or none')
    if (entry === undefined || known === undefined) return
    this.model.remove(known)
    entries.delete(entry)
    this.l1.remove(entry)
    require(!entries.has(key) && !entries.holds(entry), 'it is gone')
  }

  /** L2 says what has become of it. */
  #note({ name, entries }: Play['spaces'][number], key: string): void {
    const entry = entries.get(key)
    const known = this.model.all.get(`${name} ${key}`)
    if (entry === undefined || known?.facts === undefined) return
    const stored = { inL2: true, storedBytes: 1 + this.dice.int(1000), codec: this.dice.int(3) }
    entries.noteStored(entry, stored)
    Object.assign(known.facts, stored)
  }

  #answer(): void {
    const held = [...this.#answers.values()]
    if (held.length > 0 && this.dice.chance(0.5)) {
      const answer = this.dice.pick(held) as Resident & { name: string }
      this.model.hit(this.model.all.get(answer.name) as Known, 0)
      this.l1.hit(answer)
      return
    }
    const name = `answer ${++this.#lastAnswer}`
    const charge = 1 + this.dice.int(600)
    const priority = this.dice.pick([10, 128])
    const evicted = (): void => {
      this.#answers.delete(name)
      this.left.push(name)
    }
    const answer = { name, charge, payloadBytes: charge, priority, slot: -1, evicted }
    const rest = { hits: 0, lastAccessAtMs: 0, credit: 0, lift: 0 }
    this.model.admit({ name, facts: undefined, charge, priority, ...rest }, 1000)
    this.l1.admit(answer, 1000)
    this.#answers.set(name, answer)
  }
}

function knownOf(name: string, { key, charge, priority, lastAccessAtMs }: BlobEntry, facts: EntryFacts): Known {
  return { name: `${name} ${key}`, facts, charge, priority, hits: 0, lastAccessAtMs, credit: 0, lift: 0 }
}

/** As expect(), but fast enough for a hundred thousand times. */
function require(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
}

it('rows say what objects in a Map would, are charged to the byte, and leave in the order of SIEVE with credits (L1-4, L1-27, L1-30, G-3)', () => {
  for (let round = 0; round < 6; round++) {
    const play = new Play(random.fork(round), 5000 + random.int(30_000))
    for (let step = 0; step < 1000; step++) {
      play.step()
      if (step % 50 === 0) play.compare()
    }
    play.compare()
  }
})

it('a key is found where it was put, whatever else there is, also among keys that are alike where one looks first', () => {
  for (let round = 0; round < 10; round++) {
    const l1 = new L1(1, createCounters())
    const { things } = l1.rows
    const table = new KeyTable(l1.rows)
    const model = new Map<string, number>()
    const kinds = [
      (number: number) => `key-${number}`,
      (number: number) => `user:${number}:profile:with:settings`,
      (number: number) => `${'x'.repeat(40)}${number}${'y'.repeat(40)}`,
      (number: number) => String.fromCharCode(1 + (number % 300), 1 + (number >> 8)),
    ]
    const nameOf = random.pick(kinds)
    for (let step = 0; step < 6000; step++) {
      const key = nameOf(random.int(round < 5 ? 300 : 3000))
      const place = model.get(key)
      require(table.find(key) === (place ?? -1), 'it is found, or not')
      if (place === undefined) {
        things[2 * step] = key
        table.add(key, step)
        model.set(key, step)
      } else if (step % (step < 4000 ? 3 : 1) === 0) {
        require(table.delete(key, place) && !table.delete(key, place), 'it goes once')
        model.delete(key)
      }
      // Of whoever asks for one that never had a place, or with a place that is another one's.
      const elsewhere = model.get(nameOf(random.int(300)))
      require(!table.delete(key, -1), 'no place is no place')
      if (elsewhere !== model.get(key) && elsewhere !== undefined)
        require(!table.delete(key, elsewhere), 'another one stays')
      require(table.count === model.size, 'they are counted')
    }
    table.verify()
    expect([...table.places()].sort()).toEqual([...model.values()].sort())
    for (let place = table.any(); place !== -1; place = table.any()) table.delete(things[2 * place] as string, place)
    expect(table.count).toBe(0)
  }
})

it('as many namespaces as there may be have entries of either kind (L1-38)', () => {
  const count = 100_000
  const l1 = new L1(1 << 30, createCounters())
  const spaces: Entries[] = []
  for (let number = 0; number < count; number++) {
    const entries: Entries = new Entries(l1.rows, { name: `${number}`, scope: { id: number, generation: 1 }, evicted })
    function evicted(entry: BlobEntry): void {
      entries.delete(entry)
    }
    spaces.push(entries)
    for (const key of ['plain', 'not']) {
      const entry = new BlobEntry({ name: '', scope: { id: number, generation: 1 }, evicted }, factsIn(number, key))
      const home = entries.reserve(entry) as RowHome
      l1.admit(entry, 1)
      entries.add(entry, home)
    }
  }
  for (const [number, entries] of spaces.entries()) {
    for (const key of ['plain', 'not'])
      require(entries.get(key)?.value.toString() === `${number} ${key}`, 'it is there')
  }
})

function factsIn(number: number, key: string): EntryFacts {
  const atMs = 1_700_000_000_000
  return {
    key,
    value: Buffer.from(`${number} ${key}`),
    attributes: plainAttributes,
    policy: plainPolicy,
    version: key === 'plain' ? undefined : 1,
    createdAtMs: atMs,
    ttlFromMs: atMs,
    lastAccessAtMs: atMs,
    stamp: atMs * stampsPerMs + (number % stampsPerMs),
    costUs: 0,
    bounds: undefined,
    inL2: false,
    storedBytes: 0,
    codec: 0,
  }
}
