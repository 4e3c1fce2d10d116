// What a host is put together from, and how it lays a second tier over a store.

import type { Clock, Disk } from '../../base/index.ts'
import type { Counters } from '../../observe/index.ts'
import type { Store } from '../../storage/index.ts'
import type { HostPort } from './host-report.ts'
import { L2, type L2Observer } from './l2.ts'
import type { StoreSettings } from './store-messages.ts'

/** Opens the store; called again when it has to begin anew. */
type OpenStore = (observer: StoreEvents) => Store

/** What the host wants to hear of the store. */
interface StoreEvents {
  stateChanged(state: string, reason: string): void
  pageCorrupt(page: number, tree: string | undefined, problem: string): void
}

export interface HostParts {
  readonly port: HostPort
  readonly open: OpenStore
  /** Puts a store out of the way that nobody can read; the next one that is opened is empty. */
  readonly setAside: (store: Store, reason: string) => Promise<void>
  readonly settings: StoreSettings
  readonly clock: Clock
  readonly disk: Disk
  readonly path: string
}

export function layOn(
  store: Store,
  given: { settings: StoreSettings; clock: Clock; counters: Counters; observer: L2Observer },
): L2 {
  const { settings, clock, counters, observer } = given
  return new L2(store, { options: settings, counters, clock, observer })
}
