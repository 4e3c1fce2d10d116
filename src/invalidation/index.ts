// Door of `invalidation`: what was derived from what, and at which epoch.

export * from './epochs.ts'
export type { Footprinted, FootprintGroup, Registration } from './footprint-group.ts'
export * from './footprints.ts'
export { Graph, type GraphLimits, type SpillFiles } from './graph.ts'
export { Horizon } from './horizon.ts'
export {
  type ChangedBy,
  type InvalidationCause,
  InvalidationRing,
  type InvalidationRow,
} from './invalidation-ring.ts'
export type { Mark } from './marks.ts'
export type { ColumnPin, RowChange, RowVersion } from './pins.ts'
export { SpillDirectory } from './spill-directory.ts'
export { type DatabaseStamps, raiseStamps, stampsOf } from './stamps.ts'
