// Door of `eviction`: algorithms over slots.

export { createPagePolicy, type PagePolicy } from './page-policies.ts'
export type { EvictionPolicy } from './policy.ts'
export { Ring } from './ring.ts'
export { Sieve } from './sieve.ts'
export { type Strategy, strategies } from './strategy.ts'
