// The stream of changes, from a real origin: what is committed is heard of, in order and to the byte; and when it is over, that is said.

import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import type { FeedEvent } from '../../../src/cdc/change.ts'
import { type Lsn, readLsn } from '../../../src/cdc/lsn.ts'
import { ReplicationStream } from '../../../src/cdc/replication-stream.ts'
import { readTestDecoding } from '../../../src/cdc/test-decoding.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const random = Random.fromEnvironment()

class Heard {
  readonly events: FeedEvent[] = []
  keptAlive: Lsn = 0n
  lost: Error | undefined
  #woken: (() => void)[] = []

  data = (payload: Buffer) => {
    this.events.push(readTestDecoding(payload.toString()))
    this.#wake()
  }
  keepalive = (end: Lsn) => {
    this.keptAlive = end
    this.#wake()
  }
  reason = (error: Error) => {
    this.lost = error
    this.#wake()
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#woken.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#woken.splice(0)) resolve()
  }
}

describe.each(await availableVersions())('PostgreSQL %i', (version) => {
  let origin: TestPostgres
  let writer: pg.Client

  beforeAll(async () => {
    const parameters = { wal_level: 'logical', max_prepared_transactions: 5 }
    origin = await openTestPostgres({ version, parameters })
    writer = await origin.connect()
    await writer.query('create table item (id int primary key, name text, price numeric); create table plain (a int)')
  })
  afterAll(() => origin?.close())

  async function listening() {
    const stream = await ReplicationStream.open(origin.target)
    const heard = new Heard()
    await stream.begin({ data: heard.data, keepalive: heard.keepalive, lost: heard.reason })
    /** All that was committed before the call has been heard when it resolves. */
    const fence = async () => {
      const flushed = readLsn((await writer.query('select pg_current_wal_flush_lsn() lsn')).rows[0].lsn)
      stream.ping()
      await heard.until(() => heard.keptAlive >= flushed || heard.lost !== undefined)
    }
    return { stream, heard, fence }
  }

  it('brings every committed change in order, and none that was rolled back', async () => {
    const { stream, heard, fence } = await listening()
    await writer.query("insert into item values (1, 'it''s', 1.50), (2, null, 'NaN')")
    await writer.query('begin; insert into item values (3); rollback')
    await writer.query('update item set id = 7 where id = 1')
    await writer.query('insert into plain values (1); delete from plain')
    await writer.query('truncate item, plain')
    await writer.query("select pg_logical_emit_message(true, 'cache.ddl', 'é')")
    await fence()
    const told = heard.events.map((event) => {
      if (event.kind === 'begin' || event.kind === 'commit') return event.kind
      if (event.kind === 'truncate') return `truncate ${event.relations.map(({ name }) => name).join()}`
      if (event.kind === 'message') return `message ${event.prefix} ${event.content}`
      if (event.kind === 'insert' || event.kind === 'update' || event.kind === 'delete')
        return [
          event.kind,
          event.relation.name,
          event.old && [...event.old.values()],
          event.new && [...event.new.values()],
        ]
      return event.kind
    })
    expect(told).toEqual([
      'begin',
      ['insert', 'item', undefined, ['1', "it's", '1.50']],
      ['insert', 'item', undefined, ['2', null, 'NaN']],
      'commit',
      'begin',
      ['update', 'item', ['1'], ['7', "it's", '1.50']],
      'commit',
      'begin',
      ['insert', 'plain', undefined, ['1']],
      ['delete', 'plain', undefined, undefined],
      'commit',
      'begin',
      'truncate item,plain',
      'commit',
      // Before 16 a transaction of messages alone counts as empty: its begin and commit are skipped, they are not.
      ...(version >= 16 ? ['begin', 'message cache.ddl é', 'commit'] : ['message cache.ddl é']),
    ])
    await stream.close()
    expect(heard.lost).toBeUndefined()
    const { rows } = await writer.query(
      "select count(*)::int n from pg_replication_slots where slot_name like 'larder%'",
    )
    expect(rows).toEqual([{ n: 0 }])
  })

  it('reads names and values of any kind as they were written', async () => {
    const { stream, heard, fence } = await listening()
    const signs = `"' .:,[]()\\\n\t#$é東😀aZ_0-=`
    const text = () => Array.from({ length: random.int(12) }, () => random.pick([...signs])).join('')
    const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
    const written: string[][] = []
    for (let round = 0; round < 40; round++) {
      const [table, column, type] = [`t${round}${text()}`, `c${text()}`, `y${round}${text()}`].map((name) =>
        [...name].slice(0, 15).join(''),
      )
      const values = [text(), text(), text()]
      await writer.query(`create domain ${quoted(type as string)} as text`)
      await writer.query(
        `create table ${quoted(table as string)} (${quoted(column as string)} ${quoted(type as string)}, "new-tuple" text[], b bytea)`,
      )
      const bytes = Buffer.from(values[2] as string)
      await writer.query(`insert into ${quoted(table as string)} values ($1, array[$2], $3)`, [
        values[0],
        values[1],
        bytes,
      ])
      written.push([table as string, column as string, values[0] as string, `\\x${bytes.toString('hex')}`])
    }
    await fence()
    const read = heard.events.flatMap((event) => {
      if (event.kind !== 'insert') return []
      const [[column, value] = [], , [, bytes] = []] = [...(event.new ?? [])]
      return [[event.relation.name, column, value, bytes]]
    })
    expect(read).toEqual(written)
    await stream.close()
  })

  it('tells what became of prepared transactions when they are decided', async () => {
    const { stream, heard, fence } = await listening()
    await writer.query("begin; insert into plain values (5); prepare transaction 'it''s'")
    await fence()
    expect(heard.events).toEqual([])
    await writer.query("commit prepared 'it''s'")
    await fence()
    expect(heard.events.map(({ kind }) => kind)).toEqual(['begin', 'insert', 'commit'])
    await stream.close()
  })

  it('is lost once, with the reason, when its walsender is ended', async () => {
    const { heard, stream } = await listening()
    await writer.query(
      "select pg_terminate_backend(pid) from pg_stat_replication where application_name = 'larder feed'",
    )
    await heard.until(() => heard.lost !== undefined)
    expect(heard.lost?.message).toMatch(/terminat|ended/)
    await stream.close()
  })

  it('is refused with what the origin says to a role that may not replicate', async () => {
    await writer.query('create role reader login')
    const target = { ...origin.target, user: 'reader' }
    await expect(ReplicationStream.open(target)).rejects.toMatchObject({ code: '42501' })
  })
})
