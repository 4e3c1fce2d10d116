// Many entries at once, for tables that show them: what L2 has of one commit, and over it what L1 knows better.

import type { BlobCore } from './blob-core.ts'
import type { BlobNamespace } from './blob-namespace.ts'
import { type Blob, blobOf } from './blob-rows.ts'
import { BlobEntry } from './entry.ts'
import { rebind } from './epochs.ts'
import { factsOf } from './found-facts.ts'
import { isReserved } from './names.ts'
import type { ListedMessage } from './store-messages.ts'

export interface BlobScan {
  /** Undefined for all of users. */
  readonly namespaces: readonly string[] | undefined
  readonly prefix: string | undefined
  readonly withValue: boolean
  readonly countMax: number
}

/** A row of `cache.tags`. */
export interface TagRow {
  readonly namespace: string
  readonly kind: 'tag' | 'dependency'
  readonly tag: string
  readonly entries: number
  readonly bytes: number
}

export class BlobScans {
  readonly #core: BlobCore

  constructor(core: BlobCore) {
    this.#core = core
  }

  async scan(scan: BlobScan): Promise<readonly Blob[]> {
    const wanted = this.#named(scan.namespaces)
    const { prefix = '', withValue, countMax } = scan
    const listed = await Promise.all(wanted.map((namespace) => this.#list(namespace, prefix, withValue, countMax)))
    const found: Blob[] = []
    for (const [index, namespace] of wanted.entries()) {
      for (const blob of this.#merged(namespace, listed[index] ?? [], prefix, withValue)) {
        if (found.length === countMax) return found
        found.push(blob)
      }
    }
    return found
  }

  async tags(): Promise<readonly TagRow[]> {
    const wanted = [...this.#core.namespaces.values()]
    const rows = await Promise.all(wanted.map((namespace) => this.#tagsOf(namespace)))
    return rows.flat()
  }

  async #list(
    namespace: BlobNamespace,
    prefix: string,
    withValue: boolean,
    countMax: number,
  ): Promise<readonly ListedMessage[]> {
    const { client, hasStore } = this.#core
    const { scope, mayBeStored } = namespace.current
    if (client === undefined || !hasStore || !mayBeStored) return []
    const request = { scope, prefix, after: undefined, countMax, withValue }
    return await client.list({ kind: 'list', request }, client.lastNumber)
  }

  *#merged(
    namespace: BlobNamespace,
    listed: readonly ListedMessage[],
    prefix: string,
    withValue: boolean,
  ): Generator<Blob> {
    const core = this.#core
    const generation = namespace.current
    const nowMs = core.nowMs()
    const shown = new Set<string>()
    for (const message of listed) {
      const { key } = message
      shown.add(key)
      const here = generation.entries.get(key)
      const { proof } = message.attributes
      const bounds = proof === undefined ? undefined : rebind(proof, core.epochs)
      if (bounds === 'unproven' || bounds === 'moved') continue
      const entry = here ?? new BlobEntry(generation, factsOf(key, message, bounds))
      const state = core.stateOf(entry, nowMs)
      if (state !== 'fresh' && state !== 'stale') continue
      const blob = blobOf(entry, nowMs, here === undefined ? 'l2' : undefined)
      yield { ...blob, bytes: message.head.rawBytes, value: withValue ? blob.value : undefined }
    }
    for (const entry of generation.entries.inOrder()) {
      const { key } = entry
      if (shown.has(key) || !key.startsWith(prefix)) continue
      const state = core.stateOf(entry, nowMs)
      if (state !== 'fresh' && state !== 'stale') continue
      const blob = blobOf(entry, nowMs)
      yield withValue ? blob : { ...blob, value: undefined }
    }
  }

  async #tagsOf(namespace: BlobNamespace): Promise<TagRow[]> {
    const core = this.#core
    const generation = namespace.current
    const asked = core.hasStore && generation.mayBeStored && core.client !== undefined
    const totals = asked
      ? await core.client?.read({ kind: 'labels', scope: generation.scope }, core.client.lastNumber, false)
      : []
    const rows = new Map<string, TagRow>()
    for (const { kind, label, entries, bytes } of totals ?? []) {
      rows.set(`${kind} ${label}`, { namespace: namespace.name, kind, tag: label, entries, bytes })
    }
    for (const [kind, label, keys] of namespace.current.labels.labels()) {
      const entries = [...keys].flatMap((key) => namespace.current.entries.get(key) ?? [])
      const only = entries.filter((entry) => !entry.inL2)
      if (only.length === 0) continue
      const row = rows.get(`${kind} ${label}`)
      const bytes = only.reduce((sum, { value }) => sum + value.length, row?.bytes ?? 0)
      rows.set(`${kind} ${label}`, {
        namespace: namespace.name,
        kind,
        tag: label,
        entries: (row?.entries ?? 0) + only.length,
        bytes,
      })
    }
    return [...rows.values()]
  }

  #named(names: readonly string[] | undefined): BlobNamespace[] {
    const { namespaces } = this.#core
    if (names === undefined) return [...namespaces.values()].filter(({ name }) => !isReserved(name))
    return names.flatMap((name) => namespaces.get(name) ?? [])
  }
}
