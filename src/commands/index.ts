// Door of `commands`: the statements that the server executes itself.

export type { ArchiveAccess } from './archive/archive-access.ts'
export type {
  Blob,
  BlobPut,
  BlobRead,
  BlobScan,
  BlobStore,
  BlobTarget,
  BlobTouch,
  FlushedNamespace,
  NamespaceChange,
  PutReceipt,
} from './blobs/blob-store.ts'
export { type PointRead, readPoint } from './blobs/point-read.ts'
export { isPlain } from './blobs/projection.ts'
export { readBlobStatement } from './blobs/read-statement.ts'
export { executeValues } from './execute-values.ts'
export type { ExplainCache } from './explain-cache.ts'
export type { InvalidatesRow, InvalidatesVia } from './explain-invalidates.ts'
export { withoutOurOptions } from './explain-options.ts'
export * from './own-statement.ts'
export { Parameters, type RawParameter } from './parameters.ts'
export { type PlacedCalls, readPlacedCalls, runPlacedCalls } from './placed-calls.ts'
export type { Described, OriginHelp, PostgresHelp, PostgresRun } from './postgres-help.ts'
export { authorise } from './privileges.ts'
export { recognise } from './recognise.ts'
export {
  describedIn,
  encodeDataRow,
  encodeError,
  encodeNotice,
  encodeResult,
  encodeRow,
  encodeRowDescription,
  type Formats,
} from './result-encoding.ts'
export { cutRefreshClause } from './views/refresh-clause.ts'
export type { ViewAccess, ViewOrder } from './views/view-access.ts'
export { readViewStatement } from './views/view-statements.ts'
