// The rows of a view that follows changes, as of now.

import { EvaluationError } from '../../deltas/index.ts'
import type { FollowedQueries } from './followed-queries.ts'
import type { Made } from './view.ts'

/** Whoever reads it waits so long for it. */
const readMsMax = 1000

/** Undefined if it cannot tell them in time, or would tell of other columns. */
export async function currentRows(
  view: Made,
  queries: FollowedQueries | undefined,
  signal: AbortSignal,
): Promise<{ readonly rowCount: number; readonly rows: readonly (readonly (string | null)[])[] } | undefined> {
  const answer = await queries?.readNow(view.id, readMsMax, signal).catch((error: unknown) => {
    // PostgreSQL says it in its own words.
    if (error instanceof EvaluationError) return undefined
    throw error
  })
  const isSame =
    answer?.columns.length === view.columns.length &&
    answer.columns.every(({ typeOid, modifier }, at) => {
      const column = view.columns[at]
      return column?.typeOid === typeOid && column.modifier === modifier
    })
  if (answer === undefined || !isSame) return undefined
  view.rowCount = answer.rows.length
  return { rowCount: answer.rows.length, rows: answer.rows }
}
