// Our results as frames, read back by the tests' own protocol code and by pg's types.

import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { encodeDataRow, encodeResult, encodeRowDescription, type ResultColumn } from '../../../src/commands/index.ts'
import { fieldsOf, valuesOf } from '../../support/wire-client.ts'

const at = Date.UTC(2024, 0, 31, 12, 30, 0, 250)

const samples: readonly [ResultColumn['type'], unknown, string, string | undefined][] = [
  ['text', 'é', 'é', 'c3a9'],
  ['int8', -2, '-2', 'fffffffffffffffe'],
  ['float8', 0.5, '0.5', '3fe0000000000000'],
  ['bool', true, 't', '01'],
  ['timestamptz', at, '2024-01-31 12:30:00.25+00', '0002b33a4d51ad10'],
  ['timestamptz', Date.UTC(2000, 0, 1), '2000-01-01 00:00:00+00', '0000000000000000'],
  ['interval', 1500, '00:00:01.5', '000000000016e36000000000' + '00000000'],
  ['interval', 90_061_000, '1 day 01:01:01', undefined],
  ['interval', 172_800_000, '2 days 00:00:00', undefined],
  ['oid', 4_000_000_000, '4000000000', 'ee6b2800'],
  ['pg_lsn', '1/A', '1/A', '000000010000000a'],
  ['jsonb', { a: 1 }, '{"a": 1}', '017b2261223a20317d'],
  ['bytea', Buffer.from([0, 255]), '\\x00ff', '00ff'],
  ['text[]', ['a', null], '{a,NULL}', '00000001000000010000001900000002000000010000000161ffffffff'],
  ['oid[]', [], '{}', '00000000000000000000001a'],
  ['record', ['a b', null, true, ''], '("a b",,t,"")', undefined],
  ['void', '', '', ''],
]

describe('values', () => {
  it.each(samples)('of type %s: %j', (type, value, text, binary) => {
    const columns = [{ name: 'c', type }]
    const read = (format: number) => valuesOf({ type: 'D', bytes: encodeDataRow(columns, [value], [format]) })[0]
    expect(read(0)?.toString()).toBe(text)
    if (binary !== undefined && type !== 'timestamptz') expect(read(1)?.toString('hex')).toBe(binary)
  })

  it('are NULL when there is none', () => {
    const columns = [{ name: 'c', type: 'int8' as const }]
    expect(valuesOf({ type: 'D', bytes: encodeDataRow(columns, [undefined]) })).toEqual([null])
    expect(valuesOf({ type: 'D', bytes: encodeDataRow(columns, [null], [1]) })).toEqual([null])
  })

  it('in binary are what pg reads', () => {
    const columns = [{ name: 'at', type: 'timestamptz' as const }]
    const [bytes] = valuesOf({ type: 'D', bytes: encodeDataRow(columns, [at], [1]) })
    expect(pg.types.getTypeParser(1184, 'binary')(bytes as unknown as string)).toEqual(new Date(at))
  })
})

describe('results', () => {
  it('have a description, rows and a tag', () => {
    const columns = [
      { name: 'kind', type: 'text' as const },
      { name: 'entries', type: 'int8' as const },
    ]
    const notices = [{ severity: 'NOTICE' as const, sqlstate: '00000', message: 'm' }]
    const bytes = encodeResult({ tag: 'FLUSH CACHE', columns, rows: [['all', 3]], notices }, [0, 1])
    const types: string[] = []
    for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at + 1) + 1)
      types.push(String.fromCharCode(bytes[at] as number))
    expect(types.join('')).toBe('NTDC')
    const description = encodeRowDescription(columns, [0, 1]) as Buffer
    expect(fieldsOf({ type: 'T', bytes: description })).toEqual([
      { name: 'kind', tableOid: 0, typeOid: 25, format: 0 },
      { name: 'entries', tableOid: 0, typeOid: 20, format: 1 },
    ])
  })

  it('without columns are a tag alone', () => {
    expect(encodeRowDescription([])).toBeUndefined()
    expect(encodeResult({ tag: 'SET', columns: [], rows: [] }).toString('latin1')).toBe('C\0\0\0\x08SET\0')
  })
})
