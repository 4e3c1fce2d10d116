import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/index.ts'
import { counterTable, createCounters, createLog, EventRing, Histogram, Metrics } from '../../../src/observe/index.ts'

describe('counters', () => {
  it('start at zero, one field per row of the table', () => {
    const counters = createCounters()
    expect(Object.keys(counters)).toEqual(counterTable.map((row) => row.name))
    expect(Object.values(counters).every((value) => value === 0)).toBe(true)
  })

  it('refuse a name that is not in the table', () => {
    const counters = createCounters() as Record<string, number>
    expect(() => {
      counters.result_hitz = 1
    }).toThrow(TypeError)
  })

  it('go back to zero on a reset, gauges and the start stay, and the time is noted (MET-7)', () => {
    const clock = new ManualClock(1000)
    const metrics = new Metrics(clock)
    metrics.counters.result_hits = 3
    metrics.counters.sessions = 2
    metrics.histograms.hit_us.record(5)
    clock.advance(500)
    metrics.reset()
    expect(metrics.counters).toMatchObject({ result_hits: 0, sessions: 2 })
    expect(metrics.histograms.hit_us.count).toBe(0)
    expect([metrics.sinceMs, metrics.startedAtMs, metrics.uptimeMs]).toEqual([1500, 1000, 500])
  })

  it('know the memory of the process when asked', () => {
    const metrics = new Metrics(new ManualClock())
    metrics.refreshGauges()
    expect(metrics.counters.memory_rss).toBeGreaterThan(1_000_000)
  })
})

describe('a histogram', () => {
  it('answers zero before anything was recorded', () => {
    const histogram = new Histogram()
    expect([histogram.percentile(0.5), histogram.max, histogram.mean, histogram.count]).toEqual([0, 0, 0, 0])
  })

  it('answers percentiles at most a quarter above the truth, and the exact maximum', () => {
    const histogram = new Histogram()
    for (let us = 1; us <= 10_000; us++) histogram.record(us)
    for (const fraction of [0.01, 0.5, 0.9, 0.99]) {
      const truth = fraction * 10_000
      expect(histogram.percentile(fraction)).toBeGreaterThanOrEqual(truth)
      expect(histogram.percentile(fraction)).toBeLessThanOrEqual(truth * 1.25)
    }
    expect(histogram.max).toBe(10_000)
    expect(histogram.mean).toBeCloseTo(5000.5)
  })

  it.each([0, 1, 3, 4, 7, 8, 1023, 1024, 2 ** 31, 2 ** 35 + 1])('keeps %d within its bucket', (us) => {
    const histogram = new Histogram()
    histogram.record(us)
    expect(histogram.percentile(1)).toBe(us)
    histogram.record(us * 2 + 1)
    expect(histogram.percentile(0.5)).toBeGreaterThanOrEqual(us)
    expect(histogram.percentile(0.5)).toBeLessThanOrEqual(us * 1.25)
  })

  it('takes a duration that a clock made negative for none, and a century for its last bucket', () => {
    const histogram = new Histogram()
    histogram.record(-5)
    histogram.record(3e15)
    expect([histogram.percentile(0.5), histogram.max]).toEqual([0, 3e15])
  })
})

describe('the log', () => {
  const capture = (level?: 'debug' | 'warning') => {
    const lines: string[] = []
    const log = createLog({
      ...(level && { level }),
      clock: new ManualClock(0),
      write: (line) => lines.push(line),
    })
    return { lines, log }
  }

  it('is one line per happening, with fields a person and a program can read', () => {
    const { lines, log } = capture()
    log.info('connection lost', { session: 17, reason: 'closed\nby peer', user: undefined })
    expect(lines).toEqual(['1970-01-01T00:00:00.000Z info    connection lost session=17 reason="closed\\nby peer"\n'])
  })

  it('leaves out what is below its level, which may change', () => {
    const { lines, log } = capture('warning')
    log.info('quiet')
    log.level = 'debug'
    log.debug('loud')
    expect(lines.map((line) => line.trim().split(/ +/).at(-1))).toEqual(['loud'])
  })

  it('never shows a password', () => {
    const { lines, log } = capture()
    log.error('cannot reach postgres://ada:secret@db/x', { url: 'postgres://ada:secret@db/x?password=secret' })
    expect(lines.join('')).not.toContain('secret')
  })

  it('never throws when nobody takes its lines', () => {
    const log = createLog({
      write: () => {
        throw new Error('EPIPE')
      },
    })
    expect(() => log.error('still here')).not.toThrow()
  })
})

describe('events', () => {
  const setUp = (countMax = 100) => {
    const clock = new ManualClock(0)
    const lines: string[] = []
    const log = createLog({ write: (line) => lines.push(line), clock })
    return { clock, lines, events: new EventRing({ clock, log, countMax }) }
  }

  it('are kept with the time, oldest first, and go to the log (MET-9)', () => {
    const { clock, lines, events } = setUp()
    events.record({ severity: 'warning', event: 'origin_lost', subject: 'db', detail: 'closed' })
    clock.advance(1000)
    events.record({ severity: 'info', event: 'origin_back', subject: 'db' })
    expect(events.rows()).toEqual([
      { at: 0, severity: 'warning', event: 'origin_lost', subject: 'db', detail: 'closed', count: 1 },
      { at: 1000, severity: 'info', event: 'origin_back', subject: 'db', detail: undefined, count: 1 },
    ])
    expect(lines[0]).toContain('warning origin_lost subject=db detail=closed')
  })

  it('counts repeats within a minute in one row and one line of the log (MET-9)', () => {
    const { clock, lines, events } = setUp()
    for (let second = 0; second < 90; second++) {
      events.record({ severity: 'error', event: 'disk_full', detail: `${second}` })
      clock.advance(1000)
    }
    expect(events.rows().map((row) => [row.count, row.detail])).toEqual([
      [60, '59'],
      [30, '89'],
    ])
    expect(lines).toHaveLength(2)
  })

  it('does not merge different subjects', () => {
    const { events } = setUp()
    for (const subject of ['a', 'b', 'a']) events.record({ severity: 'info', event: 'x', subject })
    expect(events.rows().map((row) => [row.subject, row.count])).toEqual([
      ['a', 2],
      ['b', 1],
    ])
  })

  it('keeps the newest when there are more than it may hold', () => {
    const { events } = setUp(2)
    for (const subject of ['a', 'b', 'c']) events.record({ severity: 'info', event: 'x', subject })
    expect(events.rows().map((row) => row.subject)).toEqual(['b', 'c'])
    events.resize(1)
    expect(events.rows().map((row) => row.subject)).toEqual(['c'])
  })

  it('hands out copies', () => {
    const { events } = setUp()
    events.record({ severity: 'info', event: 'x' })
    const [row] = events.rows()
    events.record({ severity: 'info', event: 'x' })
    expect(row?.count).toBe(1)
  })
})
