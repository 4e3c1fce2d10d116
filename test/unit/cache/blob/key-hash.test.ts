// The hash of keys is part of the file format.

import { expect, it } from 'vitest'
import { hashBytes, hashText } from '../../../../src/cache/blob/key-hash.ts'

it.each([
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['test', 0, 0xba6bd213],
  ['test', 0x9747b28c, 0x704b81dc],
  ['Hello, world!', 0, 0xc0363e43],
  ['Hello, world!', 0x9747b28c, 0x24884cba],
  ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ['aaa', 0x9747b28c, 0x283e0130],
  ['aa', 0x9747b28c, 0x5d211726],
  ['a', 0x9747b28c, 0x7fa09ea6],
  ['ππππππππ', 0x9747b28c, 0xd58063c1],
])('hashes %j with seed %i as MurmurHash3 does, as bytes and as text (SYN-15)', (text, seed, expected) => {
  expect(hashBytes(Buffer.from(text), seed)).toBe(expected)
  expect(hashText(text, seed)).toBe(expected)
})
