// Helpers of the tests of `cache/blob`: an L2 on a disk in memory, its operations run to their end, and puts with everything left out.

import { ManualClock, type Random } from '../../src/base/index.ts'
import { BlobCache } from '../../src/cache/blob/blob-cache.ts'
import type { BlobPut } from '../../src/cache/blob/blob-puts.ts'
import type { BlobSettings } from '../../src/cache/blob/blob-settings.ts'
import type { CompressorOptions } from '../../src/cache/blob/compressor.ts'
import type { Epochs } from '../../src/cache/blob/epochs.ts'
import { L2, type L2Options, type PutRequest, type PutResult } from '../../src/cache/blob/l2.ts'
import { checkL2, type Finding } from '../../src/cache/blob/l2-check.ts'
import type { LeaveReason } from '../../src/cache/blob/l2-entries.ts'
import type { InvalidationTarget } from '../../src/cache/blob/l2-invalidation.ts'
import { keyOfRecordKey, type Scope } from '../../src/cache/blob/l2-keys.ts'
import type { Attributes } from '../../src/cache/blob/l2-record.ts'
import type { Policy } from '../../src/cache/blob/policy.ts'
import { hostInThisThread, type StoreLink } from '../../src/cache/blob/store-link.ts'
import type { StoreSettings } from '../../src/cache/blob/store-messages.ts'
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
      checksVersion: true,
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
    const found = finish(this.l2.get(scope, key, { withValue: true, quiet: false }))
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

export const storeSettings: StoreSettings = {
  bytesMax: 64 << 20,
  compression,
  synopsisBytesMax: 16 << 20,
  synopsisKeysInitial: 10_000,
  commitIntervalMs: 5,
  commitBytesMax: 8 << 20,
  retryDelayMs: 5,
  backgroundWriter: { enabled: true, delayMs: 200, pagesMax: 100, multiplier: 2, dirtyFractionMax: 0.5 },
  sweepIntervalMs: 0,
  sweepOnStart: false,
  sweepLimits: { entriesMax: 1000, msMax: 50 },
}

export const blobSettings: BlobSettings = {
  l1AdmitBytesMax: 16 << 20,
  blobBytesMax: 64 << 20,
  namespacesMax: 256,
  metadataKeysMax: 32,
  metadataBytesMax: 4096,
  labelsMax: 64,
  leaseTtlMs: 10_000,
  policy: { ...plainPolicy, admission: 'auto' },
  promotion: { policy: 'on_second_hit', requestsMax: 1024, bytesMax: 16 << 20, batch: 64, marksMax: 8192 },
  queue: { requestsMax: 4096, bytesMax: 32 << 20, readTimeoutMs: 5000 },
  store: storeSettings,
}

interface CacheGiven {
  readonly settings?: Partial<BlobSettings>
  readonly store?: Partial<StoreSettings>
  readonly l1BytesMax?: number
  readonly epochs?: Epochs
  /** Without L2. */
  readonly off?: boolean
}

/** A blob cache with its store on a disk in memory, served by a host in this thread. */
export class CacheStage {
  disk = new FaultyDisk()
  readonly clock = new ManualClock()
  counters: Counters = createCounters()
  readonly events: string[] = []
  readonly given: CacheGiven
  cache!: BlobCache
  /** Called when requests leave for the store. */
  onAsked: (() => void) | undefined
  #replies: (() => void)[] | undefined

  static async open(given: CacheGiven = {}): Promise<CacheStage> {
    const stage = new CacheStage(given)
    await stage.start()
    if (stage.cache.namespace('shop') === undefined) await stage.cache.createNamespace('shop')
    return stage
  }

  private constructor(given: CacheGiven) {
    this.given = given
  }

  async start(): Promise<void> {
    const { settings, store, l1BytesMax = 16 << 20, epochs, off } = this.given
    const blob = { ...blobSettings, ...settings, store: { ...storeSettings, ...store } }
    this.counters = createCounters()
    const options = {
      directory: 'l2',
      clear: false,
      store: { pageSize: 4096, poolBytes: 1 << 20 },
      settings: blob.store,
    }
    this.cache = await BlobCache.open(
      {
        settings: blob,
        counters: this.counters,
        clock: this.clock,
        l1BytesMax,
        ...(epochs === undefined ? {} : { epochs }),
        onEvent: ({ event, subject }) => this.events.push(`${event} ${subject ?? ''}`.trim()),
      },
      off === true ? undefined : this.#held(hostInThisThread(this.disk, this.clock, options)),
    )
  }

  async restart(): Promise<void> {
    await this.cache.close()
    await this.start()
  }

  /** The process is killed; what was durable is there when it starts again. */
  async kill(): Promise<void> {
    this.disk = this.disk.afterKill()
    await this.start()
  }

  async put(key: string, value: string | Uint8Array = `value of ${key}`, rest: Partial<BlobPut> = {}, durable = false) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    const [receipt] = await this.cache.put([{ namespace: 'shop', key, value: bytes, ...rest }], durable)
    return receipt
  }

  async get(key: string, lease = false, namespace = 'shop') {
    const { blob, ...rest } = await this.cache.get(namespace, key, lease)
    return { ...rest, value: blob?.value === undefined ? undefined : Buffer.from(blob.value).toString(), blob }
  }

  async value(key: string, namespace = 'shop'): Promise<string | undefined> {
    return (await this.get(key, false, namespace)).value
  }

  async invalidate(kind: 'key' | 'prefix' | 'tag' | 'dependency', ...subjects: string[]) {
    return (await this.cache.invalidate({ kind, namespace: 'shop', subjects })).entries
  }

  /** From now on nothing the store says arrives. */
  holdReplies(): void {
    this.#replies ??= []
  }

  /** What it said meanwhile arrives, in order. */
  releaseReplies(): void {
    const replies = this.#replies ?? []
    this.#replies = undefined
    for (const deliver of replies) deliver()
  }

  /** The store has said so many things that did not arrive. */
  async untilHeld(count = 1): Promise<void> {
    while ((this.#replies?.length ?? 0) < count) await this.turns(1)
  }

  #held(link: StoreLink): StoreLink {
    const { port } = link
    const on: StoreLink['port']['on'] = (event, listener) =>
      port.on(event, (report) => {
        if (this.#replies === undefined) listener(report)
        else this.#replies.push(() => listener(report))
      })
    const postMessage: StoreLink['port']['postMessage'] = (message, moved) => {
      this.onAsked?.()
      port.postMessage(message, moved)
    }
    return { ...link, port: { postMessage, on } }
  }

  /** Makes L1 empty; L2 keeps what it has. */
  emptyL1(): void {
    const { l1 } = this.cache
    const { bytesMax } = l1
    l1.configure(0)
    while (!l1.shrink(1000));
    l1.configure(bytesMax)
  }

  /** The next turns of the event loop: promotions and housekeeping have had theirs. */
  async turns(count = 3): Promise<void> {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}
