// The keys of the six trees. They are ordered by bytes, so numbers are big-endian and a label ends with NUL, which no name holds.
//
//   records   namespace id 4 | generation 6 | key
//   labels    namespace id 4 | generation 6 | kind 1 | label | 0 | key
//   expiry    last instant of use 6 | key of records
//   queue     priority 1 | insertion number 6         -> key of records
//   catalog   kind | 0 | name

import { assert } from '../../base/index.ts'
import { sound } from './damage.ts'

export const scopeBytes = 10

/** A namespace in one of its generations: the beginning of all its keys. */
export interface Scope {
  readonly id: number
  readonly generation: number
}

export const labelKinds = { tag: 0, dependency: 1 } as const

export type LabelKind = keyof typeof labelKinds

export function scopeKey(scope: Scope): Buffer {
  const bytes = Buffer.allocUnsafe(scopeBytes)
  writeScope(bytes, 0, scope)
  return bytes
}

export function recordKey(scope: Scope, key: string): Buffer {
  const bytes = Buffer.allocUnsafe(scopeBytes + Buffer.byteLength(key))
  writeScope(bytes, 0, scope)
  bytes.write(key, scopeBytes, 'utf8')
  return bytes
}

export function keyOfRecordKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8', scopeBytes)
}

export function scopeOfRecordKey(bytes: Uint8Array): Scope {
  sound(bytes.length > scopeBytes, 'a record key is too short')
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return { id: view.readUInt32BE(0), generation: view.readUIntBE(4, 6) }
}

/** Where the keys of one label of a namespace begin. */
export function labelPrefix(scope: Scope, kind: LabelKind, label: string): Buffer {
  const length = Buffer.byteLength(label)
  const bytes = Buffer.allocUnsafe(scopeBytes + 2 + length)
  writeScope(bytes, 0, scope)
  bytes[scopeBytes] = labelKinds[kind]
  bytes.write(label, scopeBytes + 1, 'utf8')
  bytes[scopeBytes + 1 + length] = 0
  return bytes
}

export function labelKey(recordKeyBytes: Uint8Array, kind: LabelKind, label: string): Buffer {
  const length = Buffer.byteLength(label)
  const bytes = Buffer.allocUnsafe(recordKeyBytes.length + 2 + length)
  bytes.set(recordKeyBytes.subarray(0, scopeBytes))
  bytes[scopeBytes] = labelKinds[kind]
  bytes.write(label, scopeBytes + 1, 'utf8')
  bytes[scopeBytes + 1 + length] = 0
  bytes.set(recordKeyBytes.subarray(scopeBytes), scopeBytes + 2 + length)
  return bytes
}

/** The record key that a row of `labels` speaks of, given the length of its prefix. */
export function recordKeyOfLabelKey(bytes: Uint8Array, prefixBytes: number): Buffer {
  return Buffer.concat([bytes.subarray(0, scopeBytes), bytes.subarray(prefixBytes)])
}

/** The record key that a row of `labels` speaks of: its label ends with the first NUL. */
export function recordKeyOfLabelRow(bytes: Uint8Array): Buffer {
  const end = bytes.indexOf(0, scopeBytes + 1)
  sound(end !== -1, 'a label ends')
  return recordKeyOfLabelKey(bytes, end + 1)
}

export function expiryKey(usableUntilMs: number, recordKeyBytes: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(6 + recordKeyBytes.length)
  bytes.writeUIntBE(instant(usableUntilMs), 0, 6)
  bytes.set(recordKeyBytes, 6)
  return bytes
}

/** The first key behind everything whose last instant of use is `nowMs` or earlier. */
export function expiryEnd(nowMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(6)
  bytes.writeUIntBE(instant(nowMs) + 1, 0, 6)
  return bytes
}

export function recordKeyOfExpiryKey(bytes: Uint8Array): Uint8Array {
  sound(bytes.length > 6 + scopeBytes, 'an expiry key is too short')
  return bytes.subarray(6)
}

export function queueKey(priority: number, number: number): Buffer {
  const bytes = Buffer.allocUnsafe(7)
  bytes[0] = priority
  bytes.writeUIntBE(number, 1, 6)
  return bytes
}

export function readQueueKey(bytes: Uint8Array): { priority: number; number: number } {
  sound(bytes.length === 7, 'a queue key has 7 bytes')
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return { priority: view[0] as number, number: view.readUIntBE(1, 6) }
}

export function catalogKey(kind: string, name: string): Buffer {
  return Buffer.from(`${kind}\0${name}`, 'utf8')
}

/** The first key behind all keys that begin with these bytes; undefined if there is none. */
export function behind(prefix: Uint8Array): Buffer | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const end = Buffer.from(prefix.subarray(0, length))
  end[length - 1] = (end[length - 1] as number) + 1
  return end
}

/** The first key behind this one. */
export function next(key: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(key.length + 1)
  bytes.set(key)
  bytes[key.length] = 0
  return bytes
}

function writeScope(bytes: Buffer, at: number, scope: Scope): void {
  assert(scope.id > 0 && scope.generation > 0, 'a namespace has a number and a generation')
  bytes.writeUInt32BE(scope.id, at)
  bytes.writeUIntBE(scope.generation, at + 4, 6)
}

/** Instants beyond what 48 bits hold are as good as the last of them. */
function instant(ms: number): number {
  return Math.max(0, Math.min(Math.floor(ms), 2 ** 48 - 2))
}
