// A second tier over a store that nobody is served from: one that lies beside the live one, or that no server has open.
//
// It has no bounds, compresses nothing anew, keeps no synopses, and nobody hears of what happens in it.

import { systemClock } from '../../base/index.ts'
import { createCounters } from '../../observe/index.ts'
import type { Store } from '../../storage/index.ts'
import { L2 } from './l2.ts'

export function layBeside(store: Store): L2 {
  return new L2(store, {
    options: {
      bytesMax: Number.MAX_SAFE_INTEGER,
      compression: { enabled: false, bytesMin: 0, ratioMax: 0, valueBytesMax: Number.MAX_SAFE_INTEGER },
      synopsisBytesMax: 0,
      synopsisKeysInitial: 0,
    },
    counters: createCounters(),
    clock: systemClock,
    observer: { damaged: () => {}, synopsis: () => {} },
  })
}
