// Composition: what the statements and relations about the store are given while there is none.

import type { BlobStore } from './commands/index.ts'
import { conditions, ServerError } from './errors/index.ts'
import type { StoreRows } from './virtual/index.ts'

function none(): never[] {
  return []
}

function refuse(): never {
  throw new ServerError(conditions.featureNotSupported, ['the blob cache'], {
    detail: 'It comes with a later release.',
  })
}

export const noBlobs: BlobStore = {
  get: refuse,
  getMany: refuse,
  look: refuse,
  exists: refuse,
  put: refuse,
  touch: refuse,
  invalidate: refuse,
  remove: refuse,
  flush: refuse,
  namespace: () => undefined,
  namespaces: none,
  createNamespace: refuse,
  alterNamespace: refuse,
  dropNamespace: refuse,
  scan: none,
}

export const noStoreRows: StoreRows = {
  blobs: none,
  namespaces: none,
  namespace: () => undefined,
  tags: none,
  l2: () => ({
    state: 'off',
    path: undefined,
    storeId: undefined,
    formatVersion: undefined,
    pageSize: undefined,
    commit: undefined,
    incarnation: undefined,
    proof: undefined,
    feedLsn: undefined,
    pages: undefined,
    freePages: undefined,
    treeHeights: undefined,
    lastError: undefined,
  }),
  promotionPolicy: () => 'never',
  lastBgwriterRoundAtMs: () => undefined,
  synopsis: none,
  compression: none,
  pages: none,
  sweeps: none,
  backups: none,
  jobs: none,
}
