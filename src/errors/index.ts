// Named conditions with their SQLSTATE, and the two errors that carry them outwards.

export { type Condition, type ConditionName, conditions, type Severity } from './conditions.ts'
export { type ErrorFields, ServerError } from './server-error.ts'
export { StartupError, startupErrorOf } from './startup-error.ts'
