// The select list over a function: SELECT value, state AS s, convert_from(value, 'UTF8') FROM cache.get(…).

import { isUtf8 } from 'node:buffer'
import { conditions, ServerError } from '../errors/index.ts'
import type { ResultColumn } from './own-statement.ts'
import type { StatementReader } from './statement-reader.ts'

interface Item {
  readonly qualifier: string | undefined
  readonly column: string
  readonly isDecoded: boolean
  readonly label: string | undefined
}

/** What is asked of each row: all of it, or these columns. */
export type Selected = 'all' | readonly Item[]

/** Up to FROM, which is consumed; undefined if it is anything but columns. */
export function readSelected(reader: StatementReader): Selected | undefined {
  if (reader.accept('*', 'FROM')) return 'all'
  const items: Item[] = []
  do {
    const item = readItem(reader)
    if (item === undefined) return undefined
    items.push(item)
  } while (reader.accept(','))
  return reader.accept('FROM') ? items : undefined
}

function readItem(reader: StatementReader): Item | undefined {
  const isDecoded = reader.peekName() === 'convert_from' && reader.peek(1) === '('
  if (isDecoded) reader.skip(2)
  const name = readName(reader)
  if (name === undefined) return undefined
  if (isDecoded) {
    if (!reader.accept(',') || !/^utf-?8$/i.test(reader.peekString() ?? '')) return undefined
    reader.skip()
    if (!reader.accept(')')) return undefined
  }
  const hasLabel = reader.accept('AS') || (reader.peekName() !== undefined && reader.peek() !== 'FROM')
  return { ...name, isDecoded, label: hasLabel ? reader.identifier() : undefined }
}

function readName(reader: StatementReader): Pick<Item, 'qualifier' | 'column'> | undefined {
  const first = reader.peekName()
  if (first === undefined || reader.peek(1) === '(') return undefined
  reader.skip()
  if (!reader.accept('.')) return { qualifier: undefined, column: first }
  const second = reader.peekName()
  if (second === undefined) return undefined
  reader.skip()
  return { qualifier: first, column: second }
}

interface PickedColumn extends ResultColumn {
  /** Its value of a row of the function. */
  value(row: readonly unknown[]): unknown
}

/** `relation` is what the statement calls the function's rows. Throws 42703 and 42P01 for names there are not. */
export function pickColumns(
  selected: readonly Item[],
  columns: readonly ResultColumn[],
  relation: string,
): readonly PickedColumn[] {
  return selected.map(({ qualifier, column, isDecoded, label }) => {
    if (qualifier !== undefined && qualifier !== relation) {
      throw new ServerError(conditions.undefinedTable, [qualifier])
    }
    const index = columns.findIndex(({ name }) => name === column)
    const found = columns[index]
    if (found === undefined) throw new ServerError(conditions.undefinedColumn, [column, relation])
    if (!isDecoded) return { ...found, name: label ?? column, value: (row) => row[index] }
    if (found.type !== 'bytea') {
      throw new ServerError(conditions.undefinedFunction, [`convert_from(${found.type}, text)`])
    }
    return { name: label ?? 'convert_from', type: 'text', value: (row) => utf8Text(row[index]) }
  })
}

/** As convert_from(…, 'UTF8') gives it. Throws 22021 for what is no text. */
export function utf8Text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  const bytes = value as Uint8Array
  if (!isUtf8(bytes) || bytes.includes(0)) throw new ServerError(conditions.invalidByteSequence, ['UTF8'])
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
