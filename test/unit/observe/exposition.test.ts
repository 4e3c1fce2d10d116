// What Prometheus is told, read back line by line as it reads it.

import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/index.ts'
import {
  counterTable,
  histogramTable,
  Metrics,
  type NamespaceFigures,
  renderMetrics,
} from '../../../src/observe/index.ts'

interface Family {
  readonly kind: string
  readonly help: string
  readonly samples: Map<string, number>
}

/** By the name of the family; a sample by what stands before its value. Throws on a line that is none of the format. */
function read(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  let help = ''
  let last: Family | undefined
  expect(text.endsWith('\n')).toBe(true)
  for (const line of text.slice(0, -1).split('\n')) {
    const told = /^# (HELP|TYPE) ([a-zA-Z_][a-zA-Z0-9_]*) (.+)$/.exec(line)
    const sample = /^([a-zA-Z_][a-zA-Z0-9_]*(?:\{[a-z]+="(?:[^"\\\n]|\\.)*"\})?) (-?[0-9.e+]+)$/.exec(line)
    if (told?.[1] === 'HELP') help = told[3] as string
    else if (told !== null) {
      last = { kind: told[3] as string, help, samples: new Map() }
      expect(families.has(told[2] as string), line).toBe(false)
      families.set(told[2] as string, last)
    } else if (sample !== null && last !== undefined) last.samples.set(sample[1] as string, Number(sample[2]))
    else throw new Error(`not of the format: ${line}`)
  }
  return families
}

function figures(name: string, rest: Partial<NamespaceFigures> = {}): NamespaceFigures {
  const sizes = { generation: 1, entries: 2, l1Bytes: 3, l2Bytes: 4, bytesMax: 5, entriesMax: 6 }
  const counts = { hits: 7, misses: 8, evictions: 9, expirations: 10, invalidations: 11, flushes: 12 }
  return { name, ...sizes, ...counts, ...rest }
}

const columns = ['generation', 'entries', 'l1_bytes', 'l2_bytes', 'bytes_max', 'entries_max']
const counts = ['hits', 'misses', 'evictions', 'expirations', 'invalidations', 'flushes']

describe('the metrics', () => {
  it('have counter x as larder_x_total and gauge x as larder_x, with what it counts (G-9)', () => {
    const metrics = new Metrics(new ManualClock())
    for (const [index, { name }] of counterTable.entries()) metrics.counters[name] = index + 1
    const families = read(renderMetrics(metrics, []))
    for (const [index, { name, kind, summary }] of counterTable.entries()) {
      const full = kind === 'counter' ? `larder_${name}_total` : `larder_${name}`
      expect(families.get(full), full).toEqual({ kind, help: summary, samples: new Map([[full, index + 1]]) })
    }
  })

  it('have the durations of hits, reads and commits of the second tier, the origin and invalidations (MET-6)', () => {
    expect(histogramTable.map(({ name }) => name).sort()).toEqual(
      ['hit_us', 'l2_read_us', 'l2_commit_us', 'origin_us', 'invalidate_us'].sort(),
    )
    const metrics = new Metrics(new ManualClock())
    for (const { name } of histogramTable) for (const us of [1, 2, 3]) metrics.histograms[name].record(us)
    const families = read(renderMetrics(metrics, []))
    for (const { name } of histogramTable) {
      const { kind, samples } = families.get(`larder_${name}`) ?? {}
      expect(kind).toBe('summary')
      expect(Object.fromEntries(samples ?? [])).toEqual({
        [`larder_${name}{quantile="0.5"}`]: 2,
        [`larder_${name}{quantile="0.99"}`]: 3,
        [`larder_${name}{quantile="1"}`]: 3,
        [`larder_${name}_sum`]: 6,
        [`larder_${name}_count`]: 3,
      })
    }
  })

  it('have twelve series for each namespace, and none for anything else in it (MET-5)', () => {
    const metrics = new Metrics(new ManualClock())
    const without = read(renderMetrics(metrics, []))
    const all = Array.from({ length: 256 }, (_, index) => figures(`n${index}`))
    const families = read(renderMetrics(metrics, all))
    expect([...families.keys()]).toEqual([...without.keys()])
    const own = [...families].filter(([name]) => name.startsWith('larder_by_namespace_'))
    const expected = [
      ...columns.map((name) => `larder_by_namespace_${name}`),
      ...counts.map((name) => `larder_by_namespace_${name}_total`),
    ]
    expect(own.map(([name]) => name)).toEqual(expected)
    for (const [at, [name, { samples }]] of own.entries()) {
      expect(samples.size).toBe(256)
      expect(samples.get(`${name}{namespace="n255"}`)).toBe(at + 1)
    }
  })

  it('leave out a bound that is not set, and write any name so that it is read', () => {
    const odd = figures('a "quoted" \\ name\nof two lines', { bytesMax: undefined })
    const families = read(renderMetrics(new Metrics(new ManualClock()), [odd]))
    expect(families.get('larder_by_namespace_bytes_max')?.samples.size).toBe(0)
    const label = '{namespace="a \\"quoted\\" \\\\ name\\nof two lines"}'
    expect(families.get('larder_by_namespace_entries')?.samples.get(`larder_by_namespace_entries${label}`)).toBe(2)
  })
})
