// Door of `commands`: the statements that the server executes itself.

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
export { readBlobStatement } from './blobs/read-statement.ts'
export type { ExplainCache } from './explain-cache.ts'
export * from './own-statement.ts'
export { Parameters, type RawParameter } from './parameters.ts'
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
