// Odd orders of messages: what Larder answers is what the origin answers, frame by frame, whether it knows the answer or not.

import { describe, expect, it } from 'vitest'
import * as w from '../support/wire-client.ts'
import { extended, group, useArena, warm } from './arena.ts'
import { ask, expectAlike, say, type Turn, together } from './conversation.ts'

const arena = useArena({
  schema: `create table child (id int, p int, foreign key (p) references t (id) deferrable initially deferred);
    create table changing (a int); insert into changing values (1);
    create schema sx; create table sx.t (id int, v text); insert into sx.t values (1, 'text')`,
})

const one = 'select v from t where id = 1'
const two = 'select v, id from t where id = 2'
const big = "select repeat('x', 100000) from t where id = 1"
const runNamed = [w.bind({ statement: 'n' }), w.execute()]

const plays: readonly (readonly [title: string, turns: readonly Turn[]])[] = [
  ['two reads, second long', [say(extended(one), extended(big))]],
  ['update, then long read', [say(extended('update t set v = v where id = 1'), extended(big))]],
  ['long read simple', [ask(big)]],
  [
    'insert returning long',
    [ask("insert into other values (3, 4) returning repeat('x', 200000)"), ask('delete from other where id = 3')],
  ],
  ['many long rows', [say(extended(one), extended("select repeat('x', 70000) from t, generate_series(1, 50)"))]],
  [
    'describe another portal',
    [
      say(
        w.parse('', one),
        w.bind({ portal: 'a' }),
        w.parse('s2', two),
        w.bind({ portal: 'b', statement: 's2' }),
        w.describe('P', 'b'),
        w.execute('a'),
      ),
    ],
  ],
  [
    'describe unexecuted of two',
    [
      say(
        w.parse('', one),
        w.bind({ portal: 'a' }),
        w.parse('s2', two),
        w.bind({ portal: 'b', statement: 's2' }),
        w.bind({ portal: 'c', statement: 's2' }),
        w.describe('P', 'c'),
        w.describe('P', 'a'),
        w.describe('P', 'b'),
        w.execute('a'),
        w.execute('b'),
      ),
    ],
  ],
  ['describe missing portal', [say(w.parse('', one), w.bind(), w.describe('P', 'nope'), w.execute())]],
  ['bad parse beside', [say(w.parse('bad', 'selec'), w.parse('', one), w.bind(), w.execute())]],
  ['bad bind beside', [say(w.bind({ portal: 'z', statement: 'nope' }), extended(one))]],
  ['bad bind values', [say(w.parse('', one), w.bind({ values: ['1'] }), w.execute())]],
  [
    'other portal bound wrongly',
    [say(w.parse('p1', 'select $1::int'), w.bind({ portal: 'q', statement: 'p1', values: ['x'] }), extended(one))],
  ],
  ['parse after execute bad', [say(extended(one), w.parse('bad', 'selec'))]],
  ['execute before describe', [say(w.parse('', one), w.bind(), w.execute(), w.describe('P'))]],
  ['execute twice', [say(extended(one), w.execute())]],
  [
    'execute limits',
    [
      say(
        w.parse('', 'select id from t order by id'),
        w.bind(),
        w.describe('P'),
        w.execute('', 1),
        w.execute('', 1),
        w.execute(),
      ),
    ],
  ],
  [
    'close statement then use',
    [
      say(w.parse('a', one), w.bind({ statement: 'a' }), w.execute(), w.close('S', 'a')),
      say(w.bind({ statement: 'a' }), w.execute()),
    ],
  ],
  ['close portal before execute', [say(w.parse('', one), w.bind({ portal: 'p' }), w.close('P', 'p'), w.execute('p'))]],
  [
    'close statement before execute',
    [say(w.parse('a', one), w.bind({ statement: 'a' }), w.close('S', 'a'), w.execute())],
  ],
  ['close statement before bind', [say(w.parse('a', one), w.close('S', 'a'), w.bind({ statement: 'a' }), w.execute())]],
  ['parse name twice', [say(w.parse('a', one), w.parse('a', one), w.bind({ statement: 'a' }), w.execute())]],
  [
    'parse name again',
    [
      say(w.parse('a', one), w.bind({ statement: 'a' }), w.execute()),
      say(w.parse('a', one), w.bind({ statement: 'a' }), w.execute()),
    ],
  ],
  ['bind portal twice', [say(w.parse('', one), w.bind({ portal: 'p' }), w.bind({ portal: 'p' }), w.execute('p'))]],
  ['unnamed dropped by query', [say(w.parse('', one), w.bind(), w.execute()), ask(two), say(w.bind(), w.execute())]],
  [
    'unnamed survives',
    [
      say(w.parse('', one), w.bind(), w.execute()),
      say(w.bind(), w.execute()),
      say(w.bind(), w.describe('P'), w.execute()),
    ],
  ],
  [
    'unnamed replaced by error',
    [say(w.parse('', one), w.bind(), w.execute()), say(w.parse('', 'selec')), say(w.bind(), w.execute())],
  ],
  ['unnamed then describe S', [say(w.parse('', one), w.bind(), w.execute()), say(w.describe('S', ''))]],
  [
    'describe S binary, then P binary',
    [
      say(w.parse('', one), w.describe('S'), w.bind({ resultFormats: [1] }), w.execute()),
      say(w.parse('', one), w.describe('S'), w.bind({ resultFormats: [1] }), w.execute()),
      say(w.parse('', one), w.bind({ resultFormats: [1] }), w.describe('P'), w.execute()),
    ],
  ],
  [
    'formats',
    [
      say(w.parse('', one), w.bind({ resultFormats: [1] }), w.describe('P'), w.execute()),
      say(w.parse('', one), w.bind({ resultFormats: [0] }), w.describe('P'), w.execute()),
      say(w.parse('', one), w.bind({ resultFormats: [1] }), w.execute()),
      say(w.parse('', one), w.bind({ resultFormats: [] }), w.describe('P'), w.execute()),
    ],
  ],
  ['no describe then describe', [say(w.parse('', one), w.bind(), w.execute()), say(extended(one)), ask(one)]],
  [
    'replay in failed block',
    [
      say(w.parse('n', one), ...runNamed),
      ask('begin'),
      ask('select 1/0'),
      say(...runNamed),
      ask('rollback'),
      say(...runNamed),
    ],
  ],
  [
    'error earlier in the group of a replay',
    [say(w.parse('n', one), ...runNamed), say(extended('select 1/0'), ...runNamed), say(...runNamed)],
  ],
  ['SQL execute of a protocol statement', [say(w.parse('n', one), ...runNamed), ask('execute n')]],
  ['sync sync', [together(4, w.sync(), w.sync(), extended(one), w.sync(), w.sync())]],
  [
    'pipelined hits',
    [together(5, w.query(one), extended(two), w.sync(), w.query('select 1/0'), w.query(one), extended(one), w.sync())],
  ],
  [
    'pipeline with error in the middle',
    [together(3, extended(one), w.sync(), extended('select 1/0'), extended(one), w.sync(), extended(one), w.sync())],
  ],
  ['pipeline of begin, hits, commit', [together(4, w.query('begin'), w.query(one), w.query('commit'), w.query(one))]],
  [
    'flush between',
    [
      together(
        2,
        w.parse('', one),
        w.flush(),
        w.bind(),
        w.describe('P'),
        w.flush(),
        w.execute(),
        w.flush(),
        w.sync(),
        w.query(one),
      ),
    ],
  ],
  [
    'commit fails',
    [
      ask('insert into child values (1, 99)'),
      say(extended('insert into child values (1, 99)')),
      say(extended('insert into child values (1, 99) returning id'), extended(one)),
      ask('insert into child values (1, 99) returning id'),
    ],
  ],
  ['empty', [ask(''), ask(';'), ask('-- x'), say(extended(''))]],
  ['parameter in simple', [ask('select v from t where id = $1'), ask('update t set v = $1')]],
  [
    'copy out',
    [
      ask('copy t to stdout'),
      say(extended('copy t to stdout')),
      ask('copy (update t set v = v returning id) to stdout'),
    ],
  ],
  ['query after unsynced', [together(3, extended(one), w.query(two), w.query(one), w.sync())]],
  ['query after unsynced error', [together(2, extended('select 1/0'), w.query(two), w.sync(), w.query(one))]],
  [
    'function call',
    [together(1, w.message('F', w.int32(1397), w.int16(0), w.int16(1), w.int32(2), Buffer.from('-5'), w.int16(0)))],
  ],
  ['notices', [ask("do $$ begin raise notice 'hi'; end $$; select v from t where id = 1")]],
  [
    'savepoint protocol',
    [ask('begin'), ask('savepoint a; savepoint b'), ask('rollback to b'), ask('release a'), ask('commit')],
  ],
  [
    'deallocate all in string',
    [ask('update t set v = v where id = 2'), ask('deallocate all; select 1'), ask('update t set v = v where id = 2')],
  ],
  [
    'fetch forward',
    [
      ask('begin; declare c cursor for select * from t order by id; fetch 1 from c'),
      ask('fetch all from c'),
      ask('close c'),
      ask('commit'),
    ],
  ],
  [
    'cached plan must not change',
    [
      say(w.parse('n', 'select * from changing'), w.describe('S', 'n')),
      say(...runNamed),
      say(...runNamed),
      ask('alter table changing alter a type bigint'),
      ask('select * from changing'),
      ask('select * from changing'),
      say(w.parse('', 'select * from changing'), w.bind(), w.execute()),
      say(...runNamed),
      ask('alter table changing alter a type int'),
    ],
  ],
  [
    'replay refused in a failed block',
    [
      say(w.parse('n', one), ...runNamed),
      ask('begin'),
      ask('select 1/0'),
      say(...runNamed),
      ask('rollback'),
      ask('update t set v = v where id = 1'),
      say(...runNamed),
    ],
  ],
  [
    'replay after an error in the same group',
    [
      say(w.parse('n', one), ...runNamed),
      say(w.parse('', 'update t set v = v / 0'), w.bind(), w.execute(), ...runNamed),
      ask('update t set v = v where id = 1'),
      say(...runNamed),
    ],
  ],
  [
    'replay when the table is missing for a while',
    [
      say(w.parse('n', one), ...runNamed),
      ask('alter table t rename to t0'),
      say(...runNamed),
      ask('alter table t0 rename to t'),
      say(...runNamed),
    ],
  ],
  [
    'search_path changes under a named statement',
    [
      say(w.parse('n', one), w.describe('S', 'n')),
      say(...runNamed),
      ask('set search_path = sx'),
      ask(one),
      ask(one),
      ask(one),
      say(...runNamed),
    ],
  ],
]

describe('word for word what the origin answers:', () => {
  for (const [title, turns] of plays) {
    it(title, async () => {
      const { reader } = arena
      for (let round = 0; round < 4; round++) {
        for (const sql of [one, two]) {
          await reader.exchange(group(extended(sql)))
          await reader.rows(sql)
        }
      }
      await expectAlike(arena, turns)
      expect(await reader.rows(one)).toEqual([['0']])
      expect(await reader.rows(two)).toEqual([['0', '2']])
      await warm(reader, one)
    })
  }
})
