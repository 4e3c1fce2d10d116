// A pair of files that no store wrote: random bytes with holes where no page is in use, and what a manifest says of them.

import type { Hole } from '../../src/archive/manifest-consistency.ts'
import type { ArchiveSource, SourceFacts, SourceFile } from '../../src/archive/source.ts'
import type { Random } from '../../src/base/index.ts'

const pageBytes = 16_384

export interface FakeSource extends ArchiveSource {
  /** What must come back. */
  readonly expected: ReadonlyMap<string, Buffer>
  /** Called before each read of a file. */
  onRead: (name: string, at: number, length: number) => void | Promise<void>
}

export interface FakeShape {
  readonly pages: number
  /** Of a page, to be free. */
  readonly holeChance?: number
}

export function fakeSource(random: Random, { pages, holeChance = 0 }: FakeShape): FakeSource {
  const pager = random.bytes(pages * pageBytes)
  const free: Hole[] = []
  for (let page = 1; page < pages; page++) {
    if (!random.chance(holeChance)) continue
    // Bytes that must not be stored and must not come back.
    pager.fill(0xdd, page * pageBytes, (page + 1) * pageBytes)
    free.push({ offset: page * pageBytes, length: pageBytes })
  }
  const control = random.bytes(8192)
  const expectedPager = Buffer.from(pager)
  for (const { offset, length } of free) expectedPager.fill(0, offset, offset + length)
  const source: FakeSource = {
    facts: fakeFacts(random),
    files: [fileOf('l2.pager', pager, free), fileOf('l2.ctl', control, [])],
    expected: new Map([
      ['l2.pager', expectedPager],
      ['l2.ctl', control],
    ]),
    onRead: () => undefined,
  }
  function fileOf(name: SourceFile['name'], bytes: Buffer, holes: readonly Hole[]): SourceFile {
    return {
      name,
      size: bytes.length,
      holes: (from, to) => merged(holes.filter((hole) => hole.offset >= from && hole.offset < to)),
      async read(into, at) {
        await source.onRead(name, at, into.length)
        into.set(bytes.subarray(at, at + into.length))
      },
    }
  }
  return source
}

function merged(holes: readonly Hole[]): Hole[] {
  const result: Hole[] = []
  for (const hole of holes) {
    const last = result.at(-1)
    if (last !== undefined && last.offset + last.length === hole.offset) {
      result[result.length - 1] = { offset: last.offset, length: last.length + hole.length }
    } else result.push(hole)
  }
  return result
}

export function fakeFacts(random: Random): SourceFacts {
  return {
    serverVersion: '0.2.0',
    store: { id: random.bytes(16).toString('hex'), formatVersion: 1, pageSize: pageBytes, commit: 42, incarnation: 3 },
    keyInputVersion: 1,
    origin: { systemIdentifier: '7400000000000000001', timeline: 1, database: 'shop', lsn: '0/16B3748' },
    selection: undefined,
    namespaces: [
      { name: 'pages', id: 1, generation: 7, entries: 2, bytes: 300 },
      { name: '$results', id: 2, generation: 1, entries: 0, bytes: 0 },
    ],
  }
}
