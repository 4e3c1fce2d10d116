// The columns of a view, and its rows as they are shown.

import { conditions, ServerError } from '../../errors/index.ts'
import type { View } from './view.ts'
import { rowsOfLines } from './view-lines.ts'
import type { ViewColumn, ViewRows } from './view-rows.ts'

/** Of what follows changes and is not asked for them. */
export function noRows(columns: readonly ViewColumn[]): ViewRows {
  return { columns, rowCount: 0, bytes: 0, chunks: [], relations: [], relationNames: new Map() }
}

export function shown({ rowCount, chunks, columns }: ViewRows): {
  readonly rowCount: number
  readonly rows: Iterable<readonly (string | null)[]>
} {
  return { rowCount, rows: { [Symbol.iterator]: () => rowsOfLines(chunks, columns.length) } }
}

export function namedColumns(columns: readonly ViewColumn[], names: readonly string[]): readonly ViewColumn[] {
  if (names.length > columns.length) throw new ServerError(conditions.tooManyColumnNames)
  const named = columns.map((column, at) => ({ ...column, name: names[at] ?? column.name }))
  const seen = new Set<string>()
  for (const { name } of named) {
    if (seen.has(name)) throw new ServerError(conditions.duplicateColumn, [name])
    seen.add(name)
  }
  return named
}

/** Names may have been given by who made it. */
export function mustBeSame(view: View, columns: readonly ViewColumn[]): void {
  const isSame =
    columns.length === view.columns.length &&
    columns.every(({ typeOid, typeName }, at) => {
      const was = view.columns[at]
      return was?.typeOid === typeOid && was.typeName === typeName
    })
  if (!isSame) throw new ServerError(conditions.viewColumnsChanged, [view.name])
}
