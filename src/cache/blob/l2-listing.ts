// Reads many entries of L2 at once, for tables that show them: of one commit, in slices, and without a trace in any cache (MET-8).

import type { Store } from '../../storage/index.ts'
import { freshness } from './freshness.ts'
import type { Found, L2 } from './l2.ts'
import { isDamage } from './l2-entries.ts'
import {
  behind,
  keyOfRecordKey,
  type LabelKind,
  labelKinds,
  recordKey as recordKeyOf,
  recordKeyOfLabelRow,
  type Scope,
  scopeBytes,
  scopeKey,
} from './l2-keys.ts'
import { decodeRecord } from './l2-record.ts'
import type { Steps } from './l2-value.ts'

/** Trees to read: of the store as it is, or of a commit that is held. */
export type Trees = Store['trees'] | ReturnType<Store['pin']>['trees']

export interface ListRequest {
  readonly scope: Scope
  readonly prefix: string
  /** Keys of the page before end here. */
  readonly after: string | undefined
  readonly countMax: number
  readonly withValue: boolean
}

interface Listed extends Found {
  readonly key: string
}

interface ListPage {
  readonly rows: readonly Listed[]
  /** True if there may be more behind the last row. */
  readonly more: boolean
}

export interface LabelTotals {
  readonly kind: LabelKind
  readonly label: string
  readonly entries: number
  /** As stored, with their records. */
  readonly bytes: number
}

const rowsPerStep = 64
/** A page of rows with values ends early rather than hold more than that. */
const pageBytesMax = 8 * 1024 * 1024

export function* listEntries(l2: L2, trees: Trees, request: ListRequest): Steps<ListPage> {
  const { scope, prefix, after, countMax, withValue } = request
  const start = recordKeyOf(scope, prefix)
  const from = after === undefined ? start : recordKeyOf(scope, `${after}\0`)
  const rows: Listed[] = []
  let looked = 0
  let bytes = 0
  for (const [recordKey, value] of trees.records.scan({ from, to: behind(start) }, 'sequential_scan')) {
    if (rows.length === countMax || bytes > pageBytesMax) return { rows, more: true }
    if (++looked % rowsPerStep === 0) yield
    const row = yield* read(l2, recordKey, value, withValue)
    if (row === undefined) continue
    rows.push(row)
    bytes += row.value?.length ?? 0
  }
  return { rows, more: false }
}

/** What lies under each label of a namespace. */
export function* listLabels(l2: L2, trees: Trees, scope: Scope): Steps<LabelTotals[]> {
  const totals = new Map<string, { kind: LabelKind; label: string; entries: number; bytes: number }>()
  const from = scopeKey(scope)
  let looked = 0
  for (const [key] of trees.labels.scan({ from, to: behind(from) }, 'sequential_scan')) {
    if (++looked % rowsPerStep === 0) yield
    const recordKey = recordKeyOfLabelRow(key)
    const record = trees.records.get(recordKey, 'sequential_scan')
    if (record === undefined) continue
    const kind = key[scopeBytes] === labelKinds.tag ? 'tag' : 'dependency'
    const label = Buffer.from(key.subarray(scopeBytes + 1, key.indexOf(0, scopeBytes + 1))).toString()
    const name = `${kind} ${label}`
    const total = totals.get(name) ?? { kind, label, entries: 0, bytes: 0 }
    total.entries++
    total.bytes += l2.rows.bytesOf(recordKey, decodeRecord(record), 'sequential_scan')
    totals.set(name, total)
  }
  return [...totals.values()]
}

function* read(l2: L2, recordKey: Uint8Array, bytes: Uint8Array, withValue: boolean): Steps<Listed | undefined> {
  try {
    const record = decodeRecord(bytes)
    const state = freshness(l2.rows.lifetime(recordKey, record), l2.entries.nowMs)
    if (state !== 'fresh' && state !== 'stale') return undefined
    const attributes = l2.rows.attributesOf(record)
    const value = withValue ? yield* l2.values.load(record) : undefined
    return { key: keyOfRecordKey(recordKey), record, attributes, state, value }
  } catch (error) {
    // Whoever asks for the entry by its key finds out, and takes it out.
    if (!isDamage(error)) throw error
    return undefined
  }
}
