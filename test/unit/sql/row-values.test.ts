// Values in one form: what PostgreSQL takes for equal looks alike, and what cannot be told is not told.

import { describe, expect, it } from 'vitest'
import { elementsOfBinary, elementsOfText, valueOfBinary, valueOfText } from '../../../src/sql/index.ts'

describe('a value', () => {
  it.each([
    ['int', '5', '5'],
    ['int', '+05', '5'],
    ['int', '-0', '0'],
    ['int', '9223372036854775808', '9223372036854775808'],
    ['text', ' A', ' A'],
    ['text', '', ''],
    ['uuid', '0000000A-0000-0000-0000-00000000000B', '0000000a-0000-0000-0000-00000000000b'],
    ['bool', 'T', 'true'],
    ['bool', 'off', 'false'],
    ['char', 'x  ', 'x'],
    ['char', ' x', ' x'],
    ['date', '1970-01-02', '1'],
    ['date', '2000-02-29', '11016'],
    ['date', '0001-12-31 BC', '-719163'],
    ['timestamp', '1970-01-01 00:00:01.5', '1500000'],
    ['timestamp', '1970-01-02', '86400000000'],
    ['timestamptz', '1970-01-01T01:00:00+01:00', '0'],
    ['timestamptz', '1969-12-31 23:00-0130', '1800000000'],
  ] as const)('of the family %s written %j is %j', (family, text, value) => {
    expect(valueOfText(family, text)).toBe(value)
  })

  it.each([
    ['int', ' 5'],
    ['int', '5.0'],
    ['int', '0x1f'],
    ['int', '1_000'],
    ['int', ''],
    ['int', '٥'],
    ['uuid', '{0000000a-0000-0000-0000-00000000000b}'],
    ['uuid', '0000000a00000000000000000000000b'],
    ['bool', 'tr'],
    ['text', 'x'.repeat(513)],
    ['date', '01/02/2020'],
    ['date', '20200102'],
    ['date', 'today'],
    ['date', '2020-01-02 00:00'],
    ['date', ' 2020-01-02'],
    ['timestamp', '2020-01-02 00:00:00Z'],
    ['timestamp', '2020-01-02 00:00:00.1234567'],
    ['timestamptz', '2020-01-02'],
    ['timestamptz', '2020-01-02 00:00:00'],
    ['timestamptz', '2020-01-02 00:00:00 Europe/Berlin'],
  ] as const)('of the family %s is not known when it is written %j', (family, text) => {
    expect(valueOfText(family, text)).toBeUndefined()
  })

  it('is read in binary', () => {
    expect(valueOfBinary('int', Buffer.from('fffb', 'hex'))).toBe('-5')
    expect(valueOfBinary('int', Buffer.from('00000005', 'hex'))).toBe('5')
    expect(valueOfBinary('int', Buffer.from('8000000000000000', 'hex'))).toBe('-9223372036854775808')
    expect(valueOfBinary('int', Buffer.from('000005', 'hex'))).toBeUndefined()
    expect(valueOfBinary('text', Buffer.from('ä'))).toBe('ä')
    expect(valueOfBinary('uuid', Buffer.from('0000000a00000000000000000000000b', 'hex'))).toBe(
      '0000000a-0000-0000-0000-00000000000b',
    )
    expect(valueOfBinary('bool', Buffer.from([1]))).toBe('true')
    expect(valueOfBinary('date', Buffer.from('00000000', 'hex'))).toBe(valueOfText('date', '2000-01-01'))
    expect(valueOfBinary('date', Buffer.from('7fffffff', 'hex'))).toBe(valueOfText('date', 'infinity'))
    expect(valueOfBinary('timestamp', Buffer.from('8000000000000000', 'hex'))).toBe(
      valueOfText('timestamp', '-infinity'),
    )
    expect(valueOfBinary('timestamptz', Buffer.from('ffffffffffffffff', 'hex'))).toBe(
      valueOfText('timestamptz', '1999-12-31 23:59:59.999999Z'),
    )
  })
})

describe('elements of an array', () => {
  it.each([
    ['int', '{}', []],
    ['int', '{1,-2,03}', ['1', '-2', '3']],
    ['text', '{a,"b, \\"c\\"","",NULLS}', ['a', 'b, "c"', '', 'NULLS']],
    ['text', '{"null"}', ['null']],
  ] as const)('of the family %s are read from %j', (family, text, values) => {
    expect(elementsOfText(family, text)).toEqual(values)
  })

  it.each(['{1,NULL}', '{{1,2}}', '[0:1]={1,2}', '{1,}', '{,1}', '{1', '{1}}', '{"1}', '1', '{1 }', '{ 1}'])(
    'are not known of %j',
    (text) => {
      expect(elementsOfText('int', text)).toBeUndefined()
      expect(elementsOfText('text', text)).toBeUndefined()
    },
  )

  it('are read in binary', () => {
    const header = '00000001 00000000 00000017 00000002 00000001'
    const read = (hex: string) => elementsOfBinary('int', Buffer.from(hex.replaceAll(' ', ''), 'hex'))
    expect(read(`${header} 00000004 00000001 00000004 00000007`)).toEqual(['1', '7'])
    expect(read(`${header} 00000004 00000001 ffffffff`)).toBeUndefined()
    expect(read(`${header} 00000004 00000001`)).toBeUndefined()
    expect(read('00000000 00000000 00000017')).toEqual([])
    expect(elementsOfBinary('text', Buffer.from('000000000000000000000017', 'hex'))).toBeUndefined()
  })
})
