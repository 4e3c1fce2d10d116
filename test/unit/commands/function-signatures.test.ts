// The catalogue shows the functions that there are, with the parameters they take and the columns they answer.

import { expect, it } from 'vitest'
import { functionNamed } from '../../../src/commands/functions.ts'
import { StatementReader } from '../../../src/commands/statement-reader.ts'
import { signatures } from '../../../src/virtual/own-functions.ts'

const reader = new StatementReader('', 'cache')

it.each(Object.entries(signatures))('%s is shown as it is (SQL-13)', (name, { parameters, returns }) => {
  const { parameters: taken, required, columns, isScalar } = functionNamed(reader, name)
  const shown = parameters === '' ? [] : parameters.split(', ')
  expect(shown.map((parameter) => parameter.split(' = ')[0])).toEqual(
    taken.map(([label, type]) => `${label} ${type === 'contents' ? 'bytea' : type}`),
  )
  expect(shown.filter((parameter) => !parameter.includes(' = '))).toHaveLength(required)
  const isNameTwice = columns.some((column) => taken.some(([label]) => label === column.name))
  const table = `TABLE (${columns.map((column) => `${column.name} ${column.type}`).join(', ')})`
  expect(returns).toBe(isScalar ? columns[0]?.type : isNameTwice ? 'SETOF record' : table)
})

it('no function is left out', () => {
  for (const name of ['get', 'put', 'flush', 'explain', 'version', 'check', 'sweep', 'cancel_job']) {
    expect(signatures).toHaveProperty(name)
  }
})
