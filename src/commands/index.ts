// Door of `commands`: the statements that the server executes itself.

export type { ExplainCache, ExplainedRelation } from './explain-cache.ts'
export * from './own-statement.ts'
export { authorise } from './privileges.ts'
export { type RecogniseOptions, recognise } from './recognise.ts'
export {
  encodeDataRow,
  encodeError,
  encodeNotice,
  encodeResult,
  encodeRowDescription,
  type Formats,
} from './result-encoding.ts'
