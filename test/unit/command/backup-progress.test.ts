// The line that larder backup and larder restore show on a terminal.

import { expect, it } from 'vitest'
import { ProgressLine, progressText } from '../../../src/backup-progress.ts'

const plain = {
  verb: 'backup',
  bytes: 1_000_000_000,
  bytesDone: 420_000_000,
  bytesPerSecond: 120e6,
  width: 79,
} as const

it('says percent, bytes, rate and the time that is left', () => {
  expect(progressText(plain)).toBe('backup   42 %  [##########-------------]  420 MB of 1.0 GB  120 MB/s  0:05 left')
})

it('promises nothing before it knows a rate, and 100 % only when all is done', () => {
  expect(progressText({ ...plain, bytesPerSecond: undefined })).toMatch(/\] {2}420 MB of 1\.0 GB$/)
  expect(progressText({ ...plain, bytesDone: 999_999_999 })).toMatch(/ 99 % /)
  expect(progressText({ ...plain, bytesDone: 1_000_000_000 })).toMatch(/100 % .* finishing$/)
  expect(progressText({ ...plain, verb: 'restore', bytesDone: 1_000_000_000 })).toMatch(/100 % .* checking$/)
  expect(progressText({ ...plain, bytesPerSecond: 1000 })).toMatch(/161:06:40 left$/)
})

it.each([79, 60, 40, 12, 3])('fits a terminal of %d characters', (width) => {
  for (let bytesDone = 0; bytesDone <= plain.bytes; bytesDone += 12_345_678) {
    expect(progressText({ ...plain, bytesDone, width }).length).toBeLessThanOrEqual(width)
  }
})

it('draws ten times a second at most, at the rate of the last five, and takes itself away', () => {
  const written: string[] = []
  let nowMs = 0
  const terminal = { isTTY: true, columns: 80, write: (text: string) => written.push(text) }
  const line = new ProgressLine('backup', terminal, () => nowMs)
  line.clear()
  line.show({ bytes: 0, bytesDone: 0 })
  expect(written).toEqual([])
  for (; nowMs < 11_000; nowMs += 10) {
    // Ten times slower in its second half.
    const bytesDone = nowMs < 5000 ? nowMs * 1000 : 5_000_000 + (nowMs - 5000) * 100
    line.show({ bytes: 10_000_000, bytesDone })
  }
  expect(written).toHaveLength(110)
  expect(written.at(-1)).toContain('  100 kB/s  ')
  line.show({ bytes: 10_000_000, bytesDone: 10_000_000 })
  expect(written.at(-1)).toContain('100 %')
  line.clear()
  line.clear()
  expect(written.slice(111)).toEqual(['\r\x1b[K'])
})
