// Queries of TPC-H that are maintained from changes, at a small scale, compared with PostgreSQL while orders and lines come, change and go.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { queries, TpchRows, tables } from '../../../bench/parts/tpch.mjs'
import { Random } from '../../../src/base/index.ts'
import { openParser } from '../../../src/sql/index.ts'
import { MaintainedStage } from '../../support/maintained-stage.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const { CHANGES = '400' } = process.env

const maintained = [1, 3, 5, 6, 7, 8, 9, 10, 12, 13, 14] as const

let origin: TestPostgres
let client: pg.Client

beforeAll(async () => {
  origin = await openTestPostgres({ parameters: { wal_level: 'logical', max_replication_slots: 10 } })
  const first = await origin.connect()
  await first.query("create database tpch template template0 lc_collate 'C' lc_ctype 'C'")
  client = await origin.connect({ database: 'tpch' })
})

afterAll(() => origin.close())

describe('TPC-H, maintained from changes', () => {
  it('answers as PostgreSQL does after every batch of changes', { timeout: 600_000 }, async () => {
    const random = Random.fromEnvironment()
    const made = new TpchRows(0.002, (bound: number) => random.int(bound))
    for (const [name, ddl] of Object.entries(tables)) {
      await client.query(ddl)
      await insert(name, [...made.of(name)])
    }
    const stage = await MaintainedStage.open(client, await openParser())
    await stage.know(Object.keys(tables))
    expect(await stage.maintain(maintained.map((number) => queries[number]))).toEqual([])
    expect(await stage.compare()).toBeUndefined()
    expect(stage.rowCounts()).not.toContain(0)
    for (let at = 0; at < Number(CHANGES); at++) {
      await change(random, made)
      if (at % 20 !== 19) continue
      expect(await stage.follow()).toBeUndefined()
      expect(await stage.compare()).toBeUndefined()
    }
  })

  it('says why of the others', async () => {
    const stage = new MaintainedStage(client, await openParser())
    await stage.know(Object.keys(tables))
    const others = Object.entries(queries).filter(([number]) => !maintained.some((one) => String(one) === number))
    for (const [number, text] of others) {
      const [reason] = await stage.maintain([text])
      expect([number, reason]).toEqual([number, expect.stringContaining('is not maintained from changes')])
    }
  })
})

async function insert(table: string, rows: readonly (readonly (string | number)[])[]): Promise<void> {
  const lines = rows.map((row) => `(${row.map((cell) => `'${String(cell).replaceAll("'", "''")}'`).join(', ')})`)
  for (let at = 0; at < lines.length; at += 500)
    await client.query(`insert into ${table} values ${lines.slice(at, at + 500).join(', ')}`)
}

async function change(random: Random, made: TpchRows): Promise<void> {
  const order = 1 + random.int(made.counts.orders + 50)
  const way = random.int(6)
  if (way === 0) {
    await client.query('begin')
    await client.query('delete from orders where o_orderkey = $1', [order])
    await client.query('delete from lineitem where l_orderkey = $1', [order])
    await insert('orders', [made.order(order)])
    await insert('lineitem', [...made.lines(order)])
    await client.query(random.chance(0.9) ? 'commit' : 'rollback')
    return
  }
  const key = [order]
  if (way === 1) await client.query('delete from lineitem where l_orderkey = $1 and l_linenumber > 2', key)
  if (way === 2)
    await client.query(
      "update orders set o_orderdate = o_orderdate + 200, o_orderpriority = '1-URGENT' where o_orderkey = $1",
      key,
    )
  if (way === 3)
    await client.query("update lineitem set l_discount = 0.06, l_returnflag = 'R' where l_orderkey = $1", key)
  if (way === 4)
    await client.query("update customer set c_mktsegment = 'BUILDING', c_nationkey = $2 where c_custkey = $1", [
      1 + (order % made.counts.customer),
      random.int(25),
    ])
  if (way === 5)
    await client.query("update part set p_type = 'PROMO PLATED TIN' where p_partkey = $1", [
      1 + (order % made.counts.part),
    ])
}
