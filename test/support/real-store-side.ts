// The store's side of backups with a real second tier in a directory of its own, as the store thread plays it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreSide } from '../../src/archive/backup-requests.ts'
import { type Disk, type DiskFile, nodeDisk, type Random, systemClock } from '../../src/base/index.ts'
import { L2 } from '../../src/cache/blob/l2.ts'
import { checkL2 } from '../../src/cache/blob/l2-check.ts'
import { holdCommit } from '../../src/cache/blob/l2-hold.ts'
import type { Scope } from '../../src/cache/blob/l2-keys.ts'
import { type LoadWish, loadNamespaces } from '../../src/cache/blob/l2-load.ts'
import { replaceStore } from '../../src/cache/blob/l2-replace.ts'
import { conditions, ServerError } from '../../src/errors/index.ts'
import { createCounters } from '../../src/observe/index.ts'
import { type Pin, Store } from '../../src/storage/index.ts'
import { finish, plainAttributes, plainOptions, plainPolicy } from './blob.ts'

export class RealStoreSide implements StoreSide {
  readonly root: string
  readonly path: string
  l2: L2
  off = false
  /** Nothing gets onto the device for certain. */
  syncFails = false
  readonly #disk: Disk = { ...nodeDisk, open: (path, options) => this.#failing(nodeDisk.open(path, options)) }
  /** Commits not yet let go. */
  readonly pins = new Map<number, Pin>()
  readonly calls: string[] = []
  /** Awaited before each answer. */
  before: (call: string) => void | Promise<void> = () => undefined
  /** Sees each commit that is held. */
  onHold: (pin: Pin) => void = () => undefined
  #stamp = 0
  #lastHold = 0

  private constructor(root: string) {
    this.root = root
    this.path = join(root, 'l2')
    this.l2 = this.layOn(this.open())
  }

  static async open(): Promise<RealStoreSide> {
    return new RealStoreSide(await mkdtemp(join(tmpdir(), 'larder-side-')))
  }

  open(): Store {
    return Store.open(this.#disk, this.path, { poolBytes: 4 << 20 })
  }

  #failing(file: DiskFile): DiskFile {
    const sync = file.sync.bind(file)
    file.sync = async () => {
      if (this.syncFails) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      await sync()
    }
    return file
  }

  layOn(store: Store): L2 {
    return new L2(store, {
      options: { ...plainOptions, bytesMax: 1 << 30 },
      counters: createCounters(),
      clock: systemClock,
      observer: { damaged: () => undefined, synopsis: () => undefined },
    })
  }

  define(name: string, id: number, generation = 1): Scope {
    this.l2.define(name, { id, generation }, '{}')
    return { id, generation }
  }

  put(scope: Scope, key: string, value: string | Uint8Array, tags: readonly string[] = []): void {
    const result = finish(
      this.l2.put({
        ...{ scope, key, value: typeof value === 'string' ? Buffer.from(value) : value },
        ...{ policy: plainPolicy, attributes: { ...plainAttributes, tags } },
        ...{ version: undefined, checksVersion: false, only: undefined, costUs: 0 },
        ...{ createdAtMs: Date.now(), stamp: ++this.#stamp },
      }),
    )
    if (result.kind !== 'stored') throw new Error(`not stored: ${JSON.stringify(result)}`)
  }

  get(scope: Scope, key: string): string | undefined {
    const found = finish(this.l2.get(scope, key, { withValue: true, quiet: true }))
    return found?.value === undefined ? undefined : Buffer.from(found.value).toString('latin1')
  }

  /** About so many bytes that no compressor shrinks, in entries of many sizes. */
  async fill(scope: Scope, bytes: number, random: Random): Promise<Map<string, string>> {
    const values = new Map<string, string>()
    for (let left = bytes; left > 0; ) {
      const value = random.bytes(Math.min(left, 1 << random.int(18)))
      const key = `key-${values.size}`
      this.put(scope, key, value)
      values.set(key, value.toString('latin1'))
      left -= value.length
    }
    await this.l2.commit()
    return values
  }

  /** Every page, every row. */
  findings(): string[] {
    return [...checkL2(this.l2, true)].flatMap((finding) => (finding === undefined ? [] : [finding.detail]))
  }

  directory(): string {
    if (this.off) throw new ServerError(conditions.storeNotOpen, ['off'])
    return this.path
  }

  /** Namespaces that are not to be in a backup. */
  unarchived: readonly string[] = []

  leftOut(): readonly string[] {
    return this.unarchived
  }

  async hold() {
    await this.before('hold')
    this.calls.push('hold')
    const { pin, held } = await holdCommit(this.l2)
    this.onHold(pin)
    this.pins.set(++this.#lastHold, pin)
    return { hold: this.#lastHold, ...held }
  }

  async assertHeld(hold: number): Promise<void> {
    this.pins.get(hold)?.assertHeld()
  }

  release(hold: number): void {
    this.pins.get(hold)?.release()
    this.pins.delete(hold)
  }

  async activate(name: string, keepDerived: boolean) {
    await this.before('activate')
    this.calls.push(`activate ${name}`)
    try {
      return await replaceStore(this.l2, {
        ...{ disk: nodeDisk, directory: this.path, name, keepDerived },
        layOn: (store) => this.layOn(store),
      })
    } finally {
      if (this.l2.store.state === 'closed') this.l2 = this.layOn(this.open())
    }
  }

  /** As the wire thread does it, for a store of its own. */
  async load(name: string, wishes: readonly LoadWish[]) {
    await this.before('load')
    this.calls.push(`load ${name} ${wishes.map(({ as }) => as)}`)
    const names = new Map([...this.l2.namespaces.living()].map((namespace) => [namespace.name, namespace]))
    let lastId = this.l2.namespaces.lastId
    const parts = wishes.map((wish) => {
      const { id: replaced, options } = names.get(wish.as) ?? {}
      return { ...wish, id: ++lastId, replaced, options }
    })
    const loaded = finish(loadNamespaces(this.l2, nodeDisk, this.path, { store: name, parts }))
    const admitted = loaded.filter(({ gone }) => gone === undefined)
    for (const part of admitted) this.l2.admit(part)
    await this.l2.commit()
    return {
      namespaces: admitted.length,
      entries: admitted.reduce((sum, { entries }) => sum + entries, 0),
      leftOut: loaded.reduce((sum, { leftOut }) => sum + leftOut, 0),
      unproven: 0,
      gone: loaded.flatMap(({ part, gone }) => (gone === undefined ? [] : [{ namespace: part.from, since: gone }])),
    }
  }

  async close(): Promise<void> {
    if (this.l2.store.state !== 'closed') await this.l2.close()
    await rm(this.root, { recursive: true })
  }
}
