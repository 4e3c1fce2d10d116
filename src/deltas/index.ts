// Door of `deltas`: answers that follow the changes of what they were made from.

export { typeOf } from './kinds.ts'
export { MaintainedQuery } from './maintained-query.ts'
export { EvaluationError, NotMaintainable } from './refusals.ts'
export type { RelationFacts } from './source.ts'
