// Door of `eviction`: algorithms over slots.

export { createPagePolicy, type PagePolicy } from './page-policies.ts'
export { marksAt, none, Places } from './places.ts'
export type { EvictionPolicy } from './policy.ts'
export { Ring } from './ring.ts'
export { isLifted, ownerBits, Sieve } from './sieve.ts'
export { type Strategy, strategies } from './strategy.ts'
