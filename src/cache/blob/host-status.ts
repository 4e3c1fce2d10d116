// What the store thread can say about itself: for `cache.l2`, `cache.pages` and their like.

import type { L2 } from './l2.ts'
import type { OpenedMessage, StoreFacts, StoreState, StoreStatus } from './store-messages.ts'

function factsOf(l2: L2, path: string): StoreFacts {
  const { storeId, formatVersion, pageSize } = l2.store.header
  return { path, storeId: Buffer.from(storeId).toString('hex'), formatVersion, pageSize }
}

export function statusOf(l2: L2, state: StoreState, path: string): StoreStatus {
  const { header, trees, lastError } = l2.store
  const { pageCount, freePages, areas, writer } = l2.store.stats()
  return {
    ...factsOf(l2, path),
    state,
    commit: header.commit,
    incarnation: header.incarnation,
    feedLsn: lsnText(header.feedLsn),
    pages: pageCount,
    areas,
    lastRoundAtMs: writer.lastRoundAtMs,
    freePages,
    treeHeights: Object.fromEntries(Object.entries(trees).map(([name, tree]) => [name, tree.height])),
    lastError: lastError === '' ? undefined : lastError,
    synopses: l2.synopses.facts(),
    compression: Object.entries(l2.compressor.totals).map(([outcome, totals]) => ({ outcome, ...totals })),
  }
}

/** As PostgreSQL writes one. */
function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`
}

/** What the wire hears when a store was opened. */
export function openedMessage(l2: L2, cause: OpenedMessage['cause'], path: string): OpenedMessage {
  return {
    cause,
    namespaces: [...l2.namespaces.living()].map(({ name, id, generation, options }) => ({
      ...{ name, id, generation, options },
    })),
    lastNamespaceId: l2.namespaces.lastId,
    incarnation: l2.store.header.incarnation,
    facts: factsOf(l2, path),
  }
}
