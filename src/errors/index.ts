// Named conditions with their SQLSTATE, and the two errors that carry them outwards.

export { conditions } from './conditions.ts'
export { ServerError } from './server-error.ts'
export { StartupError, startupErrorOf } from './startup-error.ts'
