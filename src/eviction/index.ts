// Door of `eviction`: algorithms over slots.

export { Sieve } from './sieve.ts'
