// The stamps of a process, as they are written down so that the next one can go on from them (systems.md L2-30).
//
// Numbers of relations that were never changed are left out: 0 is what they begin with.

import type { DatabaseEpochs, Epochs, Relation } from './epochs.ts'

export interface DatabaseStamps {
  readonly name: string
  readonly stamp: number
  readonly relations: readonly (readonly [oid: number, stamp: number])[]
}

/** As they are now. What is being written at this moment counts as changed: nobody knows yet whether it was. */
export function stampsOf(epochs: Epochs): DatabaseStamps[] {
  const tick = epochs.tick()
  const nowOf = (one: DatabaseEpochs | Relation): number => (one.suspensions > 0 || one.commits > 0 ? tick : one.stamp)
  return [...epochs.databases.values()].map((database) => ({
    name: database.name,
    stamp: nowOf(database),
    relations: [...database.relations.values()]
      .filter((relation) => nowOf(relation) > 0)
      .map((relation) => [relation.oid, nowOf(relation)]),
  }))
}

/** Takes over those of an earlier process; what this one has changed since stands. */
export function raiseStamps(epochs: Epochs, databases: readonly DatabaseStamps[]): void {
  for (const { name, stamp, relations } of databases) {
    const database = epochs.database(name)
    database.stamp = Math.max(database.stamp, stamp)
    for (const [oid, relationStamp] of relations) {
      const relation = database.relation(oid)
      if (relationStamp <= relation.stamp) continue
      relation.stamp = relationStamp
      relation.rows?.moved(relationStamp, undefined)
    }
  }
}
