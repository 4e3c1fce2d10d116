// What an answer pins of a relation's columns, what a change says of a row, and whether the one concerns the other.
//
// Whatever is not known of a row matches. Charges are what the objects take, measured: docs/decisions/033.

/** Values by the number that `RowFootprints.columnOf` gives columns; null for NULL, undefined for what is not known. */
export type RowVersion = readonly (string | null | undefined)[]

/** A row before and after; undefined where there was none. */
export interface RowChange {
  readonly old: RowVersion | undefined
  readonly new: RowVersion | undefined
}

export type ColumnPin =
  | { readonly column: number; readonly values: readonly string[] }
  | { readonly column: number; readonly low: bigint | undefined; readonly high: bigint | undefined }

/** Values of an IN list, each with each other's. */
const keysMax = 128

/** True if a change may concern what is pinned so. */
export function touches(pins: readonly ColumnPin[], change: RowChange): boolean {
  return (
    (change.old !== undefined && matches(pins, change.old)) || (change.new !== undefined && matches(pins, change.new))
  )
}

export function matches(pins: readonly ColumnPin[], version: RowVersion): boolean {
  return pins.every((pin) => {
    const value = version[pin.column]
    if (value === undefined) return true
    if (value === null) return false
    if ('values' in pin) return pin.values.includes(value)
    const number = BigInt(value)
    return (pin.low === undefined || number >= pin.low) && (pin.high === undefined || number <= pin.high)
  })
}

/** What rows are found by. */
export function keyOf(columns: readonly number[], version: RowVersion): string {
  return columns.length === 1
    ? (version[columns[0] as number] as string)
    : columns.map((column) => version[column]).join('\0')
}

/** Every combination of the values that the columns are pinned to; undefined if there are too many. */
export function keysOf(columns: readonly number[], pins: readonly ColumnPin[]): readonly string[] | undefined {
  let keys: string[] | undefined
  for (const column of columns) {
    const pin = pins.find((one) => one.column === column)
    if (pin === undefined || !('values' in pin)) return undefined
    const values = [...new Set(pin.values)]
    keys = keys === undefined ? values : keys.flatMap((key) => values.map((value) => `${key}\0${value}`))
    if (keys.length > keysMax) return undefined
  }
  return keys
}

/** A print with its list of keys, and the list its answer holds. */
const printBytes = 190
/** A key: its place in the table, and the text beside its characters. */
const keyBytes = 64
/** A key that was joined of several values. */
const joinedBytes = 80
/** A pin with its list of values. */
const pinBytes = 100
const valueBytes = 24
/** The set of those that have a key in common. */
export const sharedBytes = 160

export function chargeOf(keys: readonly string[], pins: readonly ColumnPin[], columnCount: number): number {
  let bytes = printBytes + keys.length * (keyBytes + (columnCount > 1 ? joinedBytes : 0))
  for (const key of keys) bytes += key.length
  if (pins.length > 0) bytes += printBytes / 3
  for (const pin of pins) {
    bytes += pinBytes
    if ('values' in pin) for (const value of pin.values) bytes += valueBytes + value.length
  }
  return Math.round(bytes)
}

/** A change that is remembered: its two rows with their values. */
export function chargeOfChange(change: RowChange): number {
  let bytes = 72
  for (const row of [change.old, change.new]) {
    if (row === undefined) continue
    bytes += 64
    for (const value of row) bytes += 8 + (typeof value === 'string' ? valueBytes + value.length : 0)
  }
  return bytes
}
