// One interleaving for each rule of consistency (docs/consistency.md), played twice: with the rule, when nothing may go
// wrong, and with the rule left out on purpose, when it must. So each rule is needed, and each play can fail.
//
// A play returns what it found wrong, or undefined.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frameIs } from '../support/delaying-relay.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { type Frame, sqlstateOf, type WireClient } from '../support/wire-client.ts'
import { run, Stage, single } from './stage.ts'

interface Play {
  readonly rule: string
  /** Something else would catch it too, so leaving the rule out does no visible harm here. */
  readonly guardedTwice?: true
  readonly title: string
  play(stage: Stage): Promise<string | undefined>
}

const schema = `
  create table item (id int primary key, price int);
  create table log (id int primary key, price int);
  insert into item values (1, 10), (2, 20);
  insert into log values (1, 10);
  create function follow() returns trigger language plpgsql as
    'begin update log set price = new.price where id = new.id; return null; end';
  create trigger follow after update on item for each row execute function follow();

  create table task (id int primary key, state text);
  create table task_log (id int primary key, state text);
  insert into task values (1, 'old');
  insert into task_log values (1, 'old');
  create function late() returns trigger language plpgsql as
    'begin update task_log set state = new.state where id = new.id; return null; end';
  create constraint trigger late after update on task deferrable initially deferred
    for each row execute function late();

  create table secret (id int primary key, word text);
  insert into secret values (1, 'xyzzy');
  create table tenant_row (tenant text, word text);
  insert into tenant_row values ('a', 'of a'), ('b', 'of b');
  alter table tenant_row enable row level security;
  create policy own on tenant_row using (tenant = current_setting('app.tenant', true));
  grant select on tenant_row to rule_alice;
  grant select on secret to rule_alice;
  create function factor(int) returns int language plpgsql immutable as 'begin return 1; end';
`

const price = 'select price from item where id = 1'
const logged = 'select price from log where id = 1'

const plays: readonly Play[] = [
  {
    rule: 'R1-start',
    title: 'an answer that was read before a write and arrives after it is not kept',
    play: (stage) => answerCrossedByWrite(stage),
  },
  {
    rule: 'R1-check',
    title: 'an answer whose relation moved while it was on its way is not kept',
    play: (stage) => answerCrossedByWrite(stage),
  },
  {
    rule: 'R7-join',
    title: 'a reader does not join a read that began before a write it must see',
    async play(stage) {
      const [leader, joiner, writer] = await sessions(stage, 'leader', 'joiner', 'writer')
      await single(leader, price)
      await single(joiner, 'select 1')
      await run(writer, 'update item set price = 11 where id = 1')
      const gate = (await stage.relay.connection('leader')).holdFrom('origin', frameIs.type('D'))
      const leading = single(leader, price)
      await gate.reached
      await run(writer, 'update item set price = 12 where id = 1')
      const joining = single(joiner, price)
      // By now the joiner's statement has been read: these come after it, in the same process.
      for (let round = 0; round < 3; round++) await single(writer, 'select 1')
      gate.release()
      await leading
      return differs('the joiner', await joining, '12')
    },
  },
  {
    rule: 'R2-suspend',
    title: 'who has seen a commit that is not acknowledged yet gets no older answer from memory',
    async play(stage) {
      const [reader, writer] = await sessions(stage, 'reader', 'writer')
      await single(reader, logged)
      await run(writer, 'begin', 'update item set price = 11 where id = 1')
      const gate = (await stage.relay.connection('writer')).holdFrom('origin', frameIs.tag('COMMIT'))
      const committing = run(writer, 'commit')
      await gate.reached
      const seen = await single(reader, 'select price from item where id = 1 and price > 0')
      const then = await single(reader, logged)
      gate.release()
      await committing
      if (seen !== '11') throw new Error(`the commit was not visible yet: ${seen}`)
      return differs('the second relation', then, '11')
    },
  },
  {
    rule: 'R3-capture',
    title: 'a relation that only a trigger writes is known to be written',
    async play(stage) {
      const [reader, writer] = await sessions(stage, 'reader', 'writer')
      await single(reader, logged)
      await run(writer, 'update item set price = 11 where id = 1')
      return differs('what the trigger wrote', await single(reader, logged), '11')
    },
  },
  {
    rule: 'R3-ack',
    title: 'who reads after the acknowledgement of a write sees it, however soon',
    async play(stage) {
      const [reader, writer] = await sessions(stage, 'reader', 'writer')
      for (let round = 1; round <= 30; round++) {
        await single(reader, price)
        await run(writer, `update item set price = ${100 + round} where id = 1`)
        const found = differs('the first read after it', await single(reader, price), String(100 + round))
        if (found !== undefined) return found
      }
      return undefined
    },
  },
  {
    rule: 'R8-unknown',
    title: 'a commit whose answer was lost counts as a change',
    async play(stage) {
      const [reader, writer] = await sessions(stage, 'reader', 'writer')
      await single(reader, price)
      await run(writer, 'begin', 'update item set price = 11 where id = 1')
      const connection = await stage.relay.connection('writer')
      const gate = connection.holdFrom('origin', frameIs.tag('COMMIT'))
      const lost = lossOf(writer, 'commit')
      await gate.reached
      connection.cut()
      const fault = faultOfLoss(await lost)
      for (let round = 0; round < 5; round++) {
        const found = differs('a read after the loss', await single(reader, price), '11')
        if (found !== undefined) return found
      }
      return fault
    },
  },
  {
    rule: 'R8-unknown',
    title: 'a commit that happens after its connection was lost counts as a change',
    async play(stage) {
      const [reader, writer] = await sessions(stage, 'reader', 'writer')
      const straight = await stage.straight()
      await single(reader, price)
      await run(writer, 'begin', 'update item set price = 11 where id = 1')
      const connection = await stage.relay.connection('writer')
      const gate = connection.holdFrom('larder', saysCommit)
      const lost = lossOf(writer, 'commit')
      await gate.reached
      connection.cutFromLarder()
      const fault = faultOfLoss(await lost)
      // Not committed yet: the old value is right, from wherever it comes.
      if ((await single(reader, price)) !== '10') return 'a value was seen before it was committed'
      gate.release()
      // Waits for the row lock, so for the commit.
      await run(straight, 'select from item where id = 1 for update')
      for (let round = 0; round < 5; round++) {
        const found = differs('a read after the late commit', await single(reader, price), '11')
        if (found !== undefined) return found
      }
      return fault
    },
  },
  {
    rule: 'deferred',
    title: 'what a deferred constraint trigger writes at commit is known to be written',
    async play(stage) {
      const state = 'select state from task_log where id = 1'
      const [reader, writer] = await sessions(stage, 'reader', 'writer')
      await single(reader, state)
      await run(writer, "update task set state = 'new' where id = 1")
      const found = differs('after an autocommitted statement', await single(reader, state), 'new')
      if (found !== undefined) return found
      await run(writer, 'begin', "update task set state = 'newer' where id = 1", 'commit')
      return differs('after a block', await single(reader, state), 'newer')
    },
  },
  {
    rule: 'key-role',
    title: 'a role gets no answer that was made for another',
    async play(stage) {
      const secret = 'select word from secret'
      const [alice, bob] = [await stage.session('alice', 'rule_alice'), await stage.session('bob', 'rule_bob')]
      await single(alice, secret)
      if ((await errorCodeOf(bob, secret)) !== '42501') return 'another login read what it may not read'
      const admin = await stage.session('admin')
      await single(admin, secret)
      await run(admin, 'set role rule_bob')
      return (await errorCodeOf(admin, secret)) === '42501' ? undefined : 'after SET ROLE it read what it may not read'
    },
  },
  {
    rule: 'key-settings',
    title: 'an answer made under other settings is not given',
    async play(stage) {
      const words = 'select word from tenant_row'
      const [one, other] = [await stage.session('one', 'rule_alice'), await stage.session('other', 'rule_alice')]
      await run(one, "set app.tenant = 'a'")
      await run(other, "set app.tenant = 'b'")
      await single(one, words)
      const found = differs('another tenant', await single(other, words), 'of b')
      if (found !== undefined) return found
      await run(one, "select set_config('app.tenant', 'b', false)")
      const changed = differs('after set_config', await single(one, words), 'of b')
      if (changed !== undefined) return changed
      const time = "select timestamptz '2026-01-02 03:04:05+00' + price * interval '0 day' from item where id = 1"
      await run(one, 'reset role', "set timezone = 'UTC'")
      await run(other, "set timezone = 'Asia/Tokyo'")
      const admin = await stage.session('admin')
      await run(admin, 'grant select on item to rule_alice')
      await single(one, time)
      return differs('another time zone', await single(other, time), '2026-01-02 12:04:05+09')
    },
  },
  {
    rule: 'txn',
    title: 'what is read in a transaction that has written is not kept for others',
    async play(stage) {
      const [reader, writer] = await sessions(stage, 'reader', 'writer')
      // Both know the statement, so only the rule stands between the writer and what is kept.
      await single(reader, price)
      await single(writer, price)
      await run(writer, 'begin', 'update item set price = 11 where id = 1')
      const own = differs('its own write', await single(writer, price), '11')
      if (own !== undefined) return own
      const found = differs('another session', await single(reader, price), '10')
      await run(writer, 'rollback')
      return found ?? differs('another session, later', await single(reader, price), '10')
    },
  },
  {
    rule: 'txn',
    title: 'what is read under an older snapshot is not kept, and an older snapshot gets nothing newer',
    async play(stage) {
      const [old, reader, writer] = await sessions(stage, 'old', 'reader', 'writer')
      await single(reader, price)
      await run(old, 'begin isolation level repeatable read', 'select price from item where id = 2')
      await run(writer, 'update item set price = 11 where id = 1')
      const snapshot = differs('the old snapshot', await single(old, price), '10')
      const later = differs('another session', await single(reader, price), '11')
      const again = differs('the old snapshot, later', await single(old, price), '10')
      await run(old, 'commit')
      return snapshot ?? later ?? again
    },
  },
  {
    rule: 'ddl',
    guardedTwice: true,
    title: 'a function that is replaced changes the answers it took part in',
    async play(stage) {
      const product = 'select price * factor(id) from item where id = 1'
      const [reader, writer] = await sessions(stage, 'reader', 'writer')
      await single(reader, product)
      await run(
        writer,
        "create or replace function factor(int) returns int language plpgsql immutable as 'begin return 2; end'",
      )
      return differs('after CREATE OR REPLACE FUNCTION', await single(reader, product), '20')
    },
  },
  {
    rule: 'ddl',
    title: 'a privilege that was revoked is gone at once',
    async play(stage) {
      const admin = await stage.session('admin')
      const alice = await stage.session('alice', 'rule_alice')
      await single(alice, 'select word from secret')
      await run(admin, 'revoke select on secret from rule_alice')
      return (await errorCodeOf(alice, 'select word from secret')) === '42501'
        ? undefined
        : 'what was revoked could still be read'
    },
  },
]

let origin: TestPostgres

beforeAll(async () => {
  origin = await openTestPostgres()
  const client = await origin.connect()
  await client.query('create role rule_alice login')
  await client.query('create role rule_bob login')
  await client.query('create database rule_template')
  await client.end()
  const template = await origin.connect({ database: 'rule_template' })
  await template.query(schema)
  await template.end()
})

afterAll(async () => {
  await origin?.close()
})

for (const [index, { rule, title, play, guardedTwice }] of plays.entries()) {
  describe(`${rule}: ${title}`, () => {
    it('holds', async () => {
      expect(await playOn(`rule_${index}`, play)).toBeUndefined()
    })

    if (guardedTwice) return
    it('would not hold without the rule', async () => {
      expect(await playOn(`rule_${index}_broken`, play, rule)).toBeDefined()
    })
  })
}

async function playOn(database: string, play: Play['play'], brokenRule?: string): Promise<string | undefined> {
  const admin = await origin.connect()
  await admin.query(`create database ${database} template rule_template`)
  await admin.end()
  const stage = await Stage.open({ origin, database, brokenRules: brokenRule === undefined ? [] : [brokenRule] })
  try {
    return await play(stage)
  } finally {
    await stage.close()
  }
}

async function answerCrossedByWrite(stage: Stage): Promise<string | undefined> {
  const [slow, other, writer] = await sessions(stage, 'slow', 'other', 'writer')
  await single(slow, price)
  await run(writer, 'update item set price = 11 where id = 1')
  const gate = (await stage.relay.connection('slow')).holdFrom('origin', frameIs.type('D'))
  const reading = single(slow, price)
  await gate.reached
  await run(writer, 'update item set price = 12 where id = 1')
  gate.release()
  if ((await reading) !== '11') throw new Error('the slow answer was not read before the write')
  return differs('a later read', await single(other, price), '12')
}

async function sessions<const Names extends readonly string[]>(
  stage: Stage,
  ...names: Names
): Promise<{ [Index in keyof Names]: WireClient }> {
  const opened = await Promise.all(names.map((name) => stage.session(name)))
  return opened as { [Index in keyof Names]: WireClient }
}

function differs(who: string, value: string | null | undefined, expected: string): string | undefined {
  return value === expected ? undefined : `${who} saw ${value} instead of ${expected}`
}

async function errorCodeOf(session: WireClient, sql: string): Promise<string | undefined> {
  const error = (await session.query(sql)).frames.find(({ type }) => type === 'E')
  return error === undefined ? undefined : sqlstateOf(error)
}

/** What the client of a lost connection is told: the frames up to the end of its connection. */
function lossOf(session: WireClient, sql: string): Promise<readonly Frame[]> {
  return session.query(sql).then(
    ({ frames }) => frames,
    (error: { frames: readonly Frame[] }) => error.frames,
  )
}

function faultOfLoss(frames: readonly Frame[]): string | undefined {
  if (frames.some(({ type }) => type === 'C')) return 'a commit of unknown outcome was reported as done'
  const error = frames.find(({ type }) => type === 'E')
  if (error === undefined) return 'the client of a lost connection was told nothing'
  const code = sqlstateOf(error)
  return ['08007', '08006', '57P01'].includes(code) ? undefined : `the loss was reported as ${code}`
}

function saysCommit(frame: Frame): boolean {
  return 'QP'.includes(frame.type) && /commit/i.test(frame.bytes.toString('latin1'))
}
