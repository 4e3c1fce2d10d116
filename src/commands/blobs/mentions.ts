// Whether a statement needs the values of entries: it names the column, or something that holds it.

import { type Fields, fieldsIf, listOf, walk, wordsOf } from '../../sql/index.ts'

/** False only if neither `value` nor a star nor the whole row is anywhere in it. */
export function mentionsValue(fields: Fields, ...rowNames: readonly string[]): boolean {
  let found = false
  walk({ SelectStmt: fields }, ({ type, fields: inner }) => {
    if (type !== 'ColumnRef') return
    const items = listOf(inner.fields)
    const last = wordsOf([items.at(-1)])[0]
    if (fieldsIf('A_Star', items.at(-1)) !== undefined || last === 'value') found = true
    if (items.length === 1 && last !== undefined && rowNames.includes(last)) found = true
  })
  return found
}
