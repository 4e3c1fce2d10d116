// What an entry of L1 is made of: the memory of its value, and its attributes, shared by those that have none.

import type { Attributes } from './l2-record.ts'

/** Memory that holds the value and nothing else: a piece of a pool would keep all of the pool. */
export function ownBuffer(value: Uint8Array, isOwned: boolean): Buffer {
  if (isOwned && value.byteLength === value.buffer.byteLength) {
    return Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
  }
  const own = Buffer.allocUnsafeSlow(value.length)
  own.set(value)
  return own
}

const plain: Attributes = Object.freeze({
  contentType: undefined,
  metadata: undefined,
  tags: Object.freeze([]),
  dependencies: Object.freeze([]),
  proof: undefined,
})

/** Most entries have none, and share one object. */
export function attributesOf(attributes: Attributes): Attributes {
  const { contentType, metadata, tags, dependencies, proof } = attributes
  const some = contentType ?? metadata ?? proof ?? tags[0] ?? dependencies[0]
  if (some === undefined) return plain
  return Object.freeze({
    contentType,
    metadata,
    tags: Object.freeze([...tags]),
    dependencies: Object.freeze([...dependencies]),
    proof,
  })
}
