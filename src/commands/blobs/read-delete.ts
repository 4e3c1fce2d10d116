// DELETE FROM cache.blobs, read from the parse tree.

import { type Fields, listOf } from '../../sql/index.ts'
import { BlobNames } from './blob-names.ts'
import { type Condition, readCondition } from './condition.ts'
import { type Returning, returningOf } from './read-insert.ts'
import { notSupported } from './written-columns.ts'

export interface DeleteStatement {
  readonly verb: 'DELETE'
  readonly condition: Condition
  /** True if the condition is all that its WHERE says. */
  readonly isWhole: boolean
  readonly returning: Returning
}

export function readDelete(fields: Fields): DeleteStatement {
  const names = new BlobNames(fields.relation as Fields)
  if (fields.withClause !== undefined) throw notSupported('WITH before a DELETE from this relation')
  if (listOf(fields.usingClause).length > 0) throw notSupported('DELETE … USING over this relation')
  const { condition, isWhole } = readCondition(fields.whereClause, names)
  return { verb: 'DELETE', condition, isWhole, returning: returningOf(fields, names) }
}
