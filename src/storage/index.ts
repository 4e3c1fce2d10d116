// Door of `storage`: the paged file.

export type { BackgroundWriterSettings } from './background-writer.ts'
export type { ChainWriter, Extent } from './chains.ts'
export type { Finding, RowKnowledge } from './check.ts'
export { Compaction } from './compaction.ts'
export { inspectPage, inspectSuperblock } from './inspect.ts'
export { PageDamage } from './page.ts'
export type { AreaStats } from './page-pool.ts'
export type { Pin } from './pin.ts'
export { Store } from './store.ts'
export { makeLive } from './store-directory.ts'
export type { StoreOptions } from './store-options.ts'
export { touching } from './touching.ts'
