// What is stored raw and what as LZ4, that all of it comes back, and that the encoder's known faults cannot reach a value.

import { createRequire } from 'node:module'
import { crc32 } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import {
  Compressor,
  type CompressorOptions,
  codecs,
  type EncodedValue,
  isCompressedType,
} from '../../../../src/cache/blob/compressor.ts'
import { Damage } from '../../../../src/cache/blob/damage.ts'
import { decodeBlock, encodeBlock } from '../../../../src/cache/blob/lz4-block.ts'
import { type Counters, createCounters } from '../../../../src/observe/index.ts'
import { finish } from '../../../support/blob.ts'

const random = new Random(7)
const options: CompressorOptions = { enabled: true, bytesMin: 1024, ratioMax: 0.95, valueBytesMax: 64 * 1024 * 1024 }

let counters: Counters
let compressor: Compressor

beforeEach(() => {
  counters = createCounters()
  compressor = new Compressor(options, counters)
})

const encode = (value: Uint8Array, contentType?: string, wanted = true): EncodedValue =>
  finish(compressor.encode(value, contentType, wanted))

const stored = (encoded: EncodedValue): Uint8Array => Buffer.concat(encoded.pieces)

const decode = (bytes: Uint8Array, facts: EncodedValue): Uint8Array => finish(compressor.decode(bytes, facts))

const rows = (bytes: number): Buffer => {
  let text = ''
  for (let id = 0; text.length < bytes; id++) text += JSON.stringify({ id, name: `city ${id % 97}`, people: id * 31 })
  return Buffer.from(text.slice(0, bytes))
}

describe('a value comes back as it was', () => {
  const sizes = [0, 1, 2, 15, 63, 64, 255, 1023, 1024, 1025, 4095, 4096, 8192, 16_384]
  const around = [64 * 1024, 256 * 1024, 1024 * 1024].flatMap((size) => [size - 1, size, size + 1])

  it.each([...sizes, ...around])('of %i bytes of rows (CMP-1)', (size) => {
    const value = rows(size)
    const encoded = encode(value)
    expect(encoded.storedBytes).toBe(stored(encoded).length)
    expect(Buffer.compare(decode(stored(encoded), encoded), value)).toBe(0)
  })

  it('when chunks that shrink and chunks that do not follow each other (CMP-12)', () => {
    const value = Buffer.concat([rows(64 * 1024), random.bytes(64 * 1024), rows(100_000)])
    const encoded = encode(value)
    expect(encoded.codec).toBe(codecs.lz4)
    expect(Buffer.compare(decode(stored(encoded), encoded), value)).toBe(0)
  })

  it('block after block: nothing of one block is found in the next (CMP-15)', () => {
    for (let index = 0; index < 2000; index++) {
      const value = Buffer.from(rows(300 + (index % 700)).map((byte) => byte ^ (index % 3)))
      const block = encodeBlock(value)
      if (block === undefined) continue
      const back = new Uint8Array(value.length)
      decodeBlock(block, back)
      expect(Buffer.compare(back, value)).toBe(0)
    }
  })
})

describe('what stays raw', () => {
  it('is everything while compression is off, or the namespace has it off (L2-11, CMP-16)', () => {
    compressor.configure({ ...options, enabled: false })
    expect(encode(rows(4096)).codec).toBe(codecs.raw)
    compressor.configure(options)
    expect(encode(rows(4096), undefined, false).codec).toBe(codecs.raw)
    expect(counters).toMatchObject({ compress_raw_off: 2, compress_lz4: 0 })
  })

  it('is 64 bytes (CMP-3)', () => {
    const value = Buffer.alloc(64)
    const encoded = encode(value)
    expect(encoded).toMatchObject({ codec: codecs.raw, rawBytes: 64, storedBytes: 64, rawCrc: crc32(value) })
    expect(counters.compress_raw_small).toBe(1)
  })

  it('is zeros labelled image/png (CMP-4, L2-12)', () => {
    expect(encode(Buffer.alloc(8192), 'image/png').codec).toBe(codecs.raw)
    expect(counters.compress_raw_type).toBe(1)
  })

  it('is 8 KB of random bytes, whatever they are called (CMP-6, CMP-11, L2-13)', () => {
    expect(encode(random.bytes(8192)).codec).toBe(codecs.raw)
    expect(encode(random.bytes(8192), 'application/octet-stream').codec).toBe(codecs.raw)
    expect(counters.compress_raw_ratio).toBe(2)
  })

  it('is a long value whose first chunk does not shrink, without looking at the rest (CMP-13)', () => {
    const value = Buffer.concat([random.bytes(64 * 1024), Buffer.alloc(256 * 1024)])
    const steps = compressor.encode(value, undefined, true)
    let count = 0
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) count++
    expect(step.value.codec).toBe(codecs.raw)
    expect(count).toBe(0)
  })

  it('is what would shrink by less than the ratio asks', () => {
    const value = Buffer.concat([random.bytes(15_600), Buffer.alloc(600)])
    expect(encode(value).codec).toBe(codecs.raw)
    compressor.configure({ ...options, ratioMax: 1 })
    expect(encode(value).codec).toBe(codecs.lz4)
  })
})

describe('what shrinks', () => {
  it('is 4 KB of repetitive text, by 30 % or more (CMP-2, L2-10)', () => {
    const encoded = encode(Buffer.from('to be or not to be, that is '.repeat(147)).subarray(0, 4096))
    expect(encoded.codec).toBe(codecs.lz4)
    expect(encoded.storedBytes).toBeLessThan(4096 * 0.7)
  })

  it('is svg, and bytes of no type or of application/octet-stream (CMP-5, CMP-11)', () => {
    const value = Buffer.from('<path d="M0 0L10 10"/>'.repeat(200))
    for (const type of ['image/svg+xml', 'application/octet-stream', undefined]) {
      expect(encode(value, type).codec).toBe(codecs.lz4)
    }
  })

  it('is counted with what went in and what came out (G-11)', () => {
    const encoded = encode(rows(100_000))
    encode(Buffer.alloc(10))
    expect(counters).toMatchObject({
      compress_lz4: 1,
      compress_raw_small: 1,
      compress_bytes_in: 100_010,
      compress_bytes_out: encoded.storedBytes + 10,
    })
    expect(compressor.totals.lz4).toEqual({ blobs: 1, bytesIn: 100_000, bytesOut: encoded.storedBytes })
  })

  it('yields between chunks, so that nobody waits for a whole value (CMP-12)', () => {
    const value = rows(10 * 64 * 1024)
    expect([...compressor.encode(value, undefined, true)].length).toBe(10)
    const encoded = encode(value)
    expect([...compressor.decode(stored(encoded), encoded)].length).toBe(9)
  })
})

it.each([
  ['image/png', true],
  ['IMAGE/JPEG; q=1', true],
  ['image/svg+xml', false],
  ['Image/SVG+XML;charset=utf-8', false],
  ['video/mp4', true],
  ['audio/mpeg', true],
  ['audio/wav', false],
  ['audio/x-wav', false],
  ['application/zip', true],
  ['application/gzip', true],
  ['application/x-gzip', true],
  ['application/br', true],
  ['application/zstd', true],
  ['application/json', false],
  ['application/octet-stream', false],
  ['text/html', false],
  ['application/zipper', false],
])('the type %s counts as compressed: %s (CMP-10)', (type, compressed) => {
  expect(isCompressedType(type)).toBe(compressed)
})

describe('a value that is not what was written', () => {
  const value = rows(200_000)

  it('is found by the checksum of the stored bytes before anything is decoded (CMP-15)', () => {
    const encoded = encode(value)
    const bytes = Buffer.from(stored(encoded))
    for (const at of [0, 7, 1000, bytes.length - 1]) {
      bytes[at] = (bytes[at] as number) ^ 1
      expect(() => decode(bytes, encoded)).toThrow('checksum of the stored value')
      bytes[at] = (bytes[at] as number) ^ 1
    }
    expect(counters.decompress_errors).toBe(4)
  })

  it('is found by the checksum of the value when the stored bytes carry a right one (CMP-15)', () => {
    const encoded = encode(value)
    expect(() => decode(stored(encoded), { ...encoded, rawCrc: encoded.rawCrc ^ 1 })).toThrow('checksum of the value')
  })

  it('of another length is an error in both directions (CMP-8)', () => {
    const encoded = encode(value)
    for (const rawBytes of [0, 1, value.length - 1, value.length + 1, value.length + 64 * 1024]) {
      expect(() => decode(stored(encoded), { ...encoded, rawBytes })).toThrow(Damage)
    }
    expect(() => decode(stored(encoded).subarray(1), encoded)).toThrow('another length')
  })

  it('larger than any value may be is refused before memory is taken (CMP-9)', () => {
    const encoded = encode(value)
    const memory = process.memoryUsage().arrayBuffers
    expect(() => decode(stored(encoded), { ...encoded, rawBytes: 2 ** 40 })).toThrow('larger than any')
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(10_000_000)
  })

  it('by an unknown codec is an error (CMP-14)', () => {
    const encoded = encode(value)
    expect(() => decode(stored(encoded), { ...encoded, codec: 2 })).toThrow('unknown codec 2')
  })

  it('raw, with two different checksums, is an error', () => {
    const encoded = encode(Buffer.alloc(10))
    expect(() => decode(Buffer.alloc(10), { ...encoded, rawCrc: encoded.rawCrc ^ 1 })).toThrow(Damage)
  })
})

describe('the encoder of lz4js', () => {
  const lz4 = createRequire(import.meta.url)('lz4js') as {
    compressBlock(from: Uint8Array, into: Uint8Array, at: number, length: number, table: Uint32Array): number
  }

  it('does write offset 0 with a table that was not cleared: what ours is guarded against (CMP-15)', () => {
    const table = new Uint32Array(1 << 16)
    let wrong = 0
    for (let index = 0; index < 200; index++) {
      const value = rows(400 + index)
      const into = new Uint8Array(1000)
      const length = lz4.compressBlock(value, into, 0, value.length, table)
      const back = new Uint8Array(value.length)
      try {
        decodeBlock(into.subarray(0, length), back)
        if (Buffer.compare(back, value) !== 0) wrong++
      } catch (error) {
        expect(error).toBeInstanceOf(Damage)
        wrong++
      }
    }
    expect(wrong).toBeGreaterThan(100)
  })

  it('is given a source that begins at 0, for elsewhere it cannot say that nothing was encoded', () => {
    const value = random.bytes(200)
    const shifted = Buffer.concat([Buffer.alloc(8), value])
    const into = new Uint8Array(1000)
    expect(lz4.compressBlock(value, into, 0, value.length, new Uint32Array(1 << 16))).toBe(0)
    expect(lz4.compressBlock(shifted, into, 8, value.length, new Uint32Array(1 << 16))).not.toBe(0)
    expect(encodeBlock(value)).toBeUndefined()
    expect(encodeBlock(shifted.subarray(8))).toBeUndefined()
  })
})
