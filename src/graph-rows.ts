// Composition: rows of cache.dependencies and cache.graph_partitions.

import type { Entry } from './cache/results/index.ts'
import { entryName } from './frontend/index.ts'
import type { Epochs } from './invalidation/index.ts'
import type { DependencyRow, GraphPartitionRow } from './virtual/index.ts'

/** An edge that has no partition is one to the relation as a whole: it is no more than a name in the answer. */
export function* dependencyRows(entry: Entry): Generator<DependencyRow> {
  const { relations, guards, start, prints } = entry
  for (const [at, relation] of relations.entries()) {
    const isInRows = prints !== undefined && guards[at] !== relation
    const isOld = (guards[at] ?? relation).stamp > start
    yield {
      kind: 'result',
      node: entryName(entry),
      relation: relation.oid,
      relationName: relation.name,
      epoch: isOld ? relation.epoch - 1 : relation.epoch,
      currentEpoch: relation.epoch,
      partition: isInRows ? relation.rows?.id : undefined,
    }
  }
}

export function* graphPartitionRows(epochs: Epochs): Generator<GraphPartitionRow> {
  for (const { name: database, relations } of epochs.databases.values()) {
    for (const { oid, name, rows } of relations.values()) {
      if (rows === undefined) continue
      const { id, edges, bytes, score, diskBytes, lastAccessAtMs } = rows
      yield {
        ...{ id, database, root: oid, rootName: name, edges, bytes, score, diskBytes, lastAccessAtMs },
        // An answer reads a relation once: each is registered with it once.
        nodes: edges + 1,
        spilled: diskBytes > 0,
      }
    }
  }
}
