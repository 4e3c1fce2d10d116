// The parser against texts made to break it. After each of them the next parse must still be right.

import { beforeAll, describe, expect, it } from 'vitest'
import { openParser, type Parser } from '../../../src/sql/index.ts'
import { nestings, repeat } from './nestings.ts'

let parser: Parser

beforeAll(async () => {
  parser = await openParser()
})

function expectSane(): void {
  const { tree } = parser.parse('select a from b where c = 1')
  expect(tree?.stmts).toEqual([
    {
      stmt: {
        SelectStmt: {
          targetList: [
            {
              ResTarget: {
                val: { ColumnRef: { fields: [{ String: { sval: 'a' } }], location: 7 } },
                location: 7,
              },
            },
          ],
          fromClause: [{ RangeVar: { relname: 'b', inh: true, relpersistence: 'p', location: 14 } }],
          whereClause: {
            A_Expr: {
              kind: 'AEXPR_OP',
              name: [{ String: { sval: '=' } }],
              lexpr: { ColumnRef: { fields: [{ String: { sval: 'c' } }], location: 22 } },
              rexpr: { A_Const: { ival: { ival: 1 }, location: 26 } },
              location: 24,
            },
          },
          limitOption: 'LIMIT_OPTION_DEFAULT',
          op: 'SETOP_NONE',
        },
      },
    },
  ])
}

describe.each(Object.entries(nestings))('nested %s', (_, shape) => {
  it.each([100, 300, 1000, 2400, 10_000, 30_000])('are read or refused %i levels deep, without harm', (levels) => {
    const text = shape(levels)
    const started = performance.now()
    const { tree, failure } = parser.parse(text)
    expect(tree === undefined).toBe(failure !== undefined)
    expect(performance.now() - started).toBeLessThan(1000)
    expect(parser.discardedCount).toBe(0)
    expectSane()
  })
})

describe('the bound', () => {
  it('lets ordinary nesting through', () => {
    for (const [name, shape] of Object.entries(nestings)) {
      if (name !== 'open brackets' && name !== 'comments')
        expect(parser.parse(shape(100)).failure, name).toBeUndefined()
    }
  })

  it('lets long flat texts through', () => {
    const list = Array.from({ length: 8000 }, (_, index) => `$${index + 1}`).join(',')
    expect(parser.parse(`select * from t where id in (${list})`).failure).toBeUndefined()
    const rows = Array.from({ length: 2000 }, (_, index) => `(${index}, 'name ${index}', null)`).join(', ')
    expect(parser.parse(`insert into t values ${rows}`).failure).toBeUndefined()
    const statements = Array.from({ length: 2000 }, (_, index) => `delete from t where id = ${index};`).join('\n')
    expect(parser.parse(statements).failure).toBeUndefined()
  })

  it('does not count what strings and comments hold', () => {
    expect(parser.parse(`select '${repeat('( ', 20_000)}'`).failure).toBeUndefined()
    expect(parser.parse(`select 1 -- ${repeat('( ', 20_000)}`).failure).toBeUndefined()
    expect(parser.parse(`select 1 /* ${repeat('( ', 20_000)}*/`).failure).toBeUndefined()
  })

  it('is not misled by closing brackets', () => {
    expect(parser.parse(`select ${repeat('()', 5000)}${repeat('(', 9000)}`).failure).toBeDefined()
    expect(parser.parse(`${repeat(')', 5000)}${repeat('f(', 5000)}`).failure).toBeDefined()
    expect(parser.discardedCount).toBe(0)
  })

  it('refuses texts that are long by their words, and zero bytes', () => {
    expect(parser.parse(`select 1${repeat(', 1 x', 20_000)}`).failure?.message).toBe('text too long for the parser')
    expect(parser.parse(`select '${repeat('x', 70_000)}'`).failure).toBeUndefined()
    expect(parser.parse('select 1 \0 garbage').failure?.message).toBe('text holds a zero byte')
  })
})

it('reads longer texts where they name what is ours', async () => {
  const own = await openParser()
  own.ownNames = /\binto\s+cache\./
  const rows = repeat(', (1, default, default)', 20_000)
  expect(own.parse(`insert into cache.blobs values (1)${rows}`).failure).toBeUndefined()
  expect(own.parse(`insert into other.blobs values (1)${rows}`).failure?.message).toBe('text too long for the parser')
  const endless = repeat(rows, 3)
  expect(own.parse(`insert into cache.blobs values (1)${endless}`).failure?.message).toBe(
    'text too long for the parser',
  )
})

describe('an instance that failed', () => {
  it('is replaced, and until then nothing is readable', async () => {
    const text = nestings.sums?.(1200) as string
    const fragile = await openParser()
    expect(fragile.parse(text).failure).toBeUndefined()
    expect(nearTheEndOfTheStack(() => fragile.parse(text)).failure?.message).toMatch(/^parser (failed|is being)/)
    expect(fragile.discardedCount).toBe(1)
    expect(fragile.ready).toBe(false)
    expect(fragile.parse('select 1').failure?.message).toBe('parser is being reloaded')
    await fragile.settled()
    expect(fragile.ready).toBe(true)
    expect(fragile.parse('select 1').failure).toBeUndefined()
    expect(fragile.parse(text).failure).toBeUndefined()
  })
})

/** Calls at the deepest place of the stack where the call still answers. */
function nearTheEndOfTheStack<T>(call: () => T): T {
  const descend = (): T => {
    try {
      return descend()
    } catch {
      return call()
    }
  }
  return descend()
}
