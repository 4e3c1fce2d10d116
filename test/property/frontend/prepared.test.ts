// PREPARE, EXECUTE and DEALLOCATE of statements over Larder's relations, against PostgreSQL itself, which has a table with the same rows.
//
// Rows, completions, errors and their positions must be equal, by simple query and by extended messages, in transactions and outside.
// What is prepared is Larder's, the origin's, or the origin's with Larder's rows in it; the names are the same few, so they meet.
//
//   SEED=…   the same sessions again          ROUNDS=…   more of them

import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  type Batch,
  bind,
  close,
  describe,
  errorFieldsOf,
  execute,
  type Frame,
  fieldsOf,
  parse,
  query,
  sync,
  tagOf,
  valuesOf,
  WireClient,
} from '../../support/wire-client.ts'

const rounds = Number(process.env.ROUNDS ?? 12)
const stepsPerRound = 30

let origin: TestPostgres
let larder: TestLarder

beforeAll(async () => {
  origin = await openTestPostgres()
  larder = await openLarder({ upstream: origin.url })
  const admin = await origin.connect()
  for (const name of ['through', 'straight']) {
    await admin.query(`create database ${name}`)
    const client = await larder.connect({ database: name })
    await client.query('create table item (n int); insert into item values (1), (2)')
    // A name as long as Larder's, so that positions are the same.
    await client.query('create schema plain')
    await client.query('create table plain.reasons as select * from cache.reasons')
  }
})

afterAll(async () => {
  await larder?.close()
  await origin?.close()
})

const prepared = [
  "prepare N as select code, remedy from REL where code = 'cold'",
  'prepare N (text) as select code, verdict from REL where code = $1',
  "PREPARE N(text, int) AS\n  SELECT code FROM REL WHERE code = $1 AND $2 > 0 /* 'é' */",
  'prepare N as select code from REL where code = $1 and $2 > 0',
  "prepare N (int) as select r.code, i.n from REL r, item i where i.n = $1 and r.code = 'cold'",
  'prepare N (text) as insert into item select 3 from REL where code = $1',
  'prepare N as select 42',
  'prepare N (int) as insert into item values ($1)',
]
const mistaken = [
  'prepare N as select nothing from REL',
  "prepare N as select 'é', r.nothing from REL r, item",
  'prepare N as select no_such_function(code) from REL',
  'prepare N (no_such_type) as select code from REL where code = $1',
  'prepare N as select $1 from REL where',
]
const executed = [
  'execute N',
  'execute N',
  "execute N('cold')",
  "execute N('cold')",
  'execute N(1)',
  "EXECUTE N ('cold', 1 + 1)",
  'execute N(nothing)',
  "execute N('co' || 'ld')",
  'execute N(null)',
]
const dropped = ['deallocate N', 'deallocate N', 'deallocate prepare N', 'deallocate all', 'discard plans']
const others = [
  'begin',
  'begin',
  'commit',
  'rollback',
  'select count(*) from item',
  'select 1/0',
  'savepoint s',
  'rollback to s',
]

interface Step {
  readonly sql: string
  readonly messages: readonly ((sql: string) => Buffer)[]
}

function stepFrom(random: Random): Step {
  const name = random.pick(['a', 'b', '"B c"'])
  const roll = random.int(100)
  if (roll < 10) return protocolStep(random, random.pick(['a', 'b']))
  const from = roll < 35 ? prepared : roll < 41 ? mistaken : roll < 75 ? executed : roll < 86 ? dropped : others
  // PostgreSQL reads a statement before it asks whether its name is taken; Larder asks first.
  const sql = random.pick(from).replace('N', from === mistaken ? 'nobody' : name)
  const isExtended = random.chance(0.3)
  if (isExtended)
    return { sql, messages: [(text) => Buffer.concat([parse('', text), bind(), describe('P'), execute(), sync()])] }
  if (random.chance(0.1)) {
    const second = random.pick([...executed, ...dropped]).replace('N', name)
    return { sql: `${sql}; ${second}`, messages: [query] }
  }
  return { sql, messages: [query] }
}

/** What drivers do: prepare by name, run, close. */
function protocolStep(random: Random, name: string): Step {
  const run = (_: string) =>
    Buffer.concat([bind({ statement: name, values: ['cold'] }), describe('P'), execute(), sync()])
  const drop = (_: string) => Buffer.concat([close('S', name), sync()])
  const sql = 'select code, summary from REL where code = $1'
  const make = (text: string) => Buffer.concat([close('S', name), parse(name, text), describe('S', name), sync()])
  switch (random.int(4)) {
    case 0:
      return { sql, messages: [make, run] }
    case 1:
      return { sql: `close ${name}`, messages: [drop] }
    case 2:
      return { sql, messages: [make] }
    default:
      return { sql: `${sql} -- then closed`, messages: [make, run, drop] }
  }
}

it('SQL-5: what SQL prepares over the cache is executed, refused and dropped as PostgreSQL does it', async () => {
  const random = Random.fromEnvironment()
  const { host, port } = larder
  for (let round = 0; round < rounds; round++) {
    const user = 'postgres'
    const through = await WireClient.connect({ host, port, user, database: 'through' })
    const straight = await WireClient.connect({ ...origin.target, user, database: 'straight' } as never)
    const said: string[] = []
    for (let index = 0; index < stepsPerRound; index++) {
      const step = stepFrom(random)
      for (const message of step.messages) {
        said.push(step.sql)
        const [mine, theirs] = await Promise.all([
          through.exchange(message(step.sql.replaceAll('REL', 'cache.reasons'))),
          straight.exchange(message(step.sql.replaceAll('REL', 'plain.reasons'))),
        ])
        expect(comparable(mine), said.join('\n---\n')).toEqual(comparable(theirs))
      }
    }
    await Promise.all([through.close(), straight.close()])
  }
}, 120_000)

/** Without what says which relation a column is of, and a description that an error follows at once: only the order of work shows there. */
function comparable(batch: Batch): string[] {
  const frames = batch.frames.filter(
    ({ type }, index) => type !== 'S' && !(type === 'T' && batch.frames[index + 1]?.type === 'E'),
  )
  return frames.map(said)
}

function said(frame: Frame): string {
  switch (frame.type) {
    case 'T':
      return `T ${fieldsOf(frame).map(({ name, typeOid, format }) => `${name} ${typeOid} ${format}`)}`
    case 'D':
      return `D ${valuesOf(frame)}`
    case 'C':
      return `C ${tagOf(frame)}`
    case 'E':
    case 'N': {
      const fields = errorFieldsOf(frame)
      const shown = ['C', 'M', 'D', 'H', 'P'].map((letter) => `${letter}=${fields.get(letter) ?? ''}`)
      return `${frame.type} ${shown.join(' ').replaceAll('plain.reasons', 'cache.reasons')}`
    }
    case 't':
      return `t ${frame.bytes.toString('hex')}`
    default:
      return `${frame.type}${frame.type === 'Z' ? String.fromCharCode(frame.bytes[5] as number) : ''}`
  }
}
