// A random life of a store beside a model of it: six maps. What every commit held is remembered, so that a store found
// after a crash can be compared with exactly the commit it says to be.
//
// A row is inline, or it refers to a chain:     0 | bytes            1 | count | extents | length | checksum
// The model knows the bytes that were put, wherever they lie.

import { expect } from 'vitest'
import { crc32, type Random, RecentTime } from '../../src/base/index.ts'
import { defaultBackgroundWriter } from '../../src/storage/background-writer.ts'
import type { ChainWriter } from '../../src/storage/chains.ts'
import {
  Compaction,
  type Extent,
  type Finding,
  type Pin,
  type RowKnowledge,
  Store,
  type StoreOptions,
} from '../../src/storage/index.ts'
import { FaultyDisk } from './faulty-disk.ts'

export const treeNames = ['namespaces', 'records', 'labels', 'expiry', 'queue', 'catalog'] as const

type Name = (typeof treeNames)[number]
type Model = Readonly<Record<Name, Map<string, Uint8Array>>>

/** What the layer above would tell: which chains a row refers to, and whether what is in them is what was put. */
export const chainRows: RowKnowledge = {
  extentsOf: (_, __, value) => (value[0] === 1 ? decodeChain(value).extents : []),
}

export interface HistoryOptions {
  readonly store: StoreOptions
  /** Keys to choose from, per tree. */
  readonly keyCount: number
  readonly chainBytesMax: number
  readonly onState?: (state: string) => void
}

/** What differs between kinds of lives: what one is, is drawn from each list. */
interface LifeShape {
  readonly pageSizes: readonly number[]
  readonly keyCounts: readonly number[]
  /** The largest chain, in pages. */
  readonly chainPages: readonly number[]
  /** Pages held back. */
  readonly reserve: number
  readonly onDamage?: StoreOptions['onDamage']
}

/** Small pages, so that trees are deep, and a pool that is always too small. */
export function drawnLife(
  random: Random,
  { pageSizes, keyCounts, chainPages, reserve, onDamage }: LifeShape,
): HistoryOptions {
  const pageSize = random.pick(pageSizes)
  return {
    store: {
      pageSize,
      poolBytes: 32 * pageSize,
      poolPolicy: random.pick(['clock2q', 'clock2q', 'sieve']),
      reserve,
      ...(onDamage === undefined ? {} : { onDamage }),
      strategy: random.pick(['normal', 'bulk_write']),
    },
    keyCount: random.pick(keyCounts),
    chainBytesMax: pageSize * random.pick(chainPages),
  }
}

/** What a life has committed so far. */
export interface Remembered {
  readonly commits: ReadonlyMap<number, Model>
  readonly durable: number
  readonly sealed: number
}

export class StoreHistory {
  readonly random: Random
  readonly disk: FaultyDisk
  readonly #options: HistoryOptions
  readonly #pins: { pin: Pin; model: Model }[] = []
  /** What each commit held. */
  readonly commits = new Map<number, Model>([[1, emptyModel()]])
  store: Store
  model: Model = emptyModel()
  /** The last commit that is known to be durable, and the last whose contents were fixed. */
  durable = 0
  sealed = 1
  #era = 0
  #nowUs = 0
  #pending: Promise<void>[] = []
  /** A chain that is being written in several turns, and one that is being read so. */
  #writing: { writer: ChainWriter; rest: Uint8Array; bytes: Uint8Array } | undefined
  #reading: { extents: readonly Extent[]; bytes: Uint8Array; release(): void } | undefined

  /** Begins a life, or goes on with one that `before` led on a disk that is now found as it is. */
  constructor(random: Random, options: HistoryOptions, disk = new FaultyDisk(), before?: Remembered) {
    this.random = random
    this.disk = disk
    this.#options = options
    for (const [commit, model] of before?.commits ?? []) this.commits.set(commit, model)
    this.sealed = before?.sealed ?? 1
    this.store = this.#open()
    this.#followStore()
  }

  /** What is known of this life just now, for one that goes on from here. */
  snapshot(): Remembered {
    return { commits: new Map(this.commits), durable: this.durable, sealed: this.sealed }
  }

  /** One random act. Faults of the disk may happen in it; the model follows. */
  async step(): Promise<void> {
    const act = this.random.next()
    await this.#tolerating(async () => {
      if (act < 0.45) this.#set()
      else if (act < 0.6) this.#delete()
      else if (act < 0.75) this.#putChain()
      else if (act < 0.78) this.#deleteRange()
      else if (act < 0.787) this.#wipe()
      else if (act < 0.8) this.#pending.push(this.store.writer.round().then(() => {}))
      else if (act < 0.82) this.store.note({ feedLsn: BigInt(this.random.int(1e9)), recordCount: this.random.int(1e6) })
      else if (act < 0.88) await this.commit()
      else if (act < 0.94) this.#pending.push(this.store.commit().catch(() => {}))
      else if (act < 0.95) this.#pin()
      else if (act < 0.97) this.#release()
      else if (act < 0.98) this.#hold()
      else if (act < 0.987) this.#writeOn()
      else if (act < 0.995) await this.#compact()
      else await this.reopen()
    })
    if (this.random.chance(0.2)) await Promise.resolve()
  }

  async commit(): Promise<void> {
    await this.#tolerating(() => this.store.commit())
  }

  /** Closes the store in order, and opens it again. */
  async reopen(): Promise<void> {
    await this.settle()
    this.#letGo()
    await this.#tolerating(() => this.store.close())
    if (this.store.state !== 'closed') return
    this.store = this.#again(() => this.#open())
    this.#followStore()
  }

  /** Waits for the commits that nobody waited for. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0))
    this.#follow()
  }

  /** The store is what the model says, whole, and every page of it accounted for. */
  async verify(): Promise<void> {
    await this.settle()
    if (this.store.state === 'fenced') this.#recover()
    expectSame(this.store, this.model)
    for (const { pin, model } of this.#pins) expectSame(pin, model, this.store)
    await this.commit()
    const pin = this.store.pin()
    expect(findingsOf(pin)).toEqual([])
    pin.release()
    this.store.pager.pool.verify()
    this.store.space.allocator.verify()
  }

  /** A copy of what is in the model, for a commit just sealed. */
  #remember(commit: number): void {
    this.sealed = commit
    this.commits.set(commit, copyOf(this.model))
  }

  #open(): Store {
    const store = Store.open(this.disk, 'data/l2', {
      ...this.#options.store,
      backgroundWriter: { ...defaultBackgroundWriter, enabled: false },
      newStoreId: () => this.random.bytes(16),
      // Time passes whenever somebody looks, so that commits are interrupted, and the same way in every run.
      clock: {
        nowMs: () => 0,
        recent: new RecentTime(() => 0),
        monotonicUs: () => (this.#nowUs += this.random.int(400)),
      },
      observer: {
        stateChanged: (state) => this.#options.onState?.(state),
        sealed: (commit) => this.#remember(commit),
        durable: (commit) => {
          this.durable = commit
        },
      },
    })
    this.durable = store.header.commit
    this.#era = store.era
    return store
  }

  /** Runs an act; a failure that the store announces is part of life, any other is a bug. */
  async #tolerating(act: () => void | Promise<void>): Promise<void> {
    // A commit that nobody waited for may have failed since the last act.
    this.#follow()
    try {
      await act()
    } catch (error) {
      const { sqlstate } = error as { sqlstate?: string }
      if (!['53100', '58030', '55000'].includes(sqlstate ?? '')) throw error
    }
    this.#follow()
    if (this.store.state === 'fenced' && this.#pending.length > 0) await this.settle()
    if (this.store.state === 'fenced') this.#recover()
    if (this.store.state === 'full' && this.random.chance(0.3)) this.store.retry()
  }

  #recover(): void {
    this.#again(() => this.store.reopen())
    this.#followStore()
  }

  /** Tries until the disk lets it be. */
  #again<T>(act: () => T): T {
    for (let attempt = 0; ; attempt++) {
      try {
        return act()
      } catch (error) {
        if (attempt > 20) throw error
      }
    }
  }

  /** When the store has dropped what was not durable, so does the model. */
  #follow(): void {
    if (this.store.era !== this.#era && this.store.state !== 'fenced') this.#followStore()
  }

  #followStore(): void {
    this.#era = this.store.era
    const commit = this.store.header.commit
    this.durable = commit
    const held = this.commits.get(commit)
    expect(held, `commit ${commit} is one of those that were begun`).toBeDefined()
    this.model = copyOf(held as Model)
    this.#letGo()
  }

  #letGo(): void {
    for (const { pin } of this.#pins.splice(0)) pin.release()
    this.#reading?.release()
    this.#reading = undefined
    if (this.store.state !== 'fenced') this.#writing?.writer.abandon()
    this.#writing = undefined
  }

  #key(): Uint8Array {
    const number = this.random.int(this.#options.keyCount)
    // Long common beginnings, empty keys, keys that are the beginning of others.
    const texts = [`${number}`, `tenant/${number % 7}/${'x'.repeat(number % 90)}/${number}`, 'a'.repeat(number % 60)]
    return Buffer.from(texts[number % 3] ?? '')
  }

  #value(): Uint8Array {
    const most = (this.#options.store.pageSize ?? 16_384) / 4 - 1
    return this.random.bytes(this.random.chance(0.1) ? most : this.random.int(Math.min(most, 120)))
  }

  #set(): void {
    const [name, key, bytes] = [this.random.pick(treeNames), this.#key(), this.#value()]
    const old = this.store.trees[name].get(key)
    this.store.trees[name].set(key, Buffer.concat([Buffer.of(0), bytes]))
    this.#freeChain(old)
    this.model[name].set(hex(key), bytes)
  }

  #delete(): void {
    const [name, key] = [this.random.pick(treeNames), this.#key()]
    const old = this.store.trees[name].get(key)
    expect(this.store.trees[name].delete(key)).toBe(this.model[name].has(hex(key)))
    this.#freeChain(old)
    this.model[name].delete(hex(key))
  }

  #putChain(): void {
    const [name, key] = [this.random.pick(treeNames), this.#key()]
    const bytes = this.random.bytes(this.random.int(this.#options.chainBytesMax))
    const cut = this.random.int(bytes.length + 1)
    const extents = this.store.chains.write([bytes.subarray(0, cut), bytes.subarray(cut)])
    this.#put(name, key, extents, bytes)
  }

  #put(name: Name, key: Uint8Array, extents: readonly Extent[], bytes: Uint8Array): void {
    try {
      const old = this.store.trees[name].get(key)
      this.store.trees[name].set(key, encodeChain(extents, bytes))
      this.#freeChain(old)
      this.model[name].set(hex(key), bytes)
    } catch (error) {
      if (this.store.state !== 'fenced') this.store.chains.free(extents)
      throw error
    }
  }

  #deleteRange(): void {
    const name = this.random.pick(treeNames)
    const [from, to] = [this.#key(), this.#key()].sort(Buffer.compare) as [Uint8Array, Uint8Array]
    const most = this.random.int(20)
    const doomed = [...this.store.trees[name].scan({ from, to })].slice(0, most)
    for (const [key, value] of doomed) {
      // One by one when there is something to free, at once when there is not.
      if (value[0] !== 1) continue
      this.store.trees[name].delete(key)
      this.#freeChain(value)
      this.model[name].delete(hex(key))
    }
    const plain = doomed.filter(([, value]) => value[0] !== 1)
    const [first, last] = [plain[0], plain.at(-1)]
    if (first === undefined || last === undefined || plain.length !== doomed.length) return
    const behind = Buffer.concat([last[0], Buffer.of(0)])
    for (let left = plain.length; left > 0; ) {
      const removed = this.store.trees[name].deleteRange(first[0], behind, this.random.int(left) + 1)
      expect(removed).toBeGreaterThan(0)
      for (const [key] of plain.splice(0, removed)) this.model[name].delete(hex(key))
      left -= removed
    }
  }

  /** Nearly everything goes, so that the end of the file becomes free. */
  #wipe(): void {
    for (const name of treeNames) {
      for (const [key, value] of this.store.trees[name].scan()) {
        if (this.random.chance(0.02)) continue
        this.store.trees[name].delete(key)
        this.#freeChain(value)
        this.model[name].delete(hex(key))
      }
    }
  }

  /** Begins a chain, or writes some more of it, or puts it into a row. */
  #writeOn(): void {
    const work = this.#writing
    if (work === undefined) {
      const bytes = this.random.bytes(1 + this.random.int(this.#options.chainBytesMax))
      this.#writing = { writer: this.store.chains.begin(bytes.length), rest: bytes, bytes }
      return
    }
    const part = work.rest.subarray(0, this.random.int(work.rest.length + 1))
    this.#writing = undefined
    if (this.random.chance(0.1)) {
      work.writer.abandon()
      return
    }
    work.writer.write(part)
    if (part.length < work.rest.length) this.#writing = { ...work, rest: work.rest.subarray(part.length) }
    else this.#put(this.random.pick(treeNames), this.#key(), work.writer.end(), work.bytes)
  }

  /** Begins to read a chain, or ends it: whatever happened to its row meanwhile, its bytes are there. */
  #hold(): void {
    if (this.#reading !== undefined) {
      const { extents, bytes, release } = this.#reading
      this.#reading = undefined
      expect(hex(this.store.chains.read(extents))).toBe(hex(bytes))
      release()
      return
    }
    const name = this.random.pick(treeNames)
    for (const [, value] of this.store.trees[name].scan()) {
      if (value[0] !== 1) continue
      const { extents } = decodeChain(value)
      this.#reading = { extents, bytes: this.store.chains.read(extents), release: this.store.hold() }
      return
    }
  }

  /** What lies at the end of the file moves down; nothing of it shows. */
  async #compact(): Promise<void> {
    const compaction = new Compaction(this.store)
    for (const name of treeNames) {
      for (const [key, value] of [...this.store.trees[name].scan()]) {
        const old = value[0] === 1 ? decodeChain(value).extents : []
        if (!compaction.isBehind(old)) continue
        const writer = finish(compaction.chain(old))
        const bytes = this.model[name].get(hex(key))
        if (writer !== undefined && bytes !== undefined) this.#put(name, key, writer.end(), bytes)
      }
      finish(compaction.tree(this.store.trees[name]))
    }
    compaction.map()
    await this.store.commit()
    compaction.endEarly()
    await this.store.commit()
  }

  #freeChain(value: Uint8Array | undefined): void {
    if (value?.[0] === 1) this.store.chains.free(decodeChain(value).extents)
  }

  #pin(): void {
    const commit = this.store.header.commit
    this.#pins.push({ pin: this.store.pin(), model: copyOf(this.commits.get(commit) as Model) })
  }

  #release(): void {
    const held = this.#pins.shift()
    if (held === undefined) return
    expectSame(held.pin, held.model, this.store)
    held.pin.release()
  }
}

/** All findings of a check. */
export function findingsOf(pin: Pin, rows: RowKnowledge = chainRows): Finding[] {
  return [...pin.check(rows)].filter((finding) => finding !== undefined)
}

/** Every tree holds exactly these rows, forwards and backwards, and every chain the bytes that were put into it. */
export function expectSame(readable: Pick<Store | Pin, 'trees'>, model: Model, store = readable as Store): void {
  for (const name of treeNames) {
    const tree = readable.trees[name]
    const found = [...tree.scan()].map(([key, value]) => `${hex(key)} ${hex(contentsOf(store, value))}`)
    const expected = [...model[name]].map(([key, bytes]) => `${key} ${hex(bytes)}`).sort()
    expectEqual(found, expected, name)
    expectEqual(
      [...tree.scan({ reverse: true })].map(([key]) => hex(key)).reverse(),
      [...model[name].keys()].sort(),
      name,
    )
    expect(tree.count, name).toBe(model[name].size)
  }
}

/** The same as expect(), which is slow when there is nothing to say. */
function expectEqual(found: string[], expected: string[], name: string): void {
  if (found.join() !== expected.join()) expect(found, name).toEqual(expected)
}

function contentsOf(store: Store, value: Uint8Array): Uint8Array {
  if (value[0] === 0) return value.subarray(1)
  const { extents, length, checksum } = decodeChain(value)
  const bytes = store.chains.read(extents)
  expect([bytes.length, crc32(bytes)]).toEqual([length, checksum])
  return bytes
}

function encodeChain(extents: readonly Extent[], bytes: Uint8Array): Uint8Array {
  const words = [...extents.flatMap(({ page, pages }) => [page, pages]), bytes.length, crc32(bytes)]
  return Buffer.concat([Buffer.of(1, extents.length), Buffer.from(Uint32Array.from(words).buffer)])
}

function decodeChain(value: Uint8Array): { extents: Extent[]; length: number; checksum: number } {
  const words = new Uint32Array(value.slice(2).buffer)
  const count = value[1] as number
  const extents = Array.from({ length: count }, (_, index) => ({
    page: words[index * 2] as number,
    pages: words[index * 2 + 1] as number,
  }))
  return { extents, length: words[count * 2] as number, checksum: words[count * 2 + 1] as number }
}

function emptyModel(): Model {
  return Object.fromEntries(treeNames.map((name) => [name, new Map<string, Uint8Array>()])) as Model
}

function copyOf(model: Model): Model {
  return Object.fromEntries(treeNames.map((name) => [name, new Map(model[name])])) as Model
}

/** Runs steps to their end. */
function finish<T>(steps: Iterator<undefined, T, undefined>): T {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
