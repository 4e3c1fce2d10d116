// Which statement PREPARE, EXECUTE and DEALLOCATE name: as PostgreSQL reads it.

import { expect, it } from 'vitest'
import { analyse, openParser, preparedWords } from '../../../src/sql/index.ts'

const parser = await openParser()
let parses = 0

function read(text: string) {
  parses = 0
  const words = preparedWords(text, analyse(parser, text, { virtualSchema: 'cache' }), (asked) => {
    parses++
    return parser.parse(asked).tree
  })
  return words && { ...words, at: text.slice(words.nameStart, words.nameEnd), query: text.slice(words.queryStart) }
}

it.each([
  ['prepare p as select 1', 'prepare', 'p', ' select 1'],
  ['PREPARE "P p" (int, numeric(3, 1)) /* as */ AS\n select 1 as x', 'prepare', 'P p', '\n select 1 as x'],
  ['prepare execute as select 1', 'prepare', 'execute', ' select 1'],
  ['execute P_1', 'execute', 'p_1', undefined],
  ['/* x */ execute "a""b"(1, \') as (\')', 'execute', 'a"b', undefined],
  ['explain (analyze, costs off) execute p(1)', 'execute', 'p', undefined],
  ['explain analyze execute p', 'execute', 'p', undefined],
  ['deallocate p', 'deallocate', 'p', undefined],
  ['deallocate prepare p', 'deallocate', 'p', undefined],
  ['deallocate prepare', 'deallocate', 'prepare', undefined],
  ['deallocate "all"', 'deallocate', 'all', undefined],
  ['execute ÉCLAIR', 'execute', 'Éclair', undefined],
  [`execute ${'x'.repeat(70)}`, 'execute', 'x'.repeat(63), undefined],
  ['execute U&"d\\0061t"', 'execute', 'dat', undefined],
])('%j', (text, verb, name, query) => {
  const words = read(text)
  expect(words).toMatchObject({ verb, name })
  if (query !== undefined) expect(words?.query).toBe(query)
})

it.each([
  'deallocate all',
  'deallocate prepare all',
  'select 1',
  'explain select execute from t',
  "prepare transaction 'p'",
  'explain select 1',
])('%j names none', (text) => {
  expect(read(text)).toBeUndefined()
})

it('no parse is needed for names that are plain, whatever the values', () => {
  for (const text of ['execute p(1, now())', 'deallocate "Q q"', 'prepare p as select 1']) {
    expect(read(text)).toBeDefined()
    expect(parses, text).toBe(0)
  }
})
