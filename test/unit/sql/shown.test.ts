// Shapes as people see them: constants are `$n`, numbered behind the parameters (sql.md, section 7).

import { describe, expect, it } from 'vitest'
import { normalise } from '../../../src/sql/index.ts'
import { shownShape } from '../../../src/sql/shown.ts'
import { corpus } from './corpus.ts'

const shown = (text: string) => shownShape(normalise(text).normalised)

describe('a shape is shown', () => {
  it.each([
    ['SELECT 1', 'select $1'],
    ['select * from item', 'select * from item'],
    [
      "select * from item where id = 42 and owner = $2 and name in ('a', $$b$$) limit 10",
      'select * from item where id = $3 and owner = $2 and name in ($4, $5) limit 10',
    ],
    ["select -1, 'x'::text, B'01', U&'d', N'e', (7)[1]", 'select - $1, $2::text, $3, $4, $5, ($6)[$7]'],
    ['select a ?n from t', 'select a ? n from t'],
    [`select "?n", x ? 'k' from t where "?s" = 1`, `select "?n", x ? $1 from t where "?s" = $2`],
    ['insert into t values (1, 2); select 3', 'insert into t values ($1, $2); select $3'],
    ['select $10, 5 offset 3', 'select $10, $11 offset 3'],
  ])('%j: %j', (text, expected) => {
    expect(shown(text)).toBe(expected)
  })

  it.each([
    ["select 'I know it now, my secret' from t", 'select $1 from t'],
    ["select set_config('app.key', 'secret', false)", 'select set_config($1, $2, false)'],
    ["alter role alice password 'secret'", 'alter role alice password $1'],
    ['do $body$ secret $body$; set statement_timeout = 5000', 'do $1; set statement_timeout = $2'],
    ["select 'a', 'unterminated secret", 'select $1, …'],
    ["/* secret */ select U&'secret' uescape '!'", ' select $1 uescape $2'],
  ])('without what somebody might keep to himself: %j', (text, expected) => {
    expect(shown(text)).toBe(expected)
  })

  it('with none of its constants, whatever it is', () => {
    for (const { text } of corpus) {
      expect(shown(text), text).not.toMatch(/'|\$\w*\$|\?[nsubc]\b/i)
    }
  })
})
