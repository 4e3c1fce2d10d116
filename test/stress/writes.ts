// The ways in which the harness changes rows. Each write opens a version, says something, and tells the ledger how it ended.

import type { Batch } from '../support/wire-client.ts'
import {
  bind,
  copyData,
  copyDone,
  errorOf,
  execute,
  parse,
  query,
  sqlstateOf,
  sync,
  tagOf,
} from '../support/wire-client.ts'
import { type Group, keyCount, keys, type Target } from './ledger.ts'
import { type Flow, flows, rowsOfBatch, type StressSession, succeeded } from './stress-session.ts'

export interface Write {
  readonly name: string
  /** May still hold locks, or take effect late, when its connection has died: no write for sessions that are cut. */
  readonly outlivesConnection?: true
  /** How often it is chosen, against the others. */
  readonly weight: number
  run(session: StressSession): Promise<void>
}

const rollbackShare = 0.15

/** One autocommitted statement with `$1` the key and `$2` the version. */
function single(name: string, weight: number, group: Group, sql: string, only: readonly Flow[] = flows): Write {
  return {
    name,
    weight,
    async run(session) {
      const key = anyKey(session)
      const version = session.open([group, key])
      session.ledger.committing(version)
      await settle(session, version, await session.say(sql, [key, version], session.random.pick(only)))
    },
  }
}

/** A transaction block: what `body` says, then COMMIT or, now and then, ROLLBACK. */
function block(
  name: string,
  weight: number,
  group: Group,
  body: (session: StressSession, key: number, version: number) => Promise<boolean>,
): Write {
  return {
    name,
    weight,
    run: (session) => inBlock(session, [[group, anyKey(session)]], (key, version) => body(session, key, version)),
  }
}

async function inBlock(
  session: StressSession,
  targets: readonly Target[],
  body: (key: number, version: number) => Promise<boolean>,
  opening = 'begin',
): Promise<void> {
  await session.say(opening)
  const version = session.open(...targets)
  session.ownVersion = version
  const wrote = await body((targets[0] as Target)[1], version)
  if (!wrote || session.random.chance(rollbackShare)) {
    await session.say('rollback')
    session.ledger.aborted(version)
  } else {
    session.ledger.committing(version)
    await settle(session, version, await session.say('commit'))
  }
  session.ownVersion = undefined
}

/** A statement that changed no row wrote nothing; a COMMIT of a failed transaction is answered ROLLBACK. */
async function settle(session: StressSession, version: number, batch: Batch): Promise<void> {
  const tags = batch.frames.filter((frame) => frame.type === 'C').map(tagOf)
  const failed = errorOf(batch) !== undefined || tags.some((tag) => /^(ROLLBACK|(UPDATE|DELETE|MERGE) 0)$/.test(tag))
  if (failed) session.ledger.aborted(version)
  else await session.acknowledged(version)
}

function anyKey(session: StressSession): number {
  return 1 + session.random.int(keyCount)
}

const every = (group: Group): Target[] => keys.map((key) => [group, key] as const)

const wrote = async (session: StressSession, sql: string, values: readonly number[], flow?: Flow): Promise<boolean> => {
  const batch = await session.say(sql, values, flow)
  return succeeded(batch) && !batch.frames.some((frame) => frame.type === 'C' && /^UPDATE 0$/.test(tagOf(frame)))
}

const bump = (table: string, k = 'k'): string => `update ${table} set v = greatest(v, $2) where ${k} = $1`

export const writes: readonly Write[] = [
  single('point', 6, 'kv', bump('kv')),
  single('function', 3, 'function', 'select bump3($1, $2)'),
  single('cascade', 3, 'cascade', 'update kv4 set ver = greatest(ver, $2) where id = $1'),
  single('row move', 3, 'partition', 'update kv5 set part = 1 - part, v = greatest(v, $2) where k = $1'),
  single('plain view', 2, 'view', bump('kv6_plain')),
  single('rule', 2, 'view', bump('kv6_rule')),
  single('instead of', 2, 'view', 'update kv6_trigger set v = $2 where k = $1'),
  single('deferred trigger', 3, 'deferred', bump('kv7')),
  single('tenant', 2, 'tenant', bump('kvr')),
  single(
    'with',
    2,
    'execute',
    'with x as (update kv13 set v = greatest(v, $2) where k = $1 returning v) select * from x',
  ),
  single('explain analyze', 1, 'execute', `explain analyze ${bump('kv13')}`),
  single('merge', 2, 'execute', mergeSql()),
  single('do', 1, 'procedure', `do 'begin update kv10 set v = greatest(v, $2) where k = $1; end'`, ['simple']),
  single('two statements', 2, 'several', `${bump('kv11')}; ${bump('kv12')}`, ['simple']),
  single('block in a string', 2, 'several', `begin; ${bump('kv11')}; ${bump('kv12')}; commit`, ['simple']),
  single('prepare and execute', 1, 'execute', `prepare e as ${bump('kv13')}; execute e; deallocate e`, ['simple']),

  block('transfer', 5, 'kv', async (session, key, version) => {
    const other = (key % keyCount) + 1
    const amount = session.random.int(50)
    const flow = session.random.pick(flows)
    const give = (): Promise<boolean> =>
      wrote(session, 'update kv set v = greatest(v, $2), bal = bal - $3 where k = $1', [key, version, amount], flow)
    const take = (): Promise<boolean> =>
      wrote(session, 'update kv set bal = bal + $2 where k = $1', [other, amount], flow)
    // Lower keys first, so that transfers do not wait for each other in a circle.
    const [first, second] = key < other ? [give, take] : [take, give]
    return (await first()) && (await second())
  }),

  block('savepoint', 3, 'kv', async (session, key, version) => {
    const undone = session.open()
    await session.say('savepoint s')
    const first = await wrote(session, bump('kv'), [key, undone])
    await session.say('rollback to s')
    session.ledger.aborted(undone)
    return first && (await wrote(session, bump('kv'), [key, version], 'prepared'))
  }),

  block('deferred in a block', 2, 'deferred', (session, key, version) => wrote(session, bump('kv7'), [key, version])),

  block('cursor', 1, 'execute', async (session, key, version) => {
    await session.say('declare c cursor for select v from kv13 where k = $1 for update', [key])
    await session.say('fetch c')
    return wrote(session, 'update kv13 set v = greatest(v, $2) where current of c', [key, version])
  }),

  block('own reads', 2, 'kv', async (session, key, version) => {
    if (!(await wrote(session, bump('kv'), [key, version], session.random.pick(flows)))) return false
    for (const sql of ['select v from kv where k = $1', 'select v from kv2 where k = $1']) {
      const [[seen] = []] = rowsOfBatch(await session.say(sql, [key], session.random.pick(['simple', 'prepared'])))
      if (seen !== undefined && seen < version) session.violation(`own write ${version} not seen in its block: ${seen}`)
    }
    return true
  }),

  {
    name: 'replace parent',
    weight: 1,
    async run(session) {
      const key = anyKey(session)
      await session.say('begin')
      const locked = await session.say('select id from kv4 where id = $1 for update', [key])
      const version = session.open(['cascade', key])
      const values = [key, version]
      const done =
        rowsOfBatch(locked).length === 1 &&
        succeeded(await session.say('delete from kv4 where id = $1', values)) &&
        succeeded(await session.say('insert into kv4 values ($1, $2)', values)) &&
        succeeded(await session.say('insert into kv4_child values ($1, $2)', values))
      if (done) session.ledger.committing(version)
      const batch = await session.say(done ? 'commit' : 'rollback')
      if (done) await settle(session, version, batch)
      else session.ledger.aborted(version)
    },
  },

  {
    name: 'truncate and refill',
    weight: 2,
    async run(session) {
      await session.say('begin')
      const locked = await session.say('lock table kv8')
      const version = session.open(...every('truncate'))
      const refill = `insert into kv8 select k, ${version} from generate_series(1, ${keyCount}) k`
      const done =
        succeeded(locked) && succeeded(await session.say('truncate kv8')) && succeeded(await session.say(refill))
      if (done) session.ledger.committing(version)
      const batch = await session.say(done ? 'commit' : 'rollback')
      if (done) await settle(session, version, batch)
      else session.ledger.aborted(version)
    },
  },

  {
    name: 'copy',
    weight: 2,
    async run(session) {
      const version = session.open(...every('copy'))
      const extended = session.random.chance(0.5)
      const sql = 'copy kv9 from stdin'
      session.client.send(extended ? Buffer.concat([parse('', sql), bind(), execute(), sync()]) : query(sql))
      const [opened] = (await session.client.receive((frame) => 'GE'.includes(frame.type))).slice(-1)
      if (opened?.type !== 'G') {
        await session.client.receiveBatch()
        session.violation('COPY was not opened')
        return
      }
      session.ledger.committing(version)
      const data = keys.map((key) => copyData(`${key}\t${version}\n`))
      const batch = await session.client.exchange(Buffer.concat([...data, copyDone(), ...(extended ? [sync()] : [])]))
      const error = errorOf(batch)
      if (error !== undefined) session.fail(error, sql)
      await settle(session, version, batch)
    },
  },

  {
    name: 'prune copies',
    weight: 1,
    async run(session) {
      await session.say('delete from kv9 a using kv9 b where a.k = b.k and a.v < b.v', [], session.random.pick(flows))
    },
  },

  {
    name: 'call',
    weight: 2,
    async run(session) {
      const key = anyKey(session)
      const fails = session.random.chance(0.3)
      const first = session.open(['procedure', key])
      const second = session.open(['procedure', key])
      session.ledger.committing(first)
      session.ledger.committing(second)
      const batch = await session.client.query(`call bump10(${key}, ${first}, ${second}, ${fails})`)
      const error = errorOf(batch)
      if (fails !== (error !== undefined && sqlstateOf(error) === 'P0001'))
        session.violation('CALL did not end as asked')
      // What the procedure committed before it failed is committed, whatever the client is told.
      await session.acknowledged(first)
      if (fails) session.ledger.aborted(second)
      else await session.acknowledged(second)
    },
  },

  {
    name: 'commit, then an error',
    weight: 1,
    async run(session) {
      const key = anyKey(session)
      const version = session.open(['several', key])
      session.ledger.committing(version)
      const both = `${bump('kv11')}; ${bump('kv12')}`.replaceAll('$1', String(key)).replaceAll('$2', String(version))
      const batch = await session.client.query(`begin; ${both}; commit; select 1 / 0`)
      if (errorOf(batch) === undefined) session.violation('a division by zero succeeded')
      const committed = batch.frames.some((frame) => frame.type === 'C' && tagOf(frame) === 'COMMIT')
      if (committed) await session.acknowledged(version)
      else session.ledger.aborted(version)
      if (batch.status !== 'I') await session.say('rollback')
    },
  },

  {
    name: 'pipeline',
    weight: 3,
    async run(session) {
      const key = anyKey(session)
      const version = session.open(['kv', key])
      const fails = session.random.chance(rollbackShare)
      const values = [String(key), String(version)]
      const steps = [
        [bump('kv'), values],
        ['select v from kv2 where k = $1', values.slice(0, 1)],
        ...(fails ? ([['select 1 / 0', []]] as const) : []),
      ] as const
      session.ledger.committing(version)
      const batch = await session.client.exchange(
        Buffer.concat([
          ...steps.flatMap(([sql, bound]) => [parse('', sql), bind({ values: bound }), execute()]),
          sync(),
        ]),
      )
      const [[seen] = []] = rowsOfBatch(batch)
      if (seen !== undefined && seen < version)
        session.violation(`own write ${version} not seen in its pipeline: ${seen}`)
      await settle(session, version, batch)
    },
  },

  {
    name: 'two phases',
    weight: 1,
    outlivesConnection: true,
    async run(session) {
      const key = anyKey(session)
      await session.say('begin')
      const version = session.open(['execute', key])
      const done = await wrote(session, bump('kv13'), [key, version])
      if (!done || !succeeded(await session.say(`prepare transaction 'stress-${version}'`))) {
        session.ledger.aborted(version)
        await session.say('rollback')
        return
      }
      const keep = !session.random.chance(rollbackShare)
      if (keep) session.ledger.committing(version)
      const batch = await session.say(`${keep ? 'commit' : 'rollback'} prepared 'stress-${version}'`)
      if (keep && succeeded(batch)) await session.acknowledged(version)
      else session.ledger.aborted(version)
    },
  },

  ddl('ddl view', (version) => `create or replace view kvd_view as select k, ${version}::bigint as v from kvd`),
  ddl(
    'ddl function',
    (version) =>
      `create or replace function kvd_function(key int) returns bigint language plpgsql immutable as 'begin return ${version}; end'`,
  ),
  ddl(
    'ddl table',
    (version) => `begin; drop table kvd_table; create table kvd_table as select ${version}::bigint as v; commit`,
  ),
  {
    name: 'refresh',
    weight: 0.3,
    async run(session) {
      const floor = session.ledger.floor('several')
      const batch = await session.say(`refresh materialized view ${session.random.pick(['', 'concurrently '])}kvm`)
      if (succeeded(batch)) for (const key of keys) session.ledger.raise('matview', key, floor[key] as number)
    },
  },
  {
    name: 'sequence',
    weight: 1,
    async run(session) {
      const [[value] = []] = rowsOfBatch(await session.say(`select nextval('kvs')`))
      if (value !== undefined) session.ledger.raise('sequence', 1, value)
    },
  },
]

/** No feed tells of these: changes of the catalogue, sequences. */
const untold: ReadonlySet<string> = new Set(['ddl view', 'ddl function', 'ddl table', 'refresh', 'sequence'])

/** Of these it is known which relations they change, so that everything else stays in memory. */
const calm: ReadonlySet<string> = new Set([
  'point',
  'function',
  'cascade',
  'row move',
  'plain view',
  'deferred trigger',
])

/** Of these it is not known what they change, or it is the catalogue: through the server under test they make everything void. */
const sweeping: ReadonlySet<string> = new Set([
  ...untold,
  'deferred trigger',
  'deferred in a block',
  'do',
  'two statements',
  'block in a string',
  'prepare and execute',
  'truncate and refill',
  'call',
  'commit, then an error',
  'two phases',
])

/** One of the writes, by weight. */
export function pickWrite(session: StressSession): Write {
  const choice = writes.filter(
    ({ name, outlivesConnection }) =>
      !(session.isCalm && !calm.has(name)) &&
      !(session.mayBeCut && outlivesConnection) &&
      !(session.heard !== undefined && untold.has(name)),
  )
  const share = session.heard === undefined ? session.sweepShare : 1
  const weightOf = (write: Write) => (sweeping.has(write.name) ? write.weight * share : write.weight)
  let left = session.random.next() * choice.reduce((total, write) => total + weightOf(write), 0)
  return choice.find((write) => {
    left -= weightOf(write)
    return left < 0
  }) as Write
}

// DDL objects have no row lock that orders their versions, so one DDL runs at a time.
let ddlTurn: Promise<unknown> = Promise.resolve()

function ddl(group: Group, sql: (version: number) => string): Write {
  const run = async (session: StressSession): Promise<void> => {
    const version = session.open(...every(group))
    session.ledger.committing(version)
    const batch = await session.say(sql(version))
    if (succeeded(batch)) await session.acknowledged(version)
    else session.ledger.aborted(version)
    if (batch.status !== 'I') await session.say('rollback')
  }
  return {
    name: group,
    // Every change of the catalogue makes all that is known of statements void, so it stays rare.
    weight: 0.3,
    outlivesConnection: true,
    run(session) {
      const turn = ddlTurn.then(() => run(session))
      ddlTurn = turn.catch(() => undefined)
      return turn
    },
  }
}

function mergeSql(): string {
  return (
    'merge into kv13 t using (values ($1::int, $2::bigint)) s (k, v) on t.k = s.k ' +
    'when matched then update set v = greatest(t.v, s.v)'
  )
}
