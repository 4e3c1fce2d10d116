// The second tier under random operations against a Map: what is found, what invalidations count, what is there after a restart, a kill, a
// loss of power and a failed commit. After every round the trees are checked against each other.
//
// Evictions are the tier's own choice: it tells who left, and the model lets go of the same. Everything else must agree.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { hashText } from '../../../../src/cache/blob/key-hash.ts'
import { keyOfRecordKey, type Scope, scopeOfRecordKey } from '../../../../src/cache/blob/l2-keys.ts'
import { finish, L2Stage } from '../../../support/blob.ts'

const random = Random.fromEnvironment()

interface Entry {
  readonly id: number
  readonly generation: number
  readonly key: string
  readonly value: Buffer
  readonly tags: readonly string[]
  readonly dependencies: readonly string[]
  readonly version: number | undefined
  readonly expiresAtMs: number
}

type Model = Map<string, Entry>

const nothing = Buffer.alloc(0)
const nameOf = (scope: Scope, key: string): string => `${scope.id}/${scope.generation}/${key}`

const keys = [
  'a',
  'ab',
  'abc',
  'b',
  'ba',
  'c',
  'é',
  'long'.repeat(20),
  ...Array.from({ length: 20 }, (_, n) => `k${n}`),
]
const labels = ['red', 'redder', 'blue', 'r']

class Play {
  readonly stage: L2Stage
  readonly random: Random
  model: Model = new Map()
  durable: Model = new Map()
  /** What would have to be removed from the durable state if the store fell back to it. */
  undone: ((entry: Entry) => boolean)[] = []
  evictions = 0
  #generations = new Map<number, number>([[1, 1]])

  constructor(seed: Random) {
    this.random = seed
    this.stage = new L2Stage({ options: { bytesMax: 60_000 }, store: { pageSize: seed.pick([4096, 8192]) } })
    this.stage.onLeft = (recordKey, reason) => {
      if (reason !== 'pressure' && reason !== 'quota') return
      this.evictions++
      this.model.delete(nameOf(scopeOfRecordKey(recordKey), keyOfRecordKey(recordKey)))
    }
    this.define(2, '{}')
    this.define(3, '{"bytesMax":20000,"entriesMax":8}')
  }

  scope(id = this.random.pick([...this.#generations.keys()])): Scope {
    return { id, generation: this.#generations.get(id) as number }
  }

  isAlive(entry: Entry): boolean {
    return this.stage.clock.nowMs() < entry.expiresAtMs
  }

  find(scope: Scope, key: string): Entry | undefined {
    const entry = this.model.get(nameOf(scope, key))
    return entry !== undefined && this.isAlive(entry) ? entry : undefined
  }

  put(): void {
    const { random: dice } = this
    const scope = this.scope()
    const key = dice.pick(keys)
    const old = this.find(scope, key)
    const value = this.value()
    const version = dice.chance(0.3) ? dice.int(6) : undefined
    const condition = dice.int(5)
    const only =
      condition === 0
        ? { kind: 'absent' as const }
        : condition === 1
          ? { kind: 'version' as const, version: dice.int(6) }
          : undefined
    const ttlMs = dice.chance(0.3) ? 1 + dice.int(100) : undefined
    const tags = labels.filter(() => dice.chance(0.2))
    const dependencies = labels.filter(() => dice.chance(0.2))
    const result = this.stage.put({
      scope,
      key,
      value,
      policy: { ttlMs, priority: dice.pick([10, 128, 128, 200]) },
      attributes: {
        tags,
        dependencies,
        metadata: dice.chance(0.2) ? `{"a":"${'x'.repeat(dice.int(3000))}"}` : undefined,
      },
      ...(version === undefined ? {} : { version }),
      only,
    })
    const refused =
      old !== undefined &&
      (only?.kind === 'absent' ||
        (only?.kind === 'version' && old.version !== only.version) ||
        (version !== undefined && old.version !== undefined && version <= old.version))
    expect(result.kind === 'refused').toBe(refused)
    if (refused) return
    this.undo((entry) => nameOf(entry, entry.key) === nameOf(scope, key))
    if (result.kind === 'rejected') {
      expect(value.length).toBeGreaterThan(10_000)
      this.model.delete(nameOf(scope, key))
      return
    }
    const expiresAtMs = ttlMs === undefined ? Number.POSITIVE_INFINITY : this.stage.clock.nowMs() + ttlMs
    this.model.set(nameOf(scope, key), { ...scope, key, value, tags, dependencies, version, expiresAtMs })
  }

  value(): Buffer {
    const { random: dice } = this
    const size = dice.pick([0, 10, 300, 900, 1100, 4000, 20_000, 70_000]) + dice.int(50)
    return dice.chance(0.5) ? dice.bytes(size) : Buffer.alloc(size, `value ${dice.int(1000)} `)
  }

  get(): void {
    const scope = this.scope()
    const key = this.random.pick(keys)
    const found = finish(this.stage.l2.get(scope, key, { withValue: true, quiet: false }))
    const expected = this.find(scope, key)
    // Not toEqual(), which compares bytes one by one.
    expect(found?.value?.length).toBe(expected?.value.length)
    expect(Buffer.compare(found?.value ?? nothing, expected?.value ?? nothing)).toBe(0)
    if (found === undefined || expected === undefined) return
    expect(found.attributes).toMatchObject({ tags: expected.tags, dependencies: expected.dependencies })
    expect(found.record.version).toBe(expected.version)
  }

  invalidate(): void {
    const { random: dice } = this
    const scope = this.scope()
    const kind = dice.pick(['key', 'prefix', 'tag', 'dependency'] as const)
    const subjects = [1, 2].map(() => dice.pick(kind === 'key' || kind === 'prefix' ? keys : labels))
    const expected = subjects.map((subject) => {
      const matches = (entry: Entry): boolean =>
        entry.id === scope.id && entry.generation === scope.generation && matchesTarget(entry, kind, subject)
      this.undo(matches)
      let count = 0
      for (const [name, entry] of this.model) {
        if (!matches(entry)) continue
        if (this.isAlive(entry)) count++
        this.model.delete(name)
      }
      return count
    })
    expect(this.stage.invalidate({ kind, subjects }, scope)).toEqual(expected)
  }

  touch(): void {
    const { random: dice } = this
    const scope = this.scope()
    const key = dice.pick(keys)
    const entry = this.find(scope, key)
    const atMs = this.stage.clock.nowMs()
    const change = dice.pick([{ ttlMs: 50 }, { ttlMs: null }, { tags: ['red'] }, { tags: labels, priority: 5 }])
    const request = { scope, keys: [key], change, atMs, stamp: dice.int(1e9) }
    const [touched] = finish(this.stage.l2.touching.touch(request))
    expect(touched).toBe(entry !== undefined)
    if (entry === undefined) return
    this.undo((other) => nameOf(other, other.key) === nameOf(scope, key))
    const expiresAtMs =
      change.ttlMs === undefined ? entry.expiresAtMs : change.ttlMs === null ? Number.POSITIVE_INFINITY : atMs + 50
    this.model.set(nameOf(scope, key), { ...entry, expiresAtMs, tags: change.tags ?? entry.tags })
  }

  flush(): void {
    const { id, generation } = this.scope()
    this.stage.l2.flush(id, generation + 1)
    this.#generations.set(id, generation + 1)
    this.forget((entry) => entry.id === id && entry.generation <= generation)
  }

  define(id: number, options: string): void {
    this.#generations.set(id, 1)
    this.stage.l2.define(`namespace ${id}`, { id, generation: 1 }, options)
  }

  drop(): void {
    const { id } = this.scope()
    if (this.#generations.size < 3) return
    this.stage.l2.drop(id)
    this.#generations.delete(id)
    this.forget((entry) => entry.id === id)
    this.define(Math.max(...this.#generations.keys(), id) + 1, this.random.pick(['{}', '{"entriesMax":5}']))
  }

  forget(matches: (entry: Entry) => boolean): void {
    this.undo(matches)
    for (const [name, entry] of this.model) if (matches(entry)) this.model.delete(name)
  }

  undo(matches: (entry: Entry) => boolean): void {
    this.undone.push(matches)
  }

  async commit(): Promise<void> {
    await this.stage.l2.commit()
    this.durable = new Map(this.model)
    this.undone = []
  }

  /** The state is the durable one; namespaces made since are made again, as the wire thread does. */
  fellBack(removesUndone: boolean): void {
    this.model = new Map(
      [...this.durable].filter(([, entry]) => !(removesUndone && this.undone.some((is) => is(entry)))),
    )
    if (!removesUndone) this.undone = []
    for (const [id, generation] of [...this.#generations]) {
      const kept = this.stage.l2.namespaces.find(id)
      if (kept === undefined) this.stage.l2.define(`namespace ${id}`, { id, generation }, '{}')
      else if (kept.generation < generation) this.#generations.set(id, kept.generation)
    }
    for (const { id, dropped } of [...this.stage.l2.namespaces.all()]) {
      if (!dropped && !this.#generations.has(id)) this.stage.l2.drop(id)
    }
    for (const [name, { id }] of this.model) if (!this.#generations.has(id)) this.model.delete(name)
  }

  async failedCommit(): Promise<void> {
    const kind = this.random.pick(['sync', 'sync', 'write'] as const)
    const code = kind === 'write' ? 'ENOSPC' : 'EIO'
    this.stage.disk.failOnce(kind, code, this.random.int(2))
    const { era, header } = this.stage.store
    await this.stage.l2.commit().then(
      () => this.durableNow(),
      () => {},
    )
    this.stage.disk.rules.length = 0
    if (this.stage.store.state === 'fenced') {
      this.stage.store.reopen()
      await this.stage.l2.commits.fallen()
      // The slot may have been written before its sync failed: then this commit is found.
      if (this.stage.store.header.commit > header.commit) this.durable = new Map(this.model)
    }
    if (this.stage.store.state === 'full') this.stage.store.retry()
    if (this.stage.store.era !== era) this.fellBack(true)
  }

  durableNow(): void {
    this.durable = new Map(this.model)
    this.undone = []
  }

  verify(): void {
    expect(this.stage.check()).toEqual([])
    expect(this.stage.l2.namespaces.bytes).toBeLessThanOrEqual(60_000)
    for (const entry of this.model.values()) {
      const synopsis = this.stage.l2.synopses.of(entry)
      if (this.isAlive(entry) && synopsis !== undefined) expect(synopsis.mayHold(hashText(entry.key))).toBe(true)
    }
    expect(this.stage.damages).toEqual([])
  }
}

function matchesTarget(entry: Entry, kind: 'key' | 'prefix' | 'tag' | 'dependency', subject: string): boolean {
  if (kind === 'key') return entry.key === subject
  if (kind === 'prefix') return entry.key.startsWith(subject)
  return (kind === 'tag' ? entry.tags : entry.dependencies).includes(subject)
}

describe('the second tier', () => {
  it('agrees with a Map through puts, invalidations, flushes, sweeps and restarts (L2-1 to L2-3, L2-17 to L2-22, L2-32, SYN-6)', async () => {
    let evictions = 0
    for (let round = 0; round < 12; round++) {
      const play = new Play(random.fork(round))
      const dice = play.random
      for (let step = 0; step < 250; step++) {
        const action = dice.int(100)
        if (action < 40) play.put()
        else if (action < 70) play.get()
        else if (action < 80) play.invalidate()
        else if (action < 84) play.touch()
        else if (action < 86) play.flush()
        else if (action < 87) play.drop()
        else if (action < 91) play.stage.clock.advance(dice.int(40))
        else if (action < 94) play.stage.sweep(1 + dice.int(50))
        else if (action < 97) await play.commit()
        else if (action < 98) {
          await play.commit()
          await play.stage.restart()
        } else if (action < 99) {
          play.stage.kill(dice.chance(0.5) ? dice : undefined)
          play.fellBack(false)
        } else await play.failedCommit()
        if (step % 25 === 0) play.verify()
      }
      play.stage.sweep()
      play.verify()
      expect(play.stage.l2.namespaces.deadEntries).toBe(0)
      expect(play.stage.l2.sweeper.hasWork).toBe(false)
      expect(play.stage.store.trees.records.count).toBe(
        [...play.model.values()].filter((entry) => play.isAlive(entry)).length,
      )
      evictions += play.evictions
    }
    // Else the rounds were too easy to show what evictions do.
    expect(evictions).toBeGreaterThan(10)
  })
})
