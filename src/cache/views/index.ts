// Door of `cache/views`: answers that are kept ready.

export { FollowedQueries } from './followed-queries.ts'
export { Refreshes, type RefreshPolicy } from './refreshes.ts'
export type { ViewFiles } from './saved-views.ts'
export type { View, ViewPolicy } from './view.ts'
export { readQuery, readViewRows } from './view-rows.ts'
export { Views } from './views.ts'
