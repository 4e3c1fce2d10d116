// A copy of a held commit without some of its namespaces, for a backup that leaves them out (ARC-14).
//
//   <directory>/store-<n>       the held commit again: its control file, and a link to the live page file
//   <directory>/store-<n + 1>   the copy, a store with a directory and a lock of its own
//
// Both are names of stores that never became the live one, so what a killed process leaves goes at the next opening. It is
// work for a thread that has nobody waiting. The copy keeps the store's id: it is the same store, with less in it.

import { symlinkSync } from 'node:fs'
import type { Disk } from '../../base/index.ts'
import { Store } from '../../storage/index.ts'
import type { L2 } from './l2.ts'
import { layBeside } from './l2-beside.ts'
import { type HeldCommit, holdCommit } from './l2-hold.ts'
import { scopeOfRecordKey } from './l2-keys.ts'
import { decodeRecord } from './l2-record.ts'

interface Extraction {
  readonly held: HeldCommit
  /** Takes the copy away. */
  remove(): Promise<void>
}

/** So many bytes are made durable at a time. */
const batchBytes = 32 << 20

export async function extractStore(
  disk: Disk,
  directory: string,
  held: Pick<HeldCommit, 'pagerPath' | 'control'>,
  leaveOut: readonly string[],
): Promise<Extraction> {
  const first = nextNumber(disk, directory)
  const [viewName, copyName] = [nameOf(first), nameOf(first + 1)]
  const opened: L2[] = []
  const remove = async (): Promise<void> => {
    for (const l2 of opened.reverse()) await l2.store.close().catch(() => undefined)
    for (const name of [viewName, copyName]) disk.remove(`${directory}/${name}`)
  }
  try {
    const view = layBeside(viewOf(disk, directory, viewName, held))
    opened.push(view)
    const { storeId, pageSize } = view.store.header
    const copy = layBeside(
      Store.open(disk, `${directory}/${copyName}`, { pageSize, newStoreId: () => storeId, strategy: 'bulk_write' }),
    )
    opened.push(copy)
    await copyInto(copy, view, new Set(leaveOut))
    const { pin, held: copied } = await holdCommit(copy)
    // Nothing is written to it any more.
    pin.release()
    const store = { ...copied.store, commit: view.store.header.commit }
    return { held: { ...copied, store }, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

function viewOf(disk: Disk, directory: string, name: string, held: Pick<HeldCommit, 'pagerPath' | 'control'>): Store {
  const path = `${directory}/${name}`
  disk.makeDirectory(path)
  symlinkSync(held.pagerPath, `${path}/l2.pager`)
  const control = disk.open(`${path}/l2.ctl`, { create: true, exclusive: true })
  control.write(held.control, 0)
  control.close()
  return Store.openBeside(disk, directory, name, { readOnly: true, poolBytes: 8 << 20 })
}

async function copyInto(copy: L2, view: L2, leaveOut: ReadonlySet<string>): Promise<void> {
  const { incarnation, feedLsn, systemId, timeline, nextXid } = view.store.header
  copy.store.note({ incarnation, feedLsn, systemId, timeline, nextXid })
  copy.namespaces.reserveIds(view.namespaces.lastId)
  for (const { name, scope, options, lineage } of view.namespaces.living()) {
    if (leaveOut.has(name)) continue
    copy.define(name, scope, options)
    const namespace = copy.namespaces.alive(scope)
    if (namespace !== undefined && lineage !== undefined) copy.namespaces.setLineage(namespace, lineage)
  }
  const { queue, records } = view.store.trees
  let bytes = 0
  // In the order of the queue, so that who was to leave first still is.
  for (const [, recordKey] of queue.scan({}, 'bulk_read')) {
    if (copy.namespaces.alive(scopeOfRecordKey(recordKey)) === undefined) continue
    const value = records.get(recordKey, 'bulk_read')
    if (value === undefined) continue
    bytes += copyRecord(copy, view, recordKey, value)
    if (bytes < batchBytes) continue
    await copy.commit()
    bytes = 0
  }
  await copy.commit()
}

function copyRecord(copy: L2, view: L2, recordKey: Uint8Array, value: Uint8Array): number {
  const record = decodeRecord(value)
  const attributes = view.rows.attributesOf(record)
  if (record.payload.kind === 'inline') {
    copy.entries.keep(recordKey, record, attributes)
    return value.length
  }
  const stored = view.store.chains.read(record.payload.extents)
  const extents = copy.store.chains.write([stored])
  copy.entries.keep(recordKey, { ...record, payload: { kind: 'chain', extents } }, attributes)
  return value.length + stored.length
}

function nextNumber(disk: Disk, directory: string): number {
  const numbers = disk.list(directory).map((name) => Number(/^(?:store|damaged)-(\d+)$/.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers) + 1
}

function nameOf(number: number): string {
  return `store-${String(number).padStart(6, '0')}`
}
