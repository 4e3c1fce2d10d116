// Counters of the wire and the caches of answers, moved one by one by what they count (MET-2); those of the blob cache and its
// store are in test/unit/cache/blob.

import { expect, it } from 'vitest'
import { useSurface } from '../../support/surface.ts'
import { WireClient } from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table item (id int primary key, price int); insert into item select n, n from generate_series(1, 9) n;
    create table slow (id int);
    create function doze() returns trigger language plpgsql as 'begin perform pg_sleep(600); return null; end';
    create constraint trigger doze after insert on slow deferrable initially deferred for each row execute function doze()`,
  settings: { result_coalesce_wait: '1min' },
})

const read = 'select sum(price) from item where id < 5'

/** By how much each of these moves while something is done. */
async function movedBy<Name extends string>(names: readonly Name[], act: () => Promise<unknown>) {
  const before = await surface.stats(...names)
  await act()
  const after = await surface.stats(...names)
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as Record<Name, number>
}

/** A session past Larder that lets nobody read `item` until it commits. */
async function holdingItem(): Promise<WireClient> {
  const holder = await surface.straight()
  await holder.query('begin')
  await holder.query('lock table item')
  return holder
}

/** So many readers wait for it at the origin. */
async function untilWaiting(holder: WireClient, count: number): Promise<void> {
  const waiting = "select count(*) from pg_locks where not granted and mode = 'AccessShareLock'"
  while ((await holder.rows(waiting))[0]?.[0] !== String(count));
}

it('a read, a read that may not be kept, a write and a command each count as what they are (MET-2)', async () => {
  const client = await surface.session()
  const names = ['result_misses', 'result_hits', 'result_bypasses', 'result_passes', 'result_invalidations'] as const
  const moved = await movedBy(names, async () => {
    for (const text of [read, read, 'select now(), price from item', 'update item set price = price', read]) {
      await client.query(text)
    }
  })
  expect(moved).toEqual({
    ...{ result_misses: 2, result_hits: 1, result_bypasses: 1, result_passes: 1, result_invalidations: 1 },
  })
  const { result_bytes_in_use: charged, result_payload_bytes: payload } = await surface.stats(
    ...(['result_bytes_in_use', 'result_payload_bytes'] as const),
  )
  expect(payload).toBeGreaterThan(0)
  expect(charged).toBeGreaterThan(payload)
})

it('a change is an epoch moved, a suspension and locks asked for; one that may concern anything is global (MET-2)', async () => {
  const client = await surface.session()
  const names = ['epoch_bumps', 'epoch_bumps_global', 'suspensions', 'lock_captures', 'plan_invalidations'] as const
  await client.query(read)
  const write = await movedBy(names, () => client.query('update item set price = price + 1'))
  expect(write).toMatchObject({ epoch_bumps_global: 0, lock_captures: 1 })
  expect(write.epoch_bumps).toBeGreaterThan(0)
  expect(write.suspensions).toBeGreaterThan(0)
  const ddl = await movedBy(names, () => client.query('alter table item add column note text'))
  expect(ddl.epoch_bumps_global).toBeGreaterThan(0)
  const flushed = await movedBy(names, () => client.query('flush cache plans'))
  expect(flushed.plan_invalidations).toBeGreaterThan(0)
})

it('sessions, their connections and bytes are counted, and statements of ours apart (MET-2)', async () => {
  const names = [
    ...['sessions_opened', 'origin_connections_opened', 'client_bytes_in', 'client_bytes_out', 'origin_bytes_in'],
    ...['own_statements', 'virtual_statements', 'system_database_starts', 'shape_probes'],
  ]
  const { origin_connections: open } = await surface.stats('origin_connections')
  const moved = await movedBy(names, async () => {
    const client = await surface.session()
    await client.query('select max(price) from item')
    await client.query('show cache.result_ttl')
    await client.query("select count(*) from cache.settings where name like 'l1%' group by name like '%max'")
    // What a session was sent is added up when it ends.
    const { client_bytes_out: before } = await surface.stats('client_bytes_out')
    await client.close()
    while ((await surface.stats('client_bytes_out')).client_bytes_out === before);
  })
  expect(moved.sessions_opened).toBe(1)
  for (const name of names) {
    // The system database starts once; the statements that ask for statistics may have started it.
    if (name !== 'system_database_starts') expect(moved[name], name).toBeGreaterThan(0)
  }
  const now = await surface.stats('system_database_starts', 'origin_connections')
  expect(now.system_database_starts).toBeGreaterThan(0)
  expect(now.origin_connections).toBeGreaterThan(open - 1)
})

it('who is not let in, and who does not speak the protocol, is counted (MET-2)', async () => {
  const { host, port } = surface.larder
  const names = ['sessions_refused', 'protocol_errors'] as const
  const before = await surface.stats(...names)
  await expect(WireClient.connect({ host, port, user: 'postgres', database: 'nowhere' })).rejects.toThrow()
  const client = await surface.session()
  client.send(Buffer.from([0x01, 0, 0, 0, 4]))
  await client.whenClosed()
  const expected = { sessions_refused: before.sessions_refused + 1, protocol_errors: before.protocol_errors + 1 }
  // The client may see its end before it is counted.
  await expect.poll(() => surface.stats(...names), { interval: 5, timeout: 5000 }).toEqual(expected)
})

it('a client that goes while it is let in leaves no connection counted (MET-2)', async () => {
  const { host, port } = surface.larder
  const { origin_connections: open } = await surface.stats('origin_connections')
  for (let times = 0; times < 5; times++) {
    const connecting = WireClient.connect({ host, port, user: 'postgres', database: 'nowhere' })
    await expect(connecting).rejects.toThrow()
  }
  await expect.poll(() => surface.stats('origin_connections'), { interval: 5 }).toEqual({ origin_connections: open })
})

it('a read that joins one under way is counted, and a fill that a change crossed (MET-2)', async () => {
  const [one, two] = [await surface.session(), await surface.session()]
  const names = ['result_coalesced', 'result_fills', 'result_fill_rejects'] as const
  // What it reads is known by then: the next fill is one that others may join.
  for (const client of [one, one, two]) await client.query(read)
  await one.query('update item set price = price + 1')
  const joined = await movedBy(names, async () => {
    const holder = await holdingItem()
    const asked = [one.query(read), two.query(read)]
    await untilWaiting(holder, 1)
    const active = "select count(*) from cache.sessions where state = 'active'"
    const observer = await surface.session()
    while (Number((await observer.rows(active))[0]?.[0]) < 3);
    await holder.query('commit')
    await Promise.all(asked)
  })
  expect(joined).toEqual({ result_coalesced: 1, result_fills: 1, result_fill_rejects: 0 })
  await one.query('update item set price = price + 1')
  const crossed = await movedBy(names, async () => {
    const holder = await holdingItem()
    const asked = one.query(read)
    await untilWaiting(holder, 1)
    await two.query('invalidate cache relation item')
    await holder.query('commit')
    await asked
  })
  expect(crossed).toEqual({ result_coalesced: 0, result_fills: 0, result_fill_rejects: 1 })
})

it('an origin that is lost is counted, and a commit whose end nobody heard (MET-2)', async () => {
  const moved = await movedBy(['origin_connections_lost', 'unknown_outcomes'], async () => {
    const client = await surface.session()
    await client.query('begin; insert into slow values (1)')
    const straight = await surface.straight()
    const committing = client.query('commit').catch(() => undefined)
    const dozing = "select pid from pg_stat_activity where wait_event = 'PgSleep'"
    let pid: string | null | undefined
    while (pid === undefined) pid = (await straight.rows(dozing))[0]?.[0]
    await straight.query(`select pg_terminate_backend(${pid})`)
    await committing
    await client.whenClosed()
  })
  expect(moved).toEqual({ origin_connections_lost: 1, unknown_outcomes: 1 })
})
