// What is kept of a transaction while the stream tells of it: however many rows it has, its relations, and of some of them the rows.

import type { Named } from './relation-names.ts'
import { RowChanges } from './row-changes.ts'

/** Of the transaction that the stream tells of now. */
export interface Telling {
  touchesAll: boolean
  /** It has changed the catalogue. */
  isSchema: boolean
  readonly names: Set<Named>
  readonly truncated: Set<number>
  readonly rows: RowChanges
}

export function newTelling(broken: ReadonlySet<string>): Telling {
  return { touchesAll: false, isSchema: false, names: new Set(), truncated: new Set(), rows: new RowChanges(broken) }
}
