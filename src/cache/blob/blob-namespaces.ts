// Making, changing and dropping namespaces.

import { conditions, ServerError } from '../../errors/index.ts'
import type { BlobCore } from './blob-core.ts'
import { BlobNamespace, givenOptions } from './blob-namespace.ts'
import type { NamespaceChange } from './blob-rows.ts'
import { checkNamespace } from './names.ts'
import type { GivenOptions } from './namespace-options.ts'
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
