// Looks at a second tier that no server has open: `larder check` and `larder inspect`.

import type { Disk } from '../../base/index.ts'
import { type Extent, inspectPage, inspectSuperblock, Store } from '../../storage/index.ts'
import { layBeside } from './l2-beside.ts'
import { checkL2 } from './l2-check.ts'
import { decodeRecord } from './l2-record.ts'

interface OfflineCheck {
  readonly findings: readonly string[]
  readonly commit: number
  readonly records: number
  readonly pages: number
}

/** Proves everything: pages, extents, index rows, values. Throws when the store cannot be opened, or is in use (55006). */
export async function checkDirectory(disk: Disk, directory: string): Promise<OfflineCheck> {
  const store = Store.open(disk, directory, { readOnly: true })
  const pin = store.pin()
  try {
    const findings: string[] = []
    const orphans: string[] = []
    for (const finding of pin.check({ extentsOf })) {
      if (finding !== undefined) (finding.kind === 'orphan' ? orphans : findings).push(finding.message)
    }
    // Rows that cannot be read are told once, by the pages they would be in.
    if (findings.length === 0) {
      const l2 = layBeside(store)
      for (const finding of checkL2(l2, true)) {
        if (finding !== undefined) findings.push(`${finding.kind} ${finding.subject}: ${finding.detail}`)
      }
      if (l2.rows.known.pages) orphans.length = 0
    }
    findings.push(...orphans)
    const { commit, pageCount, trees } = pin.superblock
    return { findings, commit, records: trees[1]?.count ?? 0, pages: pageCount }
  } finally {
    pin.release()
    await store.close()
  }
}

/** A page of the store as text, or its superblock. */
export async function inspectDirectory(disk: Disk, directory: string, page: number | undefined): Promise<string> {
  const store = Store.open(disk, directory, { readOnly: true })
  const pin = store.pin()
  try {
    return page === undefined ? inspectSuperblock(pin) : inspectPage(pin, page)
  } finally {
    pin.release()
    await store.close()
  }
}

function extentsOf(tree: string, _: Uint8Array, value: Uint8Array): readonly Extent[] {
  if (tree !== 'records') return []
  const { payload } = decodeRecord(value)
  return payload.kind === 'chain' ? payload.extents : []
}
