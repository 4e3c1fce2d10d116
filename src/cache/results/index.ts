// Door of `cache/results`: stored answers.

export { Entry, type EntryFacts, type EntryOwner } from './entry.ts'
export { type Staleness, staleness } from './freshness.ts'
export {
  type BindParts,
  parametersKey,
  parametersMayMeanNow,
  plainKey,
  readBindNames,
  readsText,
} from './parameters.ts'
export { goneKey, type RemovalCause, ResultCache, type ResultCacheLimits } from './result-cache.ts'
