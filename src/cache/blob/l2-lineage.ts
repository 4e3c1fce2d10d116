// What a restore of chosen namespaces leaves behind of their past (ARC-14): such a namespace goes on under a new id, and a backup
// knows it by an older one.
//
//   catalog   "restored" | 0 | id  -> root 4 | generation 6 | floor 6
//
// The root is the id it began with. What a backup holds under that root and a generation from the floor on was never flushed.
// A flush since begins another generation than the one noted here, and is the floor itself.

import type { Store } from '../../storage/index.ts'
import { ByteReader, ByteWriter } from './byte-codec.ts'
import { sound } from './damage.ts'
import { behind, catalogKey } from './l2-keys.ts'

export interface Lineage {
  readonly root: number
  /** As it was restored. */
  readonly generation: number
  readonly floor: number
}

type Catalog = Store['trees']['catalog']

const kind = 'restored'

export function* lineagesIn(catalog: Catalog): Generator<[id: number, Lineage]> {
  const from = catalogKey(kind, '')
  for (const [key, value] of catalog.scan({ from, to: behind(from) })) {
    const reader = new ByteReader(value)
    const lineage = { root: reader.uint(4), generation: reader.uint(6), floor: reader.uint(6) }
    const id = Number(Buffer.from(key.subarray(from.length)).toString('latin1'))
    sound(reader.left === 0 && Number.isSafeInteger(id), 'the past of a namespace')
    yield [id, lineage]
  }
}

export function writeLineage(catalog: Catalog, id: number, lineage: Lineage | undefined): void {
  const key = catalogKey(kind, String(id))
  if (lineage === undefined) {
    catalog.delete(key)
    return
  }
  const writer = new ByteWriter()
  writer.uint(lineage.root, 4)
  writer.uint(lineage.generation, 6)
  writer.uint(lineage.floor, 6)
  catalog.set(key, writer.finish(), true)
}
