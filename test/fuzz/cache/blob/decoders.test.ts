// Hostile bytes for everything in `cache/blob` that decodes: it either returns what was encoded or throws Damage, and it writes
// nothing beside the memory it was given.

import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { Compressor, codecs } from '../../../../src/cache/blob/compressor.ts'
import { Damage } from '../../../../src/cache/blob/damage.ts'
import { decodeBlock, encodeBlock } from '../../../../src/cache/blob/lz4-block.ts'
import { createCounters } from '../../../../src/observe/index.ts'
import { finish } from '../../../support/blob.ts'

const random = Random.fromEnvironment()
const guardBytes = 64

/** Decodes between two walls and asserts that they stand. */
function decodeGuarded(block: Uint8Array, size: number): Uint8Array | undefined {
  const memory = new Uint8Array(size + 2 * guardBytes).fill(0xa5)
  const into = memory.subarray(guardBytes, guardBytes + size)
  try {
    decodeBlock(block, into)
    return into
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    return undefined
  } finally {
    const walls = [...memory.subarray(0, guardBytes), ...memory.subarray(guardBytes + size)]
    expect(walls.every((byte) => byte === 0xa5)).toBe(true)
  }
}

function mutated(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes)
  for (let change = random.int(4); change >= 0; change--) {
    if (copy.length > 0) copy[random.int(copy.length)] = random.int(256)
  }
  return random.chance(0.3) ? copy.subarray(0, random.int(copy.length + 1)) : copy
}

describe('a block of LZ4', () => {
  it('of garbage is Damage or bytes, never anything else (CMP-7)', () => {
    for (let round = 0; round < 20_000; round++) decodeGuarded(random.bytes(random.int(60)), random.int(300))
  })

  it('with a few bytes changed is Damage or bytes, never anything else (CMP-7)', () => {
    for (let round = 0; round < 3000; round++) {
      const value = Buffer.from('larder '.repeat(random.int(60)) + random.int(1000))
      const block = encodeBlock(value)
      if (block !== undefined) decodeGuarded(mutated(block), value.length)
    }
  })

  it.each([
    ['nothing, for a value of some length', '', 4],
    ['offset 0', '10 61 00 00', 5],
    ['an offset before the beginning', '10 61 02 00 10 62', 6],
    ['an offset that is cut', '10 61 01', 5],
    ['a match at the end', '11 61 01 00', 6],
    ['literals beyond the block', '50 61 62', 5],
    ['a literal length that never ends', 'f0 ff ff ff', 2000],
    ['a match length that never ends', '1f 61 01 00 ff ff', 2000],
    ['a match beyond the value', '1f 61 01 00 ff 00 10 62', 20],
    ['more bytes than the value has', '30 61 62 63', 2],
    ['fewer bytes than the value has', '30 61 62 63', 4],
  ])('with %s is Damage (CMP-7, CMP-8)', (_, hex, size) => {
    expect(decodeGuarded(Buffer.from(hex.replaceAll(' ', ''), 'hex'), size)).toBeUndefined()
  })

  it('that overlaps itself repeats', () => {
    expect(Buffer.from(decodeGuarded(Buffer.from('1461010010 7a'.replace(' ', ''), 'hex'), 10) ?? []).toString()).toBe(
      'aaaaaaaaaz',
    )
  })
})

describe('a stored value', () => {
  it('that lies about itself under a right checksum is Damage, or has the checksum it claims (CMP-7, CMP-8)', () => {
    const compressor = new Compressor(
      { enabled: true, bytesMin: 0, ratioMax: 1, valueBytesMax: 1_000_000 },
      createCounters(),
    )
    for (let round = 0; round < 2000; round++) {
      const value = Buffer.from('larder '.repeat(random.int(300)) + random.int(1000))
      const encoded = finish(compressor.encode(value, undefined, true))
      const bytes = mutated(Buffer.concat(encoded.pieces))
      const facts = { ...encoded, codec: codecs.lz4, storedBytes: bytes.length, storedCrc: crc32(bytes) }
      try {
        const back = finish(compressor.decode(bytes, facts))
        expect(Buffer.compare(back, value)).toBe(0)
      } catch (error) {
        expect(error).toBeInstanceOf(Damage)
      }
    }
  })
})
