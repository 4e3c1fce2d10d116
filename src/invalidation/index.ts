// Door of `invalidation`: what was derived from what, and at which epoch.

export * from './epochs.ts'
export * from './footprints.ts'
export { Horizon } from './horizon.ts'
export {
  type ChangedBy,
  type InvalidationCause,
  InvalidationRing,
  type InvalidationRow,
} from './invalidation-ring.ts'
export { type DatabaseStamps, raiseStamps, stampsOf } from './stamps.ts'
