// The values of EXECUTE name (…) where the statement prepared is a command of ours: constants, for nobody evaluates expressions here.

import { conditions, ServerError } from '../errors/index.ts'
import { StatementReader, type Value } from './statement-reader.ts'

/** `text` is what follows the name. As they would be bound: texts, NULL as null. */
export function executeValues(text: string, schemaName: string): (string | null)[] {
  const reader = new StatementReader(text, schemaName)
  if (reader.isAtEnd) return []
  reader.expect('(')
  const values: (string | null)[] = []
  while (values.length === 0 || !reader.accept(')')) {
    if (values.length > 0) reader.expect(',')
    values.push(constantAt(reader))
    if (reader.peek() !== ',' && reader.peek() !== ')') throw notConstant()
  }
  reader.expectEnd()
  return values
}

function constantAt(reader: StatementReader): string | null {
  let value: Value
  try {
    value = reader.value()
  } catch (error) {
    throw error instanceof ServerError && error.sqlstate === conditions.syntaxError.sqlstate ? notConstant() : error
  }
  return textOf(value)
}

function textOf(value: Value): string | null {
  if (value.kind === 'parameter') throw new ServerError(conditions.undefinedParameter, [value.number])
  if (value.kind === 'constant') return value.text
  const items = value.items.map((item) => {
    const text = textOf(item)
    return text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`
  })
  return `{${items.join(',')}}`
}

function notConstant(): ServerError {
  return new ServerError(conditions.featureNotSupported, ['an expression as a value of this prepared statement'], {
    hint: 'Give constants.',
  })
}
