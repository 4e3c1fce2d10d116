// Puts a host together: which store it opens, and how one is put out of the way that nobody can read.

import type { Clock, Disk } from '../../base/index.ts'
import { Store, type StoreOptions } from '../../storage/index.ts'
import type { HostPort } from './host-report.ts'
import { StoreHost } from './store-host.ts'
import type { StoreSettings } from './store-messages.ts'

/** Crosses to the thread, so data alone. */
export interface StoreThreadOptions {
  readonly directory: string
  /** What lies there is removed first. */
  readonly clear: boolean
  readonly store: Pick<StoreOptions, 'pageSize' | 'poolBytes' | 'poolPolicy' | 'fileBytesMax' | 'reserve' | 'onDamage'>
  readonly settings: StoreSettings
}

export function hostStore(port: HostPort, disk: Disk, clock: Clock, options: StoreThreadOptions): StoreHost {
  const { directory, settings, store, clear } = options
  if (clear) disk.remove(directory)
  return new StoreHost({
    port,
    clock,
    disk,
    settings,
    path: directory,
    open: (observer) => Store.open(disk, directory, { ...store, clock, observer }),
    setAside: (given, reason) => given.giveUp(reason),
  })
}
