// What an entry of L1 is made of: the memory of its value, and its attributes, shared by those that have none.

import type { Attributes } from './l2-record.ts'

/** Memory that holds the value and nothing else: a piece of a pool would keep all of the pool. */
export function ownBuffer(value: Uint8Array, isOwned: boolean): Buffer {
  if (isOwned && value.byteLength === value.buffer.byteLength) {
    return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer as ArrayBuffer)
  }
  const own = Buffer.allocUnsafeSlow(value.length)
  own.set(value)
  return own
}

/** An array buffer may be so much longer than the value in it: what was read with it, such as the header of its extent. */
const besideBytesMax = 64

/** The value, out of memory that it shares with others. */
export function aloneInMemory(value: Buffer): Buffer {
  return value.buffer.byteLength - value.length <= besideBytesMax ? value : ownBuffer(value, false)
}

export const plainAttributes: Attributes = Object.freeze({
  contentType: undefined,
  metadata: undefined,
  tags: Object.freeze([]),
  dependencies: Object.freeze([]),
  proof: undefined,
})

export function isPlain({ contentType, metadata, tags, dependencies, proof }: Attributes): boolean {
  return (contentType ?? metadata ?? proof ?? tags[0] ?? dependencies[0]) === undefined
}

/** Most entries have none, and share one object. */
export function attributesOf(attributes: Attributes): Attributes {
  if (isPlain(attributes)) return plainAttributes
  const { contentType, metadata, tags, dependencies, proof } = attributes
  return Object.freeze({
    contentType,
    metadata,
    tags: Object.freeze([...tags]),
    dependencies: Object.freeze([...dependencies]),
    proof,
  })
}
