// What reads of L2 found, packed for its way to the wire thread: a few large objects for a whole turn of reads, instead of forty
// fields and a buffer for each entry.
//
//   numbers     per read: its id, its number of keys; per key 0 if nothing was found, else 1 and the fields in their order
//   values      small ones lie one behind the other in shared memory, any other in memory of its own; all are moved, not copied
//   attributes  of those entries that have some
//
// A small value keeps the memory alive that it shares, which is bounded; who keeps a value for longer takes it out (entry-parts.ts).

import { isPlain, plainAttributes } from './entry-parts.ts'
import type { Attributes } from './l2-record.ts'
import { admissions, type Policy } from './policy.ts'
import type { FoundMessage } from './store-messages.ts'

export interface FoundPack {
  readonly numbers: Float64Array
  readonly values: readonly Uint8Array[]
  readonly attributes: readonly Attributes[]
}

/** Values below this share memory. */
export const smallBytesMax = 32 << 10
/** How much they share. */
const sharedBytesMax = 256 << 10
const none = -1

const isNumber = (value: number | undefined): number => value ?? Number.NaN
const isThere = (value: number): number | undefined => (Number.isNaN(value) ? undefined : value)

export class FoundWriter {
  #numbers = new Float64Array(1024)
  #length = 0
  #values: Uint8Array[] = []
  #moved: ArrayBuffer[] = []
  #attributes: Attributes[] = []
  /** Shared memory that has room, how much of it is taken, and its place among the values. */
  #shared: Uint8Array = new Uint8Array(0)
  #taken = 0
  #sharedIn = none
  #expected = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** About so many answers follow in this turn. */
  expect(count: number): void {
    this.#expected = count
  }

  /** The answer to a read. Small values are copied, others are not to be used here any more. */
  add(id: number, found: readonly (FoundMessage | undefined)[]): void {
    this.#push(id)
    this.#push(found.length)
    for (const message of found) {
      if (message === undefined) this.#push(0)
      else this.#entry(message)
    }
    this.#expected--
  }

  /** All that was added since the last time, and the memory that moves along. */
  take(): { readonly pack: FoundPack; readonly moved: readonly ArrayBuffer[] } {
    const pack = { numbers: this.#numbers.slice(0, this.#length), values: this.#values, attributes: this.#attributes }
    const moved = this.#moved
    this.#length = 0
    this.#values = []
    this.#moved = []
    this.#attributes = []
    this.#shared = new Uint8Array(0)
    return { pack, moved }
  }

  #entry({ head, attributes, value, storedBytes }: FoundMessage): void {
    const { policy } = head
    this.#push(1)
    this.#push(head.codec)
    this.#push(head.rawBytes)
    this.#push(isNumber(head.version))
    this.#push(head.createdAtMs)
    this.#push(head.ttlFromMs)
    this.#push(head.lastAccessAtMs)
    this.#push(head.stamp)
    this.#push(head.costUs)
    this.#push(isNumber(policy.ttlMs))
    this.#push(isNumber(policy.expiresAtMs))
    this.#push(isNumber(policy.bytesMax))
    this.#push(admissions.indexOf(policy.admission))
    this.#push(policy.priority)
    this.#push(policy.idleTtlMs)
    this.#push(policy.staleWindowMs)
    this.#push(policy.staleIfErrorMs)
    this.#push(policy.jitterPercent)
    this.#push(storedBytes)
    this.#push(isPlain(attributes) ? none : this.#attributes.push(attributes) - 1)
    this.#value(value)
  }

  /** In which memory, from where on, how long. */
  #value(value: Uint8Array | undefined): void {
    const isSmall = value !== undefined && value.length < smallBytesMax
    if (isSmall && this.#shared.length - this.#taken < value.length) this.#share(value.length)
    if (value === undefined) {
      this.#push(none)
      this.#push(0)
      this.#push(none)
    } else if (isSmall) {
      this.#shared.set(value, this.#taken)
      this.#push(this.#sharedIn)
      this.#push(this.#taken)
      this.#push(value.length)
      this.#taken += value.length
    } else {
      this.#push(this.#move(value.buffer as ArrayBuffer))
      this.#push(value.byteOffset)
      this.#push(value.length)
    }
  }

  /** New memory to share: enough for this one, and for those that follow if they are like it. */
  #share(bytes: number): void {
    const wanted = bytes * Math.max(1, this.#expected)
    this.#shared = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(wanted, sharedBytesMax)))
    this.#taken = 0
    this.#sharedIn = this.#move(this.#shared.buffer as ArrayBuffer)
  }

  #move(buffer: ArrayBuffer): number {
    this.#moved.push(buffer)
    return this.#values.push(new Uint8Array(buffer)) - 1
  }

  #push(number: number): void {
    if (this.#length === this.#numbers.length) {
      const larger = new Float64Array(2 * this.#length)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.#length++] = number
  }
}

/** The answers in the order they were given. */
export class FoundReader {
  readonly #pack: FoundPack
  #at = 0
  #policy: Policy | undefined

  constructor(pack: FoundPack) {
    this.#pack = pack
  }

  get hasMore(): boolean {
    return this.#at < this.#pack.numbers.length
  }

  next(): { readonly id: number; readonly result: (FoundMessage | undefined)[]; readonly durable: false } {
    const id = this.#number()
    const count = this.#number()
    const result: (FoundMessage | undefined)[] = []
    while (result.length < count) result.push(this.#number() === 0 ? undefined : this.#entry())
    return { id, result, durable: false }
  }

  #entry(): FoundMessage {
    const codec = this.#number()
    const rawBytes = this.#number()
    const version = isThere(this.#number())
    const createdAtMs = this.#number()
    const ttlFromMs = this.#number()
    const lastAccessAtMs = this.#number()
    const stamp = this.#number()
    const costUs = this.#number()
    const policy = this.#nextPolicy()
    const head = { codec, rawBytes, version, createdAtMs, ttlFromMs, lastAccessAtMs, stamp, costUs, policy }
    const storedBytes = this.#number()
    const attributes = this.#pack.attributes[this.#number()] ?? plainAttributes
    return { head, storedBytes, attributes, value: this.#value() }
  }

  /** Most entries of a namespace have one policy, and share the object. */
  #nextPolicy(): Policy {
    const policy: Policy = {
      ttlMs: isThere(this.#number()),
      expiresAtMs: isThere(this.#number()),
      bytesMax: isThere(this.#number()),
      admission: admissions[this.#number()] ?? 'auto',
      priority: this.#number(),
      idleTtlMs: this.#number(),
      staleWindowMs: this.#number(),
      staleIfErrorMs: this.#number(),
      jitterPercent: this.#number(),
    }
    if (this.#policy === undefined || !isSame(this.#policy, policy)) this.#policy = policy
    return this.#policy
  }

  #value(): Buffer | undefined {
    const memory = this.#pack.values[this.#number()]
    const from = this.#number()
    const length = this.#number()
    return memory === undefined ? undefined : Buffer.from(memory.buffer as ArrayBuffer, from, length)
  }

  #number(): number {
    return this.#pack.numbers[this.#at++] as number
  }
}

function isSame(one: Policy, other: Policy): boolean {
  return (
    one.ttlMs === other.ttlMs &&
    one.expiresAtMs === other.expiresAtMs &&
    one.bytesMax === other.bytesMax &&
    one.admission === other.admission &&
    one.priority === other.priority &&
    one.idleTtlMs === other.idleTtlMs &&
    one.staleWindowMs === other.staleWindowMs &&
    one.staleIfErrorMs === other.staleIfErrorMs &&
    one.jitterPercent === other.jitterPercent
  )
}
