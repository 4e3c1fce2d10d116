// Door of `commands`: the statements that the server executes itself.

export * from './explain-cache.ts'
export * from './own-statement.ts'
