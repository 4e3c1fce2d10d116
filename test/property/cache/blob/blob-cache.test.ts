// Both tiers under random operations that overlap, against a Map that does them one after the other as they are issued.
//
// Whatever the order of replies: a put is refused exactly when the Map refuses it, an invalidation counts what the Map loses,
// and a read gives a value that its key had at some moment between its question and its answer, or misses if the key was changed
// in between (L1-34). L1 is so small that most reads
// need L2; now and then the process is killed after a durable put, or L1 is emptied, or the store's device fails.

import { expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { CacheStage } from '../../../support/blob.ts'

const random = Random.fromEnvironment()

interface Entry {
  readonly value: string
  readonly tags: readonly string[]
  readonly version: number | undefined
}

const keys = Array.from({ length: 12 }, (_, index) => `k${index}`)
const tags = ['red', 'blue']

class Play {
  readonly stage: CacheStage
  readonly dice: Random
  readonly model = new Map<string, Entry>()
  /** What each key held, oldest first, with the step from which on. */
  readonly history = new Map<string, { from: number; value: string | undefined }[]>()
  step = 0
  #puts = 0

  constructor(stage: CacheStage, dice: Random) {
    this.stage = stage
    this.dice = dice
    for (const key of keys) this.history.set(key, [{ from: 0, value: undefined }])
  }

  set(key: string, entry: Entry | undefined): void {
    if (entry === undefined) this.model.delete(key)
    else this.model.set(key, entry)
    this.history.get(key)?.push({ from: this.step, value: entry?.value })
  }

  async get(key: string): Promise<void> {
    const from = this.step
    const late = this.stage.counters.l1_late_replies
    const value = (await this.stage.value(key))?.slice(0, 10)
    const states = this.history.get(key) ?? []
    const before = states.filter((state) => state.from <= from).at(-1)
    const possible = [before, ...states.filter((state) => state.from > from)].map((state) => state?.value?.slice(0, 10))
    if (value === undefined && this.stage.counters.l1_late_replies > late) return
    expect({ key, possible }).toEqual({ key, possible: expect.arrayContaining([value]) })
  }

  async put(durable: boolean): Promise<void> {
    const { dice } = this
    const key = dice.pick(keys)
    const old = this.model.get(key)
    const value = `${key} ${++this.#puts} ${'x'.repeat(dice.pick([0, 0, 2000, 20_000]))}`
    const version = dice.chance(0.3) ? dice.int(4) : undefined
    const isConditional = dice.chance(0.3)
    const only = isConditional ? { kind: 'absent' as const } : undefined
    const isRefused = old !== undefined && isConditional
    const isOlder = old?.version !== undefined && version !== undefined && version <= old.version
    const entry = { value, version, tags: tags.filter(() => dice.chance(0.3)) }
    if (!isRefused && !isOlder) this.set(key, entry)
    const rest = { tags: entry.tags, ...(version === undefined ? {} : { version }), only }
    const receipt = await this.stage.put(key, value, rest, durable).catch((error) => error.sqlstate)
    if (isRefused) expect(receipt).toBeUndefined()
    else if (isOlder) expect(receipt).toBe('55000')
    else expect(receipt).toMatchObject({ tier: expect.any(String) })
  }

  async invalidate(): Promise<void> {
    const { dice } = this
    const kind = dice.pick(['key', 'prefix', 'tag'] as const)
    const subject = kind === 'tag' ? dice.pick(tags) : kind === 'key' ? dice.pick(keys) : 'k1'
    let count = 0
    for (const [key, entry] of [...this.model]) {
      const matches =
        kind === 'tag' ? entry.tags.includes(subject) : kind === 'key' ? key === subject : key.startsWith(subject)
      if (!matches) continue
      this.set(key, undefined)
      count++
    }
    expect(await this.stage.invalidate(kind, subject)).toEqual([count])
  }

  async flush(): Promise<void> {
    for (const key of [...this.model.keys()]) this.set(key, undefined)
    await this.stage.cache.flush('shop')
  }

  async settle(): Promise<void> {
    for (const key of keys) {
      this.step++
      await this.get(key)
    }
    this.stage.cache.verify()
    const { counters } = this.stage
    expect(counters.blob_gets).toBe(counters.l1_hits + counters.l1_misses)
    expect(counters.l1_misses).toBe(counters.l2_hits + counters.l2_misses + counters.synopsis_skips)
  }
}

it('overlapping operations are as if done one after the other (L1-26, L1-34, L1-15, L2-17, MET-4)', async () => {
  for (let round = 0; round < 6; round++) {
    const dice = random.fork(round)
    const stage = await CacheStage.open({ l1BytesMax: 60_000, store: { bytesMax: 8 << 20 } })
    const play = new Play(stage, dice)
    for (let burst = 0; burst < 25; burst++) {
      const running: Promise<void>[] = []
      for (let count = 1 + dice.int(12); count > 0; count--) {
        play.step++
        const action = dice.int(100)
        if (action < 45) running.push(play.get(dice.pick(keys)))
        else if (action < 80) running.push(play.put(dice.chance(0.1)))
        else if (action < 93) running.push(play.invalidate())
        else if (action < 95) running.push(play.flush())
        else if (action < 98) stage.emptyL1()
        else await stage.turns(1 + dice.int(3))
      }
      await Promise.all(running)
      await play.settle()
      if (dice.chance(0.1)) {
        play.step++
        await stage.put('last', 'x', {}, true)
        await stage.kill()
        await play.settle()
      }
    }
    expect(await stage.cache.check()).toEqual([])
    await stage.cache.close()
  }
})
