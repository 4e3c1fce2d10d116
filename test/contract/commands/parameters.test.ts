// Values in PostgreSQL's binary format and in the text forms of bytea, read here and by PostgreSQL itself.
//
// PostgreSQL's send function gives the bytes of a value; what we make of them must mean that very value to it.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { textOfBinary } from '../../../src/commands/binary-text.ts'
import { byteaOf } from '../../../src/commands/bytea.ts'
import { Parameters } from '../../../src/commands/parameters.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

let postgres: TestPostgres
let client: pg.Client

beforeAll(async () => {
  postgres = await openTestPostgres()
  client = await postgres.connect()
})

afterAll(() => postgres?.close())

const samples: Readonly<Record<string, readonly string[]>> = {
  bool: ['true', 'false'],
  int2: ['-32768', '7'],
  int4: ['-2147483648', '42'],
  int8: ['-9223372036854775808', '9007199254740993'],
  oid: ['4294967295'],
  float4: ['1.5', '-0.1'],
  float8: ['1e300', 'NaN', '-Infinity'],
  text: ['', 'Größe\n"\\'],
  varchar: ['a b'],
  bytea: ['\\x', '\\x00ff5c'],
  json: ['{"a" : [1, 2]}'],
  jsonb: ['{"b": 1, "a": null}'],
  timestamptz: ['2026-01-02 03:04:05.000001+02', '1931-12-31 23:59:59.5Z', 'infinity', '-infinity', '2000-01-01Z'],
  interval: ['1 year 2 mons -3 days 04:05:06.000007', '-1 day', '0', 'infinity'],
  'text[]': ['{}', '{a,"b c",NULL,"q\\"\\\\"}'],
  'bytea[]': ['{"\\\\x00","\\\\xff5c"}'],
  'int8[]': ['{1,-2,NULL}'],
}

const sendFunctions: Readonly<Record<string, string>> = {
  bool: 'boolsend',
  int2: 'int2send',
  int4: 'int4send',
  int8: 'int8send',
  float4: 'float4send',
  float8: 'float8send',
  oid: 'oidsend',
  text: 'textsend',
  varchar: 'varcharsend',
  bytea: 'byteasend',
  json: 'json_send',
  jsonb: 'jsonb_send',
  timestamptz: 'timestamptz_send',
  interval: 'interval_send',
  'text[]': 'array_send',
  'bytea[]': 'array_send',
  'int8[]': 'array_send',
}

describe('a parameter in binary format', () => {
  const cases = Object.entries(samples).flatMap(([type, texts]) => texts.map((text) => [type, text] as const))

  it.each(cases)('of type %s is read as the value it is: %s', async (type, text) => {
    const { rows } = await client.query(
      `select ${sendFunctions[type]}($1::${type}) as sent, '${type}'::regtype::oid::int8 as oid`,
      [text],
    )
    const [row] = rows as { sent: Buffer; oid: string }[]
    const ours = textOfBinary(Number(row?.oid), row?.sent as Buffer)
    const compared =
      type === 'json' ? '($1::json)::text = ($2::json)::text' : `$1::${type} is not distinct from $2::${type}`
    expect((await client.query(`select ${compared} as equal`, [ours, text])).rows, ours).toEqual([{ equal: true }])
  })

  it('of a type that is not read here is refused by name, and broken bytes as such', () => {
    expect(() => textOfBinary(600, Buffer.alloc(16))).toThrow(expect.objectContaining({ sqlstate: '0A000' }))
    expect(() => textOfBinary(20, Buffer.alloc(3))).toThrow(expect.objectContaining({ sqlstate: '22P03' }))
  })
})

describe('a bytea in text format', () => {
  it.each(['hello', '\\x48 65\n6c', '\\x', '', 'a\\\\b\\001\\377', 'ü\\\\x'])(
    'is read as PostgreSQL reads it: %s',
    async (text) => {
      const { rows } = await client.query('select $1::bytea as value', [text])
      expect(byteaOf(Buffer.from(text)).toString('hex')).toBe((rows[0] as { value: Buffer }).value.toString('hex'))
    },
  )

  it.each(['\\xabc', '\\x4g', 'a\\b', '\\4', '\\400', '\\x4 8'])(
    'is refused where PostgreSQL refuses it: %s',
    async (text) => {
      await expect(client.query('select $1::bytea', [text])).rejects.toThrow()
      expect(() => byteaOf(Buffer.from(text))).toThrow(expect.objectContaining({ sqlstate: '22P02' }))
    },
  )
})

describe('a parameter as bytes', () => {
  const raw = (text: string, isBinary = false) => [{ bytes: Buffer.from(text), isBinary }]

  it('is what the client sent, unless a bytea came as text', () => {
    expect(new Parameters(raw('\\x41'), [], [17]).bytes(1)).toEqual(Buffer.from('A'))
    expect(new Parameters(raw('\\x41'), [25], [17]).bytes(1)).toEqual(Buffer.from('\\x41'))
    expect(new Parameters(raw('\\x41'), [], [25]).bytes(1)).toEqual(Buffer.from('\\x41'))
    expect(new Parameters(raw('\\x41', true), [], [17]).bytes(1)).toEqual(Buffer.from('\\x41'))
    expect(new Parameters(raw('\u0001{}', true), [3802], []).bytes(1)).toEqual(Buffer.from('{}'))
    expect(new Parameters([undefined], [], []).bytes(1)).toBeNull()
  })
})
