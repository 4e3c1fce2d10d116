// A place to restore into: a directory with a live store in it, and what the store would do with the restored pair.

import { crc32 } from 'node:zlib'
import type { Manifest } from '../../src/archive/manifest.ts'
import type { RestoreTarget } from '../../src/archive/restore.ts'
import { FaultyDisk } from './faulty-disk.ts'

export const liveFiles = { 'l2/CURRENT': 'store-000001\n', 'l2/store-000001/l2.pager': 'live pages', 'l2/LOCK': '' }

export interface TestTarget extends RestoreTarget<string, string> {
  readonly disk: FaultyDisk
  /** What was asked of it, in order. */
  readonly calls: string[]
  free: number | undefined
  refuses: ((step: 'admit' | 'prepare' | 'activate', manifest?: Manifest) => void) | undefined
  /** Digests of both files as they lie in a directory. */
  pairIn(directory: string): Record<string, string>
}

export async function testTarget(): Promise<TestTarget> {
  const disk = new FaultyDisk()
  for (const directory of ['l2', 'l2/store-000001']) disk.makeDirectory(directory)
  for (const [path, text] of Object.entries(liveFiles)) {
    const file = disk.open(path, { create: true })
    file.write(Buffer.from(text), 0)
    await file.sync()
  }
  for (const directory of ['', 'l2', 'l2/store-000001']) disk.syncDirectory(directory)
  const target: TestTarget = {
    disk,
    directory: 'l2',
    calls: [],
    free: undefined,
    refuses: undefined,
    freeBytes: async () => target.free,
    admit(manifest) {
      target.calls.push('admit')
      target.refuses?.('admit', manifest)
    },
    async prepare(directory, manifest) {
      target.calls.push(`prepare ${directory}`)
      target.refuses?.('prepare', manifest)
      return `checked ${manifest.id}`
    },
    async activate(directory, prepared) {
      target.calls.push(`activate ${directory}`)
      target.refuses?.('activate')
      return `live after ${prepared}`
    },
    pairIn: (directory) => pairOf(disk, directory),
  }
  return target
}

export function pairOf(disk: FaultyDisk, directory: string): Record<string, string> {
  return digestsOf(disk.list(directory).map((name) => [name, disk.contentsOf(`${directory}/${name}`)]))
}

/** What to compare instead of megabytes: against mistakes, which do not aim at a checksum, CRC-32 is enough. */
export function digestsOf(files: Iterable<readonly [name: string, bytes: Uint8Array]>): Record<string, string> {
  return Object.fromEntries(
    [...files].map(([name, bytes]) => [name, `${bytes.length} bytes, checksum ${crc32(bytes)}`]).sort(),
  )
}

/** Throws unless the live store is as it was. */
export function requireLive(disk: FaultyDisk): void {
  for (const [path, text] of Object.entries(liveFiles)) {
    const found = Buffer.from(disk.contentsOf(path)).toString()
    if (found !== text) throw new Error(`${path} holds ${JSON.stringify(found)}`)
  }
}
