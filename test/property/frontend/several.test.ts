// Texts of several statements, some of them Larder's, against PostgreSQL itself, which takes Larder's for statements about a
// setting of an extension: `SET cache.result_ttl` and `SHOW cache.result_ttl` mean the same to both, transactions included.
//
// Every frame must be equal, and the tables afterwards. What differs on purpose is left out: a single statement for the origin is a
// transaction of its own, so no error of another statement undoes it.
//
//   SEED=…   the same texts again          ROUNDS=…   more of them

import type pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { comparableFrames, OidNumbering } from '../../fixtures/render.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  type Batch,
  copyData,
  copyDone,
  errorFieldsOf,
  type Frame,
  query,
  WireClient,
} from '../../support/wire-client.ts'

const rounds = Number(process.env.ROUNDS ?? 400)
const textsPerSession = 20

const schema = `
  create table item (n int);
  create table late (n int primary key deferrable initially deferred);
  create table log (n int);
  create function noted() returns trigger language plpgsql as $$ begin insert into log values (new.n); return null; end $$;
  create trigger noting after insert on item for each row execute function noted();`

let origin: TestPostgres
let larder: TestLarder
const admins: pg.Client[] = []

beforeAll(async () => {
  origin = await openTestPostgres({ parameters: { max_prepared_transactions: 10 } })
  const admin = await origin.connect()
  for (const name of ['through', 'straight']) {
    await admin.query(`create database ${name}`)
    const client = await origin.connect({ database: name })
    await client.query(schema)
    admins.push(client)
  }
  larder = await openLarder({ upstream: origin.url })
})

afterAll(async () => {
  await larder?.close()
  await origin?.close()
})

const ours = [
  "set cache.result_ttl = '5s'",
  "set cache.result_ttl = '7s'",
  "set local cache.result_ttl = '9s'",
  'show cache.result_ttl',
  'show cache.result_ttl',
  'reset cache.result_ttl',
]
const ourErrors = ['select * from cache.nothing', 'select nothing from cache.nothing']
const reads = ['select count(*) from item', 'select count(*) from log', 'select \'a;b\' as "c;d" /* ; */', 'table late']
const writes = [
  'insert into item values (#)',
  'insert into late values (#)',
  'delete from item where n = #',
  'copy item from stdin',
]
const errors = ['select 1 / 0', 'select nothing from item', 'insert into late values (1), (1)', 'vacuum item']
const controls = [
  'begin',
  'begin isolation level serializable',
  'start transaction read only',
  'commit',
  'end',
  'rollback',
  'abort',
  'commit and chain',
  'rollback and chain',
  'savepoint a',
  'release a',
  'rollback to a',
  "commit prepared 'GID'",
  "prepare transaction 'GID'",
]

function textFrom(random: Random): string {
  for (;;) {
    const parts = Array.from({ length: 2 + random.int(5) }, () => partFrom(random))
    if (!parts.some(isOurs)) parts.splice(random.int(parts.length + 1), 0, random.pick(ours))
    const atOrigin = parts.filter((part) => !isOurs(part))
    const mayFail = parts.some(
      (part) => ourErrors.includes(part) || errors.includes(part) || /prepared|late/.test(part),
    )
    if (atOrigin.length > 1 || !mayFail) return parts.join(random.pick(['; ', ';', ' ; ;\n', '; -- é;\n']))
  }
}

function partFrom(random: Random): string {
  const roll = random.int(100)
  const from =
    roll < 35 ? ours : roll < 38 ? ourErrors : roll < 58 ? reads : roll < 78 ? writes : roll < 84 ? errors : controls
  return random.pick(from).replace('#', String(random.int(5)))
}

function isOurs(part: string): boolean {
  return part.includes('cache.')
}

async function say(client: WireClient, text: string): Promise<Batch> {
  client.send(query(text))
  const frames: Frame[] = []
  for (;;) {
    const more = await client.receive(({ type }) => type === 'G' || type === 'Z')
    frames.push(...more)
    const last = more[more.length - 1] as Frame
    if (last.type === 'Z') return { frames, status: String.fromCharCode(last.bytes[5] as number) }
    client.send(Buffer.concat([copyData('7\n8\n'), copyDone()]))
  }
}

const tables = ['item', 'late', 'log'].map((name) => `select count(*), sum(n) from ${name}`)

it("SQL-7: a text of Larder's statements and the origin's is one transaction, as PostgreSQL makes it", async () => {
  const random = Random.fromEnvironment()
  const parameters = { options: '-c cache.result_ttl=30s -c lock_timeout=100' }
  const { host, port } = larder
  for (let round = 0; round < rounds; ) {
    const user = 'postgres'
    const through = await WireClient.connect({ host, port, user, database: 'through', parameters })
    const { target } = origin
    const straight = await WireClient.connect({ ...target, user, database: 'straight', parameters } as never)
    const said: string[] = []
    for (let index = 0; index < textsPerSession; index++, round++) {
      const text = textFrom(random)
      said.push(text)
      const [mine, theirs] = await Promise.all([say(through, named(text, 1)), say(straight, named(text, 2))])
      if (text.includes('prepare')) await rollbackPrepared()
      const story = said.join('\n---\n')
      expect(comparable(mine), story).toEqual(comparable(theirs))
      for (const table of tables) {
        const [kept, true_] = await Promise.all([through.query(table), straight.query(table)])
        expect(comparable(kept), `${story}\n--- ${table}`).toEqual(comparable(true_))
      }
    }
    await Promise.all([through.close(), straight.close()])
  }
})

/** Names of prepared transactions are those of the whole server. */
function named(text: string, side: 1 | 2): string {
  return text.replaceAll('GID', `gid_${side}`)
}

/** What was prepared holds its locks until somebody decides. */
async function rollbackPrepared(): Promise<void> {
  for (const client of admins) {
    const { rows } = await client.query('select gid from pg_prepared_xacts where database = current_database()')
    for (const { gid } of rows) await client.query(`rollback prepared '${gid}'`)
  }
}

/** Where in PostgreSQL's source an error came from is not compared: some are Larder's. */
function comparable(batch: Batch): string[] {
  const numbering = new OidNumbering()
  return batch.frames.flatMap((frame) => {
    if (frame.type !== 'E' && frame.type !== 'N') return comparableFrames([frame], numbering, false)
    const fields = errorFieldsOf(frame)
    return [
      frame.type +
        ['V', 'C', 'M', 'D', 'H', 'P']
          .map((letter) => ` ${letter}=${(fields.get(letter) ?? '').replace(/gid_[12]/, 'GID')}`)
          .join(''),
    ]
  })
}
