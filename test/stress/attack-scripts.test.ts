// Random conversations of texts of several statements, with everything a script may hold: blocks, savepoints, errors midway, settings, COPY,
// temporary tables, prepared statements. Each is held with a twin of the world straight and with the world through Larder; what is heard
// must be the same word for word, and what others read meanwhile must be what the origin would answer.
//
//   SEED=123 ROUNDS=40

import { expect, it } from 'vitest'
import { Random } from '../../src/base/index.ts'
import * as w from '../support/wire-client.ts'
import { extended, group, theRow, useArena, verdictTo, warm } from './arena.ts'
import { wordOf } from './conversation.ts'

const schema = 'create schema alice; create table kept (n int);'
const arena = useArena({ schema })
const twin = useArena({ schema })

const random = Random.fromEnvironment()
const rounds = Number(process.env.ROUNDS ?? 12)
const turnsPerRound = 25

const another = 'select v from other where id = 1'
const bump = 'update t set v = v + 1 where id = 1'
const bumpOther = 'update other set v = v + 1 where id = 1'

const pieces: readonly string[] = [
  ...['select 1', theRow, another, 'select b from bumping', 'select bump()', 'select 1::checked', 'show search_path'],
  ...[
    bump,
    bump,
    bumpOther,
    'insert into other values (7, 7) on conflict (id) do nothing',
    'delete from other where id = 7',
  ],
  ...['begin', 'begin', 'commit', 'commit', 'rollback', 'commit and chain', 'begin read only', 'end; begin'],
  ...['savepoint a', 'rollback to a', 'release a', `savepoint a; ${bump}`],
  ...['select 1 / 0', 'select nothing', 'selec', 'select $1'],
  ...[
    'set statement_timeout = 60000',
    'set local work_mem = 2048',
    'set search_path = alice, public',
    'reset search_path',
  ],
  ...["select set_config('search_path', 'alice, public', false)", "select set_config('search_path', 'public', true)"],
  ...[
    'create temp table t as select 1 as id, 100 as v',
    'drop table pg_temp.t',
    'create table alice.t (id int, v int)',
  ],
  ...['drop table alice.t', 'truncate kept', 'insert into kept values (1)', 'select count(*) from kept'],
  ...[`prepare p as ${bump}`, `prepare p as ${another}`, 'execute p', 'deallocate p', 'deallocate all', 'discard all'],
  ...[`do 'begin ${bump}; end'`, `do 'begin ${bump}; commit; ${bumpOther}; end'`, 'call commit_then_fail()'],
  ...['declare c cursor for select v from t', 'fetch c', 'close c', `explain (costs off) ${bumpOther}`],
  ...[
    'lock table kept',
    'set constraints all immediate',
    'notify n',
    `with x as (${bump} returning 1) select * from x`,
  ],
  ...['copy other to stdout', 'copy kept from stdin'],
]

/** Messages, and how often the server is ready afterwards. */
interface Turn {
  readonly said: string
  readonly bytes: Buffer
  readonly readyCount: number
}

function text(): string {
  return Array.from({ length: 1 + random.int(4) }, () => random.pick(pieces)).join('; ')
}

function query(): Turn {
  const said = text()
  // Ignored where no COPY asks for them.
  const data = Array.from({ length: said.split('from stdin').length - 1 }, () => [w.copyData('5\n'), w.copyDone()])
  return { said, bytes: Buffer.concat([w.query(said), ...data.flat()]), readyCount: 1 }
}

function extendedGroup(): Turn {
  const words: string[] = []
  const bytes = Array.from({ length: 1 + random.int(3) }, () => {
    const piece = random.pick(pieces.filter((sql) => !sql.includes('stdin')))
    const name = random.pick(['p', 'q'])
    const step = random.pick(['run', 'run', 'parse', 'use', 'close', 'flush'])
    words.push(step === 'run' ? piece : step === 'parse' ? `${name}: ${piece}` : `${step} ${name}`)
    if (step === 'run') return extended(piece)
    if (step === 'parse') return w.parse(name, piece)
    if (step === 'use') return Buffer.concat([w.bind({ statement: name }), w.describe('P'), w.execute()])
    return step === 'close' ? w.close('S', name) : w.flush()
  })
  return { said: `[${words.join(' | ')}]`, bytes: group(...bytes), readyCount: 1 }
}

function turn(): Turn {
  const one = random.chance(0.65) ? query() : extendedGroup()
  if (random.chance(0.8) || one.said.includes('stdin')) return one
  const two = extendedGroup()
  return { said: `${one.said} && ${two.said}`, bytes: Buffer.concat([one.bytes, two.bytes]), readyCount: 2 }
}

/** Nobody takes that long to answer: what has come until then is all. */
const silenceMs = 10_000

async function answerTo(session: w.WireClient, { bytes, readyCount }: Turn): Promise<string[]> {
  const words: string[] = []
  let seen = 0
  session.send(bytes)
  const answered = session.receive((frame) => {
    if (frame.type !== 'S') words.push(wordOf(withoutOids(frame)))
    return frame.type === 'Z' && ++seen === readyCount
  })
  const timer = setTimeout(() => session.destroy(), silenceMs)
  await answered.catch(() => words.push('silence'))
  clearTimeout(timer)
  return words
}

/** The two worlds were not made at once: their tables have other numbers. */
function withoutOids(frame: w.Frame): w.Frame {
  if (frame.type !== 'T') return frame
  const bytes = Buffer.from(frame.bytes)
  let at = 7
  for (let left = bytes.readInt16BE(5); left > 0; left--) {
    const nameEnd = bytes.indexOf(0, at)
    bytes.writeInt32BE(0, nameEnd + 1)
    at = nameEnd + 19
  }
  return { ...frame, bytes }
}

async function expectTruth(readers: readonly w.WireClient[], straight: w.WireClient, after: string): Promise<void> {
  for (const sql of [theRow, another]) {
    const truth = await straight.rows(sql)
    for (const reader of readers) expect(await reader.rows(sql), `${verdictTo(reader)} after ${after}`).toEqual(truth)
  }
}

/** No backend works for the session that was cut. */
async function untilGone(straight: w.WireClient): Promise<void> {
  const gone = "select from pg_stat_activity where application_name = 'scripted'"
  while ((await straight.rows(gone)).length > 0);
}

it.each(Array.from({ length: rounds }, (_, round) => [round]))(
  'whatever a script says is answered as by the origin, and seen by all, round %s (RRC-18, RRC-22)',
  async () => {
    const { reader } = arena
    const [origin, straight, writer, other] = [
      await twin.straight(),
      await arena.straight(),
      await arena.through('postgres', { application_name: 'scripted' }),
      await arena.connect(),
    ]
    const history: string[] = []
    for (let count = 0; count < turnsPerRound; count++) {
      const said = turn()
      history.push(said.said)
      const after = `\n  ${history.join('\n  ')}`
      const expected = await answerTo(origin, said)
      expect(await answerTo(writer, said), after).toEqual(expected)
      await expectTruth([reader, other], straight, after)
    }
    // The last of it is cut in the middle.
    const { bytes, said } = turn()
    writer.send(bytes)
    writer.destroy()
    await untilGone(straight)
    await expectTruth([reader, other], straight, `${history.join('\n  ')}\n  cut: ${said}`)
  },
  60_000,
)

const copies: readonly string[] = [
  'copy kept from stdin',
  'copy kept from stdin; select 1',
  `${bump}; copy kept from stdin; copy kept from stdin`,
  `begin; ${bump}; copy kept from stdin; commit`,
]

it.each(copies)(
  'nothing is held back for ever by a client that goes before its COPY begins: %s (RRC-18)',
  async (sql) => {
    const straight = await arena.straight()
    for (const bytes of [w.query(sql), Buffer.concat([w.query(sql), w.copyData('5\n'), w.copyDone()])]) {
      const writer = await arena.through('postgres', { application_name: 'scripted' })
      await writer.query('select 1')
      writer.send(bytes)
      // Behind the answer to another session all is read, and nothing is asked for yet.
      await arena.writer.query('show cache.result_cache')
      writer.destroy()
      await untilGone(straight)
      await warm(arena.reader, theRow)
      await expectTruth([arena.reader], straight, sql)
    }
  },
)
