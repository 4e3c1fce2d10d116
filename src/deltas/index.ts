// Door of `deltas`: answers that follow the changes of what they were made from.

export { MaintainedQuery } from './maintained-query.ts'
export { EvaluationError, NotMaintainable } from './refusals.ts'
export { Diverged } from './source.ts'
