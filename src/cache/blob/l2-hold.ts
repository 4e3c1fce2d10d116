// A commit of the second tier held for a backup, as data that another thread can work with (ARC-6).
//
// The pages of a held commit are not written again until it is released, so the other thread reads them from the file
// itself; the store goes on with other pages.

import type { Pin } from '../../storage/index.ts'
import type { L2 } from './l2.ts'
import { decodeNamespaceRow } from './l2-namespaces.ts'

export interface HeldCommit {
  readonly pagerPath: string
  readonly pagerBytes: number
  /** Free stretches of the pager: offset, length, offset, length …, ascending. */
  readonly holes: Float64Array
  /** The control file that belongs to this commit alone. */
  readonly control: Uint8Array
  readonly store: {
    readonly id: string
    readonly formatVersion: number
    readonly pageSize: number
    readonly commit: number
    readonly incarnation: number
  }
  readonly namespaces: readonly HeldNamespace[]
  /** What the derived entries hang on; undefined while nobody has said. */
  readonly origin: { readonly systemIdentifier: string; readonly timeline: number; readonly lsn: string } | undefined
}

interface HeldNamespace {
  readonly name: string
  readonly id: number
  readonly generation: number
  readonly entries: number
  readonly bytes: number
}

/** Commits what waits and holds that commit; the caller releases the pin. */
export async function holdCommit(l2: L2): Promise<{ readonly pin: Pin; readonly held: HeldCommit }> {
  await l2.commit()
  const pin = l2.store.pin({ givesWay: true })
  try {
    const { superblock } = pin
    const { formatVersion, pageSize, commit, incarnation, systemId, timeline, feedLsn } = superblock
    const held: HeldCommit = {
      pagerPath: `${l2.store.directory}/l2.pager`,
      pagerBytes: pin.size,
      holes: pin.holes(),
      control: pin.control(),
      store: { id: Buffer.from(superblock.storeId).toString('hex'), formatVersion, pageSize, commit, incarnation },
      namespaces: [...pin.trees.namespaces.scan({})].map(([, value]) => heldNamespace(value)),
      origin: systemId === 0n ? undefined : { systemIdentifier: String(systemId), timeline, lsn: renderLsn(feedLsn) },
    }
    return { pin, held }
  } catch (error) {
    pin.release()
    throw error
  }
}

function heldNamespace(value: Uint8Array): HeldNamespace {
  const { name, id, generation, entries, bytes } = decodeNamespaceRow(value)
  return { name, id, generation, entries, bytes }
}

function renderLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`
}
