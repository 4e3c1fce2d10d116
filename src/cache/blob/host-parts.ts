// What a host is put together from, and how it lays a second tier over a store.

import type { Clock, Disk } from '../../base/index.ts'
import type { Counters } from '../../observe/index.ts'
import type { Store } from '../../storage/index.ts'
import type { HostPort, HostReport } from './host-report.ts'
import { L2, type L2Observer } from './l2.ts'
import { keyOfRecordKey } from './l2-keys.ts'
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

/** Opens the store with a second tier over it, whose damages are told. */
export function openL2(
  { open, clock, path }: HostParts,
  settings: StoreSettings,
  report: HostReport,
  stateChanged: StoreEvents['stateChanged'],
): L2 {
  const corrupt = (subject: string, detail: string): void =>
    report.event({ severity: 'warning', event: 'page_corrupt', subject, detail })
  const pageCorrupt: StoreEvents['pageCorrupt'] = (page, tree, problem) => corrupt(tree ?? `page ${page}`, problem)
  const store = open({ stateChanged, pageCorrupt })
  const l2 = layOn(store, {
    ...{ settings, clock, counters: report.counters },
    observer: {
      damaged: (key, error) => corrupt(keyOfRecordKey(key), error.message),
      synopsis: (scope, synopsis) => report.synopsis({ scope, shared: synopsis?.shared }),
    },
  })
  if (store.setAside !== undefined) {
    report.event({ severity: 'error', event: 'store_set_aside', subject: path, detail: store.setAside })
  }
  return l2
}

export function layOn(
  store: Store,
  given: { settings: StoreSettings; clock: Clock; counters: Counters; observer: L2Observer },
): L2 {
  const { settings, clock, counters, observer } = given
  return new L2(store, { options: settings, counters, clock, observer })
}
