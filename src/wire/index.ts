// Door of `wire`: frames and messages, pure functions over bytes.

export * from './messages.ts'
export * from './protocol.ts'
export * from './read.ts'
export * from './startup.ts'
