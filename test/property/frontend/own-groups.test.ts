// Extended messages over a relation of ours and tables of the origin's, in any order: word for word what PostgreSQL says where the
// relation is a table like any other.
//
// The same texts run in two databases. In `truth` there is a schema `cache` with a table that has our rows, asked straight; in `postgres` there
// is none, asked through Larder. Flush, Sync, portals and their limits, blocks, errors: what comes back is compared frame by frame, but for
// OIDs of tables and places in source code, and so is what the tables hold afterwards.
//
//   SEED=…   the same plays again          ROUNDS=…   more of them

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { openLarder, type TestLarder } from '../../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../../support/postgres.ts'
import {
  bind,
  close,
  describe as describeMessage,
  errorFieldsOf,
  execute,
  type Frame,
  flush,
  parse,
  sync,
  WireClient,
} from '../../support/wire-client.ts'

const rounds = Number(process.env.ROUNDS ?? 60)

let origin: TestPostgres
let larder: TestLarder
let truth: pg.Client
let tested: pg.Client
let throughLarder: pg.Client

const world = 'drop table if exists t; create table t (id int, v int); insert into t values (1, 10), (2, 20), (3, 30)'

beforeAll(async () => {
  origin = await openTestPostgres()
  larder = await openLarder({ upstream: origin.url })
  throughLarder = await larder.connect()
  const { rows } = await throughLarder.query('select name, value from cache.settings')
  await (await origin.connect()).query('create database truth')
  truth = await origin.connect({ database: 'truth' })
  tested = await origin.connect()
  await truth.query('create schema cache; create table cache.settings (name text, value text)')
  const { rows: versions } = await throughLarder.query('select cache.version() as text')
  await truth.query(`create function cache.version() returns text language sql as $$ select '${versions[0].text}' $$;
    create function cache.exists(text, text) returns text language sql as $$ select 'absent' $$`)
  for (const { name, value } of rows) await truth.query('insert into cache.settings values ($1, $2)', [name, value])
})

afterAll(async () => {
  await larder?.close()
  await origin?.close()
})

/** What a client does: sends a message, or waits for the answers to all that it has sent. */
type Act = Buffer | 'wait'

/** Parse, Bind, Describe and Execute. */
function run(sql: string, values: readonly (string | null)[] = [], limit = 0): Buffer[] {
  return [parse('', sql), bind({ values }), describeMessage('P'), execute('', limit)]
}

const ours = 'select name from cache.settings order by name limit 5'
const oursOf = 'select value is not null as v from cache.settings where name = $1'
const theirs = 'select v from t order by id'
const write = 'update t set v = v + 1 where id = 1'
const both = 'select s.name, t.v from cache.settings s, t where t.id = 1 order by 1 limit 3'
const bothWrite = 'insert into t select 100 + length(name), 1 from cache.settings where name = $1'
const fails = 'select 1 / (id - id) from t'
const oursFails = 'select 1 / (length(name) - length(name)) from cache.settings'

const cases: readonly (readonly [title: string, acts: readonly Act[]])[] = [
  ['ours before a Flush', [...run(ours), flush(), 'wait', sync()]],
  [
    'each message before a Flush',
    run(ours)
      .flatMap((act): Act[] => [act, flush(), 'wait'])
      .concat(sync()),
  ],
  [
    'several of ours before one Flush',
    [...run(ours), ...run(oursOf, ['virtual_schema']), flush(), 'wait', ...run(ours), sync()],
  ],
  [
    'a portal of ours that is closed, whose name the origin takes',
    [
      ...[parse('', oursOf), bind({ portal: 'p', values: [null] }), flush(), 'wait' as const],
      ...[execute('p'), close('P', 'p'), parse('', write), bind({ portal: 'p' }), describeMessage('P', 'p')],
      ...[execute('p'), flush(), 'wait' as const, execute('p'), sync()],
    ],
  ],
  ['ours behind a read', [...run(theirs), ...run(ours), sync()]],
  [
    'ours behind a write, flushed',
    [...run(write), flush(), 'wait', ...run(ours), flush(), 'wait', ...run(theirs), sync()],
  ],
  ['a write behind ours', [...run(ours), ...run(write), sync()]],
  [
    'a write, ours that fails, a write',
    [...run(write), ...run(oursFails), ...run(write), sync(), ...run(theirs), sync()],
  ],
  ['a write, and ours that cannot be read', [...run(write), ...run('select nothing from cache.settings'), sync()]],
  [
    'ours behind a read that fails',
    [...run(fails), ...run(ours), flush(), 'wait', ...run(ours), sync(), ...run(ours), sync()],
  ],
  ['a failure behind ours', [...run(write), ...run(ours), ...run(fails), sync()]],
  [
    'BEGIN and ours before one Sync',
    [...run('begin'), ...run(ours), sync(), ...run(write), sync(), ...run('rollback'), sync()],
  ],
  ['BEGIN, a write and ours', [...run('begin'), ...run(write), ...run(ours), sync(), ...run('commit'), sync()]],
  ['ours and COMMIT', [...run('begin'), sync(), ...run(write), ...run(ours), ...run('commit'), ...run(ours), sync()]],
  [
    'ours in a failed block',
    [...run('begin'), ...run(fails), sync(), ...run(ours), sync(), ...run('rollback'), ...run(ours), sync()],
  ],
  [
    'ours that fails in a block',
    [
      ...run('begin'),
      ...run(write),
      sync(),
      ...run(oursFails),
      sync(),
      ...run(theirs),
      sync(),
      ...run('commit'),
      sync(),
    ],
  ],
  [
    'a failed block and a flush',
    [...run('begin'), sync(), ...run(oursFails), flush(), 'wait', ...run(ours), sync(), ...run('rollback'), sync()],
  ],
  ['a row limit', [...run(ours, [], 2), execute('', 2), execute('', 2), execute('', 2), sync()]],
  [
    'a row limit over flushes',
    [...run(ours, [], 2), flush(), 'wait', execute('', 2), flush(), 'wait', execute('', 9), execute(''), sync()],
  ],
  ['a row limit of just as many rows', [...run(ours, [], 5), flush(), 'wait', execute('', 5), execute('', 5), sync()]],
  [
    'a portal in a block',
    [
      ...run('begin'),
      sync(),
      parse('s', ours),
      bind({ portal: 'p', statement: 's' }),
      execute('p', 2),
      sync(),
      execute('p', 2),
      sync(),
      ...run(write),
      sync(),
      describeMessage('P', 'p'),
      execute('p', 2),
      sync(),
      ...run('commit'),
      sync(),
      execute('p', 2),
      sync(),
    ],
  ],
  [
    'a portal that is closed',
    [
      ...run('begin'),
      sync(),
      parse('s', ours),
      bind({ portal: 'p', statement: 's' }),
      sync(),
      close('P', 'p'),
      sync(),
      execute('p'),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'a portal of a name that is taken',
    [
      ...run('begin'),
      sync(),
      parse('s', ours),
      bind({ portal: 'p', statement: 's' }),
      flush(),
      'wait',
      parse('u', theirs),
      bind({ portal: 'p', statement: 'u' }),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'a portal of ours of a name that is taken',
    [
      ...run('begin'),
      sync(),
      parse('s', theirs),
      bind({ portal: 'p', statement: 's' }),
      flush(),
      'wait',
      parse('u', ours),
      bind({ portal: 'p', statement: 'u' }),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'portals of both by turns',
    [
      parse('a', ours),
      bind({ portal: 'pa', statement: 'a' }),
      parse('b', theirs),
      bind({ portal: 'pb', statement: 'b' }),
      execute('pa', 1),
      execute('pb', 1),
      execute('pa', 1),
      flush(),
      'wait',
      execute('pb', 1),
      execute('pa'),
      execute('pb'),
      sync(),
    ],
  ],
  ['the unnamed portal, ours and then theirs', [...run(ours, [], 1), ...run(theirs, [], 1), execute(''), sync()]],
  ['the unnamed portal, theirs and then ours', [...run(theirs, [], 1), ...run(ours, [], 1), execute(''), sync()]],
  [
    'a statement of a name that is taken',
    [parse('s', theirs), sync(), parse('s', ours), sync(), parse('u', ours), sync(), parse('u', theirs), sync()],
  ],
  [
    'a statement that is closed',
    [parse('s', ours), sync(), close('S', 's'), parse('s', theirs), bind({ statement: 's' }), execute(), sync()],
  ],
  [
    'described statements',
    [
      parse('s', oursOf),
      parse('u', theirs),
      describeMessage('S', 's'),
      describeMessage('S', 'u'),
      flush(),
      'wait',
      sync(),
    ],
  ],
  ['what the origin must help with', [...run(both), flush(), 'wait', ...run(both), sync()]],
  [
    'what the origin must help with, and others',
    [
      ...run(write),
      ...run(both),
      ...run(ours),
      ...run(bothWrite, ['virtual_schema']),
      flush(),
      'wait',
      ...run(theirs),
      sync(),
    ],
  ],
  [
    'a write with our rows, undone',
    [...run(bothWrite, ['virtual_schema']), ...run(fails), sync(), ...run(theirs), sync()],
  ],
  [
    'a write with our rows in a block',
    [...run('begin'), ...run(bothWrite, ['virtual_schema']), ...run(ours), sync(), ...run('commit'), sync()],
  ],
  [
    'the unnamed statement behind what the origin helped with',
    [parse('', theirs), ...[parse('n', both), bind({ statement: 'n' }), execute()], bind(), execute(), sync()],
  ],
  [
    'a portal of a savepoint that is rolled back',
    [
      ...run('begin'),
      ...run('savepoint a'),
      parse('s', ours),
      bind({ portal: 'p', statement: 's' }),
      execute('p', 2),
      ...run('rollback to a'),
      sync(),
      bind({ portal: 'p', statement: 's' }),
      execute('p', 1),
      ...run('rollback to a'),
      execute('p', 1),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'a portal from before a savepoint',
    [
      ...run('begin'),
      parse('s', ours),
      bind({ portal: 'p', statement: 's' }),
      execute('p', 2),
      sync(),
      ...run('savepoint a'),
      ...run(write),
      ...run(fails),
      sync(),
      ...run('rollback to a'),
      sync(),
      execute('p', 2),
      ...run('savepoint b'),
      bind({ statement: 's' }),
      ...run('release a'),
      execute('', 3),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'portals of a block that is chained to another',
    [
      ...run('begin'),
      parse('s', ours),
      bind({ portal: 'p', statement: 's' }),
      execute('p', 2),
      sync(),
      ...run('commit and chain'),
      bind({ portal: 'p', statement: 's' }),
      execute('p', 2),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'names that BEGIN and SAVEPOINT have taken',
    [
      parse('b', 'begin'),
      bind({ portal: 'p', statement: 'b' }),
      execute('p'),
      parse('s', ours),
      bind({ portal: 'q', statement: 's' }),
      sync(),
      bind({ portal: 'p', statement: 's' }),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'a cursor and a portal of one name',
    [
      ...run('begin'),
      parse('s', ours),
      bind({ portal: 'p', statement: 's' }),
      sync(),
      ...run('savepoint a'),
      ...run('declare p cursor for select 1'),
      sync(),
      ...run('rollback to a'),
      ...run('declare q cursor for select 1'),
      bind({ portal: 'q', statement: 's' }),
      sync(),
      ...run('rollback to a'),
      ...run('close p'),
      execute('p'),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'a portal from before a block that ends in the packet that begins the next',
    [
      parse('s', ours),
      bind({ portal: 'q', statement: 's' }),
      flush(),
      'wait',
      ...run('rollback'),
      ...run('begin'),
      sync(),
      bind({ portal: 'q', statement: 's' }),
      execute('q', 2),
      sync(),
      ...run('rollback'),
      sync(),
    ],
  ],
  [
    'an unnamed text that is wrong, and a name that is taken',
    [
      parse('', theirs),
      bind({ portal: 'p' }),
      parse('', 'select nothing from cache.settings'),
      bind({ portal: 'p' }),
      sync(),
      bind(),
      sync(),
    ],
  ],
  [
    'a Bind with too few values',
    [parse('s', bothWrite), bind({ statement: 's' }), sync(), parse('', oursOf), bind(), sync(), ...run(ours), sync()],
  ],
  ['an unknown statement', [bind({ statement: 'x' }), execute(), ...run(ours), sync(), ...run(ours), sync()]],
  ['an unknown portal', [...run(ours), execute('x'), ...run(ours), sync()]],
]

describe('SQL-5: extended messages over relations of ours', () => {
  for (const [title, acts] of cases) {
    it(`are answered as over tables: ${title}`, () => expectAlike(acts))
  }

  it(
    'are answered as over tables, whatever their order',
    async () => {
      const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
      console.log(`SEED=${seed}`)
      const random = new Random(seed)
      for (let round = 0; round < rounds; round++) {
        const { acts, story } = playFrom(random)
        await expectAlike(acts, `SEED=${seed} round ${round}\n${story}`)
      }
    },
    rounds * 1000 + 30_000,
  )
})

async function expectAlike(acts: readonly Act[], why = ''): Promise<void> {
  const user = { user: 'postgres' }
  for (const holds of [hold, holdAtOnce]) {
    await truth.query(world)
    // Through Larder, which would not know of it otherwise.
    await throughLarder.query(world)
    const straight = await WireClient.connect({ ...user, ...hostOf(origin), database: 'truth' })
    const through = await WireClient.connect({ ...user, host: larder.host, port: larder.port, database: 'postgres' })
    try {
      const heard = await holds(straight, acts)
      const answered = await Promise.race([holds(through, acts), silence()])
      expect(answered, `${holds.name} ${why}`).toEqual(heard)
      const rows = 'select * from t order by id, v'
      expect((await tested.query(rows)).rows, `${holds.name} ${why}`).toEqual((await truth.query(rows)).rows)
    } finally {
      straight.destroy()
      through.destroy()
    }
  }
}

function hostOf({ target }: TestPostgres) {
  return { host: target.host, port: target.port }
}

/** Nobody takes that long to answer. */
function silence(): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve('silence'), 20_000).unref())
}

/** One act after the other. */
async function hold(client: WireClient, acts: readonly Act[]): Promise<string[]> {
  const heard: string[] = []
  let sent = 0
  let answered = 0
  let failed = false
  const hear = async () => {
    const [frame] = (await client.receive(() => true)) as [Frame]
    heard.push(wordOf(frame))
    if (answers.has(frame.type)) answered++
    if (frame.type === 'E') failed = true
    return frame.type
  }
  for (const act of acts) {
    if (act === 'wait') {
      while (!failed && answered < sent) await hear()
      continue
    }
    client.send(act)
    const type = String.fromCharCode(act[0] as number)
    if (type === 'S' || (type === 'Q' && !failed)) {
      while ((await hear()) !== 'Z');
      sent = 0
      answered = 0
      failed = false
    } else if (type !== 'H' && type !== 'Q') sent++
  }
  return heard
}

/** All in one packet. */
async function holdAtOnce(client: WireClient, acts: readonly Act[]): Promise<string[]> {
  const messages = acts.filter((act): act is Buffer => act !== 'wait')
  const { frames } = await client.exchange(
    Buffer.concat(messages),
    messages.filter((act) => 'SQ'.includes(String.fromCharCode(act[0] as number))).length,
  )
  return frames.map(wordOf)
}

/** What ends the answer to a message. */
const answers = new Set(['1', '2', '3', 'T', 'n', 'C', 'I', 's'])

function wordOf(frame: Frame): string {
  const { type, bytes } = frame
  if (type === 'E' || type === 'N') {
    const fields = errorFieldsOf(frame)
    return `${type} ${fields.get('C')} ${fields.get('M')}`
  }
  if (type !== 'T') return `${type} ${JSON.stringify(bytes.toString('latin1', 5))}`
  const words: string[] = []
  for (let at = 7, count = bytes.readInt16BE(5); count > 0; count--) {
    const end = bytes.indexOf(0, at)
    // Behind the table's OID and the column's number: type, size, modifier, format.
    words.push(`${bytes.toString('utf8', at, end)}:${bytes.toString('hex', end + 7, end + 19)}`)
    at = end + 19
  }
  return `T ${words.join(' ')}`
}

// Random plays

const texts: readonly (readonly [sql: string, parameterCount: number])[] = [
  [ours, 0],
  [ours, 0],
  [oursOf, 1],
  [theirs, 0],
  ['select v from t where id = $1', 1],
  [write, 0],
  [both, 0],
  [bothWrite, 1],
  [fails, 0],
  [oursFails, 0],
  ['select nothing from cache.settings', 0],
  ['begin', 0],
  ['commit', 0],
  ['rollback', 0],
  ['savepoint a', 0],
  ['rollback to a', 0],
  ['rollback to a', 0],
  ['release a', 0],
  ['commit and chain', 0],
  ['select name from cache.settings where name = $1', 1],
  // Functions of ours in them (SQL-24).
  ['select cache.version(), name from cache.settings order by name limit 3', 0],
  ["select cache.exists('none', $1), count(*) from cache.settings where name = $1", 1],
  ['select x.version, v from t, cache.version() x(version) order by id', 0],
  ["select cache.exists('none', $1), v from t where id = $2", 2],
  ["insert into t select 200, length(cache.exists('none', $1))", 1],
  ['select cache.version(), nothing from cache.settings', 0],
  ['select cache.version(), 1 / (id - id) from t', 0],
]

function playFrom(random: Random): { acts: Act[]; story: string } {
  const acts: Act[] = []
  const story: string[] = []
  const parameterCounts = new Map<string, number>()
  const say = (word: string, act: Act) => {
    acts.push(act)
    story.push(word)
  }
  const statementName = () => random.pick(['', '', '', 'a', 'b'])
  const portalName = () => random.pick(['', '', '', 'p', 'q'])
  const bindTo = (portal: string, statement: string) => {
    const count = parameterCounts.get(statement) ?? 0
    const values = Array.from({ length: count }, () => random.pick(['1', '2']))
    say(`bind ${portal}<-${statement}`, bind({ portal, statement, values }))
  }
  if (random.int(2) === 0) {
    for (const sql of random.pick([['begin'], ['begin', 'savepoint a'], ['begin', fails]])) {
      for (const act of run(sql)) say(sql, act)
    }
    if (random.int(2) === 0) say('sync', sync())
  }
  const length = 3 + random.int(16)
  for (let step = 0; step < length; step++) {
    const roll = random.int(100)
    if (roll < 60) {
      const [sql, count] = random.pick(texts)
      const statement = statementName()
      const portal = portalName()
      if (statement !== '' && random.int(2) === 0) say(`close S ${statement}`, close('S', statement))
      say(`parse ${statement}: ${sql}`, parse(statement, sql))
      parameterCounts.set(statement, count)
      if (random.int(6) === 0) say(`describe S ${statement}`, describeMessage('S', statement))
      bindTo(portal, statement)
      if (random.int(2) === 0) say(`describe P ${portal}`, describeMessage('P', portal))
      const limit = random.pick([0, 0, 0, 1, 2, 3])
      say(`execute ${portal} ${limit}`, execute(portal, limit))
    } else if (roll < 68) bindTo(portalName(), statementName())
    else if (roll < 80) {
      const portal = portalName()
      const limit = random.pick([0, 1, 2])
      say(`execute ${portal} ${limit}`, execute(portal, limit))
    } else if (roll < 84) {
      const portal = portalName()
      say(`describe P ${portal}`, describeMessage('P', portal))
    } else if (roll < 88) {
      const portal = portalName()
      say(`close P ${portal}`, close('P', portal))
    }
    const pause = random.int(100)
    if (pause < 20) {
      say('flush', flush())
      if (random.int(3) > 0) say('wait', 'wait')
    } else if (pause < 55) say('sync', sync())
  }
  say('sync', sync())
  for (const sql of ['rollback', ours, theirs]) {
    for (const act of run(sql)) acts.push(act)
    say(`run ${sql}`, sync())
  }
  return { acts, story: story.join('\n') }
}
