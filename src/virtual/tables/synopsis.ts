// cache.synopsis: the filters that know without a look at the disk what is not there.

import type { SynopsisRow } from '../store-rows.ts'
import { column, defineTable, nullable } from '../virtual-table.ts'

export const synopsisTable = defineTable<SynopsisRow>({
  name: 'synopsis',
  summary: 'filters over the keys on disk, one per namespace',
  key: ['namespace'],
  access: 'monitor',
  columns: [
    column('namespace', 'text', 'whose keys it knows', (row) => row.namespace),
    column('keys', 'int8', 'keys put into it', (row) => row.keys),
    column('removed_keys', 'int8', 'of these, keys that are gone', (row) => row.removedKeys),
    column('capacity', 'int8', 'keys it is meant for', (row) => row.capacity),
    column('bytes', 'int8', 'its size', (row) => row.bytes),
    column('fill_ratio', 'float8', 'share of its bits that are set', (row) => row.fillRatio),
    column('skips', 'int8', 'reads it spared the disk', (row) => row.skips),
    column('false_positives', 'int8', 'reads it sent there in vain', (row) => row.falsePositives),
    nullable('false_positive_ratio', 'float8', 'share of these in the reads of absent keys', (row) => falseRatio(row)),
    column('rebuilding', 'bool', 'whether it is being made anew', (row) => row.rebuilding),
  ],
  rows: (sources) => sources.store.synopsis(),
})

function falseRatio({ skips, falsePositives }: SynopsisRow): number | undefined {
  const absent = skips + falsePositives
  return absent === 0 ? undefined : falsePositives / absent
}
