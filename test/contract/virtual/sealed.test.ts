// What a statement over the virtual schema can reach: the rows its viewer may see, and nothing else (SQL-27).

import { afterAll, describe, expect, it } from 'vitest'
import { VirtualSession } from '../../../src/virtual/index.ts'
import { openSystemDatabase } from '../../support/system-database.ts'
import { runBatch, runSimple } from '../../support/virtual-runner.ts'
import { resultRow, sourcesWith } from '../../support/virtual-sources.ts'
import { bind, execute, parse } from '../../support/wire-client.ts'

const system = openSystemDatabase()
const sources = sourcesWith({
  results: () => [
    resultRow({ key: 'a', role: 'alice' }),
    resultRow({ key: 'b', role: 'bob', statement: "select 'secret'" }),
  ],
})
const session = new VirtualSession({ database: system.database, sources, rowCountMax: () => 1000 })

afterAll(async () => {
  session.close()
  await system.close()
})

describe('a statement', () => {
  it.each([
    ["SELECT pg_read_file('/etc/passwd')", '42501'],
    ["SELECT pg_ls_dir('.')", '42501'],
    ["COPY cache.results TO '/tmp/larder-leak'", '42501'],
    ["COPY cache.results TO PROGRAM 'true'", '42501'],
    ["COPY cache.results FROM PROGRAM 'true'", '42501'],
    ['COPY cache.results FROM STDIN', '25006'],
    ["INSERT INTO cache.results (key) VALUES ('x')", '0A000'],
    ["WITH w AS (INSERT INTO cache.results (key) VALUES ('x') RETURNING 1) SELECT * FROM w", '25006'],
    ["EXPLAIN ANALYZE INSERT INTO cache.results (key) VALUES ('x')", '25006'],
    ["SELECT query_to_xml('INSERT INTO cache.results (key) VALUES (1)', true, true, '')", '0A000'],
    ["DO $$BEGIN INSERT INTO cache.results (key) VALUES ('x'); END$$", '0A000'],
    ['SET TRANSACTION READ WRITE', '0A000'],
    ["SELECT set_config('transaction_read_only', 'off', true)", '25001'],
    ["SELECT set_config('role', 'larder_system', false)", '42501'],
    ["SELECT set_config('session_authorization', 'larder_system', false)", '42501'],
    ["SELECT set_config('role', 'bob', false)", '42501'],
    ['CREATE TEMP TABLE t (i int)', '0A000'],
    ['EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1', '42501'],
    ['DROP TABLE cache.results', '0A000'],
    ['TRUNCATE cache.results', '0A000'],
    ['ALTER SYSTEM SET work_mem = 1', '0A000'],
    ["SELECT lo_import('/etc/passwd')", '42501'],
    ['SELECT rolpassword FROM pg_authid', '42501'],
    ['LOCK cache.results', '0A000'],
    ['/* a */ -- b\n COMMIT', '0A000'],
    ['SELECT 1; ROLLBACK', '0A000'],
  ])('may not %s', async (sql, sqlstate) => {
    await runSimple(session, 'SELECT 1', { viewer: { role: 'bob', loginRole: 'bob' } })
    const { error } = await runSimple(session, sql)
    expect(error?.get('C'), error?.get('M')).toBe(sqlstate)
  })

  it('cannot end the transaction it is in and leave rows behind', async () => {
    for (const frames of [
      [parse('', 'COMMIT'), bind(), execute()],
      [
        parse('', 'COMMIT'),
        bind(),
        execute(),
        parse('', "INSERT INTO cache.results (key) VALUES ('x')"),
        bind(),
        execute(),
      ],
    ]) {
      await runBatch(session, frames, { relations: [] })
    }
    await runSimple(session, "COMMIT; INSERT INTO cache.results (key) VALUES ('x')", { relations: [] })
    const other = new VirtualSession({ database: system.database, sources: sourcesWith(), rowCountMax: () => 9 })
    expect((await runSimple(other, 'SELECT count(*) FROM cache.results')).rows).toEqual([['0']])
    other.close()
  })

  it('does not see what another session has copied', async () => {
    const other = new VirtualSession({ database: system.database, sources, rowCountMax: () => 1000 })
    const slow = runSimple(other, 'SELECT count(*) FROM cache.results, LATERAL (SELECT pg_sleep(0.2)) s')
    const seen = new Set<string>()
    let isDone = false
    slow.then(() => {
      isDone = true
    })
    while (!isDone) {
      const { rows } = await runSimple(session, 'SELECT count(*) FROM cache.results', { relations: [] })
      seen.add(String(rows[0]?.[0]))
    }
    expect((await slow).rows).toEqual([['2']])
    expect([...seen]).toEqual(['0'])
    other.close()
  })
})

describe('rows', () => {
  const count = async (sql: string, viewer: object) => (await runSimple(session, sql, { viewer })).rows
  const sql = 'SELECT key, statement, parameters FROM cache.results ORDER BY 1'
  const nobody = { isAdmin: false, isMonitor: false, canRead: false, memberOf: (role: string) => role === 'alice' }

  it('are hidden from who has no standing, without an error', async () => {
    expect(await count(sql, nobody)).toEqual([])
    expect(await count('SELECT count(*) FROM cache.stats', nobody)).toEqual([['0']])
    expect((await count('SELECT count(*) FROM cache.reasons', nobody))[0]?.[0]).not.toBe('0')
  })

  it('of its own roles are what a reader sees, contents included', async () => {
    expect(await count(sql, { ...nobody, canRead: true })).toEqual([['a', 'select 42', '{7,NULL}']])
  })

  it('are all a monitor sees, without the contents of other roles', async () => {
    expect(await count(sql, { ...nobody, canRead: true, isMonitor: true })).toEqual([
      ['a', 'select 42', '{7,NULL}'],
      ['b', 'select $1', null],
    ])
  })

  it('have no contents for an admin who is no member of their role', async () => {
    const viewer = { isAdmin: true, isMonitor: true, canRead: true, memberOf: () => false }
    expect(await count(sql, viewer)).toEqual([
      ['a', 'select $1', null],
      ['b', 'select $1', null],
    ])
  })
})
