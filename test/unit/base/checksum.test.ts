import { expect, it } from 'vitest'
import { crc32, crc32ByTable, Random } from '../../../src/base/index.ts'

it('the checksum is the CRC32 that zlib, gzip and PNG use', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
  expect(crc32(Buffer.alloc(0))).toBe(0)
})

it('the checksum without native code is the same, in one piece and in several', () => {
  const random = new Random(1)
  for (let length = 0; length < 200; length++) {
    const bytes = random.bytes(length)
    const cut = random.int(length + 1)
    expect(crc32ByTable(bytes)).toBe(crc32(bytes))
    expect(crc32ByTable(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes))
  }
})
