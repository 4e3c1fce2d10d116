// Passwords are the origin's business: what it asks of a client, the client is asked, and its verdict is final.

import pg from 'pg'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { useClientStage } from './client-stage.ts'

const stage = useClientStage({
  hba: `local all postgres trust
local all scram_user scram-sha-256
local all md5_user md5
local all plain_user password
local all barred reject
`,
  schema: `
    create role scram_user login password 'correct horse';
    create role plain_user login password 'battery';
    create role barred login;
    set password_encryption = md5;
    create role md5_user login password 'staple';
    create table item (id int);
    grant select on item to public`,
})

const passwords = { scram_user: 'correct horse', md5_user: 'staple', plain_user: 'battery' }

for (const [user, password] of Object.entries(passwords)) {
  describe(`a client that logs in as ${user}`, () => {
    it('is let in with its password, and reads as itself', async () => {
      const client = await stage.larder.connect({ user, password })
      for (let round = 0; round < 2; round++) {
        const { rows } = await client.query('select current_user as who, count(*)::int as n from item')
        expect(rows).toEqual([{ who: user, n: 0 }])
      }
      const sql = postgres(stage.larder.url(user), { max: 1, password })
      expect(await sql`select current_user as who`).toEqual([{ who: user }])
      await sql.end()
    })

    it('is refused without it, as the origin refuses', async () => {
      expect(await refusal(stage.larder.connect({ user, password: 'wrong' }))).toEqual(
        await refusal(stage.origin.connect({ user, password: 'wrong' })),
      )
    })
  })
}

describe('a client that the origin does not want', () => {
  it('is refused as the origin refuses', async () => {
    expect(await refusal(stage.larder.connect({ user: 'barred' }))).toEqual(
      await refusal(stage.origin.connect({ user: 'barred' })),
    )
  })
})

async function refusal(connecting: Promise<pg.Client>): Promise<object> {
  const error: unknown = await connecting.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof pg.DatabaseError)) throw new Error(`not refused by the server: ${error}`)
  return { ...error, message: error.message }
}
