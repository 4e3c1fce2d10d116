// The namespaces as L2 keeps them: a row each, with what lies in them, so that a flush changes one row whatever it holds (L2-21).
//
//   namespaces   name                  -> format 1 | id 4 | generation 6 | entries, bytes, dead entries, dead bytes 8 each | name | options
//   catalog      "dropped" | 0 | id    -> the same, of a namespace whose entries still wait for the sweeper; also of one that is
//                                         being loaded, so that a crash leaves it to the sweeper (l2-load.ts)
//   catalog      "blobs" | 0 | "next"  -> next queue number 8 | last namespace id 4
//
// Invariants
//   1. `bytes` and `entries` are those of the generation in force; `deadBytes` and `deadEntries` those of all earlier ones,
//      until the sweeper took them. Their sums are what L2 holds (L2-29).
//   2. Ids and generations only grow, also across dropping and making anew (G-4). The wire thread gives them out; here they are kept.

import { assert } from '../../base/index.ts'
import type { Store } from '../../storage/index.ts'
import { ByteReader, ByteWriter } from './byte-codec.ts'
import { sound } from './damage.ts'
import { behind, catalogKey, type Scope } from './l2-keys.ts'
import { type Lineage, lineagesIn, writeLineage } from './l2-lineage.ts'
import { isNoRoom } from './no-room.ts'

const rowFormat = 1

/** What the store needs to know of the options of a namespace; the rest is the wire thread's. */
interface StoredOptions {
  readonly bytesMax?: number | undefined
  readonly entriesMax?: number | undefined
  readonly compression?: boolean | undefined
}

interface NamespaceRow {
  readonly name: string
  readonly id: number
  readonly generation: number
  readonly entries: number
  readonly bytes: number
  readonly deadEntries: number
  readonly deadBytes: number
  /** A JSON object as text. */
  readonly options: string
}

export class L2Namespace {
  readonly name: string
  readonly id: number
  generation: number
  entries: number
  bytes: number
  deadEntries: number
  deadBytes: number
  options: string
  stored: StoredOptions
  dropped: boolean
  /** It is being filled, and nobody but who fills it knows of it. */
  loading = false
  lineage: Lineage | undefined
  /** The row on disk says something else. */
  changed = false
  /** Where the hand stands that takes entries over the namespace's own quota. */
  quotaHand: Uint8Array | undefined

  constructor(row: NamespaceRow, dropped: boolean) {
    this.name = row.name
    this.id = row.id
    this.generation = row.generation
    this.entries = dropped ? 0 : row.entries
    this.bytes = dropped ? 0 : row.bytes
    // Whoever was loading it did not come to the end.
    this.deadEntries = row.deadEntries + (dropped ? row.entries : 0)
    this.deadBytes = row.deadBytes + (dropped ? row.bytes : 0)
    this.options = row.options
    this.stored = JSON.parse(row.options) as StoredOptions
    this.dropped = dropped
  }

  /** The id that its contents began under. */
  get root(): number {
    return this.lineage?.root ?? this.id
  }

  /** What is of an earlier generation of this lineage was flushed. */
  get floor(): number {
    return this.lineage?.generation === this.generation ? this.lineage.floor : this.generation
  }

  get scope(): Scope {
    return { id: this.id, generation: this.generation }
  }

  isAlive(scope: Scope): boolean {
    return !this.dropped && scope.generation === this.generation
  }
}

export class L2Namespaces {
  readonly #store: Store
  readonly #byId = new Map<number, L2Namespace>()
  #entries = 0
  #bytes = 0
  #deadEntries = 0
  #nextQueueNumber = 1
  #lastId = 0
  #numbersChanged = false

  constructor(store: Store) {
    this.#store = store
    this.reload()
  }

  get entries(): number {
    return this.#entries
  }

  get bytes(): number {
    return this.#bytes
  }

  /** No id up to this one was ever free (G-4). */
  get lastId(): number {
    return this.#lastId
  }

  /** Entries of generations that are over. */
  get deadEntries(): number {
    return this.#deadEntries
  }

  /** Reads everything anew: at opening, and when what was not durable was forgotten. */
  reload(): void {
    this.#byId.clear()
    this.#entries = 0
    this.#bytes = 0
    this.#deadEntries = 0
    const { namespaces, catalog } = this.#store.trees
    for (const [, value] of namespaces.scan({})) this.#hold(new L2Namespace(decodeNamespaceRow(value), false))
    const dropped = catalogKey('dropped', '')
    for (const [, value] of catalog.scan({ from: dropped, to: behind(dropped) })) {
      this.#hold(new L2Namespace(decodeNamespaceRow(value), true))
    }
    for (const [id, lineage] of lineagesIn(catalog)) {
      const namespace = this.#byId.get(id)
      if (namespace !== undefined) namespace.lineage = lineage
    }
    const next = catalog.get(nextKey)
    const numbers = next === undefined ? undefined : new ByteReader(next)
    this.#nextQueueNumber = numbers?.safeInteger() ?? 1
    this.#lastId = numbers?.uint(4) ?? 0
    this.#numbersChanged = false
  }

  find(id: number): L2Namespace | undefined {
    return this.#byId.get(id)
  }

  /** The namespace, if this is its generation in force. */
  alive(scope: Scope): L2Namespace | undefined {
    const namespace = this.#byId.get(scope.id)
    return namespace?.isAlive(scope) === true ? namespace : undefined
  }

  *all(): Generator<L2Namespace> {
    yield* this.#byId.values()
  }

  /** Those that can be seen. */
  *living(): Generator<L2Namespace> {
    for (const namespace of this.#byId.values()) if (!namespace.dropped && !namespace.loading) yield namespace
  }

  /** No id up to this one is given out again: another store gave it out. */
  reserveIds(lastId: number): void {
    if (lastId <= this.#lastId) return
    this.#lastId = lastId
    this.#numbersChanged = true
  }

  /** Makes a namespace, or gives one new options. Written at once: it may need the room held back (L2-35). */
  define(name: string, scope: Scope, options: string): L2Namespace {
    const namespace = this.#byId.get(scope.id) ?? this.#make(name, scope, options)
    assert(namespace.name === name && !namespace.dropped, 'an id stays with its name')
    namespace.options = options
    namespace.stored = JSON.parse(options) as StoredOptions
    if (scope.generation > namespace.generation) this.#supersede(namespace, scope.generation)
    this.#write(namespace)
    return namespace
  }

  /** Everything in it is of an earlier generation from now on. */
  flush(namespace: L2Namespace, generation: number): void {
    if (generation <= namespace.generation) return
    this.#supersede(namespace, generation)
    this.#write(namespace)
  }

  drop(namespace: L2Namespace): void {
    if (namespace.dropped) return
    const { namespaces, catalog } = this.#store.trees
    if (!namespace.loading) namespaces.delete(Buffer.from(namespace.name))
    writeLineage(catalog, namespace.id, undefined)
    namespace.dropped = true
    namespace.loading = false
    this.#supersede(namespace, namespace.generation + 1)
    this.#write(namespace)
  }

  /** Makes a namespace that nobody sees before admit(): a crash before leaves it to the sweeper, and drop() ends it. */
  load(name: string, scope: Scope, options: string): L2Namespace {
    assert(!this.#byId.has(scope.id), 'a namespace is loaded under an id of its own')
    const namespace = this.#make(name, scope, options)
    namespace.loading = true
    this.#write(namespace)
    return namespace
  }

  /** What was loaded is in force from now on, in place of the one that had its name. */
  admit(id: number, name: string, options: string, replaced: number | undefined, lineage: Lineage | undefined): void {
    const old = replaced === undefined ? undefined : this.#byId.get(replaced)
    if (old !== undefined) this.drop(old)
    const namespace = this.#byId.get(id)
    assert(namespace?.name === name, 'what is admitted was loaded')
    if (namespace.dropped) this.#revive(namespace)
    namespace.loading = false
    namespace.options = options
    namespace.stored = JSON.parse(options) as StoredOptions
    this.#store.trees.catalog.delete(droppedKey(namespace))
    this.#write(namespace)
    this.setLineage(namespace, lineage)
  }

  setLineage(namespace: L2Namespace, lineage: Lineage | undefined): void {
    namespace.lineage = lineage
    writeLineage(this.#store.trees.catalog, namespace.id, lineage)
  }

  /** Counts an entry in (1) or out (-1), on the side of its generation. */
  account(scope: Scope, bytes: number, sign: 1 | -1): void {
    const namespace = this.#byId.get(scope.id)
    assert(namespace !== undefined, 'an entry lies in a namespace')
    this.#entries += sign
    this.#bytes += sign * bytes
    namespace.changed = true
    if (namespace.isAlive(scope)) {
      namespace.entries += sign
      namespace.bytes += sign * bytes
      return
    }
    this.#deadEntries += sign
    namespace.deadEntries += sign
    namespace.deadBytes += sign * bytes
    if (namespace.dropped && namespace.deadEntries === 0) this.#endWithLast(namespace)
  }

  queueNumber(): number {
    this.#numbersChanged = true
    return this.#nextQueueNumber++
  }

  /** Writes the counts that changed; the commit that follows makes them durable together with what they count. */
  persist(): void {
    for (const namespace of this.#byId.values()) if (namespace.changed) this.#write(namespace)
    if (!this.#numbersChanged) return
    const writer = new ByteWriter()
    writer.safeInteger(this.#nextQueueNumber)
    writer.uint(this.#lastId, 4)
    this.#store.trees.catalog.set(nextKey, writer.finish(), true)
    this.#numbersChanged = false
  }

  #supersede(namespace: L2Namespace, generation: number): void {
    namespace.generation = generation
    namespace.deadEntries += namespace.entries
    namespace.deadBytes += namespace.bytes
    this.#deadEntries += namespace.entries
    namespace.entries = 0
    namespace.bytes = 0
    namespace.quotaHand = undefined
    namespace.changed = true
  }

  /** After a fall: it was loaded to the end before, and was admitted. */
  #revive(namespace: L2Namespace): void {
    namespace.dropped = false
    namespace.entries = namespace.deadEntries
    namespace.bytes = namespace.deadBytes
    this.#deadEntries -= namespace.deadEntries
    namespace.deadEntries = 0
    namespace.deadBytes = 0
  }

  #make(name: string, scope: Scope, options: string): L2Namespace {
    const namespace = new L2Namespace({ ...empty, name, ...scope, options }, false)
    this.#hold(namespace)
    this.#lastId = Math.max(this.#lastId, scope.id)
    this.#numbersChanged = true
    return namespace
  }

  #hold(namespace: L2Namespace): void {
    this.#byId.set(namespace.id, namespace)
    this.#entries += namespace.entries + namespace.deadEntries
    this.#bytes += namespace.bytes + namespace.deadBytes
    this.#deadEntries += namespace.deadEntries
  }

  #write(namespace: L2Namespace): void {
    const { namespaces, catalog } = this.#store.trees
    const row = encodeNamespaceRow(namespace)
    if (namespace.dropped && namespace.deadEntries === 0) {
      catalog.delete(droppedKey(namespace))
      this.#byId.delete(namespace.id)
    } else if (namespace.dropped || namespace.loading) catalog.set(droppedKey(namespace), row, true)
    else namespaces.set(Buffer.from(namespace.name), row, true)
    namespace.changed = false
  }

  /** The entry has left already: where there is no room now, the namespace goes with the commit. */
  #endWithLast(namespace: L2Namespace): void {
    try {
      this.#write(namespace)
    } catch (error) {
      if (!isNoRoom(error)) throw error
    }
  }
}

const nextKey = catalogKey('blobs', 'next')
const empty = { entries: 0, bytes: 0, deadEntries: 0, deadBytes: 0 }

function droppedKey({ id }: L2Namespace): Buffer {
  return catalogKey('dropped', String(id))
}

function encodeNamespaceRow(row: NamespaceRow): Buffer {
  const writer = new ByteWriter()
  writer.uint(rowFormat, 1)
  writer.uint(row.id, 4)
  writer.uint(row.generation, 6)
  for (const count of [row.entries, row.bytes, row.deadEntries, row.deadBytes]) writer.safeInteger(count)
  writer.text(row.name, 1)
  writer.text(row.options, 4)
  return writer.finish()
}

export function decodeNamespaceRow(bytes: Uint8Array): NamespaceRow {
  const reader = new ByteReader(bytes)
  sound(reader.uint(1) === rowFormat, 'format of a namespace')
  const row = {
    id: reader.uint(4),
    generation: reader.uint(6),
    entries: reader.safeInteger(),
    bytes: reader.safeInteger(),
    deadEntries: reader.safeInteger(),
    deadBytes: reader.safeInteger(),
    name: reader.text(1),
    options: reader.text(4),
  }
  sound(reader.left === 0 && row.options.startsWith('{'), 'a namespace')
  return row
}
