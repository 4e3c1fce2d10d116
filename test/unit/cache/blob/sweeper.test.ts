// What the sweeper takes, in which order, how far it goes, and what it reports.

import { describe, expect, it } from 'vitest'
import { L2Stage } from '../../../support/blob.ts'

function filled(expired: number, living: number): L2Stage {
  const stage = new L2Stage()
  for (let index = 0; index < expired; index++) stage.put({ key: `old ${index}`, policy: { ttlMs: 10 } })
  for (let index = 0; index < living; index++) stage.put(`new ${index}`)
  stage.clock.advance(10)
  return stage
}

function garbage(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(0xff)
}

describe('a sweep', () => {
  it('takes the expired and the idle, keeps the living, and returns their bytes (SWP-3, SWP-7, SWP-11)', () => {
    const stage = filled(40, 10)
    stage.put({ key: 'idle', policy: { idleTtlMs: 5 } })
    stage.clock.advance(5)
    const before = stage.counters.l2_bytes_in_use
    const report = stage.sweep()
    expect(report).toMatchObject({
      cause: 'call',
      scanned: 41,
      evicted: 41,
      recordsDead: 0,
      orphanRows: 0,
      truncated: false,
    })
    expect(report.bytes).toBe(before - stage.counters.l2_bytes_in_use)
    expect(stage.counters).toMatchObject({ l2_entries: 10, sweep_runs: 1, sweep_expired: 41, sweep_truncated: 0 })
    expect(stage.counters.sweep_bytes_reclaimed).toBe(report.bytes)
    expect(stage.get('new 3')).toBeDefined()
    expect(stage.check()).toEqual([])
  })

  it('scans nothing in vain: the living are not looked at (SWP-9)', () => {
    expect(filled(0, 200).sweep()).toMatchObject({ scanned: 0, truncated: false })
  })

  it('ends at its limit of entries and goes on where it stopped (SWP-1, SWP-2, SWP-10)', () => {
    const stage = filled(100, 0)
    expect(stage.sweep(30)).toMatchObject({ scanned: 30, evicted: 30, truncated: true })
    expect(stage.sweep(69)).toMatchObject({ scanned: 69, truncated: true })
    expect(stage.sweep(30)).toMatchObject({ scanned: 1, truncated: false })
    expect(stage.counters.sweep_truncated).toBe(2)
  })

  it('ends at its limit of time, within a slice (SWP-1, SWP-2)', () => {
    const stage = filled(100, 0)
    const steps = stage.l2.sweeper.sweep({ entriesMax: 1000, msMax: 3 }, 'timer')
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) stage.clock.advance(1)
    expect(step.value).toMatchObject({ scanned: 96, elapsedUs: 3000, truncated: true })
  })

  it('takes what a flush hid, also of earlier flushes, and nothing of what came after (L2-21, SWP-9)', () => {
    const stage = new L2Stage()
    for (let index = 0; index < 30; index++) stage.put(`a${index}`)
    stage.l2.flush(1, 2)
    for (let index = 0; index < 20; index++) stage.put(`b${index}`)
    stage.l2.flush(1, 3)
    stage.put('c')
    expect(stage.counters.l2_entries).toBe(51)
    expect(stage.sweep()).toMatchObject({ scanned: 50, recordsDead: 50, evicted: 0, truncated: false })
    expect(stage.counters).toMatchObject({ l2_entries: 1, sweep_dead_records: 50 })
    expect(stage.get('c')).toBeDefined()
    expect(stage.check()).toEqual([])
  })

  it('frees pages that nothing refers to, once their loss is durable (SWP-8, SWP-11)', async () => {
    const stage = new L2Stage()
    stage.put({ key: 'kept', value: Buffer.alloc(30_000, 1), attributes: { contentType: 'image/png' } })
    stage.put({ key: 'lost', value: Buffer.alloc(30_000, 2), attributes: { contentType: 'image/png' } })
    await stage.l2.commit()
    for (const [key] of stage.store.trees.records.scan({})) {
      if (Buffer.from(key).toString().endsWith('lost')) stage.l2.rows.removeDamaged(key)
    }
    stage.l2.entries.gauges()
    expect(stage.sweep().orphanPages).toBe(0)
    stage.put('other')
    await stage.l2.commit()
    let pages = 0
    let report = stage.sweep(50)
    for (; report.truncated; report = stage.sweep(50)) pages += report.orphanPages
    expect(pages + report.orphanPages).toBe(8)
    expect(stage.counters.sweep_orphan_pages).toBe(8)
    await stage.restart()
    expect(stage.get('kept')).toBeDefined()
    expect(stage.check()).toEqual([])
  })

  it('that meets a record it cannot read has it taken out, counted and told, and goes on to its rows (SWP-13, L2-33)', () => {
    const stage = filled(20, 5)
    for (const [key, value] of [...stage.store.trees.records.scan({})]) {
      const name = Buffer.from(key).toString()
      if (name.endsWith('old 7') || name.endsWith('new 2')) stage.store.trees.records.set(key, garbage(value.length))
    }
    expect(stage.sweep().truncated).toBe(false)
    expect(stage.damages.map((damage) => damage.split(':')[0])).toEqual(['old 7', 'new 2'])
    expect(stage.counters).toMatchObject({ l2_corrupt_pages: 2, l2_entries: 4, l2_expirations: 19 })
    expect([stage.get('new 1'), stage.get('new 2')]).toEqual(['value of new 1', undefined])
    expect(stage.check()).toEqual([])
  })

  it('finds index rows that no record backs, once there may be any, across several runs (SWP-9, SWP-10)', () => {
    const stage = new L2Stage()
    for (let index = 0; index < 50; index++) {
      stage.put({ key: `k${index}`, attributes: { tags: ['t'] }, policy: { ttlMs: 1000 } })
    }
    for (const [key] of stage.store.trees.records.scan({})) {
      if (key.at(-1) === 0x37) stage.l2.rows.removeDamaged(key)
    }
    expect(stage.check().length).toBeGreaterThan(0)
    let orphans = 0
    let report = stage.sweep(40)
    for (; report.truncated; report = stage.sweep(40)) orphans += report.orphanRows
    expect(orphans + report.orphanRows).toBe(5 * 3)
    expect(stage.check()).toEqual([])
    expect(stage.get('k1')).toBeDefined()
  })
})
