// Which rows of a virtual relation a statement can use at most, so that the others need not be copied (SQL-26).
//
// Whoever asks gets these rows and perhaps more: PostgreSQL evaluates the statement, with all its conditions, over what
// was copied. So a condition may be left out here, but never be narrower than PostgreSQL's.

import type { ColumnType } from './virtual-table.ts'

/** Accepts a value as the column's text. NULL fits no condition. */
interface Condition {
  readonly column: string
  accepts(text: string): boolean
  /** The only texts it accepts, or what all it accepts begin with, where that is all it says. */
  readonly values?: ReadonlySet<string>
  readonly prefix?: string
}

/** The rows for one place of the statement: those that fit all conditions, and of these no more than `rowCountMax`. */
export interface WantedRows {
  readonly conditions: readonly Condition[]
  readonly rowCountMax: number
  /** False if no column that holds contents is named (blobs). */
  readonly needsContents: boolean
}

/** Per relation the places that read it; a row is wanted if one of them wants it. A relation left out is wanted whole. */
export type Wanted = ReadonlyMap<string, readonly WantedRows[]>

/** What several statements of one batch want together. */
export function wantedByAll(
  statements: readonly { readonly relations: readonly string[]; readonly wanted: Wanted }[],
): Wanted {
  const together = new Map<string, WantedRows[] | undefined>()
  for (const { relations, wanted } of statements) {
    for (const relation of new Set(relations)) {
      const places = wanted.get(relation)
      const known = together.has(relation) ? together.get(relation) : []
      together.set(relation, places && known && [...known, ...places])
    }
  }
  return new Map([...together].filter((entry): entry is [string, WantedRows[]] => entry[1] !== undefined))
}

/** Equal to one of these texts, as the column's type reads them; undefined if that cannot be told here. */
export function equalsOne(column: string, type: ColumnType, texts: readonly string[]): Condition | undefined {
  const values = new Set<string>()
  for (const text of texts) {
    const value = type === 'text' ? text : integerText(text, type)
    if (value === undefined) return undefined
    values.add(value)
  }
  return { column, accepts: (text) => values.has(text), values }
}

/** An integer as the column would show it. */
function integerText(text: string, type: ColumnType): string | undefined {
  if (!/^\s*[+-]?\d{1,20}\s*$/.test(text)) return undefined
  const value = BigInt(text.trim().replace(/^\+/, ''))
  if (type === 'oid') return value >= 0n && value < 1n << 32n ? String(value) : undefined
  return type === 'int8' ? String(value) : undefined
}

/** LIKE: what the pattern begins with. `exact` if it says no more than that. */
export function startsLike(
  column: string,
  pattern: string,
): { readonly condition: Condition; readonly exact: boolean } {
  const wildcard = pattern.search(/[%_\\]/)
  if (wildcard < 0) {
    return { condition: { column, accepts: (text) => text === pattern, values: new Set([pattern]) }, exact: true }
  }
  const prefix = pattern.slice(0, wildcard)
  return {
    condition: { column, accepts: (text) => text.startsWith(prefix), prefix },
    exact: /^%+$/.test(pattern.slice(wildcard)),
  }
}
