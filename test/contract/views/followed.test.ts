// Queries that follow the replication stream: what they answer is what PostgreSQL answers at the same point, whatever is written meanwhile.

import { setImmediate as turn } from 'node:timers/promises'
import type pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { lifeQuestion } from '../../../src/cache/plans/index.ts'
import { FollowedQueries } from '../../../src/cache/views/index.ts'
import { readLsn } from '../../../src/cdc/index.ts'
import { availableVersions, openTestPostgres, type TestPostgres, type TestVersion } from '../../support/postgres.ts'
import { Generator } from '../../support/random-views.ts'
import { sharedParser } from '../../support/shared-parser.ts'

const parser = await sharedParser()
const cleanups: (() => Promise<void>)[] = []
const { CASES = '6' } = process.env

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** Long enough for a machine that is busy. */
const waitMs = 20_000

class Stage {
  readonly origin: TestPostgres
  readonly client: pg.Client
  readonly followed: FollowedQueries
  readonly texts = new Map<string, string>()

  static async open(version: TestVersion, broken: readonly string[] = [], bytesMax = 1e9): Promise<Stage> {
    const parameters = {
      wal_level: 'logical',
      max_replication_slots: 30,
      max_wal_senders: 30,
      synchronous_standby_names: '',
    }
    const origin = await openTestPostgres({ version, parameters })
    cleanups.push(() => origin.close())
    const client = await origin.connect()
    await client.query("set datestyle = 'ISO'; set timezone = 'UTC'")
    return new Stage(origin, client, broken, bytesMax)
  }

  constructor(origin: TestPostgres, client: pg.Client, broken: readonly string[], bytesMax: number) {
    this.origin = origin
    this.client = client
    const target = () => ({ ...origin.target })
    this.followed = new FollowedQueries({
      target,
      parser,
      bytesMax: () => bytesMax,
      broken: new Set(broken),
      lifeQuestion,
    })
    cleanups.push(() => this.followed.close())
  }

  run(text: string): Promise<unknown> {
    return this.client.query(text)
  }

  async add(id: string, text: string, searchPath = 'public'): Promise<{ state: string; reason: string | undefined }> {
    this.texts.set(id, text)
    return await this.followed.add({ id, text, searchPath, owner: undefined })
  }

  /** What is answered with all in it that has been committed. */
  async read(id: string, ms = waitMs): Promise<string[] | undefined> {
    const { rows } = await this.client.query('select pg_current_wal_flush_lsn()::text as lsn')
    const answer = await this.followed.read(id, readLsn(rows[0].lsn), ms)
    return answer?.rows.map((row) => JSON.stringify(row)).sort()
  }

  async expected(id: string): Promise<string[]> {
    const types = { getTypeParser: () => (value: string) => value } as never
    const { rows } = await this.client.query({ text: this.texts.get(id) as string, rowMode: 'array', types })
    return rows.map((row) => JSON.stringify(row)).sort()
  }

  async compare(): Promise<void> {
    for (const [id, text] of this.texts) expect([text, await this.read(id)]).toEqual([text, await this.expected(id)])
  }

  get states(): unknown[] {
    return [...this.followed.status()]
  }
}

describe.each(await availableVersions())('PostgreSQL %i: a query that follows the stream', (version) => {
  it('answers as PostgreSQL does after random transactions', { timeout: 600_000 }, async () => {
    const random = Random.fromEnvironment()
    const generator = new Generator(random)
    let followedCount = 0
    for (let at = 0; at < Number(CASES); at++) {
      const stage = await Stage.open(version)
      const made = generator.case(5)
      for (const text of made.tables.flatMap(({ ddl }) => ddl)) await stage.run(text)
      for (const text of made.before) await stage.run(text)
      const queries = [...made.queries]
      const add = async () => {
        const id = `q${queries.length}`
        const { state } = await stage.add(id, queries.pop() as string)
        if (state !== 'following') stage.texts.delete(id)
      }
      await Promise.all([add(), add(), add()])
      for (const transaction of made.transactions) {
        // Some are added while others write.
        const adding = queries.length > 0 && random.chance(0.5) ? add() : undefined
        await stage.run('begin')
        for (const text of transaction.filter((statement) => statement !== 'rollback')) await stage.run(text)
        await stage.run(transaction.at(-1) === 'rollback' ? 'rollback' : 'commit')
        await adding
        for (const [id, text] of stage.texts) {
          const answer = await stage.read(id)
          // Which of those that are equal LIMIT lets through is PostgreSQL's choice.
          if (answer === undefined) expect(`${text} ${JSON.stringify(stage.states)}`).toContain(' limit ')
          else expect([text, answer]).toEqual([text, await stage.expected(id)])
        }
      }
      followedCount += stage.texts.size
      await (cleanups.pop() as () => Promise<void>)()
      await (cleanups.pop() as () => Promise<void>)()
    }
    expect(followedCount).toBeGreaterThan(Number(CASES) * 2)
  })

  it('moves from commit to commit, never in between, also while it is filled', { timeout: 120_000 }, async () => {
    const random = Random.fromEnvironment()
    const stage = await Stage.open(version)
    // Rows of `log` have no key: what is told twice is in it twice.
    await stage.run(`create table a (id int primary key, n int not null); create table b (id int primary key, n int not null);
      create table log (n int); alter table log replica identity full;
      insert into a select g, 100 from generate_series(1, 300) g; insert into b select g, 100 from generate_series(1, 300) g`)
    let isOver = false
    let commitCount = 0
    const writers = [1, 2].map(async () => {
      const writer = await stage.origin.connect()
      const mine = new Random(random.int(1e9))
      while (!isOver) {
        const [from, to, n] = [1 + mine.int(300), 1 + mine.int(300), mine.int(20)]
        await writer.query('begin')
        await writer.query('lock table a in exclusive mode')
        // Of several hundred lines, which come in several pieces.
        const isLarge = mine.chance(0.3)
        await writer.query(`update a set n = n - ${n} ${isLarge ? '' : `where id = ${from}`}`)
        await writer.query(`update b set n = n + ${n} ${isLarge ? '' : `where id = ${to}`}`)
        await writer.query('insert into log values ($1)', [n])
        await writer.query(mine.chance(0.1) ? 'rollback' : 'commit')
        commitCount++
      }
    })
    const logs = 'select n, count(*) from log group by n'
    for (let at = 0; at < 12; at++) {
      const id = `total ${at}`
      await stage.add(id, 'select sum(s.n) from (select a.n + b.n as n from a join b on a.id = b.id) s')
      await stage.add(`logs ${at}`, logs)
      for (let reads = 0; reads < 20; reads++) {
        const answer = await stage.followed.read(id, 0n, waitMs)
        expect(answer?.rows).toEqual([['60000']])
        await turn()
      }
    }
    isOver = true
    await Promise.all(writers)
    expect(commitCount).toBeGreaterThan(20)
    await stage.add('both', 'select sum(n) from (select n from a) x')
    await stage.add('union', 'select n from a where id < 10 union all select n from b where id > 45')
    await stage.compare()
  })

  it('is not told of a commit before the origin shows it', async () => {
    for (const broken of [[], ['visible']]) {
      const stage = await Stage.open(version, broken)
      await stage.run('create table t (id int primary key, n int); insert into t values (1, 1)')
      await stage.add('t', 'select id, n from t')
      await stage.run("alter system set synchronous_standby_names = 'nobody'")
      await stage.run('select pg_reload_conf()')
      const writer = await stage.origin.connect()
      const waits = "select pid from pg_stat_activity where wait_event = 'SyncRep'"
      const isWaiting = async () => (await stage.client.query(waits)).rows.length > 0
      // The checkpointer has to hear of it first, and nobody can ask it: until then commits go through.
      const scout = await stage.origin.connect()
      for (let isOver = true; isOver; ) {
        isOver = false
        const done = scout.query('create table if not exists tried (n int); insert into tried values (1)').then(() => {
          isOver = true
        })
        while (!isOver && !(await isWaiting())) await turn()
        if (!isOver) await stage.run("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'")
        const wasOver = isOver
        await done
        isOver = wasOver
      }
      const written = writer.query('update t set n = 2')
      await expect.poll(isWaiting).toBe(true)
      expect(await stage.expected('t')).toEqual(['["1","1"]'])
      // It is in the log, and the log is flushed: the stream has told of it.
      expect(await stage.read('t', broken.length === 0 ? 300 : waitMs)).toEqual(
        broken.length === 0 ? undefined : ['["1","2"]'],
      )
      await stage.run("alter system set synchronous_standby_names = ''")
      await stage.run('select pg_reload_conf()')
      await written
      await stage.compare()
    }
  })

  it('is read anew when a relation goes and comes back under its name', async () => {
    for (const broken of [[], ['marks']]) {
      const stage = await Stage.open(version, broken)
      await stage.run('create table t (id int primary key, n int); insert into t values (1, 1)')
      await stage.add('t', 'select id, n from t')
      expect(await stage.read('t')).toEqual(['["1","1"]'])
      await stage.run('begin; alter table t rename to u; update u set n = 2; alter table u rename to t; commit')
      expect(await stage.read('t')).toEqual(broken.length === 0 ? ['["1","2"]'] : ['["1","1"]'])
    }
  })

  it('is read anew after changes of the catalogue, TRUNCATE and a lost stream', { timeout: 60_000 }, async () => {
    const stage = await Stage.open(version)
    await stage.run('create table t (id int primary key, n int, note text); insert into t values (1, 1)')
    await stage.add('t', 'select id, n, note from t where n > 0')
    const again = async (text: string) => {
      await stage.run(text)
      await expect.poll(() => stage.read('t'), { timeout: waitMs }).toEqual(await stage.expected('t'))
    }
    await again('alter table t alter n type bigint')
    await again('insert into t values (2, 5000000000)')
    await again('truncate t')
    await again('insert into t values (3, 3)')
    await again(
      'begin; drop table t; create table t (id int primary key, n int, note text); insert into t values (9, 9); commit',
    )
    await again("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'walsender'")
    await again('insert into t values (10, 10)')
    await again("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'larder views'")
    await stage.run('alter table t enable row level security')
    expect(await stage.read('t', 100)).toBeUndefined()
    await expect.poll(() => stage.states, { timeout: waitMs }).toMatchObject([{ state: 'refused' }])
    expect(stage.states).toMatchObject([{ reason: expect.stringContaining('it has row security') }])
  })

  it('knows values that are not told, and rows that are long', async () => {
    const stage = await Stage.open(version)
    await stage.run(`create table t (id int primary key, n int, long text); alter table t alter long set storage external;
      create table f (id int, n int); alter table f replica identity full`)
    await stage.add('t', 'select id, n, length(long), long from t')
    await stage.add('f', 'select id, count(*), sum(n) from f group by id')
    for (const text of [
      "insert into t select g, g, repeat('x', 300000) from generate_series(1, 3) g",
      'update t set n = n + 1 where id < 3',
      'update t set id = id + 10 where id = 1',
      'begin; savepoint s; delete from t; rollback to s; update t set n = 0 where id = 11; commit',
      'insert into f values (1, null), (1, null), (2, 3), (null, 4)',
      'update f set n = 7 where id = 1',
      'delete from f where n = 7 and ctid = (select min(ctid) from f where n = 7)',
      'delete from t where id = 2',
    ]) {
      await stage.run(text)
      await stage.compare()
    }
  })

  it('says why of what it does not follow', async () => {
    const stage = await Stage.open(version, [], 1_000_000)
    await stage.run(`create table t (id int primary key, n int); create unlogged table u (id int primary key); create table k (id int);
      create table p (id int primary key) partition by range (id); create type mood as enum ('a'); create table e (id int primary key, m mood);
      create table g (id int primary key, h int generated always as (id + 1) stored); create table s (id int primary key); alter table s enable row level security;
      create table big (id int primary key, v text); insert into big select g, repeat('x', 100) from generate_series(1, 20000) g; create view v as select * from t`)
    const refused = async (text: string) => {
      const { state, reason } = await stage.add(text, text)
      expect([text, state]).toEqual([text, 'refused'])
      return reason
    }
    expect(await refused('select * from missing')).toContain('there is no relation "missing"')
    expect(await refused('select * from u')).toContain('it is no permanent table')
    expect(await refused('select * from v')).toContain('it is no permanent table')
    expect(await refused('select * from p')).toContain('it is no permanent table')
    expect(await refused('select * from k')).toContain('it has no primary key')
    expect(await refused('select * from g')).toContain('it has a generated column')
    expect(await refused('select * from s')).toContain('it has row security')
    expect(await refused('select * from e')).toContain('the type of column "m" is not followed')
    expect(await refused('select * from big')).toContain('of memory')
    await expect(
      stage.add('two', 'select id from t) x; drop table t; select * from (select id from k'),
    ).rejects.toThrow()
    await expect(stage.add('two', 'select id from t; drop table t')).rejects.toMatchObject({ sqlstate: '0A000' })
    expect(await refused('select n, now() from t')).toContain('the function now')
    expect((await stage.add('e', 'select id from e')).state).toBe('following')
    await stage.add('grows', 'select id, n from t')
    await stage.run('insert into t select g, g from generate_series(1, 20000) g')
    const grown = () => stage.states.find((state) => (state as { id: string }).id === 'grows')
    await expect
      .poll(grown, { timeout: waitMs })
      .toMatchObject({ state: 'refused', reason: 'its rows take more than 1000000 bytes of memory', bytes: 0 })
    await stage.run(`create function abs(int) returns int language sql immutable return 1`)
    expect(await refused('select abs(n) from t')).toContain('a function abs was made beside')
    expect(await stage.read('select * from u')).toBeUndefined()
  })

  it('does not follow text in another encoding than UTF-8', async () => {
    const stage = await Stage.open(version)
    await stage.run(
      "create database latin template template0 encoding 'LATIN1' locale_provider libc lc_collate 'C' lc_ctype 'C'",
    )
    const target = () => ({ ...stage.origin.target, database: 'latin' })
    const client = await stage.origin.connect({ database: 'latin' })
    await client.query("create table t (id int primary key, v text); insert into t values (1, 'ä')")
    const followed = new FollowedQueries({ target, parser, bytesMax: () => 1e9, lifeQuestion })
    cleanups.push(() => followed.close())
    const refused = await followed.add({ id: 't', text: 'select v from t', searchPath: 'public', owner: undefined })
    expect(refused).toMatchObject({ state: 'refused', reason: 'text in the encoding LATIN1 is not followed' })
  })

  it('ends a read in time though the origin does not say what it shows', async () => {
    const stage = await Stage.open(version)
    await stage.run('create table t (id int primary key)')
    await stage.add('t', 'select id from t')
    const locker = await stage.origin.connect()
    await locker.query('begin; lock table pg_catalog.pg_class in access exclusive mode')
    expect(await stage.followed.read('t', 0n, 100)).toBeUndefined()
    const stop = new AbortController()
    const stopped = stage.followed.read('t', 0n, waitMs, stop.signal)
    stop.abort()
    expect(await stopped).toBeUndefined()
    await locker.query('rollback')
    await stage.compare()
  })

  it('leaves nothing at the origin', async () => {
    const stage = await Stage.open(version)
    await stage.run('create table t (id int primary key)')
    await stage.add('t', 'select id from t')
    await stage.followed.close()
    expect(await stage.followed.read('t', 0n, 1000)).toBeUndefined()
    const left =
      "select slot_name from pg_replication_slots union all select application_name from pg_stat_activity where application_name like 'larder%'"
    expect((await stage.client.query(left)).rows).toEqual([])
  })
})
