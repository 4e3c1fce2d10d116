// Putting: all checks first, then L1 and L2 in one turn.
//
//   checks ──► lease, epochs ──► condition ──► L1 ──► L2
//
// Whether a condition holds (a version, "only if absent") is known here if L1 has the key or the synopsis rules it out. Else L2
// decides, in its order, and the entry enters L1 when the answer comes, unless something newer of the key was sent meanwhile.

import { conditions, ServerError } from '../../errors/index.ts'
import type { BlobCore } from './blob-core.ts'
import type { BlobNamespace } from './blob-namespace.ts'
import { type BlobEntry, chargeOf, type EntryFacts } from './entry.ts'
import { attributesOf, ownBuffer } from './entry-parts.ts'
import { type Bound, hasMoved, proofOf, relationOf } from './epochs.ts'
import type { Generation } from './generation.ts'
import type { PutCondition, PutRequest, PutResult } from './l2.ts'
import type { Attributes } from './l2-record.ts'
import { checkKey, checkLabels, checkMetadata } from './names.ts'
import type { NamespaceOptions } from './namespace-options.ts'
import { checkPolicy, type Policy, type PolicyWish, resolvePolicy } from './policy.ts'

type Later<T> = T | Promise<T>

/** What is not given is left to the namespace. */
export interface BlobPut extends Omit<PolicyWish, 'admission'> {
  readonly namespace: string
  readonly key: string
  readonly value: Uint8Array
  readonly contentType?: string | undefined
  /** A JSON object as text. */
  readonly metadata?: string | undefined
  readonly tags?: readonly string[]
  readonly dependencies?: readonly string[]
  /** always, auto or never. */
  readonly admission?: string | undefined
  /** Must exceed the one that is there. */
  readonly version?: number | undefined
  /** The token of a read. */
  readonly lease?: string | undefined
  readonly only?: PutCondition | undefined
  /** What the value was derived from, as it stood before it was made (L1-35). */
  readonly bounds?: readonly Bound[] | undefined
  /** Microseconds that making it again takes. */
  readonly costUs?: number | undefined
  /** The cache may keep the memory of `value` itself: nobody else changes it. */
  readonly isOwned?: boolean
}

export interface PutReceipt {
  readonly version: number | undefined
  readonly generation: number
  /** none: it was accepted, and stored nowhere. */
  readonly tier: 'none' | 'l1' | 'l2' | 'both'
  readonly storedBytes: number
  readonly durable: boolean
}

/** Why a put was not done. older: its version is not above the one there. moved: what it was derived from has changed. */
interface PutRefusal {
  readonly refused: 'exists' | 'version' | 'changed' | 'older' | 'lease' | 'moved'
  /** The version that is there. */
  readonly version: number | undefined
}

export type PutOutcome = PutReceipt | PutRefusal

/** A put whose checks are passed. */
interface Prepared {
  readonly namespace: BlobNamespace
  readonly put: BlobPut
  readonly policy: Policy
  readonly attributes: Attributes
  readonly bounds: readonly Bound[] | undefined
  readonly goesToL1: boolean
  readonly goesToL2: boolean
}

const policyFields = [
  'ttlMs',
  'expiresAtMs',
  'bytesMax',
  'admission',
  'priority',
  'idleTtlMs',
  'staleWindowMs',
  'staleIfErrorMs',
  'jitterPercent',
] as const satisfies readonly (keyof Policy)[]

const overload = {
  severity: 'warning',
  event: 'queue_full',
  detail: 'a value did not go to disk: l2_queue_max or l2_queue_bytes_max was reached',
} as const

export class BlobPuts {
  readonly #core: BlobCore
  /** By the options of a namespace, which are another object when they change. */
  readonly #shared = new WeakMap<NamespaceOptions, { settings: Policy; policy: Policy }>()

  constructor(core: BlobCore) {
    this.#core = core
  }

  /** Throws, before anything has changed, if one of them cannot be stored as it is. */
  put(puts: readonly BlobPut[], durable: boolean): Later<readonly PutOutcome[]> {
    const prepared = puts.map((put) => this.#prepare(put))
    const outcomes = prepared.map((each) => this.#put(each, durable))
    return outcomes.some((outcome) => outcome instanceof Promise)
      ? Promise.all(outcomes)
      : (outcomes as readonly PutOutcome[])
  }

  #prepare(put: BlobPut): Prepared {
    const core = this.#core
    const { settings, counters } = core
    const namespace = core.namespaces.get(put.namespace)
    if (namespace === undefined) throw new ServerError(conditions.unknownNamespace, [put.namespace])
    const { tags = [], dependencies = [], metadata, contentType, version } = put
    checkKey(put.key)
    checkLabels(tags, dependencies, settings)
    const wish = put as PolicyWish
    checkPolicy(wish)
    if (version !== undefined && !(Number.isSafeInteger(version) && version >= 0)) {
      throw new ServerError(conditions.parameterOutOfRange, [version, 'version', 0, Number.MAX_SAFE_INTEGER])
    }
    if (contentType !== undefined) checkContentType(contentType)
    if (metadata !== undefined) {
      try {
        checkMetadata(metadata, settings)
      } catch (error) {
        if ((error as ServerError).condition === conditions.metadataTooLarge) counters.blob_metadata_too_large++
        throw error
      }
    }
    const policy = this.#policyOf(wish, namespace)
    const bounds = this.#boundsOf(put, dependencies)
    const proof = proofOf(bounds, core.incarnation)
    const attributes = attributesOf({ contentType, metadata, tags, dependencies, proof })
    return { namespace, put, policy, attributes, bounds, ...this.#tiersOf(put, policy, attributes) }
  }

  /** Entries that ask for nothing of their own share one policy of their namespace. */
  #policyOf(wish: PolicyWish, namespace: BlobNamespace): Policy {
    const { policy: settings } = this.#core.settings
    const { options } = namespace
    if (policyFields.some((field) => wish[field] !== undefined)) return resolvePolicy(wish, options.policy, settings)
    const shared = this.#shared.get(options)
    if (shared?.settings === settings) return shared.policy
    const policy = Object.freeze(resolvePolicy({}, options.policy, settings))
    this.#shared.set(options, { settings, policy })
    return policy
  }

  /** Where it goes; refuses what fits nowhere (L1-7, L1-11, L2-4). */
  #tiersOf(put: BlobPut, policy: Policy, attributes: Attributes): { goesToL1: boolean; goesToL2: boolean } {
    const core = this.#core
    const { l1AdmitBytesMax, blobBytesMax, store } = core.settings
    const bytes = put.value.length
    const limit = Math.min(policy.bytesMax ?? blobBytesMax, blobBytesMax)
    const fitsL1 = chargeOf(put.key, bytes, attributes) <= core.l1.bytesMax
    const fitsL2 = core.hasStore && bytes <= store.bytesMax
    const wantsL1 =
      policy.admission === 'always' || (policy.admission === 'auto' && (bytes <= l1AdmitBytesMax || !fitsL2))
    if (bytes > limit || (wantsL1 && !fitsL1 && !fitsL2) || (core.hasStore && !wantsL1 && !fitsL2)) {
      core.counters.blob_too_large++
      const most = bytes > limit ? limit : Math.max(core.l1.bytesMax, core.hasStore ? store.bytesMax : 0)
      throw new ServerError(conditions.valueTooLarge, [bytes, most])
    }
    return { goesToL1: wantsL1 && fitsL1, goesToL2: fitsL2 }
  }

  /** What the entry hangs on: what the caller says, and the relations it names (DEP-8). */
  #boundsOf(put: BlobPut, dependencies: readonly string[]): readonly Bound[] | undefined {
    const bounds: Bound[] = [...(put.bounds ?? [])]
    let isDerived = put.bounds !== undefined
    for (const dependency of dependencies) {
      const relation = relationOf(dependency)
      if (relation === undefined) continue
      const sources = this.#core.epochs.bind(relation)
      if (sources === undefined) throw new ServerError(conditions.undefinedTable, [relation])
      isDerived = true
      for (const source of sources) bounds.push({ source, epoch: source.epoch })
    }
    return isDerived ? bounds : undefined
  }

  #put(prepared: Prepared, durable: boolean): Later<PutOutcome> {
    const core = this.#core
    const { namespace, put, attributes, bounds } = prepared
    const generation = namespace.current
    if (namespace.isDropped) throw new ServerError(conditions.unknownNamespace, [namespace.name])
    if (bounds !== undefined && hasMoved(bounds)) return this.#refuse('moved', undefined)
    if (put.lease !== undefined && !generation.leases.allows(put.key, put.lease, core.nowMs(), attributes)) {
      return this.#refuse('lease', undefined)
    }
    const isConditional = put.only !== undefined || put.version !== undefined
    if (isConditional) {
      const there = core.living(generation, put.key)
      if (there === undefined && core.mayBeInStore(generation, put.key)) return this.#askL2(prepared, durable)
      const why = refusalOf(put, there)
      if (why !== undefined) return this.#refuse(why, there?.version)
    }
    return this.#store(prepared, durable)
  }

  /** Nothing stands against it: it is in force from this turn on. */
  #store(prepared: Prepared, durable: boolean): Later<PutOutcome> {
    const core = this.#core
    const { namespace, put, goesToL1, goesToL2 } = prepared
    const generation = namespace.current
    core.supersede(generation, put.key)
    core.counters.blob_puts++
    const facts = this.#factsOf(prepared)
    const entry = goesToL1 ? core.install(namespace, { ...facts, inL2: goesToL2 }) : undefined
    if (!goesToL1) this.#forget(generation, put.key)
    const receipt = receiptOf(put, generation, entry === undefined ? 'none' : 'l1', put.value.length, false)
    if (goesToL2 && core.client?.hasRoom(put.value.length) === true) {
      return this.#send(prepared, facts, entry, durable, undefined)
    }
    if (core.isStoreKept) {
      core.counters.l2_put_skips++
      if (goesToL2) core.onEvent({ ...overload, subject: namespace.name })
      core.sendRemoval(generation, put.key)
    }
    if (entry === undefined) core.counters.blob_puts_unstored++
    else core.noteStored(generation, entry, undefined)
    return receipt
  }

  /** The entry is not in L1, and L2 may have it: L2 knows whether the condition holds. */
  async #askL2(prepared: Prepared, durable: boolean): Promise<PutOutcome> {
    const core = this.#core
    const { namespace, put } = prepared
    const generation = namespace.current
    if (core.client?.hasRoom(put.value.length) !== true || !prepared.goesToL2) {
      // It cannot be asked: what lies there goes, and so does its version.
      core.sendRemoval(generation, put.key)
      return this.#store(prepared, durable)
    }
    // A lease ends here already: were it refused, its holder would only compute once more.
    core.supersede(generation, put.key)
    return this.#send(prepared, this.#factsOf(prepared), undefined, durable, put.only ?? { kind: 'any' })
  }

  /** Tells L2. With a condition, L1 waits for what L2 says. */
  async #send(
    prepared: Prepared,
    facts: EntryFacts,
    entry: BlobEntry | undefined,
    durable: boolean,
    asked: PutCondition | { kind: 'any' } | undefined,
  ): Promise<PutOutcome> {
    const core = this.#core
    const { namespace, put } = prepared
    const generation = namespace.current
    const { value, moved } = core.valueToSend(facts.value, entry !== undefined || asked !== undefined)
    const request: PutRequest = {
      scope: generation.scope,
      key: put.key,
      value,
      attributes: facts.attributes,
      policy: facts.policy,
      version: put.version,
      checksVersion: asked !== undefined,
      only: asked?.kind === 'any' ? undefined : asked,
      createdAtMs: facts.createdAtMs,
      stamp: facts.stamp,
      costUs: facts.costUs,
    }
    const client = core.client
    if (client === undefined) return receiptOf(put, generation, 'l1', facts.value.length, false)
    const { number, written } = client.writeAndWait(
      { kind: 'put', put: request },
      { durable, valueBytes: value.length, moved },
    )
    generation.mayBeStored = true
    core.noteSent(generation, put.key, number)
    // What L1 learns later is true only if nothing happens to the key until then.
    const ticket = asked === undefined ? undefined : generation.beginRead(put.key)
    let result: PutResult = { kind: 'rejected', why: 'gone' }
    let isDurable = false
    try {
      const answer = await written
      result = answer.result
      isDurable = answer.durable
    } catch {
      // The store could not do it, or not make it durable: then it is not there.
    }
    const isLate = ticket !== undefined && generation.endRead(ticket, facts.attributes)
    if (result.kind === 'refused') return this.#refuse(result.why, result.version)
    const inL1 = asked === undefined ? entry : this.#enterLate(prepared, generation, facts, isLate, result)
    return this.#receive(prepared, generation, inL1, result, isDurable)
  }

  /** L2 let it pass: it enters L1 too, unless the key is another one's by now. */
  #enterLate(
    prepared: Prepared,
    generation: Generation,
    facts: EntryFacts,
    isLate: boolean,
    result: PutResult,
  ): BlobEntry | undefined {
    const core = this.#core
    const { namespace, put, goesToL1 } = prepared
    core.counters.blob_puts++
    if (isLate || namespace.current !== generation || namespace.isDropped) return undefined
    if (!goesToL1 || generation.entries.has(put.key)) return undefined
    return core.install(namespace, { ...facts, inL2: result.kind === 'stored' })
  }

  #receive(
    { put }: Prepared,
    generation: Generation,
    entry: BlobEntry | undefined,
    result: PutResult,
    durable: boolean,
  ): PutReceipt {
    const isStored = result.kind === 'stored'
    const inL1 = entry !== undefined && generation.entries.holds(entry)
    if (entry !== undefined) this.#core.noteStored(generation, entry, isStored ? result : undefined)
    if (!isStored && !inL1) this.#core.counters.blob_puts_unstored++
    const tier = isStored ? (inL1 ? 'both' : 'l2') : inL1 ? 'l1' : 'none'
    return receiptOf(put, generation, tier, isStored ? result.storedBytes : put.value.length, isStored && durable)
  }

  #factsOf({ put, policy, attributes, bounds }: Prepared): EntryFacts {
    const core = this.#core
    const nowMs = core.nowMs()
    return {
      key: put.key,
      value: ownBuffer(put.value, put.isOwned === true),
      attributes,
      policy,
      version: put.version,
      createdAtMs: nowMs,
      ttlFromMs: nowMs,
      lastAccessAtMs: nowMs,
      stamp: core.stamp(),
      costUs: Math.min(0xffff_ffff, Math.round(put.costUs ?? 0)),
      bounds,
      inL2: false,
      storedBytes: 0,
      codec: 0,
    }
  }

  /** What L1 has of the key is old. */
  #forget(generation: Generation, key: string): void {
    const old = generation.entries.get(key)
    if (old !== undefined) this.#core.take(old, generation)
  }

  #refuse(refused: PutRefusal['refused'], version: number | undefined): PutRefusal {
    const { counters } = this.#core
    if (refused === 'moved' || refused === 'lease') counters.blob_fill_rejects++
    else counters.blob_version_mismatches++
    return { refused, version }
  }
}

export function isRefusal(outcome: PutOutcome): outcome is PutRefusal {
  return 'refused' in outcome
}

/** As L2 decides it (l2.ts), for an entry of L1. */
function refusalOf(put: BlobPut, there: BlobEntry | undefined): PutRefusal['refused'] | undefined {
  const { only, version } = put
  if (only?.kind === 'stamp' && there?.stamp !== only.stamp) return 'changed'
  if (there === undefined) return undefined
  if (only?.kind === 'absent') return 'exists'
  if (only?.kind === 'version' && there.version !== only.version) return 'version'
  return version !== undefined && there.version !== undefined && version <= there.version ? 'older' : undefined
}

function receiptOf(
  put: BlobPut,
  generation: Generation,
  tier: PutReceipt['tier'],
  storedBytes: number,
  durable: boolean,
): PutReceipt {
  return { version: put.version, generation: generation.scope.generation, tier, storedBytes, durable }
}

function checkContentType(contentType: string): void {
  if (contentType.length <= 255 && /^[\x20-\x7e]+$/.test(contentType)) return
  throw new ServerError(conditions.invalidParameterValue, ['content_type', contentType.slice(0, 100)])
}
