// No counter is a constant zero: something in src/ moves it, and a test or a fixture says what by (MET-2).

import { describe, expect, it } from 'vitest'
import { counterTable } from '../../src/observe/index.ts'
import { files, read, sourceFiles } from './tree.ts'

/** Where names stand for themselves: the table, what is generated of it, and the list of names. */
const lists = /^src\/(observe\/counter-table\.ts|schema\/)|^test\/unit\/observe\/names\.test\.ts$/

const movers = sourceFiles.filter((file) => !lists.test(file)).map(read)
const tellers = files
  .filter((file) => /^(test\/.*\.test\.ts|sql-fixtures\/.*\.sql)$/.test(file) && !lists.test(file))
  .map(read)

describe.each(counterTable.map(({ name }) => name))('%s', (name) => {
  it('is moved by something (MET-2)', () => {
    const moved = new RegExp(`\\b${name}(\\+\\+|--| [+-]?= )`)
    expect(movers.some((source) => moved.test(source))).toBe(true)
  })

  it('and a test or a fixture tells by what (MET-2)', () => {
    const named = new RegExp(`\\b${name}\\b`)
    expect(tellers.some((source) => named.test(source))).toBe(true)
  })
})
