// When views are run again, by a clock that the test moves.

import { describe, expect, it } from 'vitest'
import { Refreshes, type RefreshPolicy } from '../../../../src/cache/views/index.ts'

class Stage {
  nowMs = 1_000_000
  concurrency = 2
  readonly runs: string[] = []
  readonly refreshes: Refreshes
  #timers: { atMs: number; run: () => void }[] = []
  readonly #ends = new Map<string, { resolve(): void; reject(error: Error): void }[]>()

  constructor() {
    this.refreshes = new Refreshes({
      clock: { nowMs: () => this.nowMs },
      later: (ms, run) => {
        const timer = { atMs: this.nowMs + ms, run }
        this.#timers.push(timer)
        return () => {
          this.#timers = this.#timers.filter((other) => other !== timer)
        }
      },
      concurrency: () => this.concurrency,
      changeDelayMs: () => 100,
    })
  }

  add(name: string, policy: RefreshPolicy, refreshed: number | undefined = this.nowMs) {
    const run = () => {
      this.runs.push(name)
      return new Promise<void>((resolve, reject) => {
        this.#ends.set(name, [...(this.#ends.get(name) ?? []), { resolve, reject }])
      })
    }
    return this.refreshes.add(policy, run, refreshed)
  }

  /** Of the run that has been on its way for longest. */
  async end(name: string, error?: Error): Promise<void> {
    const [first, ...others] = this.#ends.get(name) ?? []
    this.#ends.set(name, others)
    if (error === undefined) first?.resolve()
    else first?.reject(error)
    await new Promise((resolve) => setImmediate(resolve))
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const [next] = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs)
      if (next === undefined) break
      this.nowMs = next.atMs
      this.#timers = this.#timers.filter((timer) => timer !== next)
      next.run()
    }
    this.nowMs = untilMs
  }

  taken(): string[] {
    return this.runs.splice(0)
  }
}

describe('a view is run again', () => {
  it('once an interval, counted from the beginning of the run before (MV-1, MV-7, MV-16)', async () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'every', ms: 150 })
    stage.pass(149)
    expect(stage.taken()).toEqual([])
    stage.pass(1)
    expect(stage.taken()).toEqual(['v'])
    stage.pass(60)
    await stage.end('v')
    expect(view).toMatchObject({ lastAtMs: stage.nowMs - 60, lastMs: 60, nextAtMs: stage.nowMs + 90 })
    stage.pass(90)
    expect(stage.taken()).toEqual(['v'])
    stage.pass(1000)
    expect(stage.taken()).toEqual([])
  })

  it('never by itself if it is manual, however it changes (MV-2)', async () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'manual' })
    stage.refreshes.changed(view)
    stage.pass(1e9)
    expect(stage.taken()).toEqual([])
    expect(view).toMatchObject({ isStale: true, writes: 1, nextAtMs: undefined })
    const asked = stage.refreshes.ask(view)
    expect(stage.taken()).toEqual(['v'])
    await stage.end('v')
    await asked
    expect(view).toMatchObject({ isStale: false, writes: 0 })
  })

  it('a while behind the first of several changes (MV-6, MV-19)', async () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'on change' }, undefined)
    for (let at = 0; at < 5; at++) {
      stage.refreshes.changed(view)
      stage.pass(20)
    }
    expect(stage.taken()).toEqual(['v'])
    await stage.end('v')
    expect(view.isStale).toBe(false)
    stage.pass(1e6)
    expect(stage.taken()).toEqual([])
  })

  it('after so many commits (MV-16)', async () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'after', writes: 3 })
    for (let at = 0; at < 2; at++) stage.refreshes.changed(view)
    stage.pass(1e6)
    expect(stage.taken()).toEqual([])
    stage.refreshes.changed(view)
    stage.pass(0)
    expect(stage.taken()).toEqual(['v'])
    stage.refreshes.changed(view)
    await stage.end('v')
    expect(view).toMatchObject({ writes: 1, isStale: true })
  })

  it('once more for what changed while it ran (MV-18)', async () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'on change' }, undefined)
    stage.refreshes.changed(view)
    stage.pass(100)
    expect(stage.taken()).toEqual(['v'])
    stage.refreshes.changed(view)
    stage.pass(1000)
    expect(stage.taken()).toEqual([])
    expect(view.isStale).toBe(true)
    await stage.end('v')
    expect(stage.taken()).toEqual(['v'])
    await stage.end('v')
    stage.pass(1e6)
    expect(stage.taken()).toEqual([])
    expect(view.isStale).toBe(false)
  })

  it('by a run of their own for those who ask while one is on its way, one for all of them (MV-19)', async () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'manual' })
    const told: string[] = []
    void stage.refreshes.ask(view).then(() => told.push('first'))
    const others = [1, 2].map(() => stage.refreshes.ask(view).then(() => told.push('other')))
    expect(stage.taken()).toEqual(['v'])
    await stage.end('v')
    expect(told).toEqual(['first'])
    expect(stage.taken()).toEqual(['v'])
    await stage.end('v')
    await Promise.all(others)
    expect(stage.taken()).toEqual([])
  })

  it('with a pause that doubles while it fails; success ends that (MV-3, MV-11, MV-19)', async () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'every', ms: 10 })
    const pauses: number[] = []
    let lastMs = stage.nowMs
    for (let at = 0; at < 11; at++) {
      while (stage.taken().length === 0) stage.pass(10)
      pauses.push(stage.nowMs - lastMs)
      lastMs = stage.nowMs
      await stage.end('v', new Error('no such column'))
      expect(view).toMatchObject({ failures: at + 1, lastError: { message: 'no such column' } })
    }
    expect(pauses).toEqual([10, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000])
    stage.pass(300_000)
    await stage.end('v')
    expect(view).toMatchObject({ failures: 0, lastError: undefined })
    expect(stage.taken()).toEqual(['v'])
    stage.pass(10)
    expect(stage.taken()).toEqual(['v'])
  })

  it('and tells who asked why it failed, with what had changed still to be read', async () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'manual' })
    stage.refreshes.changed(view)
    const told = expect(stage.refreshes.ask(view)).rejects.toThrow('no such column')
    await stage.end('v', new Error('no such column'))
    await told
    expect(view).toMatchObject({ isStale: true, writes: 1, nextAtMs: undefined })
  })

  it('not more of them at once than is said, those that were due first before others (MV-19)', async () => {
    const stage = new Stage()
    const views = ['a', 'b', 'c', 'd'].map((name) => stage.add(name, { kind: 'every', ms: 10 }))
    stage.pass(10)
    expect(stage.taken()).toEqual(['a', 'b'])
    await stage.end('b')
    expect(stage.taken()).toEqual(['c'])
    stage.concurrency = 5
    void stage.refreshes.ask(views[1] as (typeof views)[0])
    expect(stage.taken()).toEqual(['d', 'b'])
  })

  it('not when it is dropped: whoever waits hears of it (MV-4)', async () => {
    const stage = new Stage()
    stage.concurrency = 0
    const view = stage.add('v', { kind: 'every', ms: 10 })
    const told = expect(stage.refreshes.ask(view)).rejects.toThrow('dropped')
    stage.refreshes.remove(view)
    await told
    await expect(stage.refreshes.ask(view)).rejects.toThrow('dropped')
    stage.concurrency = 1
    stage.pass(1e6)
    expect(stage.taken()).toEqual([])
  })

  it('by its new policy as soon as it has one', () => {
    const stage = new Stage()
    const view = stage.add('v', { kind: 'every', ms: 1_000_000 })
    stage.refreshes.setPolicy(view, { kind: 'every', ms: 10 })
    stage.pass(10)
    expect(stage.taken()).toEqual(['v'])
  })
})
