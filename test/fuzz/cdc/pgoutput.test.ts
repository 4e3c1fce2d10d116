// Hostile messages for the reader of pgoutput: it reads them or refuses them, says nothing of what is in them, and never takes one
// relation for another.

import { describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { type FeedEvent, UnreadableChange } from '../../../src/cdc/change.ts'
import { PgOutput } from '../../../src/cdc/pgoutput.ts'

const rounds = Number(process.env.ROUNDS ?? 20_000)
const random = Random.fromEnvironment()

const int = (bytes: number, value: number) => {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, Math.max(0, bytes - 4), Math.min(4, bytes))
  return buffer
}
const text = (value: string) => Buffer.from(`${value}\0`)
const of = (sign: string, ...parts: Buffer[]) => Buffer.concat([Buffer.from(sign), ...parts])
const value = (content: string | null | undefined) =>
  typeof content === 'string'
    ? of('t', int(4, Buffer.byteLength(content)), Buffer.from(content))
    : Buffer.from(content === null ? 'n' : 'u')
const row = (...values: (string | null | undefined)[]) => Buffer.concat([int(2, values.length), ...values.map(value)])
const column = (name: string, isKey: boolean) => Buffer.concat([int(1, isKey ? 1 : 0), text(name), int(8, 25)])
const relation = (oid: number, schema: string, name: string, ...columns: Buffer[]) =>
  of('R', int(4, oid), text(schema), text(name), Buffer.from('d'), int(2, columns.length), ...columns)

const item = relation(7, 'public', 'item', column('id', true), column('secret', false))
const odd = relation(8, '', 'Odd "one"', column('é', true))
const seeds = [
  of('B', int(16, 1), int(4, 0xffff_ffff)),
  of('C', int(25, 1)),
  of('O', int(8, 1), text('elsewhere')),
  of('Y', int(4, 9), text('public'), text('mood')),
  of('M', int(1, 1), int(8, 5), text('larder.ddl'), int(4, 3), Buffer.from('1:2')),
  of('T', int(4, 2), int(1, 3), int(4, 7), int(4, 8)),
  item,
  odd,
  of('I', int(4, 7), Buffer.from('N'), row('1', 'hidden')),
  of('U', int(4, 7), Buffer.from('N'), row('1', undefined)),
  of('U', int(4, 7), Buffer.from('K'), row('1', null), Buffer.from('N'), row('2', null)),
  of('U', int(4, 7), Buffer.from('O'), row('1', null), Buffer.from('N'), row('2', '')),
  of('D', int(4, 8), Buffer.from('K'), row('ü')),
]

function reading(): PgOutput {
  const decoder = new PgOutput('some')
  for (const told of [item, odd]) decoder.event(told, true)
  return decoder
}

describe('messages of pgoutput (SQL-14)', () => {
  const read = (message: Buffer) => reading().row(message)
  it('are read to the last byte, keys without what is not in them', () => {
    const table = { schema: 'public', name: 'item' }
    expect(read(seeds[8] as Buffer)).toEqual({
      ...{ kind: 'insert', relation: table, old: undefined },
      new: new Map([
        ['id', '1'],
        ['secret', 'hidden'],
      ]),
    })
    const update = read(seeds[10] as Buffer) as FeedEvent & { kind: 'update' }
    expect([update.old, update.new]).toEqual([
      new Map([['id', '1']]),
      new Map([
        ['id', '2'],
        ['secret', null],
      ]),
    ])
    const unchanged = read(seeds[9] as Buffer) as FeedEvent & { kind: 'update' }
    expect([unchanged.old, unchanged.new?.get('secret'), unchanged.new?.has('secret')]).toEqual([
      ...[undefined, undefined, true],
    ])
    const full = read(seeds[11] as Buffer) as FeedEvent & { kind: 'update' }
    expect(full.old?.get('secret')).toBe(null)
    expect(reading().event(seeds[5] as Buffer, true)).toEqual({
      kind: 'truncate',
      relations: [table, { schema: 'pg_catalog', name: 'Odd "one"' }],
    })
    const decoder = reading()
    expect(decoder.event(seeds[0] as Buffer, true)).toEqual({ kind: 'begin', xid: 0xffff_ffff })
    expect(decoder.event(seeds[1] as Buffer, true)).toEqual({ kind: 'commit', xid: 0xffff_ffff })
    expect(decoder.event(seeds[4] as Buffer, true)).toMatchObject({ prefix: 'larder.ddl', content: '1:2' })
  })

  it.each([
    ['fewer values than its relation has columns', of('I', int(4, 7), Buffer.from('N'), row('1'))],
    ['none', of('I', int(4, 7), Buffer.from('N'), row())],
    ['more', of('I', int(4, 8), Buffer.from('N'), row('1', '2'))],
    ['fewer in its key', of('D', int(4, 7), Buffer.from('K'), row('1'))],
    ['fewer in its new row', of('U', int(4, 7), Buffer.from('O'), row('1', '2'), Buffer.from('N'), row('3'))],
    // To the last byte it looks like a row: the count alone says that it is none.
    ['a count that is not that of its values', of('I', int(4, 7), Buffer.from('N'), int(2, 1), value('1'), value('2'))],
    ['a count beyond its values', of('I', int(4, 7), Buffer.from('N'), int(2, 9), value('1'), value('2'))],
  ])('of a row with %s are refused', (_, message) => {
    expect(() => read(message)).toThrow(UnreadableChange)
  })

  it('that are cut tell whose row it is, or that it may be anybody’s', () => {
    const decoder = reading()
    expect(decoder.event((seeds[8] as Buffer).subarray(0, 9), false)).toMatchObject({ kind: 'insert' })
    expect(decoder.event((seeds[5] as Buffer).subarray(0, 9), false)).toBeUndefined()
    decoder.event(item.subarray(0, 20), false)
    expect(() => decoder.row(seeds[8] as Buffer)).toThrow(UnreadableChange)
  })

  it('that are hostile are read or refused, with nothing of them in what is said', () => {
    for (let round = 0; round < rounds; round++) {
      const message = mutated(random.pick(seeds))
      const decoder = reading()
      for (const attempt of [() => decoder.event(message, random.int(4) > 0), () => decoder.row(message)]) {
        try {
          const event = attempt()
          if (event !== undefined && 'relation' in event) expect(['item', 'Odd "one"']).toContain(event.relation.name)
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableChange)
          expect((error as Error).message).not.toMatch(/hidden|secret|larder/)
        }
      }
    }
  })
})

function mutated(message: Buffer): Buffer {
  let bytes = [...message]
  for (let count = 1 + random.int(4); count > 0; count--) {
    const at = random.int(bytes.length + 1)
    const what = random.int(4)
    if (what === 0) bytes.splice(at, 1 + random.int(5))
    else if (what === 1) bytes.splice(at, 0, random.int(256))
    else if (what === 2) bytes[Math.min(at, bytes.length - 1)] = random.int(256)
    else bytes = bytes.slice(0, at)
  }
  return Buffer.from(bytes)
}
