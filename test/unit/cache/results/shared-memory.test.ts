// Answers and blobs in one budget: who uses the room, who leaves, and what the answers' own count bounds.

import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ManualClock, Random } from '../../../../src/base/index.ts'
import { L1, type Resident } from '../../../../src/cache/blob/index.ts'
import { type Entry, ResultCache } from '../../../../src/cache/results/index.ts'
import { Epochs } from '../../../../src/invalidation/index.ts'
import { type Counters, Metrics } from '../../../../src/observe/index.ts'

const epochs = new Epochs()

let counters: Counters
let l1: L1
let results: ResultCache
let forgotten: Entry[]
let evictedBlobs: Resident[]
let priority: number

beforeEach(() => {
  counters = new Metrics(new ManualClock()).counters
  forgotten = []
  evictedBlobs = []
})

function open({ bytesMax = 100_000, entriesMax = 1000, priority: of = 128 }): void {
  priority = of
  l1 = new L1(bytesMax, counters)
  results = new ResultCache({ limits: { entriesMax, entryBytesMax: bytesMax }, counters, l1 })
}

function answer(bytes: number): Entry | undefined {
  const database = epochs.database('shop')
  return results.store(
    {
      ...{ key: '', contextId: 1, database, role: 'app', bytes: 'x'.repeat(bytes), descriptionBytes: 0, rows: 1 },
      ...{
        relations: [],
        tags: [],
        priority,
        l2: true,
        start: epochs.tick(),
        createdAtMs: 0,
        provenAtMs: 0,
        costUs: 100,
      },
      owner: { fingerprint: 'q', key: 'select', text: 'select', forget: (entry) => forgotten.push(entry) },
    },
    1000,
  )
}

function blob(charge: number, priority = 128): Resident {
  const resident: Resident = {
    ...{ charge, payloadBytes: charge, priority, slot: -1 },
    evicted: () => evictedBlobs.push(resident),
  }
  return resident
}

describe('RRC-7 answers and blobs in one budget', () => {
  it('RES-5 answers may use all of it while there are no blobs, and no more', () => {
    open({})
    for (let count = 0; count < 200; count++) answer(600)
    expect(results.bytesInUse).toBe(100_000)
    expect(results.count).toBe(100)
    results.verify()
  })

  it('RES-5 an answer larger than all of it is refused, and nothing leaves for it', () => {
    open({})
    answer(600)
    expect(answer(99_601)).toBeUndefined()
    expect([results.count, counters.result_too_large]).toEqual([1, 1])
  })

  it('a blob takes the room of answers, each of which is forgotten by its owner, counted and remembered', () => {
    open({})
    const first = answer(600) as Entry
    for (let count = 0; count < 99; count++) answer(600)
    const pressed: Entry[] = []
    results.onPressed = (entry) => pressed.push(entry)
    expect(l1.admit(blob(10_000), 1)).toBe(true)
    expect(forgotten).toHaveLength(10)
    expect(pressed).toEqual(forgotten)
    expect(counters).toMatchObject({ result_evictions: 10, l1_evictions: 10, result_entries: 90 })
    expect(forgotten.every((entry) => entry.slot === -1)).toBe(true)
    expect(results.whyGone(first.owner, 1, '')).toEqual({ code: 'evicted', argument: undefined })
    results.verify()
  })

  it('L1-31 an answer that was hit outlives a blob that was not, and the reverse', () => {
    open({ bytesMax: 3000 })
    const used = answer(600) as Entry
    const idle = blob(1000)
    l1.admit(idle, 100)
    results.touch(used, 0)
    answer(1000)
    expect([evictedBlobs, forgotten]).toEqual([[idle], []])

    open({ bytesMax: 3000 })
    const hit = blob(1000)
    answer(600)
    l1.admit(hit, 100)
    l1.hit(hit)
    answer(1000)
    expect([evictedBlobs, forgotten.length]).toEqual([[idle], 1])
  })

  it('L1-14 of equal use the lower priority leaves first: answers of 64 before blobs of 128', () => {
    open({ bytesMax: 3000, priority: 64 })
    l1.admit(blob(1000), 1)
    answer(600)
    l1.admit(blob(1500), 1)
    expect([evictedBlobs.length, forgotten.length]).toEqual([0, 1])
  })

  it('RRC-4 too many answers make an answer leave, which is counted, never a blob', () => {
    open({ entriesMax: 2 })
    for (let count = 0; count < 50; count++) l1.admit(blob(10), 1)
    for (let count = 0; count < 5; count++) answer(10)
    expect([evictedBlobs.length, results.count, forgotten.length]).toEqual([0, 2, 3])
    results.configure({ entriesMax: 1, entryBytesMax: 1000 })
    expect([evictedBlobs.length, results.count, counters.result_evictions]).toEqual([0, 1, 4])
    results.verify()
  })

  it('RRC-4 L1-14 of too many answers those leave that were not asked for again, the lowest priority first', () => {
    open({ entriesMax: 4 })
    const [used, idle] = [answer(10), answer(10)]
    priority = 64
    const low = [answer(10), answer(10)]
    for (const entry of [used, ...low]) results.touch(entry as Entry, 1)
    priority = 128
    answer(10)
    answer(10)
    expect(forgotten).toEqual(low)
    answer(10)
    expect(forgotten.slice(2)).toEqual([idle])
    expect((used as Entry).slot).not.toBe(-1)
    results.verify()
  })

  it('RRC-4 to find an answer that leaves no blob is looked at, and no more than 1,000 answers', () => {
    open({ bytesMax: 10_000_000, entriesMax: 3000 })
    for (let count = 0; count < 5000; count++) l1.admit(blob(10), 1)
    const answers = Array.from({ length: 3000 }, () => answer(10) as Entry)
    for (let times = 0; times < 3; times++) for (const entry of answers) results.touch(entry, times)
    const looks = vi.spyOn(l1, 'spare')
    answer(10)
    expect(looks.mock.calls.length).toBe(1000)
    expect(looks.mock.calls.every(([resident]) => answers.includes(resident as Entry))).toBe(true)
    expect([evictedBlobs.length, results.count, forgotten.length]).toEqual([0, 3000, 1])
    looks.mockRestore()
    for (let count = 0; count < 5000; count++) answer(10)
    expect([evictedBlobs.length, results.count]).toEqual([0, 3000])
    results.verify()
  })

  it('MEM-4 a lowered bound is reached in slices, by both', () => {
    open({})
    for (let count = 0; count < 50; count++) {
      answer(600)
      l1.admit(blob(1000), 1)
    }
    l1.configure(10_000)
    expect(l1.shrink(10)).toBe(false)
    results.verify()
    while (!l1.shrink(10)) results.verify()
    expect(l1.bytesInUse).toBeLessThanOrEqual(10_000)
    expect([evictedBlobs.length, forgotten.length].every((count) => count > 0)).toBe(true)
  })

  it('whatever comes and goes, charges, places and queues agree', () => {
    const random = Random.fromEnvironment()
    open({ bytesMax: 20_000, entriesMax: 12, priority: random.int(2) === 0 ? 128 : 100 })
    const answers: Entry[] = []
    const blobs: Resident[] = []
    for (let step = 0; step < 2000; step++) {
      const entry = answers[random.int(answers.length + 1)]
      const resident = blobs[random.int(blobs.length + 1)]
      const what = random.int(6)
      if (what === 0)
        l1.admit(blobs[blobs.push(blob(1 + random.int(4000), random.pick([100, 128, 200]))) - 1] as Resident, 1)
      else if (what <= 2) {
        priority = random.pick([100, 128, 128])
        const made = answer(random.int(3000))
        if (made !== undefined) answers.push(made)
      } else if (what === 3 && entry !== undefined) results.remove(entry, 'invalidated')
      else if (what === 4 && resident !== undefined && resident.slot !== -1) l1.remove(resident)
      else if (what === 5 && entry !== undefined && entry.slot !== -1) results.touch(entry, step)
      const held = answers.filter((each) => each.slot !== -1)
      expect(held.length).toBe(results.count)
      expect(results.count).toBeLessThanOrEqual(12)
      if (step % 50 === 0) results.verify()
    }
  })
})
