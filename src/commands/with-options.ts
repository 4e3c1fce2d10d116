// WITH ( word [ = value ], … ): a bare word means true.

import type { StatementReader } from './statement-reader.ts'

export type OptionValue = string | number | boolean | null

/** Empty where no WITH stands. Names in lower case; a word as value (`ttl = off`) is a text. */
export function readWith(reader: StatementReader): Map<string, OptionValue> {
  return reader.accept('WITH') ? readOptionList(reader) : new Map()
}

/** `( word [ = value ], … )` */
export function readOptionList(reader: StatementReader): Map<string, OptionValue> {
  const options = new Map<string, OptionValue>()
  reader.expect('(')
  do {
    const name = reader.identifier()
    if (options.has(name)) throw reader.syntaxError('each option once')
    options.set(name, reader.accept('=') ? optionValue(reader) : true)
  } while (reader.accept(','))
  reader.expect(')')
  return options
}

function optionValue(reader: StatementReader): OptionValue {
  const word = reader.peek()
  if (word === 'TRUE' || word === 'FALSE' || word === 'NULL') {
    reader.skip()
    return word === 'NULL' ? null : word === 'TRUE'
  }
  // A bare word such as `off`, unless it is a type before a string.
  if (reader.peekName() !== undefined && reader.peekString(1) === undefined) return reader.identifier()
  const value = reader.value()
  if (value.kind !== 'constant' || value.text === null) throw reader.syntaxError('a constant')
  return value.isString ? value.text : Number(value.text)
}
