// Door of `cdc`: who tells us that a relation changed.

export { CataloguePoll } from './catalogue-poll.ts'
export type { CatalogueChange } from './catalogue-watch.ts'
export { ChangeFeed, type FeedState } from './change-feed.ts'
export { installTriggers, uninstallTriggers } from './ddl-triggers.ts'
export { ForeignCommits } from './foreign-commits.ts'
export { readLsn, writeLsn } from './lsn.ts'
export { OwnCommit } from './own-commit.ts'
export { dropLeftSlots, type SlotWish } from './persistent-slot.ts'
export { SharedRuns } from './shared-runs.ts'
export type { Shown } from './shown.ts'
