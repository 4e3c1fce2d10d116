// Foreign commits as invalidations, from a real origin.

import type pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/index.ts'
import { ChangeFeed, type FeedParts, type FeedState } from '../../../src/cdc/change-feed.ts'
import { ForeignCommits } from '../../../src/cdc/index.ts'
import { Epochs, quarantined, type Relation, unmoved } from '../../../src/invalidation/index.ts'
import type { OriginTarget } from '../../../src/origin/index.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

describe.each(await availableVersions())('PostgreSQL %i', (version) => {
  let origin: TestPostgres
  let writer: pg.Client
  const feeds: ChangeFeed[] = []

  beforeAll(async () => {
    origin = await openTestPostgres({ version, parameters: { wal_level: 'logical', max_prepared_transactions: 5 } })
    writer = await origin.connect()
    await writer.query(`create table item (id int primary key, n int); insert into item values (1, 0);
      create table shelf (id int); create table child (id int references item on delete cascade);
      create table part (id int, n int) partition by list (id); create table part_1 partition of part for values in (1);
      create function fills_shelf() returns trigger language plpgsql as $$ begin insert into shelf values (1); return null; end $$;
      create table triggers (a int); create trigger t after insert on triggers for each row execute function fills_shelf()`)
  })
  afterEach(async () => {
    for (const feed of feeds.splice(0)) await feed.close()
  })
  afterAll(() => origin?.close())

  async function open(target: OriginTarget = origin.target, options: Partial<FeedParts> = {}) {
    const epochs = new Epochs()
    const database = epochs.database('postgres')
    const states: FeedState[] = []
    const waiting: { readonly state: FeedState; resolve(): void }[] = []
    const onState = (state: FeedState) => {
      states.push(state)
      for (const each of waiting) if (each.state === state) each.resolve()
    }
    const commits = new ForeignCommits(database, () => 0)
    const heard = { transactions: 0, changes: 0, wanted: 0 }
    const feed = new ChangeFeed({
      ...{
        target: () => target,
        epochs: database,
        commits,
        clock: systemClock,
        onState,
        retainedBytesMax: () => 2 ** 40,
      },
      tally: { transaction: () => heard.transactions++, change: () => heard.changes++ },
      unmovedSince: async () => undefined,
      lifeOf: async () => 'life',
      onLife: () => undefined,
      onSlot: () => undefined,
      broken: new Set(),
      onWanted: () => heard.wanted++,
      onLate: () => undefined,
      ...options,
    })
    feeds.push(feed)
    const quiet = () => expect.poll(() => commits.pendingCount + commits.suspectCount, { interval: 2 }).toBe(0)
    const reached = (state: FeedState) => new Promise<void>((resolve) => waiting.push({ state, resolve }))
    return { feed, epochs, database, states, commits, reached, heard, quiet }
  }

  async function streaming(options: Partial<FeedParts> = {}) {
    const opened = await open(origin.target, options)
    const begun = opened.reached('streaming')
    opened.feed.start()
    await begun
    await opened.quiet()
    const relationOf = async (name: string): Promise<Relation> => {
      const { rows } = await writer.query('select $1::regclass::oid::int8 as oid', [name])
      return opened.database.relation(Number(rows[0].oid))
    }
    /** Which of these a fill begun before `run` could not be kept for. */
    const moved = async (names: readonly string[], run: () => Promise<unknown>) => {
      const relations = await Promise.all(names.map(relationOf))
      // What was heard before moves once more when it is seen.
      await opened.feed.fence()
      await opened.quiet()
      const start = opened.epochs.tick()
      await run()
      await opened.feed.fence()
      return names.filter((_, index) => !unmoved(opened.database, [relations[index] as Relation], start))
    }
    return { ...opened, moved, relationOf }
  }

  const all = ['item', 'shelf', 'child', 'part', 'part_1', 'triggers']

  it('move exactly what they changed: by triggers, cascades and partitions too (R4)', async () => {
    const { moved } = await streaming()
    expect(await moved(all, () => writer.query('update item set n = n + 1'))).toEqual(['item'])
    expect(await moved(all, () => writer.query('insert into triggers values (1)'))).toEqual(['shelf', 'triggers'])
    await writer.query('insert into child values (1)')
    expect(await moved(all, () => writer.query('delete from item'))).toEqual(['item', 'child'])
    expect(await moved(all, () => writer.query('insert into part values (1, 1)'))).toEqual(['part_1'])
    expect(await moved(all, () => writer.query('truncate item cascade'))).toEqual(['item', 'child'])
    expect(await moved(all, () => writer.query('begin; insert into item values (9); rollback'))).toEqual([])
    expect(await moved(all, () => writer.query('select * from item for update'))).toEqual([])
  })

  it('move the same where they are decoded by pgoutput, of what is published', async () => {
    await writer.query('create publication cached for table item, shelf, child, part; insert into item values (5, 5)')
    const { moved } = await streaming({ publication: 'cached' })
    expect(await moved(all, () => writer.query('update item set n = n + 1'))).toEqual(['item'])
    await writer.query('insert into child values (5)')
    expect(await moved(all, () => writer.query('insert into triggers values (1)'))).toEqual(['shelf'])
    expect(await moved(all, () => writer.query('insert into part values (1, 1)'))).toEqual(['part_1'])
    const tags = "begin; insert into shelf values (5); prepare transaction 'told'"
    expect(await moved(all, () => writer.query(tags))).toEqual([])
    expect(await moved(all, () => writer.query("commit prepared 'told'"))).toEqual(['shelf'])
    expect(await moved(all, () => writer.query('truncate item cascade'))).toEqual(['item', 'child'])
    expect(await moved(all, () => writer.query('begin; insert into item values (9); rollback'))).toEqual([])
    await writer.query('drop publication cached; insert into item values (1, 0)')
  })

  it('leave nothing in quarantine once they are visible, and move once more then (R5, DEP-6)', async () => {
    const { moved, commits, database, relationOf } = await streaming()
    const shelf = await relationOf('shelf')
    await moved(['shelf'], () => writer.query('insert into shelf values (2)'))
    await expect.poll(() => commits.pendingCount, { interval: 2 }).toBe(0)
    expect(shelf.epoch).toBe(2)
    expect(quarantined(database, [shelf])).toBe(false)
  })

  it('of a relation that is new move everything, and by its name when it is known', async () => {
    const { moved } = await streaming()
    await writer.query('create table fresh (a int)')
    const fills = () => moved(['shelf', 'fresh'], () => writer.query('insert into fresh values (1)'))
    expect(await fills()).toEqual(['shelf', 'fresh'])
    await expect.poll(fills, { interval: 20, timeout: 5000 }).toEqual(['fresh'])
  })

  it('of a relation renamed meanwhile move what bore the name, before and since', async () => {
    const { feed, moved, quiet } = await streaming()
    await writer.query('create table one (a int); create table two (a int)')
    await writer.query('insert into one values (1)')
    const swapped = await moved(['one', 'two'], async () => {
      await writer.query('insert into one values (2)')
      await writer.query(
        'begin; alter table one rename to three; alter table two rename to one; alter table three rename to two; commit',
      )
      await writer.query('insert into one values (3)')
      await feed.fence()
      await quiet()
    })
    expect(swapped).toEqual(['one', 'two'])
  })

  it('are lost with the stream: everything moves, and it begins again (R9)', async () => {
    const { epochs, database, quiet, reached, moved } = await streaming()
    const start = epochs.tick()
    const again = reached('streaming')
    await writer.query(
      "select pg_terminate_backend(pid) from pg_stat_replication where application_name = 'larder feed'",
    )
    await writer.query('insert into shelf values (3)')
    await again
    expect(unmoved(database, [], start)).toBe(false)
    await quiet()
    expect(await moved(['shelf'], () => writer.query('insert into shelf values (4)'))).toEqual(['shelf'])
  })

  it('are refused to a role that may not replicate, with the reason', async () => {
    await writer.query('create role reader login')
    const { feed, reached } = await open({ ...origin.target, user: 'reader' })
    const refused = reached('refused')
    feed.start()
    await refused
    expect(feed.reason).toMatch(/permission denied|must be superuser or replication role/)
  })

  it('come with no slot left behind', async () => {
    const { feed } = await streaming()
    await feed.close()
    await expect
      .poll(async () => (await writer.query('select count(*)::int n from pg_replication_slots')).rows[0].n, {
        interval: 10,
      })
      .toBe(0)
  })

  it('keep their names over a TRUNCATE, which makes a new row of the catalogue', async () => {
    const { moved, quiet } = await streaming()
    expect(await moved(all, () => writer.query('truncate shelf'))).toEqual(['shelf'])
    await quiet()
    expect(await moved(all, () => writer.query('insert into shelf values (1)'))).toEqual(['shelf'])
  })

  it('that rename what they write move everything as soon as they are visible', async () => {
    const { feed, moved, quiet } = await streaming()
    await writer.query('create table left_one (a int); create table right_one (a int)')
    await expect
      .poll(() => moved(all, () => writer.query('insert into left_one values (1); insert into right_one values (1)')))
      .toEqual([])
    const swapped = await moved(['left_one', 'right_one'], async () => {
      // What is printed as left_one is right_one: only the catalogue tells.
      await writer.query(
        'begin; alter table left_one rename to aside; alter table right_one rename to left_one; insert into left_one values (2); commit',
      )
      await feed.fence()
      await quiet()
    })
    expect(swapped).toEqual(['left_one', 'right_one'])
    await writer.query('drop table left_one, aside')
  })

  it('of many rows cost a relation, and of a huge one its beginning', async () => {
    const { moved, heard } = await streaming()
    await writer.query('create table bulk (id int, filler text); insert into bulk values (0)')
    await expect.poll(() => moved(all, () => writer.query('insert into bulk values (0)'))).toEqual([])
    const before = heard.changes
    await moved(all, () => writer.query("insert into bulk select g, repeat('x', 100) from generate_series(1, 50000) g"))
    await moved(all, () => writer.query("insert into bulk select 1, repeat('x', 30000000)"))
    expect(heard.changes - before).toBe(50_001)
    expect(await moved(['bulk', 'item'], () => writer.query('delete from bulk'))).toEqual(['bulk'])
    await writer.query('drop table bulk')
  })

  it('of prepared transactions are told of when they are decided, and those before the stream too', async () => {
    const { moved } = await streaming()
    const prepared = "begin; insert into shelf values (5); prepare transaction 'one'"
    expect(await moved(all, () => writer.query(prepared))).toEqual([])
    expect(await moved(all, () => writer.query("commit prepared 'one'"))).toEqual(['shelf'])
    await writer.query("begin; insert into shelf values (6); prepare transaction 'two'")
    const { feed, reached } = await open()
    const begun = reached('streaming')
    feed.start()
    const waits =
      "select count(*)::int n from pg_stat_activity where backend_type = 'walsender' and wait_event_type = 'Lock'"
    await expect.poll(async () => (await writer.query(waits)).rows[0].n, { interval: 10 }).toBe(1)
    expect(feed.state).toBe('connecting')
    await writer.query("commit prepared 'two'")
    await begun
  })

  it('that have not come when the feed is closed are not waited for', async () => {
    await writer.query("begin; insert into shelf values (7); prepare transaction 'three'")
    const { feed } = await open()
    feed.start()
    const waits =
      "select count(*)::int n from pg_stat_activity where backend_type = 'walsender' and wait_event_type = 'Lock'"
    await expect.poll(async () => (await writer.query(waits)).rows[0].n, { interval: 10 }).toBe(1)
    await feed.close()
    const { rows } = await writer.query(
      "select (select count(*)::int from pg_replication_slots) slots, count(*)::int backends from pg_stat_activity where application_name = 'larder feed'",
    )
    expect(rows).toEqual([{ slots: 0, backends: 0 }])
    await writer.query("rollback prepared 'three'")
  })

  it('are given up when the origin would keep too much of its log for them', async () => {
    const long = await origin.connect()
    const { feed, reached } = await streaming({ retainedBytesMax: () => 1e6 })
    const refused = reached('refused')
    await long.query('begin; insert into shelf values (8)')
    await writer.query(
      "create table waste (a text); insert into waste select repeat('x', 1000) from generate_series(1, 5000)",
    )
    await writer.query('checkpoint')
    await refused
    expect(feed.reason).toMatch(/kept \d+ bytes of its log for the feed/)
    expect((await writer.query('select 1 from pg_replication_slots')).rowCount).toBe(0)
    await long.end()
    await writer.query('drop table waste')
  })

  it('are let go of for who waits for the database to be his alone', async () => {
    const { feed, heard } = await streaming({ onWanted: () => void feed.close().then(() => heard.wanted++) })
    const other = await origin.connect({ database: 'template1' })
    await writer.end()
    await other.query('create database copied template postgres')
    expect(heard.wanted).toBe(1)
    await other.query('drop database copied')
    await other.end()
    writer = await origin.connect()
  })
})

describe('an origin that gives no stream', () => {
  it.each([
    [{ wal_level: 'replica' }, /wal_level is replica; set wal_level = logical/],
    [{ wal_level: 'logical', max_replication_slots: 0 }, /raise max_replication_slots/],
    [{ wal_level: 'logical', max_wal_senders: 0 }, /raise max_wal_senders/],
  ])('says why, and what to do: %j', async (parameters, said) => {
    const origin = await openTestPostgres({ parameters })
    const database = new Epochs().database('postgres')
    let tell: (reason: string | undefined) => void = () => undefined
    const told = new Promise<string | undefined>((resolve) => {
      tell = resolve
    })
    const feed = new ChangeFeed({
      ...{ target: () => origin.target, epochs: database, clock: systemClock, retainedBytesMax: () => 2 ** 40 },
      commits: new ForeignCommits(database, () => 0),
      tally: { transaction: () => undefined, change: () => undefined },
      unmovedSince: async () => undefined,
      lifeOf: async () => 'life',
      onLife: () => undefined,
      onSlot: () => undefined,
      broken: new Set(),
      onState: (state, reason) => {
        if (state === 'refused') tell(reason)
      },
      onWanted: () => undefined,
      onLate: () => undefined,
    })
    feed.start()
    expect(await told).toMatch(said)
    await feed.close()
    await origin.close()
  })
})
