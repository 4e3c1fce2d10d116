// Looks at a store that lies beside the live one, as a restore puts it there: is it sound, and what is in it?
//
// Nothing of it is changed. It takes as long as reading all its trees takes, in one go: this is for a thread that has nobody
// waiting.

import { type Disk, systemClock } from '../../base/index.ts'
import { createCounters } from '../../observe/index.ts'
import { Store } from '../../storage/index.ts'
import { L2 } from './l2.ts'
import { type Adoption, outlookOf, problemOfStore } from './l2-adopt.ts'

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
    const l2 = new L2(store, {
      options: {
        bytesMax: Number.MAX_SAFE_INTEGER,
        compression: { enabled: false, bytesMin: 0, ratioMax: 0, valueBytesMax: 0 },
        synopsisBytesMax: 0,
        synopsisKeysInitial: 0,
      },
      counters: createCounters(),
      clock: systemClock,
      observer: { damaged: () => {}, synopsis: () => {} },
    })
    return { problem: problemOfStore(store, l2), outlook: outlookOf(l2, keepDerived) }
  } finally {
    await store.close()
  }
}
