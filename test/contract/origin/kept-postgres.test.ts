// The embedded origin that is started again: killed, killed while it cannot start, and closed meanwhile.

import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAlive } from '../../../src/base/index.ts'
import { KeptPostgres } from '../../../src/origin/index.ts'
import { copyTemplate, openTestPostgres } from '../../support/postgres.ts'
import { scratch } from '../../support/templates.ts'

let parent = ''
let cluster = ''
let postgres: KeptPostgres
let told: string[]
let hear: (() => void)[]

beforeEach(async () => {
  parent = await mkdtemp(join(scratch, 'larder-kept-'))
  await chmod(parent, 0o755)
  const directory = join(parent, 'postgres')
  cluster = join(directory, 'pgdata')
  await copyTemplate(18, directory)
  told = []
  hear = []
  const say = (word: string) => {
    told.push(word)
    for (const each of hear.splice(0)) each()
  }
  postgres = await KeptPostgres.open({
    directory,
    superuser: 'postgres',
    parameters: { shared_buffers: '16MB' },
    ended: ({ signal }) => say(`ended by ${signal}`),
    startedAgain: () => say('started again'),
    failed: (error, retryMs) => say(`${(error as Error).message.replace(parent, '')}: again in ${retryMs}`),
  })
})

afterEach(async () => {
  await postgres.close()
  await rm(parent, { recursive: true, maxRetries: 20, retryDelay: 100 })
})

async function untilTold(count: number): Promise<void> {
  while (told.length < count) await new Promise<void>((resolve) => hear.push(resolve))
}

async function ask(text: string): Promise<unknown> {
  const { host, port, user, database } = postgres.target
  const client = new pg.Client({ host, port, user, database })
  await client.connect()
  const { rows } = await client.query({ text, rowMode: 'array' })
  await client.end()
  return rows[0]?.[0]
}

const pidOf = async () => Number.parseInt(await readFile(join(cluster, 'postmaster.pid'), 'latin1'), 10)

test('killed, it is started again at the same address with all that was committed', async () => {
  const { host } = postgres.target
  await ask('create table kept as select 42 as answer')
  process.kill(await pidOf(), 'SIGKILL')
  await untilTold(2)
  expect(told).toEqual(['ended by SIGKILL', 'started again'])
  expect(postgres.target.host).toBe(host)
  expect(await ask('select answer from kept')).toBe(42)
})

test('one that does not start is tried again, each time after a longer while', async () => {
  await ask('create table kept as select 42 as answer')
  await writeFile(join(cluster, 'PG_VERSION'), '99\n')
  process.kill(await pidOf(), 'SIGKILL')
  await untilTold(4)
  expect(told.slice(1, 4)).toEqual(
    [500, 1000, 2000].map((ms) => expect.stringMatching(new RegExp(`made by PostgreSQL 99.*again in ${ms}$`))),
  )
  await writeFile(join(cluster, 'PG_VERSION'), '18\n')
  await untilTold(5)
  expect(told[4]).toBe('started again')
  expect(await ask('select answer from kept')).toBe(42)
})

test('closed while it waits or starts, it stays closed', async () => {
  await writeFile(join(cluster, 'PG_VERSION'), '99\n')
  process.kill(await pidOf(), 'SIGKILL')
  await untilTold(2)
  await postgres.close()
  const count = told.length
  await writeFile(join(cluster, 'PG_VERSION'), '18\n')
  expect(isAlive(await pidOf())).toBe(false)
  expect(told).toHaveLength(count)
})

test('closed at the very moment of its start, nothing is left running', async () => {
  process.kill(await pidOf(), 'SIGKILL')
  await untilTold(1)
  await new Promise((resolve) => setTimeout(resolve, 0))
  await postgres.close()
  // A start that went on would be over when another, begun now, is.
  await (await openTestPostgres()).close()
  const pid = await pidOf().catch(() => undefined)
  expect(pid === undefined || !isAlive(pid)).toBe(true)
})
