// Looks at a store that lies beside the live one, as a restore puts it there: is it sound, and what is in it?
//
// Nothing of it is changed. It takes as long as reading all its trees takes, in one go: this is for a thread that has nobody
// waiting.

import type { Disk } from '../../base/index.ts'
import { Store } from '../../storage/index.ts'
import { type Adoption, outlookOf, problemOfStore } from './l2-adopt.ts'
import { layBeside } from './l2-beside.ts'

interface Inspection {
  /** Undefined if it is sound. */
  readonly problem: string | undefined
  readonly outlook: Adoption
}

export async function inspectStore(
  disk: Disk,
  directory: string,
  name: string,
  keepDerived: boolean,
): Promise<Inspection> {
  const store = Store.openBeside(disk, directory, name, { readOnly: true, poolBytes: 16 << 20 })
  try {
    const l2 = layBeside(store)
    return { problem: problemOfStore(store, l2), outlook: outlookOf(l2, keepDerived) }
  } finally {
    await store.close()
  }
}
