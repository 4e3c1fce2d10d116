// Proves that the trees of the second tier agree: each index row is backed by a record and the reverse, each namespace counts
// what lies in it, each value is what was put (L2-44). What lies below, pages and extents, the store checks itself.
// Rows without a record are no finding where the commit itself says that some may lie about (l2-rows.ts).

import type { Pin, Store } from '../../storage/index.ts'
import type { L2 } from './l2.ts'
import { isDamage } from './l2-entries.ts'
import { keyOfRecordKey, recordKeyOfExpiryKey, recordKeyOfLabelRow, scopeOfRecordKey } from './l2-keys.ts'
import { L2Namespaces } from './l2-namespaces.ts'
import type { L2Record } from './l2-record.ts'
import { type IndexTree, L2Rows } from './l2-rows.ts'
import type { Steps } from './l2-value.ts'

export interface Finding {
  readonly severity: 'warning' | 'error'
  readonly kind: string
  readonly subject: string
  readonly detail: string
}

/** What a check reads. */
type Checked = Pick<L2, 'store' | 'namespaces' | 'rows' | 'values'>

const rowsPerStep = 64

/** As checkL2(), of a commit that is held: whatever is done meanwhile is neither seen nor missed. */
export function* checkHeld(l2: L2, pin: Pin, withValues: boolean): Generator<Finding | undefined, void, undefined> {
  // A check reads and nothing else, and what is held is read as the store is.
  const store = { trees: pin.trees, chains: l2.store.chains } as unknown as Store
  const namespaces = new L2Namespaces(store)
  const rows = new L2Rows(store, namespaces)
  yield* checkL2({ store, namespaces, rows, values: l2.values }, withValues)
  if (rows.orphansSuspected) l2.rows.orphansSuspected = true
}

/** Findings as they come; undefined between steps. Nothing may change meanwhile. */
export function* checkL2(l2: Checked, withValues: boolean): Generator<Finding | undefined, void, undefined> {
  const sums = new Map<number, { entries: number; bytes: number; deadEntries: number; deadBytes: number }>()
  let rows = 0
  for (const [key] of l2.store.trees.records.scan({}, 'sequential_scan')) {
    if (++rows % rowsPerStep === 0) yield undefined
    yield* checkRecord(l2, key, withValues, sums)
  }
  if (!l2.rows.known.rows) for (const tree of ['labels', 'expiry', 'queue'] as const) yield* checkIndex(l2, tree)
  for (const namespace of l2.namespaces.all()) {
    const sum = sums.get(namespace.id) ?? { entries: 0, bytes: 0, deadEntries: 0, deadBytes: 0 }
    const { entries, bytes, deadEntries, deadBytes } = namespace
    const same =
      sum.entries === entries && sum.bytes === bytes && sum.deadEntries === deadEntries && sum.deadBytes === deadBytes
    if (same) continue
    const counted = JSON.stringify({ entries, bytes, deadEntries, deadBytes })
    yield error('namespace', namespace.name, `counts ${counted} and holds ${JSON.stringify(sum)}`)
  }
}

function* checkRecord(
  l2: Checked,
  key: Uint8Array,
  withValues: boolean,
  sums: Map<number, { entries: number; bytes: number; deadEntries: number; deadBytes: number }>,
): Generator<Finding | undefined, void, undefined> {
  const name = nameOf(key)
  const scope = scopeOfRecordKey(key)
  const namespace = l2.namespaces.find(scope.id)
  if (namespace === undefined) return yield error('record', name, 'its namespace does not exist')
  let record: L2Record | undefined
  try {
    record = l2.rows.find(key, 'sequential_scan')
    if (record === undefined) return
    for (const row of l2.rows.indexOf(key, record)) {
      if (!l2.store.trees[row.tree].has(row.key, 'sequential_scan'))
        yield error('record', name, `has no row in "${row.tree}"`)
    }
    l2.rows.attributesOf(record)
    if (withValues) yield* silently(l2.values.load(record))
  } catch (problem) {
    if (!isDamage(problem)) throw problem
    yield error('record', name, problem.message)
    if (record === undefined) return
  }
  const bytes = l2.rows.bytesOf(key, record, 'sequential_scan')
  const sum = sums.get(scope.id) ?? { entries: 0, bytes: 0, deadEntries: 0, deadBytes: 0 }
  sums.set(scope.id, sum)
  if (namespace.isAlive(scope)) {
    sum.entries++
    sum.bytes += bytes
  } else {
    sum.deadEntries++
    sum.deadBytes += bytes
  }
}

function* checkIndex(l2: Checked, tree: IndexTree): Generator<Finding | undefined, void, undefined> {
  let rows = 0
  for (const [key, value] of l2.store.trees[tree].scan({}, 'sequential_scan')) {
    if (++rows % rowsPerStep === 0) yield undefined
    const recordKey =
      tree === 'labels' ? recordKeyOfLabelRow(key) : tree === 'expiry' ? recordKeyOfExpiryKey(key) : value
    try {
      if (l2.rows.isBacked(tree, recordKey, key, 'sequential_scan')) continue
    } catch (problem) {
      if (!isDamage(problem)) throw problem
      continue
    }
    yield error(tree, nameOf(recordKey), 'no record backs this row')
  }
}

function* silently(steps: Steps<unknown>): Generator<undefined, void, undefined> {
  while (steps.next().done !== true) yield undefined
}

function nameOf(recordKey: Uint8Array): string {
  const { id, generation } = scopeOfRecordKey(recordKey)
  return `${id}/${generation}/${keyOfRecordKey(recordKey)}`
}

function error(kind: string, subject: string, detail: string): Finding {
  return { severity: 'error', kind, subject, detail }
}
