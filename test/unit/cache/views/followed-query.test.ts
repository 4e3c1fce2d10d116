// A query that is filled while the stream tells of transactions: which of these are in its snapshot is known by where they end.

import { describe, expect, it } from 'vitest'
import { FollowedQuery } from '../../../../src/cache/views/followed-query.ts'
import { MaintainedQuery, type RelationFacts, typeOf } from '../../../../src/deltas/index.ts'
import { sharedParser } from '../../../support/shared-parser.ts'

const bytewise = { isDeterministic: true, isBytewise: true }
const facts: RelationFacts = {
  oid: 1,
  name: 't',
  columns: [
    { name: 'id', type: typeOf(23, -1, bytewise) },
    { name: 'n', type: typeOf(23, -1, bytewise) },
  ],
  key: ['id'],
}
const relation = { schema: 'public', name: 't', facts, mark: '' }

async function filledWith(rows: readonly (readonly [number, number])[]): Promise<MaintainedQuery> {
  const { tree } = (await sharedParser()).parse('select id, n from t order by id')
  const query = new MaintainedQuery(tree?.stmts[0]?.stmt, () => facts)
  for (const row of rows) query.sources.get(1)?.add(textsOf(row))
  return query
}

function textsOf([id, n]: readonly [number, number]): ReadonlyMap<string, string> {
  return new Map([
    ['id', String(id)],
    ['n', String(n)],
  ])
}

function watching(bytesMax = 1e9): FollowedQuery {
  const query = new FollowedQuery({ id: 'v', text: '', searchPath: '', owner: undefined }, () => bytesMax)
  query.watch([relation], () => 't')
  return query
}

const named = { schema: 'public', name: 't' }
const inserted = (id: number, n: number) =>
  ({ kind: 'insert', relation: named, old: undefined, new: textsOf([id, n]) }) as const
const updated = (id: number, n: number) =>
  ({ kind: 'update', relation: named, old: undefined, new: textsOf([id, n]) }) as const

describe('a query that is filled', () => {
  it('takes what ends behind the snapshot, and nothing before', async () => {
    const query = watching()
    query.tell(1, inserted(1, 1), 10n)
    query.committed(700, 20n)
    query.tell(1, inserted(2, 2), 20n)
    query.committed(701, 30n)
    query.fill({ query: await filledWith([[1, 1]]), relations: [relation], from: 20n, bytes: 0, description: [] })
    expect(query.query?.texts()).toEqual([
      ['1', '1'],
      ['2', '2'],
    ])
  })

  it('holds back what comes behind the filling until it is known where it ends', async () => {
    const query = watching()
    query.fill({ query: await filledWith([[1, 1]]), relations: [relation], from: 20n, bytes: 0, description: [] })
    query.tell(1, inserted(1, 1), 10n)
    expect(query.query?.texts()).toEqual([['1', '1']])
    query.committed(700, 20n)
    query.tell(1, updated(1, 5), 20n)
    expect(query.query?.texts()).toEqual([['1', '5']])
  })

  it('tells a transaction in its order also when it is filled in the middle of it', async () => {
    const query = watching()
    query.tell(1, inserted(2, 1), 30n)
    query.fill({ query: await filledWith([[1, 1]]), relations: [relation], from: 20n, bytes: 0, description: [] })
    query.tell(1, updated(2, 2), 30n)
    query.committed(700, 40n)
    expect(query.query?.texts()).toEqual([
      ['1', '1'],
      ['2', '2'],
    ])
  })

  it('names the transactions that are in it and may not be visible', async () => {
    const query = watching()
    query.fill({ query: await filledWith([]), relations: [relation], from: 20n, bytes: 0, description: [] })
    query.tell(1, inserted(1, 1), 30n)
    query.committed(700, 40n)
    query.committed(701, 50n)
    expect(query.unshown).toEqual([700])
  })

  it('answers nothing once what was told does not fit', async () => {
    const query = watching()
    query.fill({ query: await filledWith([]), relations: [relation], from: 20n, bytes: 0, description: [] })
    expect(() => query.tell(1, updated(1, 1), 30n)).toThrow('a row is not known')
    query.fail('failed', 'a row is not known')
    expect(query.query).toBeUndefined()
  })

  it('is given up when its rows take too much memory, also those that are held back', async () => {
    for (const isFilled of [true, false]) {
      const query = watching(1_000_000)
      if (isFilled)
        query.fill({ query: await filledWith([]), relations: [relation], from: 20n, bytes: 0, description: [] })
      let toldCount = 0
      const tell = () => {
        for (; toldCount < 100_000; toldCount++) query.tell(1, inserted(toldCount, 1), 30n)
      }
      expect(tell).toThrow('its rows take more than 1000000 bytes of memory')
      expect(toldCount).toBeGreaterThan(2000)
      expect(toldCount).toBeLessThan(10_000)
      expect(query.bytes).toBeGreaterThan(1_000_000)
    }
  })

  it('has room again when rows go', async () => {
    const query = watching(1_000_000)
    query.fill({ query: await filledWith([]), relations: [relation], from: 20n, bytes: 0, description: [] })
    for (let id = 0; id < 50_000; id++) {
      query.tell(1, inserted(id, 1), 30n)
      if (id >= 1000)
        query.tell(1, { kind: 'delete', relation: named, old: textsOf([id - 1000, 1]), new: undefined }, 30n)
    }
    expect(query.bytes).toBeLessThan(500_000)
  })
})
