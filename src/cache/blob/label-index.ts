// Under which keys entries of one namespace lie in L1 that carry a label.

import type { BlobEntry } from './entry.ts'
import type { LabelKind } from './l2-keys.ts'

export class LabelIndex {
  readonly #tags = new Map<string, Set<string>>()
  readonly #dependencies = new Map<string, Set<string>>()

  add({ key, attributes }: BlobEntry): void {
    for (const tag of attributes.tags) addTo(this.#tags, tag, key)
    for (const label of attributes.dependencies) addTo(this.#dependencies, label, key)
  }

  remove({ key, attributes }: BlobEntry): void {
    for (const tag of attributes.tags) removeFrom(this.#tags, tag, key)
    for (const label of attributes.dependencies) removeFrom(this.#dependencies, label, key)
  }

  /** A copy: they may be removed meanwhile. */
  under(kind: LabelKind, label: string): string[] {
    return [...((kind === 'tag' ? this.#tags : this.#dependencies).get(label) ?? [])]
  }

  *labels(): Generator<[kind: LabelKind, label: string, keys: ReadonlySet<string>]> {
    for (const [label, keys] of this.#tags) yield ['tag', label, keys]
    for (const [label, keys] of this.#dependencies) yield ['dependency', label, keys]
  }
}

function addTo(index: Map<string, Set<string>>, label: string, key: string): void {
  const keys = index.get(label)
  if (keys === undefined) index.set(label, new Set([key]))
  else keys.add(key)
}

function removeFrom(index: Map<string, Set<string>>, label: string, key: string): void {
  const keys = index.get(label)
  keys?.delete(key)
  if (keys?.size === 0) index.delete(label)
}
