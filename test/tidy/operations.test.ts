// What docs/operations.md tells to watch is there, and what the server tells is in it: alarms and events.

import { expect, it } from 'vitest'
import { ManualClock } from '../../src/base/index.ts'
import { settingTable } from '../../src/config/index.ts'
import { Metrics, renderMetrics } from '../../src/observe/index.ts'
import { read, sourceFiles } from './tree.ts'

const text = read('docs/operations.md')
const families = new Set(
  [...renderMetrics(new Metrics(new ManualClock()), []).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name),
)

/** The rows of the table of alarms: name, condition, where to look. */
const alarms = [...text.matchAll(/^\| ([^|]+) \| ([^|]*larder_[^|]*) \| ([^|]+) \|$/gm)].map(
  ([, name, when, look]) => ({
    name,
    when: when as string,
    look: look as string,
  }),
)

it('every alarm watches a metric that there is, and points to settings that there are (MET-10)', () => {
  for (const { when, look } of alarms) {
    for (const [name] of when.matchAll(/larder_[a-z0-9_]+/g)) expect(families, when).toContain(name)
    for (const [, name] of look.matchAll(/`([a-z0-9]+_[a-z0-9_]+)`/g)) {
      expect(
        settingTable.map((row): string => row.name),
        look,
      ).toContain(name)
    }
  }
})

it.each([
  ['rejections of the second tier over 0.1 a second for 5 minutes', /larder_l2_rejections_total.*0\.1.*5 min/],
  ['memory over 95 % for 15 minutes with evictions', /larder_l1_bytes_in_use.*95 %.*15 min.*larder_l1_evictions_total/],
  ['a hit rate under a half for 30 minutes', /larder_result_hits_total.*0\.5.*30 min/],
  ['version mismatches over one a second', /larder_blob_version_mismatches_total.*> 1/],
  ['more than 200 namespaces', /larder_by_namespace_\w+.*> 200/],
  ['any fence', /larder_l2_fences_total/],
  ['any corrupt page', /larder_l2_corrupt_pages_total/],
])('there is an alarm for %s (MET-10)', (_, condition) => {
  expect(alarms.filter(({ when }) => condition.test(when))).toHaveLength(1)
})

it('every event that is told has its row in the table of events (MET-9)', () => {
  const told = new Set(
    sourceFiles
      .map(read)
      .flatMap((source) => [...source.matchAll(/\bevent: '([a-z0-9_]+_[a-z0-9_]+)'|#tell\('[a-z]+', '([a-z0-9_]+)'/g)])
      .map(([, one, other]) => one ?? other),
  )
  const rows = [...text.matchAll(/^\| ((?:`[a-z0-9_]+`(?:, )?)+) \| [^|]+ \| [^|]*\|$/gm)].map(
    ([, names]) => names as string,
  )
  const described = new Set(rows.flatMap((names) => [...names.matchAll(/`([a-z0-9_]+)`/g)].map(([, name]) => name)))
  expect(told.size).toBeGreaterThan(20)
  expect([...told].filter((name) => !described.has(name))).toEqual([])
})
