// pgbench, which loads tables by COPY, speaks every protocol and pipelines: its books must balance, for who reads through Larder too.
// Where the machine has no pgbench there is nothing to run.

import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { useClientStage } from './client-stage.ts'

const places = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/lib/postgresql/15/bin',
  '/usr/lib/postgresql/16/bin',
]
const pgbench = places.map((directory) => join(directory, 'pgbench')).find(existsSync)

const directory = mkdtempSync(join(tmpdir(), 'larder-pgbench-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const stage = useClientStage()

async function run(...args: string[]): Promise<string> {
  const { host, port } = stage.larder
  const where = ['-h', host, '-p', String(port), '-U', 'postgres']
  const { stdout } = await promisify(execFile)(pgbench as string, [...where, ...args, 'postgres'])
  return stdout
}

/** What of the books must agree: all that was moved, and what lies in three kinds of accounts. */
async function books(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query(`select (select sum(delta) from pgbench_history) as moved,
    (select sum(abalance) from pgbench_accounts) as accounts, (select sum(tbalance) from pgbench_tellers) as tellers,
    (select sum(bbalance) from pgbench_branches) as branches, (select count(*) from pgbench_history) as entries`)
  return rows[0]
}

/** Several messages on their way at once, reads among the writes. */
const pipelined = `\\set aid random(1, 1000)
\\set delta random(-500, 500)
\\startpipeline
begin;
update pgbench_accounts set abalance = abalance + :delta where aid = :aid;
select abalance from pgbench_accounts where aid = :aid;
update pgbench_tellers set tbalance = tbalance + :delta where tid = 1;
update pgbench_branches set bbalance = bbalance + :delta where bid = 1;
insert into pgbench_history (tid, bid, aid, delta, mtime) values (1, 1, :aid, :delta, current_timestamp);
end;
select count(*) from pgbench_branches;
\\endpipeline
`

describe.runIf(pgbench !== undefined)('pgbench', () => {
  const ways: Readonly<Record<string, readonly string[]>> = {
    'in simple queries': ['-M', 'simple'],
    'in extended messages': ['-M', 'extended'],
    'with prepared statements': ['-M', 'prepared'],
    'in pipelines': ['-M', 'extended', '-f', join(directory, 'pipelined.sql')],
    'in pipelines of prepared statements': ['-M', 'prepared', '-f', join(directory, 'pipelined.sql')],
    'and reads alone': ['-M', 'prepared', '-S'],
  }

  it('loads its tables', async () => {
    await run('-i', '-q')
    const client = await stage.larder.connect()
    expect((await client.query('select count(*)::int as n from pgbench_accounts')).rows).toEqual([{ n: 100_000 }])
  })

  it.each(Object.entries(ways))('keeps its books %s', async (_, args) => {
    writeFileSync(join(directory, 'pipelined.sql'), pipelined)
    const [through, straight] = [await stage.larder.connect(), await stage.origin.connect()]
    const before = (await books(through)) as { entries: string }
    expect(await books(through)).toEqual(before)
    expect(await run('-n', '-c', '4', '-t', '40', ...args)).toContain(
      'number of transactions actually processed: 160/160',
    )
    const after = (await books(through)) as Record<string, string>
    expect(after).toEqual(await books(straight))
    expect(Number(after.entries) - Number(before.entries)).toBe(args.includes('-S') ? 0 : 160)
    expect([after.accounts, after.tellers, after.branches]).toEqual([after.moved, after.moved, after.moved])
  })
})
