// The lists of the room against real servers: keywords, types, functions, and what is a syntax error.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isBuiltinType } from '../../../src/sql/builtin-types.ts'
import { analyse, openParser, stableFunctionsInKey } from '../../../src/sql/index.ts'
import { keywordAt } from '../../../src/sql/keywords.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import { corpus } from '../../unit/sql/corpus.ts'

describe.each(await availableVersions())('Postgres %i', (version) => {
  let postgres: TestPostgres
  let client: pg.Client

  beforeAll(async () => {
    postgres = await openTestPostgres({ version })
    client = await postgres.connect()
  })

  afterAll(() => postgres.close())

  async function words(query: string): Promise<string[]> {
    const { rows } = await client.query<{ word: string }>(query)
    return rows.map(({ word }) => word)
  }

  it.runIf(version === 18)('has no keyword that is not known here', async () => {
    const unknown = (await words('select word from pg_get_keywords()')).filter(
      (word) => keywordAt(word, 0, word.length) !== word,
    )
    expect(unknown).toEqual([])
  })

  it('has no built-in type that is taken for a user type', async () => {
    const types = await words(
      `select typname as word from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype <> 'c'
       and typname !~ '^_?pg_(brin|dependencies|mcv|ndistinct|ddl)' and typelem not in (select oid from pg_type where typtype = 'c')
       and typname <> '_record'`,
    )
    expect(types.length).toBeGreaterThan(150)
    expect(types.filter((name) => !isBuiltinType({ schema: undefined, name }))).toEqual([])
  })

  it('has no volatile function under a name that is allowed, and knows nearly all of these names', async () => {
    const names = `'{${[...stableFunctionsInKey].join(',')}}'::name[]`
    const found = await client.query<{ name: string; volatile: boolean }>(
      `select proname as name, bool_or(provolatile = 'v') as volatile from pg_proc
       where pronamespace = 'pg_catalog'::regnamespace and proname = any (${names}) group by 1`,
    )
    expect(found.rows.filter((row) => row.volatile)).toEqual([])
    // Some came with later versions: json_agg_strict, date_add, system_user.
    expect(found.rows.length).toBeGreaterThan(stableFunctionsInKey.size - (version === 18 ? 1 : 16))
  })

  it('does not read the catalogue through any function that is allowed', () => {
    const suspects = [...stableFunctionsInKey].filter((name) =>
      /^(pg_(?!client_encoding)|has_|obj_|col_|to_reg|txid|inet_)/.test(name),
    )
    expect(suspects).toEqual([])
  })

  it.runIf(version === 18)('finds a syntax error where the parser finds one, and nowhere else', async () => {
    const parser = await openParser()
    const disagreements: string[] = []
    for (const { text } of corpus) {
      const statement = analyse(parser, text, { virtualSchema: 'cache' })
      const message = await syntaxErrorOf(client, text)
      if (statement.syntaxError?.message !== message) disagreements.push(`${text}: ${message}`)
    }
    expect(disagreements).toEqual([])
  })
})

/**
 * The server's error if its grammar refuses the text; nothing is run. In a failed transaction block every text is still
 * read by the grammar, and then refused for the block's sake.
 */
async function syntaxErrorOf(client: pg.Client, text: string): Promise<string | undefined> {
  await client.query('rollback')
  await client.query('begin')
  await errorOf(client, 'select 1 / 0')
  const error = await errorOf(client, text)
  return error?.code === '42601' ? error.message : undefined
}

async function errorOf(client: pg.Client, text: string): Promise<{ code: string; message: string } | undefined> {
  try {
    await client.query(text)
    return undefined
  } catch (error) {
    return error as { code: string; message: string }
  }
}
