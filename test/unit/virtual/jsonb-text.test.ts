// JSON as jsonb keeps it: compared with what PostgreSQL made of the same texts.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { jsonbText, storedJsonb } from '../../../src/virtual/jsonb-text.ts'
import { valueText } from '../../../src/virtual/value-text.ts'

const random = Random.fromEnvironment()

describe('JSON that was given', () => {
  it.each([
    [
      '{"a":12345678901234567890,"b":1.10,"c":"\\u0041","a":3, "z":[1,2.0]}',
      '{"a": 3, "b": 1.10, "c": "A", "z": [1, 2.0]}',
    ],
    ['{"n":9007199254740993}', '{"n": 9007199254740993}'],
    ['[1e2, 1.5e1, 1.50e1, 1E-3, -0, -0.0, 0.5e+1, 10e-2]', '[100, 15, 15.0, 0.001, 0, 0.0, 5, 0.10]'],
    ['[-1.25e-2, 123.456e1, 0e5]', '[-0.0125, 1234.56, 0]'],
    ['{"bb":1,"a":{"é":[],"z":{}},"__proto__":null}', '{"a": {"z": {}, "é": []}, "bb": 1, "__proto__": null}'],
    ['"\\ud83d\\ude00\\n\\u001f\\/\\\\u0000"', '"😀\\n\\u001f/\\\\u0000"'],
    [' \t{ "a" : [ true , false , null ] } ', '{"a": [true, false, null]}'],
  ])('%s is shown as jsonb shows it (L1-6, SQL-6)', (json, shown) => {
    expect(jsonbText(json).text).toBe(shown)
    expect(valueText('jsonb', storedJsonb(json))).toBe(shown)
  })

  it.each([
    ...[
      '',
      '{',
      '{"a"}',
      '{"a":}',
      '[1,]',
      '{"a":1,}',
      '01',
      '1.',
      '+1',
      'nul',
      '"a',
      '"\t"',
      '"\\x"',
      '{} {}',
      '\u00a01',
    ],
    ...['"\\u0000"', '"\\ud800"', '"\\ude00\\ud83d"', `${'['.repeat(2000)}${']'.repeat(2000)}`],
  ])('%s is refused (22P02)', (json) => {
    expect(() => jsonbText(json)).toThrow(expect.objectContaining({ sqlstate: '22P02' }))
  })

  it.each(['1e1001', '-1e-2000', '9'.repeat(1001)])(
    'a number of more than a thousand digits is refused (22003)',
    (json) => {
      expect(() => jsonbText(json)).toThrow(expect.objectContaining({ sqlstate: '22003' }))
    },
  )

  it('that was taken once is shown somehow, and never breaks a list', () => {
    for (const json of ['{"a":"\\u0000"}', '{"a":"\\ud800"}', '{"a":"\\\\\\u0000"}', '{"a":1e999999}']) {
      expect(() => jsonbText(valueText('jsonb', storedJsonb(json)) ?? '')).not.toThrow()
    }
  })

  it('means what it meant', () => {
    for (let round = 0; round < 300; round++) {
      const value = anything(3)
      expect(JSON.parse(jsonbText(JSON.stringify(value, undefined, random.int(3))).text)).toEqual(value)
    }
  })
})

function anything(depth: number): unknown {
  const kind = random.int(depth > 0 ? 7 : 5)
  if (kind === 0) return random.pick([true, false, null])
  if (kind < 3) return random.pick([random.int(1e9), random.int(1e6) / 1000, -1 - random.int(100), 1e21])
  if (kind < 5) return random.pick(['', 'a"b', '\\', 'ä\n\u007f', '\\u0000', '{[,:'])
  const items = Array.from({ length: random.int(4) }, () => anything(depth - 1))
  return kind === 5 ? items : Object.fromEntries(items.map((item) => [`k${random.int(100)}"`, item]))
}
