// An origin that ends a session in the middle of a statement: the client hears the origin's words, once, and nothing behind them.

import pg from 'pg'
import { expect, it } from 'vitest'
import { openLarder } from '../../support/larder.ts'
import { openTestPostgres } from '../../support/postgres.ts'

/** What the server says up to the end of the connection. */
async function wordsOf(url: string, texts: readonly string[]): Promise<readonly string[]> {
  const client = new pg.Client(url)
  const words: string[] = []
  client.on('error', () => undefined)
  client.connection.on('errorMessage', (error: pg.DatabaseError) =>
    words.push(`${error.severity} ${error.code} ${error.message}`),
  )
  const ended = new Promise((resolve) => client.connection.once('end', resolve))
  await client.connect()
  for (const text of texts) await client.query(text).catch(() => undefined)
  await ended
  return words
}

it.each([
  [['insert into item values (4); select pg_terminate_backend(pg_backend_pid())']],
  [['begin', 'insert into item values (5)', 'select pg_terminate_backend(pg_backend_pid())']],
])('a FATAL of the origin is the last word: %j', async (texts) => {
  const origin = await openTestPostgres()
  const client = await origin.connect()
  await client.query('create table item (id int)')
  const larder = await openLarder({ upstream: origin.url })
  try {
    const straight = await wordsOf(origin.url, texts)
    expect(straight.at(-1)).toMatch(/^FATAL/)
    expect(await wordsOf(larder.url(), texts)).toEqual(straight)
  } finally {
    await larder.close()
    await origin.close()
  }
})
