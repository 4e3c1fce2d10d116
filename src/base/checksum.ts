// CRC32 (the polynomial of zlib and gzip): what every page, slot and stored value is checked with.
//
// node:zlib has it since Node 20.15 and computes gigabytes a second; the table below gives the same numbers elsewhere.

import zlib from 'node:zlib'

/** `seed` is the checksum of what lies before `bytes`: crc32(b, crc32(a)) is the checksum of a and b joined. */
type Checksum = (bytes: Uint8Array, seed?: number) => number

const native = (zlib as { crc32?: Checksum }).crc32

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

export const crc32ByTable: Checksum = (bytes, seed = 0) => {
  let value = ~seed
  for (let index = 0; index < bytes.length; index++) {
    value = (value >>> 8) ^ (table[(value ^ (bytes[index] as number)) & 0xff] as number)
  }
  return ~value >>> 0
}

export const crc32: Checksum = native ?? crc32ByTable
