// Making, changing and dropping namespaces.

import { conditions, ServerError } from '../../errors/index.ts'
import type { BlobCore } from './blob-core.ts'
import { BlobNamespace, givenOptions } from './blob-namespace.ts'
import type { NamespaceChange } from './blob-rows.ts'
import type { Adoption } from './l2-adopt.ts'
import type { LoadedPart, LoadWish } from './l2-load.ts'
import { checkNamespace, isReserved } from './names.ts'
import { type GivenOptions, readOptions } from './namespace-options.ts'
import type { OpenedMessage } from './store-messages.ts'

export class BlobNamespaces {
  readonly #core: BlobCore

  constructor(core: BlobCore) {
    this.#core = core
  }

  /** Throws 42602, 42710, 53400, 22023. There for the caller at once; the promise, if there is one, is of its row being durable. */
  create(name: string, given: GivenOptions): void | Promise<void> {
    const core = this.#core
    checkNamespace(name)
    if (core.namespaces.has(name)) throw new ServerError(conditions.duplicateObject, [`cache namespace "${name}"`])
    if (core.namespaces.size >= core.settings.namespacesMax) {
      throw new ServerError(conditions.tooManyNamespaces, [core.settings.namespacesMax])
    }
    const id = core.lastNamespaceId + 1
    const namespace = new BlobNamespace(core, { name, id, generation: 1, given, isStored: false })
    core.lastNamespaceId = id
    core.namespaces.set(name, namespace)
    core.byId.set(id, namespace)
    return this.#tell(namespace)
  }

  alter(name: string, change: NamespaceChange): void | Promise<void> {
    const namespace = this.#find(name)
    const options = Object.entries({
      ...namespace.given,
      ...change.options,
      ...(change.owner === undefined ? {} : { owner: change.owner }),
    })
    namespace.configure(Object.fromEntries(options.filter(([, value]) => value !== null)))
    return this.#tell(namespace)
  }

  /** Its name is free at once, its id never again (L1-38). */
  async drop(name: string): Promise<void> {
    const core = this.#core
    const namespace = this.#find(name)
    namespace.isDropped = true
    core.beginGeneration(namespace)
    core.namespaces.delete(name)
    core.byId.delete(namespace.id)
    if (core.client === undefined || !core.isStoreKept) return
    await core.client.writeAndWait({ kind: 'drop', namespace: namespace.id }, { durable: true }).written
  }

  /**
   * Takes namespaces out of a store that lies beside the live one (ARC-14). All are there at once, each under a new id and
   * generation, and nothing of a namespace that was changed as a whole meanwhile. Throws 42602, 42939, 42710, 53400, 55000.
   */
  async load(store: string, wishes: readonly LoadWish[]): Promise<Adoption> {
    const core = this.#core
    const { client } = core
    this.#checkLoad(wishes)
    if (client === undefined || !core.hasStore) throw new ServerError(conditions.storeNotOpen, [core.storeState])
    const before = wishes.map(({ as }) => this.#standing(as))
    const parts = wishes.map((wish, index) => ({
      ...wish,
      id: ++core.lastNamespaceId,
      replaced: before[index]?.namespace.id,
      options: before[index]?.namespace.storedOptions(),
    }))
    const loaded = await client.ask<'load'>({ kind: 'load', request: { store, parts } })
    const begun = loaded.filter(({ gone }) => gone === undefined)
    try {
      // Those of a backup may be of another version.
      for (const { options } of begun) readOptions(givenOptions(options))
    } catch (error) {
      client.write({ kind: 'admit', admitted: [], refused: begun })
      throw error
    }
    // From here on in one turn, so that what was begun before finds itself without effect.
    const current = loaded.map((one, index): LoadedPart => {
      const now = this.#standing(one.part.as)
      const isSame = now?.namespace === before[index]?.namespace && now?.generation === before[index]?.generation
      const options = now?.namespace.storedOptions() ?? one.options
      return isSame ? { ...one, options } : { ...one, gone: one.gone ?? 'changed', leftOut: one.leftOut + one.entries }
    })
    const admitted = current.filter(({ gone }) => gone === undefined)
    const refused = current.filter((one, index) => one.gone !== undefined && loaded[index]?.gone === undefined)
    const generations = admitted.map((one) => this.#takeOver(one).current)
    const request = { kind: 'admit' as const, admitted, refused }
    const { number, written } = client.writeAndWait(request, { durable: true })
    for (const generation of generations) generation.sentWide(number)
    await written
    const sum = (all: readonly LoadedPart[], of: 'entries' | 'leftOut') =>
      all.reduce((total, one) => total + one[of], 0)
    return {
      ...{ namespaces: admitted.length, entries: sum(admitted, 'entries'), leftOut: sum(current, 'leftOut') },
      unproven: 0,
      gone: current.flatMap(({ part, gone }) => (gone === undefined ? [] : [{ namespace: part.from, since: gone }])),
    }
  }

  #checkLoad(wishes: readonly LoadWish[]): void {
    const { namespaces, settings } = this.#core
    const names = new Set<string>()
    for (const { from, as } of wishes) {
      checkNamespace(as)
      if (isReserved(as)) throw new ServerError(conditions.reservedNamespace, [as])
      const isThere = names.has(as) || (as !== from && namespaces.has(as))
      if (isThere) throw new ServerError(conditions.duplicateObject, [`cache namespace "${as}"`])
      names.add(as)
    }
    const made = [...names].filter((name) => !namespaces.has(name)).length
    if (namespaces.size + made <= settings.namespacesMax) return
    throw new ServerError(conditions.tooManyNamespaces, [settings.namespacesMax])
  }

  #standing(name: string): { readonly namespace: BlobNamespace; readonly generation: number } | undefined {
    const namespace = this.#core.namespaces.get(name)
    return namespace === undefined ? undefined : { namespace, generation: namespace.generation }
  }

  #takeOver({ part, scope, options }: LoadedPart): BlobNamespace {
    const core = this.#core
    const old = core.namespaces.get(part.as)
    const given = givenOptions(options)
    const namespace = new BlobNamespace(core, { name: part.as, ...scope, given, isStored: true })
    if (old !== undefined) {
      Object.assign(namespace.counts, old.counts)
      old.isDropped = true
      core.beginGeneration(old)
      core.byId.delete(old.id)
    }
    core.namespaces.set(part.as, namespace)
    core.byId.set(namespace.id, namespace)
    return namespace
  }

  /** A store was opened: it says what is in it. */
  opened(message: OpenedMessage): void {
    const core = this.#core
    core.incarnation = message.incarnation
    core.lastNamespaceId = Math.max(core.lastNamespaceId, message.lastNamespaceId)
    if (message.cause === 'restored') this.#forgetAll()
    for (const { name, id, generation, options } of message.namespaces) {
      core.lastNamespaceId = Math.max(core.lastNamespaceId, id)
      if (core.byId.has(id)) continue
      const namespace = new BlobNamespace(core, { name, id, generation, given: givenOptions(options), isStored: true })
      core.namespaces.set(name, namespace)
      core.byId.set(id, namespace)
    }
    const there = new Set(message.namespaces.map(({ id }) => id))
    for (const namespace of core.namespaces.values()) if (!there.has(namespace.id)) this.#defineAgain(namespace)
  }

  /** What L1 holds is of the store before (ARC-13). */
  #forgetAll(): void {
    const core = this.#core
    for (const namespace of core.namespaces.values()) {
      namespace.isDropped = true
      core.beginGeneration(namespace)
    }
    core.namespaces.clear()
    core.byId.clear()
  }

  /** The store begins with nothing: the namespaces are told to it, as they are now. */
  #defineAgain(namespace: BlobNamespace): void {
    namespace.current.mayBeStored = false
    namespace.current.synopsis = undefined
    namespace.l2Entries = 0
    namespace.l2Bytes = 0
    this.#core.client?.write({ kind: 'define', name: namespace.name, ...definitionOf(namespace) })
  }

  #find(name: string): BlobNamespace {
    const namespace = this.#core.namespaces.get(name)
    if (namespace === undefined) throw new ServerError(conditions.unknownNamespace, [name])
    return namespace
  }

  #tell(namespace: BlobNamespace): void | Promise<void> {
    const { client, isStoreKept } = this.#core
    if (client === undefined || !isStoreKept) return undefined
    const request = { kind: 'define' as const, name: namespace.name, ...definitionOf(namespace) }
    return client.writeAndWait(request, { durable: true }).written.then(() => undefined)
  }
}

function definitionOf(namespace: BlobNamespace) {
  return { scope: namespace.current.scope, options: namespace.storedOptions() }
}
