// Door of `cache/blob`: the tiered byte cache.

export { BlobCache } from './blob-cache.ts'
export type { BlobSettings } from './blob-settings.ts'
export type { EpochSource } from './epochs.ts'
export type { StoreThreadOptions } from './host-store.ts'
export { L1, type Resident } from './l1.ts'
export type { Adoption } from './l2-adopt.ts'
export { extractStore } from './l2-extract.ts'
export type { HeldCommit } from './l2-hold.ts'
export { inspectStore } from './l2-inspect.ts'
export type { LoadWish } from './l2-load.ts'
export { checkDirectory, inspectDirectory } from './l2-offline.ts'
export { type StoreLink, startStoreThread } from './store-link.ts'
