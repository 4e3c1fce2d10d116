// The disk that crash tests fail on, against plain arrays: a mistake in it would hide mistakes in the store.

import { expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { DiskContents } from '../../support/disk-contents.ts'

const random = Random.fromEnvironment()

interface Twin {
  readonly contents: DiskContents
  bytes: Buffer
}

function resized(bytes: Buffer, size: number): Buffer {
  const result = Buffer.alloc(size)
  bytes.copy(result)
  return result
}

function change({ contents, bytes }: Twin): Buffer {
  const at = random.pick([0, 16_384, 40_000, random.int(60_000)])
  const size = random.pick([1, 100, 16_384, 40_000, random.int(20_000)])
  switch (random.int(4)) {
    case 0:
      contents.truncate(at)
      return resized(bytes, at)
    case 1: {
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ 5
      contents.flip(at, 5)
      return bytes
    }
    default: {
      const written = random.bytes(size)
      contents.write(new Uint8Array(written), at)
      const grown = resized(bytes, Math.max(bytes.length, at + size))
      written.copy(grown, at)
      return grown
    }
  }
}

function requireAlike({ contents, bytes }: Twin): void {
  expect(contents.size).toBe(bytes.length)
  const at = random.int(bytes.length + 10)
  const into = Buffer.alloc(random.int(50_000), 0xee)
  expect(contents.read(into, at)).toBe(Math.max(0, Math.min(into.length, bytes.length - at)))
  const whole = Buffer.alloc(bytes.length, 0xee)
  contents.read(whole, 0)
  expect(whole.equals(bytes)).toBe(true)
}

it('a file and its copies hold what arrays would, whoever is changed after a copy (L2-26)', () => {
  const twins: Twin[] = [{ contents: new DiskContents(), bytes: Buffer.alloc(0) }]
  for (let step = 0; step < 1500; step++) {
    const twin = random.pick(twins)
    twin.bytes = change(twin)
    if (random.chance(0.2))
      twins[random.int(Math.min(6, twins.length + 1))] = {
        contents: twin.contents.copy(),
        bytes: Buffer.from(twin.bytes),
      }
    for (const each of twins) requireAlike(each)
  }
})
