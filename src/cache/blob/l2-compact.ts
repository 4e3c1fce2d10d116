// Moves entries and pages of trees towards the beginning of the file, so that its end can be cut off (L2-24).
//
// It is work for when nothing else is to be done, a step at a time. An entry that is changed meanwhile is left to the next round.

import { type ChainWriter, Compaction } from '../../storage/index.ts'
import type { L2 } from './l2.ts'
import { isDamage } from './l2-entries.ts'
import { decodeRecord } from './l2-record.ts'
import type { Steps } from './l2-value.ts'
import { isNoRoom } from './no-room.ts'

/** A row of `cache.compact()`. */
export interface CompactReport {
  /** Extents moved. */
  readonly extents: number
  /** Pages of trees moved. */
  readonly pages: number
  /** By which the file has become shorter. */
  readonly bytes: number
}

export interface Moved {
  extents: number
  pages: number
}

const rowsPerStep = 64
/** Each round moves into what the one before left behind. */
const roundsMax = 16

/** Rounds of moving, each made durable; `run` carries steps out when there is time. */
export async function compact(l2: L2, run: (steps: Steps<Moved>) => Promise<Moved>): Promise<CompactReport> {
  const { store } = l2
  // A commit shortens the file as well, where its end has been free for long enough.
  const before = store.file.size
  await l2.commit()
  const sum = { extents: 0, pages: 0 }
  for (let round = 0; round < roundsMax; round++) {
    const { pageCount } = store.space.allocator
    const compaction = new Compaction(store)
    const moved = await run(moveAll(l2, compaction))
    compaction.map()
    await l2.commit()
    compaction.endEarly()
    await l2.commit()
    sum.extents += moved.extents
    sum.pages += moved.pages
    if (moved.extents + moved.pages === 0 && store.space.allocator.pageCount === pageCount) break
  }
  return { ...sum, bytes: Math.max(0, before - store.file.size) }
}

function* moveAll(l2: L2, compaction: Compaction): Steps<Moved> {
  const moved = { extents: 0, pages: 0 }
  try {
    let rows = 0
    for (const [key, value] of l2.store.trees.records.scan({}, 'bulk_read')) {
      if (++rows % rowsPerStep === 0) yield
      moved.extents += yield* moveEntry(l2, compaction, key, value)
    }
    for (const tree of Object.values(l2.store.trees)) moved.pages += yield* compaction.tree(tree)
  } catch (error) {
    // Another round finds more, or there is no more to be had.
    if (!isNoRoom(error)) throw error
  }
  return moved
}

/** How many extents moved. One that cannot be read stays for whoever asks for it. */
function* moveEntry(l2: L2, compaction: Compaction, key: Uint8Array, row: Uint8Array): Steps<number> {
  const { era } = l2.store
  let writer: ChainWriter | undefined
  try {
    const { payload, stamp } = decodeRecord(row)
    if (payload.kind !== 'chain' || !compaction.isBehind(payload.extents)) return 0
    writer = yield* compaction.chain(payload.extents)
    if (writer === undefined || l2.store.era !== era) return 0
    const now = l2.entries.find(key)
    const isSame = now?.payload.kind === 'chain' && now.payload.extents[0]?.page === payload.extents[0]?.page
    if (now === undefined || !isSame || now.stamp !== stamp) return 0
    const attributes = l2.rows.attributesOf(now)
    l2.rows.replace(key, now, { ...now, payload: { kind: 'chain', extents: writer.end() } }, attributes)
    return payload.extents.length
  } catch (error) {
    if (!isDamage(error)) throw error
    return 0
  } finally {
    writer?.abandon()
  }
}
