// What a store is opened with.

import type { Clock } from '../base/index.ts'
import type { PagePolicy, Strategy } from '../eviction/index.ts'
import type { BackgroundWriterSettings } from './background-writer.ts'
import type { StoreObserver } from './health.ts'

export interface StoreOptions {
  /** Of a store that is made; an existing one keeps its own (L2-36). */
  readonly pageSize?: number
  /** Memory of the page pool. */
  readonly poolBytes?: number
  /** How its trees touch pages, normal unless told otherwise: what is filled or gone through once says so (STR-5). */
  readonly strategy?: Strategy
  /** Who leaves the page pool: clock2q unless told otherwise. */
  readonly poolPolicy?: PagePolicy
  /** Largest size of the page file; 0 for none but the format's. */
  readonly fileBytesMax?: number
  /** Free pages held back for changes that must not fail (L2-35). */
  readonly reserve?: number
  /** A damaged store is set aside and a new one begun, or refused. */
  readonly onDamage?: 'set_aside' | 'refuse'
  /** Nothing is written, the lock is held all the same. */
  readonly readOnly?: boolean
  /** Who writes ahead of commits; on unless it is told otherwise. */
  readonly backgroundWriter?: BackgroundWriterSettings
  readonly observer?: StoreObserver
  readonly clock?: Clock
  readonly newStoreId?: () => Uint8Array
}

export const defaultPageSize = 16_384
export const defaultPoolBytes = 64 << 20
export const defaultReserve = 64
