// Queries of TPC-H that are maintained from changes, at a small scale, compared with PostgreSQL while orders and lines come, change and go.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeOf, followed, insertsOf, queries, TpchRows, tables } from '../../../bench/parts/tpch.mjs'
import { Random } from '../../../src/base/index.ts'
import { openParser } from '../../../src/sql/index.ts'
import { MaintainedStage } from '../../support/maintained-stage.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const { CHANGES = '400' } = process.env

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
      for (const text of insertsOf(made, name)) await client.query(text)
    }
    const stage = await MaintainedStage.open(client, await openParser())
    await stage.know(Object.keys(tables))
    expect(
      await stage.maintain(followed.map((number: number) => (queries as Record<number, string>)[number] as string)),
    ).toEqual([])
    expect(await stage.compare()).toBeUndefined()
    // At this scale two of them have no rows now and then.
    expect(stage.rowCounts().filter((count) => count > 0).length).toBeGreaterThan(followed.length - 4)
    for (let at = 0; at < Number(CHANGES); at++) {
      for (const text of changeOf(made)) await client.query(text)
      if (at % 20 !== 19) continue
      expect(await stage.follow()).toBeUndefined()
      expect(await stage.compare()).toBeUndefined()
    }
  })

  it('says why of the others', async () => {
    const stage = new MaintainedStage(client, await openParser())
    await stage.know(Object.keys(tables))
    const others = Object.entries(queries).filter(([number]) => !followed.some((one: number) => String(one) === number))
    for (const [number, text] of others) {
      const [reason] = await stage.maintain([text])
      expect([number, reason]).toEqual([number, expect.stringContaining('is not maintained from changes')])
    }
  })
})
