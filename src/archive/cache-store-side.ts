// The blob cache as backups and restores see it.

import type { BlobCache } from '../cache/blob/index.ts'
import { conditions, ServerError } from '../errors/index.ts'
import type { StoreSide } from './backup-requests.ts'

type Side = Pick<BlobCache, 'storeState' | 'hold' | 'assertHeld' | 'release' | 'activate' | 'load' | 'namespaces'>

/** `path`: the directory of the second tier. */
export function cacheStoreSide(cache: Side, path: string): StoreSide {
  return {
    directory() {
      const state = cache.storeState
      if (state !== 'off' && state !== 'failed' && state !== 'closed') return path
      throw new ServerError(conditions.storeNotOpen, [state], { hint: 'Backups are of the second tier; see l2_path.' })
    },
    hold: () => cache.hold(),
    leftOut: () => [...cache.namespaces()].filter(({ archived }) => !archived).map(({ name }) => name),
    assertHeld: (hold) => cache.assertHeld(hold),
    release: (hold) => cache.release(hold),
    activate: (name, keepDerived) => cache.activate(name, keepDerived),
    load: (name, wishes) => cache.load(name, wishes),
  }
}
