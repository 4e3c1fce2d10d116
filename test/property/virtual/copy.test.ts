// Every value a row may hold comes back from PostgreSQL as it went in, through COPY and through rows in a text for the
// origin.

import fc from 'fast-check'
import type pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { analyse, openParser } from '../../../src/sql/index.ts'
import { planVirtual, type ResultRow, VirtualSession } from '../../../src/virtual/index.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { openSystemDatabase } from '../../support/system-database.ts'
import { runSimple } from '../../support/virtual-runner.ts'
import { resultRow, sourcesWith, viewerWith } from '../../support/virtual-sources.ts'

const { seed } = Random.fromEnvironment()
const parser = await openParser()
const system = openSystemDatabase()
let current: readonly Partial<ResultRow>[] = []
const sources = sourcesWith({
  results: () => current.map((value, index) => resultRow({ ...value, key: String(index) })),
})
const session = new VirtualSession({ database: system.database, sources, rowCountMax: () => 10 })
let origin: TestPostgres
let client: pg.Client

beforeAll(async () => {
  origin = await openTestPostgres()
  client = await origin.connect()
})

afterAll(async () => {
  session.close()
  await origin?.close()
  await system.close()
})

const odd = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.replaceAll('\0', ''))
const pieces = fc.array(fc.constantFrom('$rows$', '\\', '\\.', "'", '"', '\n', '\t', '\\N', 'é', '😀', '{', ','), {
  maxLength: 6,
})
const textValue = fc.oneof(
  odd,
  pieces.map((parts) => parts.join('')),
)
const rowValues = fc.record({
  statement: textValue,
  parameters: fc.option(fc.array(fc.option(textValue), { maxLength: 3 }), { nil: undefined }),
  tags: fc.array(textValue, { maxLength: 3 }),
  relations: fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 3 }),
  hits: fc.maxSafeNat(),
  savedMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  createdAtMs: fc.integer({ min: 0, max: 4e12 }),
})

const columns = `statement, parameters, tags, relations::text, hits, saved_ms::text,
  (extract(epoch FROM created_at) * 1000)::pg_catalog.int8`

it('comes back as it went in', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rowValues, { minLength: 1, maxLength: 5 }), async (values) => {
      current = values
      const { rows, error } = await runSimple(
        session,
        'SELECT to_json(ARRAY[to_json(statement), to_json(parameters), to_json(tags)]) FROM cache.results ORDER BY key',
      )
      expect(error).toBeUndefined()
      const expected = values.map(({ statement, parameters, tags }) => [statement, parameters ?? null, tags])
      expect(rows.map(([json]) => JSON.parse(json as string))).toEqual(expected)

      const sql = `SELECT ${columns} FROM cache.results, (SELECT) AS mine, pg_class WHERE relname = 'pg_class' ORDER BY key`
      const statement = analyse(parser, sql, { virtualSchema: 'cache' })
      const plan = planVirtual(sql, statement, { parser, schemaName: 'cache', admin: false })
      if (plan.kind !== 'inline') throw new Error(plan.kind)
      const answer = await client.query({ text: plan.inlined.render(sources, viewerWith(), 10).text, rowMode: 'array' })
      expect(answer.rows).toEqual(
        values.map((value, index) => [
          ...(expected[index] as unknown[]),
          `{${value.relations.join(',')}}`,
          String(value.hits),
          expect.anything(),
          String(value.createdAtMs),
        ]),
      )
      expect(answer.rows.map((row) => Number(row[5]))).toEqual(values.map(({ savedMs }) => savedMs + 0))
    }),
    { seed, numRuns: 50 },
  )
})
