// Helpers of the tests of `cache/blob`: an L2 on a disk in memory, its operations run to their end, and puts with everything left out.

import { ManualClock, type Random } from '../../src/base/index.ts'
import type { CompressorOptions } from '../../src/cache/blob/compressor.ts'
import { L2, type L2Options, type PutRequest, type PutResult } from '../../src/cache/blob/l2.ts'
import { checkL2, type Finding } from '../../src/cache/blob/l2-check.ts'
import type { LeaveReason } from '../../src/cache/blob/l2-entries.ts'
import type { InvalidationTarget } from '../../src/cache/blob/l2-invalidation.ts'
import { keyOfRecordKey, type Scope } from '../../src/cache/blob/l2-keys.ts'
import type { Attributes } from '../../src/cache/blob/l2-record.ts'
import type { Policy } from '../../src/cache/blob/policy.ts'
import type { SweepReport } from '../../src/cache/blob/sweeper.ts'
import { type Counters, createCounters } from '../../src/observe/index.ts'
import { Store, type StoreOptions } from '../../src/storage/index.ts'
import { FaultyDisk } from './faulty-disk.ts'

/** Runs a generator of steps to its end. */
export function finish<T>(steps: Iterator<undefined, T, undefined>): T {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

export const plainPolicy: Policy = {
  ttlMs: undefined,
  expiresAtMs: undefined,
  bytesMax: undefined,
  admission: 'always',
  priority: 128,
  idleTtlMs: 0,
  staleWindowMs: 0,
  staleIfErrorMs: 0,
  jitterPercent: 0,
}

export const plainAttributes: Attributes = {
  contentType: undefined,
  metadata: undefined,
  tags: [],
  dependencies: [],
  proof: undefined,
}

export const compression: CompressorOptions = {
  enabled: true,
  bytesMin: 1024,
  ratioMax: 0.95,
  valueBytesMax: 64 << 20,
}

export const plainOptions: L2Options = {
  bytesMax: 4 << 20,
  compression,
  synopsisBytesMax: 16 << 20,
  synopsisKeysInitial: 10_000,
}

/** What a test says of a put; the rest is plain. */
export interface PutWish {
  readonly scope?: Scope
  readonly key: string
  readonly value?: Uint8Array | string
  readonly policy?: Partial<Policy>
  readonly attributes?: Partial<Attributes>
  readonly version?: number
  readonly only?: PutRequest['only']
}

export class L2Stage {
  disk: FaultyDisk
  readonly clock: ManualClock
  readonly counters: Counters = createCounters()
  readonly left: string[] = []
  onLeft: ((recordKey: Uint8Array, reason: LeaveReason) => void) | undefined
  readonly damages: string[] = []
  store: Store
  l2: L2
  options: L2Options
  readonly storeOptions: StoreOptions
  #lastStamp = 0

  constructor(
    given: { options?: Partial<L2Options>; store?: StoreOptions; disk?: FaultyDisk; clock?: ManualClock } = {},
  ) {
    this.disk = given.disk ?? new FaultyDisk()
    this.clock = given.clock ?? new ManualClock()
    this.options = { ...plainOptions, ...given.options }
    this.storeOptions = { pageSize: 4096, poolBytes: 1 << 20, ...given.store }
    this.store = this.#openStore()
    this.l2 = this.#openL2()
    if (this.l2.namespaces.find(1) === undefined) this.l2.define('shop', { id: 1, generation: 1 }, '{}')
  }

  /** The namespace that puts go to if they name no other. */
  get shop(): Scope {
    return this.l2.namespaces.find(1)?.scope ?? { id: 1, generation: 1 }
  }

  request(wish: PutWish): PutRequest {
    const { scope = this.shop, key, value = `value of ${key}`, version, only } = wish
    return {
      scope,
      key,
      value: typeof value === 'string' ? Buffer.from(value) : value,
      policy: { ...plainPolicy, ...wish.policy },
      attributes: { ...plainAttributes, ...wish.attributes },
      version,
      only,
      createdAtMs: this.clock.nowMs(),
      stamp: ++this.#lastStamp,
      costUs: 0,
    }
  }

  put(wish: PutWish | string): PutResult {
    return finish(this.l2.put(this.request(typeof wish === 'string' ? { key: wish } : wish)))
  }

  get(key: string, scope = this.shop): string | undefined {
    const found = finish(this.l2.get(scope, key, true))
    return found === undefined ? undefined : Buffer.from(found.value as Uint8Array).toString()
  }

  invalidate(target: InvalidationTarget, scope = this.shop): number[] {
    return finish(this.l2.invalidation.invalidate({ scope, target, markStale: false }))
  }

  sweep(entriesMax = Number.POSITIVE_INFINITY, msMax = Number.POSITIVE_INFINITY): SweepReport {
    return finish(this.l2.sweeper.sweep({ entriesMax, msMax }, 'call'))
  }

  check(): Finding[] {
    return [...checkL2(this.l2, true)].filter((finding) => finding !== undefined)
  }

  /** Closed in order, opened again. */
  async restart(): Promise<void> {
    await this.l2.close()
    this.store = this.#openStore()
    this.l2 = this.#openL2()
  }

  /** The process is killed; or, with a random generator, the machine loses power. */
  kill(power?: Random): void {
    this.disk = power === undefined ? this.disk.afterKill() : this.disk.image(power)
    this.store = this.#openStore()
    this.l2 = this.#openL2()
  }

  #openStore(): Store {
    return Store.open(this.disk, 'l2', this.storeOptions)
  }

  #openL2(): L2 {
    return new L2(this.store, {
      options: this.options,
      counters: this.counters,
      clock: this.clock,
      observer: {
        damaged: (key, error) => this.damages.push(`${keyOfRecordKey(key)}: ${error.message}`),
        left: (key, reason) => {
          this.left.push(`${keyOfRecordKey(key)} ${reason}`)
          this.onLeft?.(key, reason)
        },
        synopsis: () => {},
      },
    })
  }
}
