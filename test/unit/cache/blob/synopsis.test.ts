// The filter itself: what it never denies, how often it is wrong, and where its bits lie.

import { describe, expect, it } from 'vitest'
import { hashText } from '../../../../src/cache/blob/key-hash.ts'
import { Synopsis, synopsisBytesFor } from '../../../../src/cache/blob/synopsis.ts'

function holding(count: number, bytes = synopsisBytesFor(count)): Synopsis {
  const synopsis = Synopsis.ofBytes(bytes)
  for (let index = 0; index < count; index++) synopsis.add(hashText(`key:${index}`))
  return synopsis
}

function falsePositives(synopsis: Synopsis, probes: number): number {
  let count = 0
  for (let index = 0; index < probes; index++) if (synopsis.mayHold(hashText(`other:${index}`))) count++
  return count / probes
}

describe('a synopsis', () => {
  it('of ten thousand keys has 16 KiB (SYN-8)', () => {
    expect(synopsisBytesFor(0)).toBe(16 * 1024)
    expect(synopsisBytesFor(10_000)).toBe(16 * 1024)
    expect(synopsisBytesFor(10_001)).toBe(32 * 1024)
    expect(Synopsis.ofBytes(16 * 1024).capacity).toBe(10_000)
  })

  it('of nothing holds nothing', () => {
    expect(falsePositives(holding(0), 1000)).toBe(0)
  })

  it('denies none of 10,000 keys and is wrong on less than 3 % of others (SYN-6)', () => {
    const synopsis = holding(10_000)
    for (let index = 0; index < 10_000; index++) expect(synopsis.mayHold(hashText(`key:${index}`))).toBe(true)
    expect(falsePositives(synopsis, 20_000)).toBeLessThan(0.03)
    expect(falsePositives(synopsis, 20_000)).toBeGreaterThan(0.0001)
  })

  it('sized for a million keys is wrong on less than 2 % (SYN-10)', () => {
    const synopsis = holding(1_000_000)
    expect(synopsis.bytes).toBe(2 * 1024 * 1024)
    expect(falsePositives(synopsis, 20_000)).toBeLessThan(0.02)
  })

  it('is seen by whoever holds the same memory (SYN-9)', () => {
    const written = Synopsis.ofBytes(16 * 1024)
    const probed = new Synopsis(written.shared)
    expect(probed.mayHold(hashText('a'))).toBe(false)
    written.add(hashText('a'))
    expect(probed.mayHold(hashText('a'))).toBe(true)
  })

  it('sets eight bits in one block, always the same ones (SYN-15)', () => {
    const synopsis = Synopsis.ofBytes(16 * 1024)
    synopsis.add(hashText('The quick brown fox jumps over the lazy dog'))
    const words = [...new Int32Array(synopsis.shared)].map((word, at) => [at, word >>> 0] as const)
    const set = words.filter(([, word]) => word !== 0)
    expect(set.map(([at, word]) => [at, Math.log2(word)])).toEqual(quickFoxBits)
    expect(synopsis.fillRatio()).toBeCloseTo(8 / (16 * 1024 * 8), 12)
  })
})

/** Word and bit. A file written by an earlier release holds these: they do not change. */
const quickFoxBits: readonly (readonly [number, number])[] = [
  [736, 19],
  [737, 3],
  [738, 16],
  [739, 20],
  [740, 22],
  [741, 21],
  [742, 21],
  [743, 12],
]
