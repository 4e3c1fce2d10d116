// A commit that the store thread holds, read from its file by whoever copies it.
//
// The pages of a held commit are not written again until it is released, so another thread reads them through a descriptor
// of its own, while the store goes on with other pages of the same file. Nothing of the copying is done by the store thread.
//
// Each page is proven as it passes: a backup of which a page is damaged could not be restored, and is none (ARC-10).

import { readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { conditions, ServerError } from '../errors/index.ts'
import { PageDamage, PageProof } from '../storage/index.ts'
import type { Hole } from './manifest-consistency.ts'
import { pace } from './pace.ts'
import { TransferError } from './retry.ts'
import type { ArchiveSource, SourceFile } from './source.ts'
import type { HeldSource } from './task.ts'

interface OpenedSource extends ArchiveSource {
  close(): Promise<void>
}

export async function heldSource(held: HeldSource): Promise<OpenedSource> {
  const handle = await open(held.pagerPath, 'r')
  const proof = new PageProof(held.facts.store.pageSize)
  const pager: SourceFile = {
    name: 'l2.pager',
    size: held.pagerBytes,
    holes: (from, to) => holesWithin(held.holes, from, to),
    async read(into, at) {
      for (let done = 0; done < into.length; ) {
        const bytesRead = await readSome(handle, into.subarray(done), at + done)
        if (bytesRead === 0) throw new TransferError(`"${held.pagerPath}" ends at ${at + done}`)
        done += bytesRead
      }
      prove(proof, into, at)
    },
  }
  const control: SourceFile = {
    name: 'l2.ctl',
    size: held.control.length,
    holes: () => [],
    async read(into, at) {
      into.set(held.control.subarray(at, at + into.length))
    },
  }
  return { files: [pager, control], facts: held.facts, close: () => handle.close() }
}

function prove(proof: PageProof, bytes: Uint8Array, at: number): void {
  try {
    proof.prove(bytes, at, pace.rest)
  } catch (error) {
    if (!(error instanceof PageDamage)) throw error
    throw new ServerError(conditions.dataCorrupted, [error.message], {
      cause: error,
      hint: 'A backup of it could not be restored. CALL cache.check() says what lies there; older backups are as they were.',
    })
  }
}

/** Beside what else this thread does; but while clients are served in this thread, which knows when to rest. */
async function readSome(handle: FileHandle, into: Uint8Array, at: number): Promise<number> {
  if (!pace.isServing) return (await handle.read(into, 0, into.length, at)).bytesRead
  let done = 0
  for (const piece of pace.pieces(into)) {
    const bytesRead = readSync(handle.fd, piece, 0, piece.length, at + done)
    done += bytesRead
    if (bytesRead < piece.length) break
  }
  return done
}

/** Cut at both ends. */
function holesWithin(pairs: Float64Array, from: number, to: number): Hole[] {
  const holes: Hole[] = []
  for (let pair = firstEndingAfter(pairs, from); pair * 2 < pairs.length; pair++) {
    const begin = Math.max(from, pairs[pair * 2] ?? 0)
    const end = Math.min(to, (pairs[pair * 2] ?? 0) + (pairs[pair * 2 + 1] ?? 0))
    if (begin >= to) break
    holes.push({ offset: begin, length: end - begin })
  }
  return holes
}

function firstEndingAfter(pairs: Float64Array, at: number): number {
  let low = 0
  let high = pairs.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((pairs[middle * 2] ?? 0) + (pairs[middle * 2 + 1] ?? 0) > at) high = middle
    else low = middle + 1
  }
  return low
}
