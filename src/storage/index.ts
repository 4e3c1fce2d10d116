// Door of `storage`: the paged file.

export type { Extent } from './chains.ts'
export { PageDamage } from './page.ts'
export { Store, type StoreOptions } from './store.ts'
