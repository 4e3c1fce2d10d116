// Rows as COPY … FROM STDIN reads them in text format: a line per row, tabs between columns, \N for NULL.

import { frontend } from '../wire/index.ts'
import { valueText } from './value-text.ts'
import type { RowSet, VirtualTable } from './virtual-table.ts'

const frameTextMax = 64 * 1024
const special = /[\\\n\r\t]/
const specials = /[\\\n\r\t]/g
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** CopyData frames of about `frameTextMax`, rendered one by one as they are asked for. */
export function* copyFrames(table: VirtualTable, rows: RowSet): Generator<Buffer> {
  let text = ''
  for (const row of rows) {
    text += lineOf(table, row)
    if (text.length < frameTextMax) continue
    yield copyDataFrame(text)
    text = ''
  }
  if (text !== '') yield copyDataFrame(text)
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
