// Rows that a transaction changed, as far as answers may depend on them: of the relations of interest, the columns of interest.
//
// A relation is given up, and counts as changed as a whole, when it has more rows than are kept, a line that was cut short, a TRUNCATE, or a
// name that may be several relations'. It cannot come back in the same transaction.

import type { Relation, RowChange, RowVersion } from '../invalidation/index.ts'
import { valueLengthMax, valueOfText, withoutBlanks } from '../sql/index.ts'
import { type FeedEvent, type Row, UnreadableChange } from './change.ts'
import type { RowShape } from './row-shapes.ts'

/** Of one relation in one transaction. */
const rowsMax = 1000

interface Told {
  readonly shape: RowShape
  readonly changes: RowChange[]
}

export class RowChanges {
  /** Undefined: as a whole. */
  readonly #relations = new Map<Relation, Told | undefined>()
  readonly #broken: ReadonlySet<string>

  constructor(broken: ReadonlySet<string>) {
    this.#broken = broken
  }

  /** False if its rows are of no interest, now or in this transaction. */
  wants(relation: Relation): boolean {
    if (relation.rows === undefined) return false
    return !this.#relations.has(relation) || this.#relations.get(relation) !== undefined
  }

  giveUp(relation: Relation): void {
    this.#relations.set(relation, undefined)
  }

  /** `read` tells of a row of it. */
  note(relation: Relation, shape: RowShape | undefined, read: () => FeedEvent): void {
    const told = this.#relations.get(relation)
    const isWhole = told === undefined && this.#relations.has(relation)
    const isOther = told !== undefined && (told.shape !== shape || told.changes.length >= rowsMax)
    const change = shape === undefined || isWhole || isOther ? undefined : changeOf(shape, read, this.#broken)
    if (change === undefined) this.giveUp(relation)
    else if (told === undefined) this.#relations.set(relation, { shape: shape as RowShape, changes: [change] })
    else told.changes.push(change)
  }

  /** What was told in rows. */
  *told(): Generator<[Relation, Told]> {
    for (const [relation, told] of this.#relations) if (told !== undefined) yield [relation, told]
  }
}

function changeOf(shape: RowShape, read: () => FeedEvent, broken: ReadonlySet<string>): RowChange | undefined {
  let event: FeedEvent
  try {
    event = read()
  } catch (error) {
    if (error instanceof UnreadableChange) return undefined
    throw error
  }
  switch (event.kind) {
    case 'insert':
      return { old: undefined, new: versionOf(shape, event.new) }
    case 'delete':
      return { old: versionOf(shape, event.old), new: undefined }
    case 'update': {
      const after = versionOf(shape, event.new)
      if (broken.has('rows-old')) return { old: undefined, new: after }
      return { old: event.old === undefined ? unchanged(shape, after) : versionOf(shape, event.old), new: after }
    }
    default:
      return undefined
  }
}

/** In place of a value that is longer than any that is pinned: the origin's text holds no zero. */
const tooLong = '\0'

/** What was not sent is not known: of an old row, NULLs among it. */
function versionOf({ columns }: RowShape, row: Row | undefined): RowVersion {
  return columns.map((column) => {
    const value = column === undefined ? undefined : row?.get(column.name)
    if (typeof value !== 'string' || column?.family === undefined) return value
    // Told with its blanks a char(n) may be longer than what it equals.
    const text = column.family === 'char' ? withoutBlanks(value) : value
    return text.length > valueLengthMax ? tooLong : valueOfText(column.family, text)
  })
}

/** The old row of an update that was told without one. */
function unchanged({ columns }: RowShape, after: RowVersion): RowVersion {
  return columns.map((column, index) => (column?.isIdentity ? after[index] : undefined))
}
