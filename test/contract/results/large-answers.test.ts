// Answers too large for memory: in L2 alone, sent while they are read, to clients of every pace and kind.

import { hash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { typesOf, useSurface, verdictOf } from '../../support/surface.ts'
import {
  type Batch,
  bind,
  cancelRequest,
  close,
  describe as describeFrame,
  execute,
  type Frame,
  parse,
  sqlstateOf,
  sync,
  type WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({
  schema: `create table wide (id int primary key, v text);
    insert into wide select n, md5(n::text) || repeat(chr(97 + n % 26), 4000) from generate_series(1, 1500) n`,
  settings: { l1_admit_bytes_max: '64kB', result_bytes_max: '64MB' },
})

const sql = 'select id, v from wide order by id'

/** Length and hash: a matcher would look at megabytes one by one. */
function digestOf(frames: readonly Frame[]): string {
  const bytes = Buffer.concat(frames.map((frame) => frame.bytes))
  return `${bytes.length} bytes ${hash('sha256', bytes)}`
}

const rowsOf = ({ frames }: Batch) => digestOf(frames.filter(({ type }) => type === 'D'))
const bytesOf = ({ frames }: Batch) => digestOf(frames.filter(({ type }) => type !== 'S'))

/** Asks until it is a hit: the last of it may still be on its way into L2. */
async function warm(client: WireClient, text = sql): Promise<Batch> {
  for (let tries = 0; tries < 100; tries++) {
    const batch = await client.query(text)
    if (verdictOf(client) === 'hit') return batch
    expect(verdictOf(client)).toMatch(/^miss;reason=(cold|invalidated|flushed|expired)/)
  }
  throw new Error(`no hit: ${verdictOf(client)}`)
}

describe('L1-13 STR-6 an answer over l1_admit_bytes_max', () => {
  it('is a hit from L2, byte for byte the origin’s, and takes no memory', async () => {
    const client = await surface.session()
    const expected = bytesOf(await (await surface.straight()).query(sql))
    expect(Number.parseInt(expected, 10)).toBeGreaterThan(5e6)
    expect(bytesOf(await client.query(sql))).toEqual(expected)
    expect(verdictOf(client)).toMatch(/^miss/)
    const before = await surface.stats('result_bytes_in_use', 'l1_bytes_in_use')
    for (let count = 0; count < 3; count++) expect(bytesOf(await warm(client))).toEqual(expected)
    const after = await surface.stats('result_bytes_in_use', 'l1_bytes_in_use')
    expect(after.l1_bytes_in_use - before.l1_bytes_in_use).toBeLessThan(20_000)
  })

  it('is sent in every shape of the extended protocol', async () => {
    const client = await surface.session()
    const text = 'select v from wide where id > $1 order by id'
    const run = (name: string) => [bind({ statement: name, values: ['10'] }), describeFrame('P'), execute()]
    const first = await client.exchange(Buffer.concat([parse('w', text), ...run('w'), sync()]))
    const expected = rowsOf(first)
    for (;;) {
      const batch = await client.exchange(Buffer.concat([...run('w'), close('P', ''), sync()]))
      expect(rowsOf(batch)).toEqual(expected)
      expect(typesOf(batch).replace(/D+/, 'D')).toBe('2TDC3Z')
      if (verdictOf(client) === 'hit') break
    }
    const unnamed = await client.exchange(Buffer.concat([parse('', text), ...run(''), sync()]))
    expect([typesOf(unnamed).replace(/D+/, 'D'), verdictOf(client)]).toEqual(['12TDCZ', 'hit'])
  })

  it('is followed by what was sent behind it, in its order', async () => {
    const client = await surface.session()
    await warm(client)
    const answers = await Promise.all([client.query(sql), client.query('select 7'), client.query(sql)])
    expect(answers.map((batch) => typesOf(batch).replace(/D+/, 'D'))).toEqual(['TDCZ', 'TDCZ', 'TDCZ'])
    expect(bytesOf(answers[0] as Batch)).toEqual(bytesOf(answers[2] as Batch))
  })

  it('RRC-1 is read again when what it was derived from was written', async () => {
    const client = await surface.session()
    await warm(client)
    await client.query("update wide set v = 'changed' where id = 700")
    const batch = await client.query(sql)
    expect(verdictOf(client)).toMatch(/^miss/)
    expect(batch.frames.filter(({ type }) => type === 'D')[699]?.bytes.toString()).toContain('changed')
    expect(bytesOf(await warm(client))).toEqual(bytesOf(batch))
  })

  it('is cancelled like any statement, and the session goes on', async () => {
    const { host, port } = surface.larder
    const client = await surface.session()
    const expected = bytesOf(await warm(client))
    for (let count = 0; count < 8; count++) {
      const asked = client.query(sql)
      const canceller = net.connect({ host, port })
      canceller.resume().end(cancelRequest(client.backendKey))
      await once(canceller, 'close')
      const batch = await asked
      const error = batch.frames.find(({ type }) => type === 'E')
      // It may have been through already.
      if (error === undefined) expect(bytesOf(batch)).toBe(expected)
      else expect(sqlstateOf(error)).toBe('57014')
      expect(await client.rows('select 8')).toEqual([['8']])
    }
  })

  it('leaves nothing behind when its client goes in the middle', async () => {
    const observer = await surface.session()
    const expected = bytesOf(await warm(observer))
    for (let count = 0; count < 5; count++) {
      const client = await surface.session()
      client.pause()
      void client.query(sql).catch(() => undefined)
      await observer.query('select 1')
      client.destroy()
    }
    expect(bytesOf(await warm(observer))).toBe(expected)
  })

  it('belongs to its role', async () => {
    const client = await surface.session()
    await client.query('create role nobody_else login')
    await warm(client)
    const other = await surface.session(undefined, 'nobody_else')
    const batch = await other.query(sql)
    expect(sqlstateOf(batch.frames.find(({ type }) => type === 'E') as never)).toBe('42501')
  })

  it('is what a driver reads, row by row', async () => {
    const { host, port } = surface.larder
    const client = new pg.Client({ host, port, user: 'postgres', database: 'postgres' })
    await client.connect()
    const rows = async () => (await client.query('select id, v from wide where id <= $1 order by id', [1400])).rows
    const cold = await rows()
    for (let count = 0; count < 4; count++) expect(isDeepStrictEqual(await rows(), cold)).toBe(true)
    await client.end()
    expect(cold).toHaveLength(1400)
  })
})
