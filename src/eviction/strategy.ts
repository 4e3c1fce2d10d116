// How a caller means to touch pages, so that the pool or a ring serves it (STR-1 to STR-4).
//
// Whoever reads much and once says so and works in a small ring of its own; what others keep warm in the pool stays there.

export type Strategy = 'normal' | 'sequential_scan' | 'bulk_read' | 'bulk_write'

interface StrategyRow {
  readonly strategy: Strategy
  /** Slots of its ring; 0 uses the pool. */
  readonly ringSlots: number
  /** Its pages may be changed; evicted dirty pages come back to the caller to be written. */
  readonly writes: boolean
}

export const strategies: readonly StrategyRow[] = [
  { strategy: 'normal', ringSlots: 0, writes: true },
  { strategy: 'sequential_scan', ringSlots: 16, writes: false },
  { strategy: 'bulk_read', ringSlots: 32, writes: false },
  { strategy: 'bulk_write', ringSlots: 32, writes: true },
]
