// Random queries that follow changes, compared with PostgreSQL after every transaction, byte for byte. Changes are what logical decoding tells.
//
//   SEED=123 CASES=20000 npx vitest run --project property test/property/deltas/queries.test.ts
//
// A case that fails is made smaller, statement by statement, and printed as SQL.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { openParser, type Parser } from '../../../src/sql/index.ts'
import { MaintainedStage } from '../../support/maintained-stage.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { type Case, Generator } from '../../support/random-views.ts'

const { CASES = '500' } = process.env
const queriesOfCase = 5

let origin: TestPostgres
let client: pg.Client
let parser: Parser

beforeAll(async () => {
  origin = await openTestPostgres({ parameters: { wal_level: 'logical', max_replication_slots: 10 } })
  client = await origin.connect()
  parser = await openParser()
})

afterAll(() => origin.close())

describe('a query maintained from changes', () => {
  it('answers what PostgreSQL answers after every transaction', { timeout: 3_600_000 }, async () => {
    const random = Random.fromEnvironment()
    const stage = await MaintainedStage.open(client, parser)
    const refusals = new Map<string, number>()
    let maintained = 0
    for (let at = 0; at < Number(CASES) / queriesOfCase; at++) {
      const made = new Generator(random.fork(at)).case(queriesOfCase)
      const outcome = await stage.run(made)
      for (const reason of outcome.refused) refusals.set(reason, (refusals.get(reason) ?? 0) + 1)
      maintained += outcome.maintained
      if (outcome.failure !== undefined) {
        const smallest = await shrink(stage, { ...made, queries: [outcome.failure.query] })
        expect.fail(`case ${at}:\n${asSql(smallest)}\n${(await stage.run(smallest)).failure?.message}`)
      }
    }
    console.log(`${maintained} maintained, refused: ${JSON.stringify([...refusals].sort((a, b) => b[1] - a[1]))}`)
    expect(maintained).toBeGreaterThan(Number(CASES) / 2)
  })
})

async function fails(stage: MaintainedStage, candidate: Case): Promise<boolean> {
  return (await stage.run(candidate)).failure !== undefined
}

/** Leaves out whatever can be left out. */
async function shrink(stage: MaintainedStage, failing: Case): Promise<Case> {
  let smallest = failing
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false
    for (const candidate of smallerThan(smallest)) {
      if (!(await fails(stage, candidate))) continue
      smallest = candidate
      isSmaller = true
      break
    }
  }
  return smallest
}

function* smallerThan(made: Case): Iterable<Case> {
  for (let at = 0; at < made.transactions.length; at++)
    yield { ...made, transactions: made.transactions.toSpliced(at, 1) }
  for (let at = 0; at < made.before.length; at++) yield { ...made, before: made.before.toSpliced(at, 1) }
  for (const [at, statements] of made.transactions.entries())
    for (let of = 0; statements.length > 1 && of < statements.length; of++)
      yield { ...made, transactions: made.transactions.with(at, statements.toSpliced(of, 1)) }
}

function asSql(made: Case): string {
  const transactions = made.transactions.map((statements) => {
    const end = statements.at(-1) === 'rollback' ? [] : ['commit']
    return ['begin', ...statements, ...end].map((statement) => `${statement};`).join('\n')
  })
  return [
    ...made.tables.flatMap(({ ddl }) => ddl).map((text) => `${text};`),
    ...made.before.map((text) => `${text};`),
    ...transactions,
    ...made.queries.map((text) => `${text};`),
  ].join('\n')
}
