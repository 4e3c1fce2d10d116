// The policies that a pool of pages may be ruled by, by the name that the setting page_pool_policy gives them.

import { Clock2Q } from './clock2q.ts'
import type { EvictionPolicy } from './policy.ts'
import { Sieve } from './sieve.ts'

export type PagePolicy = 'clock2q' | 'sieve'

export function createPagePolicy(name: PagePolicy, slotCount: number): EvictionPolicy {
  return name === 'sieve'
    ? new Sieve({ withCredits: false, capacity: slotCount })
    : new Clock2Q({ capacity: slotCount })
}
