// A store that came out of a backup: proven, and made fit to follow the live one (ARC-10, ARC-11).
//
// The rule is that nothing goes back (G-4):
//   a namespace of both         has the higher of the two generations, so what was flushed since the backup stays gone;
//                               where no flush but a restore made it higher, what it holds goes along
//   one restored by name since  goes on under the id it has now, with what was not flushed since
//   one that was dropped since  stays dropped: its id is never given out again
//   one that was made since     is there, empty, under its id
//   the incarnation             is above both, so what is derived is unproven (ARC-12)
//
// That compares ids and generations, which mean something only where the backup was made of this very store, as their store
// ids say. What another store wrote keeps its own.

import type { Store } from '../../storage/index.ts'
import type { L2 } from './l2.ts'
import { checkL2 } from './l2-check.ts'
import { behind, keyOfRecordKey, recordKey, type Scope, scopeKey } from './l2-keys.ts'
import type { L2Namespace } from './l2-namespaces.ts'
import { decodeRecord, extentsOf } from './l2-record.ts'

/** What the live store says of a namespace. */
type LiveNamespace = Pick<L2Namespace, 'name' | 'id' | 'generation' | 'options' | 'root' | 'floor' | 'lineage'>

export interface LiveFacts {
  /** In hex. */
  readonly storeId: string
  readonly namespaces: readonly LiveNamespace[]
  /** No id up to this one is given out again. */
  readonly lastId: number
  readonly incarnation: number
}

export interface Adoption {
  readonly namespaces: number
  /** Entries that can be found. */
  readonly entries: number
  /** Derived entries that were taken out of force, since they are another origin's or were keyed by other rules. */
  readonly leftOut: number
  /** Derived entries that are there, and served only once they are proven. */
  readonly unproven: number
  /** What was flushed or dropped since the backup, and stays that way (ARC-11); told of namespaces restored by name. */
  readonly gone: readonly Gone[]
}

export interface Gone {
  readonly namespace: string
  /** changed: flushed, dropped or made while it was being loaded. */
  readonly since: 'flushed' | 'dropped' | 'changed'
}

/** The first thing that is wrong, page by page and row by row; undefined if the store is sound. */
export function problemOfStore(store: Store, l2: L2): string | undefined {
  const pin = store.pin()
  try {
    const rows = { extentsOf: (tree: string, _: Uint8Array, value: Uint8Array) => extentsOf(tree, value) }
    for (const finding of pin.check(rows)) {
      // A page that nobody reaches is space lost, no damage; the sweeper gives it back.
      if (finding !== undefined && finding.kind !== 'orphan') return finding.message
    }
    for (const finding of checkL2(l2, false)) {
      if (finding?.severity === 'error') return `${finding.kind} ${finding.subject}: ${finding.detail}`
    }
    return undefined
  } finally {
    pin.release()
  }
}

/** Changes the restored store; a commit makes it durable. `keepDerived`: same origin, and keys made by the same rules. */
export function adopt(l2: L2, live: LiveFacts, keepDerived: boolean): Adoption {
  const derived = sum(l2, isDerived)
  if (live.storeId === storeIdOf(l2)) followSame(l2, live)
  else followOther(l2, live)
  if (!keepDerived) {
    for (const namespace of livingOf(l2)) if (isDerived(namespace)) l2.flush(namespace.id, namespace.generation + 1)
  }
  l2.store.note({ incarnation: Math.max(l2.store.header.incarnation, live.incarnation) + 1 })
  const leftOut = keepDerived ? 0 : derived
  return {
    namespaces: livingOf(l2).length,
    entries: sum(l2, () => true),
    leftOut,
    unproven: sum(l2, isDerived),
    gone: [],
  }
}

/** An earlier state of the live store: ids mean the same in both. */
function followSame(l2: L2, live: LiveFacts): void {
  const byRoot = new Map(live.namespaces.map((namespace) => [namespace.root, namespace]))
  const moved = new Set<number>()
  for (const namespace of livingOf(l2)) {
    const { id } = namespace
    const here = byRoot.get(namespace.root)
    if (here === undefined) {
      if (id <= live.lastId) l2.drop(id)
    } else if (here.id === id) {
      const isHidden = namespace.generation < here.floor || namespace.generation >= here.generation
      if (isHidden) l2.flush(id, here.generation)
      else {
        raise(l2, namespace, here)
        moved.add(id)
      }
    } else if (namespace.generation < here.floor) l2.drop(id)
    else {
      moveTo(l2, namespace, here)
      moved.add(here.id)
    }
  }
  for (const { name, id, generation, options, lineage } of live.namespaces) {
    l2.define(name, { id, generation }, options)
    const namespace = l2.namespaces.find(id)
    if (namespace !== undefined && !moved.has(id)) l2.namespaces.setLineage(namespace, lineage)
  }
  l2.namespaces.reserveIds(live.lastId)
}

/** It was restored by name since, and goes on under the id that it has now (l2-lineage.ts). */
function moveTo(l2: L2, from: L2Namespace, here: LiveNamespace): void {
  const { id, name, options, root, floor } = here
  const generation = Math.max(from.generation, here.generation) + 1
  l2.namespaces.load(name, { id, generation }, options)
  renameAll(l2, from.scope, { id, generation })
  l2.namespaces.admit(id, name, options, from.id, { root, generation, floor })
}

/** Its generation grew since without a flush, by a restore: what it holds is in force under one that is higher still. */
function raise(l2: L2, namespace: L2Namespace, { id, root, floor, generation: live }: LiveNamespace): void {
  const { scope } = namespace
  const generation = live + 1
  l2.namespaces.flush(namespace, generation)
  renameAll(l2, scope, { id, generation })
  l2.namespaces.setLineage(namespace, { root, generation, floor })
  // Its synopsis is of the keys under the old generation: it is built anew.
  l2.synopses.forget(id)
}

function renameAll(l2: L2, from: Scope, to: Scope): void {
  const start = scopeKey(from)
  for (const [key, value] of l2.store.trees.records.scan({ from: start, to: behind(start) }, 'sequential_scan')) {
    l2.rows.rename(key, decodeRecord(value), recordKey(to, keyOfRecordKey(key)))
  }
}

/** A store of another lineage: its ids and generations are its own, and what only the live one has gets new ones. */
function followOther(l2: L2, live: LiveFacts): void {
  l2.namespaces.reserveIds(live.lastId)
  const names = new Set(livingOf(l2).map(({ name }) => name))
  for (const { name, options } of live.namespaces) {
    if (!names.has(name)) l2.define(name, { id: l2.namespaces.lastId + 1, generation: 1 }, options)
  }
}

/** What adopting would bring, without a live store to compare with. */
export function outlookOf(l2: L2, keepDerived: boolean): Adoption {
  const derived = sum(l2, isDerived)
  const leftOut = keepDerived ? 0 : derived
  const entries = sum(l2, () => true) - leftOut
  return { namespaces: livingOf(l2).length, entries, leftOut, unproven: derived - leftOut, gone: [] }
}

function storeIdOf(l2: L2): string {
  return Buffer.from(l2.store.header.storeId).toString('hex')
}

function livingOf(l2: L2): L2Namespace[] {
  return [...l2.namespaces.living()]
}

function isDerived({ name }: L2Namespace): boolean {
  return name.startsWith('$')
}

function sum(l2: L2, counts: (namespace: L2Namespace) => boolean): number {
  return livingOf(l2).reduce((entries, namespace) => entries + (counts(namespace) ? namespace.entries : 0), 0)
}
