// Door of `commands`: the statements that the server executes itself.

export { executeValues } from './execute-values.ts'
export type { ExplainCache } from './explain-cache.ts'
export * from './own-statement.ts'
export { authorise } from './privileges.ts'
export { recognise } from './recognise.ts'
export {
  encodeDataRow,
  encodeError,
  encodeNotice,
  encodeResult,
  encodeRowDescription,
  type Formats,
} from './result-encoding.ts'
