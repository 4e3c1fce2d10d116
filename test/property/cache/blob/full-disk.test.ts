// A disk that is full now and then, also in the middle of a commit, under puts, invalidations of much at once, flushes, backups
// that hold what leaves, and kills.
//
// Whatever finds no room: a read gives what was put last or nothing, what an invalidation took out stays out, also behind a kill, the
// tier is never given up, and when all is done nothing lies about.

import { expect, it, vi } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { Store } from '../../../../src/storage/index.ts'
import { CacheStage } from '../../../support/blob.ts'

const random = Random.fromEnvironment()
const keys = Array.from({ length: 1500 }, (_, index) => `k${index}`)
const tags = Array.from({ length: 40 }, (_, index) => `tag ${index} ${'x'.repeat(index * 3)}`)

class Play {
  readonly stage: CacheStage
  readonly dice: Random
  /** What each key holds, if it holds anything; and what is durable of it for certain: gone, or perhaps this. */
  readonly model = new Map<string, { readonly value: string; readonly tags: readonly string[] }>()
  readonly gone = new Set<string>()
  holds: number[] = []
  refusals = 0
  #puts = 0

  constructor(stage: CacheStage, dice: Random) {
    this.stage = stage
    this.dice = dice
  }

  async put(): Promise<void> {
    const { dice } = this
    const key = dice.pick(keys)
    const value = `${key} ${++this.#puts} ${'y'.repeat(dice.pick([0, 300, 700, 900, dice.chance(0.05) ? 9000 : 500]))}`
    const mine = tags.filter(() => dice.chance(0.08))
    this.model.set(key, { value, tags: mine })
    const rest = { tags: mine, ttlMs: 1e6 + dice.int(1e6), idleTtlMs: dice.pick([0, 1e6]) }
    await this.stage.put(key, Buffer.from(value), rest, dice.chance(0.2)).catch(() => undefined)
  }

  async get(): Promise<void> {
    const key = this.dice.pick(keys)
    if (this.dice.chance(0.5)) this.stage.emptyL1()
    const value = await this.stage.value(key)
    if (value !== undefined) expect(value).toBe(this.model.get(key)?.value)
  }

  async invalidate(): Promise<void> {
    const { dice, stage } = this
    const kind = dice.pick(['key', 'prefix', 'tag'] as const)
    const subject =
      kind === 'tag'
        ? dice.pick(tags)
        : kind === 'key'
          ? dice.pick(keys)
          : dice.pick(['k1', 'k2', 'k33', 'k44', 'k5', 'k6'])
    const taken: string[] = []
    for (const [key, entry] of [...this.model]) {
      const matches =
        kind === 'tag' ? entry.tags.includes(subject) : kind === 'key' ? key === subject : key.startsWith(subject)
      if (!matches) continue
      this.model.delete(key)
      taken.push(entry.value)
    }
    try {
      await stage.invalidate(kind, subject)
      for (const value of taken) this.gone.add(value)
    } catch {
      this.refusals++
    }
  }

  async flush(): Promise<void> {
    const taken = [...this.model.values()].map(({ value }) => value)
    this.model.clear()
    try {
      await this.stage.cache.flush('shop')
      for (const value of taken) this.gone.add(value)
    } catch {
      this.refusals++
    }
  }

  async hold(): Promise<void> {
    if (this.holds.length > 0) this.stage.cache.release(this.holds.shift() as number)
    else this.holds.push((await this.stage.cache.hold()).hold)
  }

  /** The disk has no byte more than it has given, or it has room again; now and then even what it gave cannot be written. */
  weather(): void {
    const { disk } = this.stage
    disk.rules.length = 0
    disk.full = this.dice.chance(0.85) ? 0 : undefined
    let left = this.dice.chance(0.5) ? this.dice.int(200) : -1
    disk.rules.push(({ kind, path }) =>
      kind === 'write' && path.endsWith('.pager') && left-- === 0
        ? Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' })
        : undefined,
    )
  }

  async kill(): Promise<void> {
    this.holds = []
    const { full } = this.stage.disk
    await this.stage.kill()
    this.stage.disk.full = full
    for (const key of keys) {
      const value = await this.stage.value(key)
      if (value === undefined) this.model.delete(key)
      else expect([...this.gone]).not.toContain(value)
      if (value !== undefined && value !== this.model.get(key)?.value) this.model.delete(key)
    }
    this.model.clear()
    for (const key of keys) {
      const blob = (await this.stage.get(key)).blob
      if (blob?.value === undefined) continue
      this.model.set(key, { value: Buffer.from(blob.value).toString(), tags: blob.tags })
    }
  }
}

it('a full disk costs entries and statements, and never an old answer, the tier, or a page (L2-35, L2-27, L2-44, G-5)', async () => {
  let given = 0
  let full = 0
  let between = 0
  const { commit } = Store.prototype
  vi.spyOn(Store.prototype, 'commit').mockImplementation(function (this: Store) {
    if (this.space.isTight) between++
    return commit.call(this)
  })
  for (let round = 0; round < 2; round++) {
    const dice = random.fork(round)
    const stage = await CacheStage.open({
      l1BytesMax: 1 << 16,
      store: { bytesMax: 64 << 20, retryDelayMs: 5, sweepIntervalMs: 0 },
    })
    const play = new Play(stage, dice)
    for (let step = 0; step < 2000; step++) {
      const action = step === 300 ? 910 : dice.int(1000)
      if (action < 600) await play.put()
      else if (action < 870) await play.get()
      else if (action < 903) await play.invalidate()
      else if (action < 904) await play.flush()
      else if (action < 914) play.weather()
      else if (action < 945) await play.hold().catch(() => undefined)
      else if (action < 955) stage.clock.advance(dice.int(20))
      else if (action < 960) await stage.cache.sweep({ entriesMax: 1000, msMax: 1000 }).catch(() => undefined)
      else if (action < 964) await play.kill()
    }
    full += stage.counters.l2_disk_full
    given += play.refusals
    stage.disk.full = undefined
    stage.disk.rules.length = 0
    for (const hold of play.holds) stage.cache.release(hold)
    stage.clock.advance(1000)
    while ((await stage.cache.sweep({ entriesMax: 1e6, msMax: 1e6 }))?.truncated === true)
      await stage.put('more', 'x', {}, true)
    expect(await stage.cache.check()).toEqual([])
    expect(stage.events.filter((event) => /given_up|not_opened|set_aside|corrupt/.test(event))).toEqual([])
    await stage.cache.close()
  }
  console.log(`${full} times full, ${given} statements refused, ${between} commits between`)
}, 120_000)
