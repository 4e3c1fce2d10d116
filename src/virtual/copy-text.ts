// Rows as COPY … FROM STDIN reads them in text format: a line per row, tabs between columns, \N for NULL.
//
// The rows of one relation are rendered in one turn of the event loop, so they belong together (SQL-26).

import { conditions, ServerError } from '../errors/index.ts'
import { frontend } from '../wire/index.ts'
import type { VirtualSources } from './sources.ts'
import { valueText } from './value-text.ts'
import { mayAccess, type Viewer } from './viewer.ts'
import type { VirtualTable } from './virtual-table.ts'

/** Rows of one relation, ready to be sent. */
export interface Copy {
  readonly table: VirtualTable
  /** CopyData frames. */
  readonly frames: readonly Buffer[]
  readonly bytes: number
  readonly rowCount: number
}

const frameTextMax = 64 * 1024
const special = /[\\\n\r\t]/
const specials = /[\\\n\r\t]/g
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Throws 54000 when the relation has more than `rowCountMax` rows. */
export function copyOf(table: VirtualTable, sources: VirtualSources, viewer: Viewer, rowCountMax: number): Copy {
  const frames: Buffer[] = []
  let bytes = 0
  let rowCount = 0
  let text = ''
  const emit = (): void => {
    const frame = copyDataFrame(text)
    frames.push(frame)
    bytes += frame.length
    text = ''
  }
  if (mayAccess(viewer, table.access)) {
    for (const row of table.rows(sources, viewer)) {
      if (++rowCount > rowCountMax) throw tooManyRows(table, rowCountMax)
      text += lineOf(table, row)
      if (text.length >= frameTextMax) emit()
    }
  }
  if (text !== '') emit()
  return { table, frames, bytes, rowCount }
}

export function tooManyRows(table: VirtualTable, rowCountMax: number): ServerError {
  return new ServerError(conditions.tooManyRows, [table.name, rowCountMax], {
    hint: 'Raise virtual_rows_max or virtual_inline_rows_max, or ask for aggregates in cache.stats.',
  })
}

function lineOf(table: VirtualTable, row: readonly unknown[]): string {
  let line = ''
  const { columns } = table
  for (let index = 0; index < columns.length; index++) {
    if (index > 0) line += '\t'
    const text = valueText((columns[index] as (typeof columns)[number]).type, row[index])
    if (text === undefined) line += '\\N'
    else line += special.test(text) ? text.replace(specials, (character) => escapes[character] as string) : text
  }
  return `${line}\n`
}

function copyDataFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(length + 5)
  frame[0] = frontend.copyData
  frame.writeInt32BE(length + 4, 1)
  frame.write(text, 5)
  return frame
}
