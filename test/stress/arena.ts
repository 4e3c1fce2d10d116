// Where hostile plays are held: an origin, a Larder before it, a reader and a writer, and a small world worth attacking.
//
// Unless told otherwise each play finds the world as new and a Larder that knows nothing. Read the members inside tests only.

import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { DelayingRelay } from '../support/delaying-relay.ts'
import { openLarder, type TestLarder } from '../support/larder.ts'
import { openTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { bind, describe, execute, parse, sync, WireClient } from '../support/wire-client.ts'

/** The row that most plays are about. */
export const theRow = 'select v from t where id = 1'

const world = `
drop event trigger if exists et; drop event trigger if exists et2;
drop schema if exists mine, alice, sx cascade;
drop schema public cascade; create schema public; grant all on schema public to public;
create table t (id int primary key, v int);
insert into t values (1, 0), (2, 0);
create table other (id int primary key, v int);
insert into other values (1, 0);
create function bump() returns int language plpgsql as $$ begin update t set v = v + 1 where id = 1; return 1; end $$;
create function bump_of(int) returns boolean language plpgsql as $$ begin update t set v = v + 1 where id = 1; return true; end $$;
create view bumping as select bump() as b;
create domain checked as int check (bump_of(value));
create table tenant_rows (tenant text, word text);
insert into tenant_rows values ('a', 'of a'), ('b', 'of b');
alter table tenant_rows enable row level security;
create policy own on tenant_rows using (tenant = current_setting('app.tenant', true));
grant select, insert, update, delete on all tables in schema public to alice;
create function become_b() returns int language plpgsql as $$ begin perform set_config('app.tenant', 'b', false); return 1; end $$;
create table with_default (n int default become_b(), m int);
grant all on with_default to alice;
create procedure commit_then_fail() language plpgsql as $$ begin update t set v = v + 1 where id = 1; commit; execute 'selec'; end $$;
`

interface ArenaOptions {
  /** What the world has besides. */
  readonly schema?: string
  /** Larder reaches its origin through a relay that can stop time. */
  readonly relayed?: boolean
  /** One world and one Larder for all plays of the file. */
  readonly shared?: boolean
}

export interface Arena {
  readonly origin: TestPostgres
  readonly larder: TestLarder
  readonly relay: DelayingRelay
  readonly reader: WireClient
  readonly writer: WireClient
  /** A session through Larder that is told every verdict. Sessions end with the play. */
  connect(user?: string, parameters?: Readonly<Record<string, string>>): Promise<WireClient>
  /** A session through Larder that has said nothing yet. */
  through(user?: string, parameters?: Readonly<Record<string, string>>): Promise<WireClient>
  /** A session past Larder. */
  straight(user?: string): Promise<WireClient>
  /** Runs a script straight at the origin. */
  atOrigin(script: string): Promise<void>
  /** What the origin answers, as rows in JSON. */
  truth(sql: string): Promise<string>
}

export function useArena(options: ArenaOptions = {}): Arena {
  let origin: TestPostgres | undefined
  let larder: TestLarder | undefined
  let relay: DelayingRelay | undefined
  let sessions: WireClient[] = []
  let reader: WireClient | undefined
  let writer: WireClient | undefined

  const keep = async (connecting: Promise<WireClient>): Promise<WireClient> => {
    const session = await connecting
    sessions.push(session)
    return session
  }
  const open = async (): Promise<void> => {
    await arena.atOrigin(world + (options.schema ?? ''))
    let upstream = arena.origin.url
    if (options.relayed) {
      relay = await DelayingRelay.open(arena.origin.target)
      upstream = `postgres://postgres@${relay.host}:${relay.port}/postgres?sslmode=disable`
    }
    larder = await openLarder({ upstream })
  }
  const close = async (): Promise<void> => {
    await larder?.close()
    await relay?.close()
  }

  beforeAll(async () => {
    origin = await openTestPostgres({ parameters: { max_prepared_transactions: 5 } })
    await arena.atOrigin('create role alice login; create role eve login')
    if (options.shared) await open()
  })
  beforeEach(async () => {
    if (!options.shared) await open()
    reader = await arena.connect()
    writer = await arena.connect()
  })
  afterEach(async () => {
    for (const session of sessions) session.destroy()
    sessions = []
    if (!options.shared) await close()
  })
  afterAll(async () => {
    if (options.shared) await close()
    await origin?.close()
  })

  const arena: Arena = {
    get origin() {
      return origin as TestPostgres
    },
    get larder() {
      return larder as TestLarder
    },
    get relay() {
      return relay as DelayingRelay
    },
    get reader() {
      return reader as WireClient
    },
    get writer() {
      return writer as WireClient
    },
    async connect(user, parameters) {
      const session = await arena.through(user, parameters)
      await session.rows("set cache.response_signal = 'parameter'")
      return session
    },
    through(user = 'postgres', parameters = {}) {
      const { host, port } = arena.larder
      return keep(WireClient.connect({ host, port, user, database: 'postgres', parameters }))
    },
    straight(user = 'postgres') {
      const { host, port } = arena.origin.target
      return keep(WireClient.connect({ host, port, user, database: 'postgres' }))
    },
    async atOrigin(script) {
      const client = await arena.origin.connect()
      // A transaction that a play has prepared and left would hold its locks for ever.
      const { rows } = await client.query<{ gid: string }>('select gid from pg_prepared_xacts')
      for (const { gid } of rows) await client.query(`rollback prepared '${gid}'`)
      await client.query(script)
      await client.end()
    },
    async truth(sql) {
      const session = await arena.straight()
      const rows = JSON.stringify(await session.rows(sql))
      await session.close()
      return rows
    },
  }
  return arena
}

/** What the session was told of its last statement. */
export function verdictTo(session: WireClient): string {
  return session.parameters.get('cache.last') ?? ''
}

/** Asks until the answer comes from memory; its rows in JSON. */
export async function warm(session: WireClient, sql: string): Promise<string> {
  for (const untilMs = performance.now() + 20_000; performance.now() < untilMs; ) {
    const rows = await session.rows(sql)
    if (verdictTo(session).startsWith('hit')) return JSON.stringify(rows)
  }
  throw new Error(`never a hit: ${sql}: ${verdictTo(session)}`)
}

/** Parse, Bind, Describe and Execute of the unnamed statement, without Sync. */
export function extended(sql: string, values: readonly (string | null)[] = []): Buffer {
  return Buffer.concat([parse('', sql), bind({ values }), describe('P'), execute()])
}

/** Messages and the Sync that ends them. */
export function group(...messages: readonly Buffer[]): Buffer {
  return Buffer.concat([...messages, sync()])
}
