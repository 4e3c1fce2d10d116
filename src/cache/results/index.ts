// Door of `cache/results`: stored answers.

export { type AnswerBytes, bufferOf, packedBytesMax } from './answer-bytes.ts'
export type { AnswerStore } from './answer-store.ts'
export { Entry, type EntryFacts } from './entry.ts'
export { staleness } from './freshness.ts'
export type { LargeAnswer, PartWriter } from './large-answer.ts'
export { type OriginFacts, originNoted, positionQuestion } from './origin-position.ts'
export {
  bindTail,
  type Parameter,
  parametersKey,
  parametersMayMeanNow,
  plainKey,
  readBindNames,
  readParameters,
  readsText,
} from './parameters.ts'
export { ResultCache } from './result-cache.ts'
export { SecondTier } from './second-tier.ts'
