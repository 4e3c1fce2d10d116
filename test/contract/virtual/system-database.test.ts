// The life of the system database: started when needed, stopped when idle, made again when anything is wrong with it.

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { VirtualSession } from '../../../src/virtual/index.ts'
import { openSystemDatabase, type TestSystemDatabase } from '../../support/system-database.ts'
import { runBatch, runSimple } from '../../support/virtual-runner.ts'
import { resultRow, sourcesWith } from '../../support/virtual-sources.ts'
import { bind, execute, parse } from '../../support/wire-client.ts'

const opened: TestSystemDatabase[] = []

function open(overrides: Parameters<typeof openSystemDatabase>[0] = {}): TestSystemDatabase {
  const system = openSystemDatabase(overrides)
  opened.push(system)
  return system
}

function sessionOn(system: TestSystemDatabase, results = [resultRow()]): VirtualSession {
  return new VirtualSession({
    database: system.database,
    sources: sourcesWith({ results: () => results }),
    rowCountMax: () => 1_000_000,
  })
}

afterEach(async () => {
  const systems = opened.splice(0)
  for (const system of systems) await system.database.close()
  for (const system of systems) await rm(system.directory, { recursive: true, force: true })
})

/** Resolves when asking the database again would start it: its last lease is over and the idle time too. */
async function untilStopped(system: TestSystemDatabase): Promise<void> {
  while (system.database.isRunning) await new Promise((resolve) => setImmediate(resolve))
}

it('starts with the first statement, once for all that come at one time', async () => {
  const system = open()
  expect(system.database.isRunning).toBe(false)
  const answers = await Promise.all(
    [1, 2, 3].map(() => runSimple(sessionOn(system), 'SELECT count(*) FROM cache.results')),
  )
  expect(answers.map(({ rows }) => rows)).toEqual([[['1']], [['1']], [['1']]])
  expect(system.starts()).toBe(1)
})

it('stops when idle, and statements prepared before work after', async () => {
  const system = open({ idleMs: () => 1 })
  const session = sessionOn(system)
  await runBatch(session, [parse('s', 'SELECT count(*) FROM cache.results')])
  await untilStopped(system)
  const answer = await runBatch(session, [bind({ statement: 's' }), execute()], { relations: ['results'] })
  expect(answer.rows).toEqual([['1']])
  expect(system.starts()).toBe(2)
})

it('is made again when its files are none of a cluster', async () => {
  const system = open()
  await mkdir(join(system.directory, 'pgdata'), { recursive: true })
  await writeFile(join(system.directory, 'pgdata', 'PG_VERSION'), 'garbage')
  expect((await runSimple(sessionOn(system), 'SELECT 1 FROM cache.stats')).rows).toEqual([['1']])
})

it('is made again for another schema, and kept for the same', async () => {
  const first = open()
  await runSimple(sessionOn(first), 'SELECT 1')
  await first.database.close()
  const same = open({ directory: first.directory })
  await runSimple(sessionOn(same), 'SELECT 1 FROM cache.stats')
  await same.database.close()
  const renamed = open({ directory: first.directory, schemaName: 'larder' })
  const answer = await runSimple(sessionOn(renamed), 'SELECT count(*) FROM larder.results', { relations: ['results'] })
  expect(answer.rows).toEqual([['1']])
})

it('comes back when its server dies, to who was connected too', async () => {
  const system = open()
  const session = sessionOn(system)
  const [[pid]] = (await runSimple(session, 'SELECT pg_backend_pid()')).rows as [[string]]
  expect(Number(pid)).toBeGreaterThan(0)
  process.kill(system.database.serverPid as number, 'SIGKILL')
  await untilStopped(system)
  expect((await runSimple(session, 'SELECT 1 FROM cache.stats')).rows).toEqual([['1']])
})

it('does not grow with what is copied', async () => {
  const system = open()
  const session = sessionOn(
    system,
    Array.from({ length: 20_000 }, (_, index) => resultRow({ key: String(index) })),
  )
  for (let round = 0; round < 10; round++) await runSimple(session, 'SELECT count(*) FROM cache.results')
  await system.database.settled()
  const size = async () =>
    Number((await runSimple(session, "SELECT pg_relation_size('cache.results')", { relations: [] })).rows[0]?.[0])
  expect(await size()).toBeLessThan(8_000_000)
})

it('keeps few connections open, and statements prepared on the others work', async () => {
  const system = open()
  const sessions = Array.from({ length: 70 }, () => sessionOn(system))
  for (const session of sessions) await runBatch(session, [parse('s', 'SELECT count(*) FROM cache.results')])
  const counted = await runSimple(
    sessionOn(system),
    'SELECT count(*) FROM pg_stat_activity WHERE usename = current_user',
  )
  expect(Number(counted.rows[0]?.[0])).toBeLessThan(70)
  const [first] = sessions as [VirtualSession]
  const answer = await runBatch(first, [bind({ statement: 's' }), execute()], { relations: ['results'] })
  expect(answer.rows).toEqual([['1']])
  for (const session of sessions) session.close()
})

it('says so when there is no PostgreSQL', async () => {
  const system = open({ binDirectory: '/nonexistent' })
  const answer = await runSimple(sessionOn(system), 'SELECT 1 FROM cache.stats')
  expect(answer).toMatchObject({ failed: true, types: 'E' })
  expect(answer.error?.get('C')).toBe('58030')
  expect(answer.error?.get('M')).toMatch(/system database/)
})

it('refuses after close', async () => {
  const system = open()
  await system.database.close()
  const answer = await runSimple(sessionOn(system), 'SELECT 1')
  expect(answer.error?.get('M')).toMatch(/shutting down/)
})
