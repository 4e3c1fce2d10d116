// Columns made from the table of counters: those of one system, which share the beginning of their names.

import { counterTable, type Metrics } from '../observe/index.ts'
import { type Column, column } from './virtual-table.ts'

export function counterColumns<Row>(
  prefix: string,
  metricsOf: (row: Row) => Metrics,
  leftOut: readonly string[] = [],
): Column<Row>[] {
  return counterTable
    .filter(({ name }) => name.startsWith(prefix) && !leftOut.includes(name))
    .map(({ name, type, summary }) => column<Row>(name, type, summary, (row) => metricsOf(row).counters[name]))
}
