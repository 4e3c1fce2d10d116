// Which entries of one namespace in L1 carry which label.

import type { BlobEntry } from './entry.ts'
import type { LabelKind } from './l2-keys.ts'

export class LabelIndex {
  readonly #tags = new Map<string, Set<BlobEntry>>()
  readonly #dependencies = new Map<string, Set<BlobEntry>>()

  add(entry: BlobEntry): void {
    for (const tag of entry.attributes.tags) addTo(this.#tags, tag, entry)
    for (const label of entry.attributes.dependencies) addTo(this.#dependencies, label, entry)
  }

  remove(entry: BlobEntry): void {
    for (const tag of entry.attributes.tags) removeFrom(this.#tags, tag, entry)
    for (const label of entry.attributes.dependencies) removeFrom(this.#dependencies, label, entry)
  }

  /** A copy: its entries may be removed meanwhile. */
  under(kind: LabelKind, label: string): BlobEntry[] {
    return [...((kind === 'tag' ? this.#tags : this.#dependencies).get(label) ?? [])]
  }

  *labels(): Generator<[kind: LabelKind, label: string, entries: ReadonlySet<BlobEntry>]> {
    for (const [label, entries] of this.#tags) yield ['tag', label, entries]
    for (const [label, entries] of this.#dependencies) yield ['dependency', label, entries]
  }
}

function addTo(index: Map<string, Set<BlobEntry>>, label: string, entry: BlobEntry): void {
  const entries = index.get(label)
  if (entries === undefined) index.set(label, new Set([entry]))
  else entries.add(entry)
}

function removeFrom(index: Map<string, Set<BlobEntry>>, label: string, entry: BlobEntry): void {
  const entries = index.get(label)
  entries?.delete(entry)
  if (entries?.size === 0) index.delete(label)
}
