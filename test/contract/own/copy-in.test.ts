// COPY cache.blobs FROM STDIN: the rows are added as INSERT would, in all formats that PostgreSQL reads.

import { expect, it } from 'vitest'
import { useSurface } from '../../support/surface.ts'
import {
  type Batch,
  bind,
  copyData,
  copyDone,
  copyFail,
  errorFieldsOf,
  errorOf,
  execute,
  parse,
  query,
  sync,
  tagOf,
  type WireClient,
} from '../../support/wire-client.ts'

const surface = useSurface({ schema: 'create table item (id int primary key); insert into item values (1), (2)' })

async function session(): Promise<WireClient> {
  const client = await surface.session('')
  await client.query('drop cache namespace if exists app; create cache namespace app')
  return client
}

/** What a simple COPY came to: its tag, or the SQLSTATE of its error. */
async function copy(client: WireClient, sql: string, ...data: readonly Buffer[]): Promise<string> {
  client.send(query(sql))
  await client.receive(({ type }) => type === 'G' || type === 'Z')
  return outcomeOf(await client.exchange(Buffer.concat(data)))
}

function outcomeOf(batch: Batch): string {
  const error = errorOf(batch)
  if (error !== undefined) return errorFieldsOf(error).get('C') ?? ''
  return batch.frames
    .filter(({ type }) => type === 'C')
    .map(tagOf)
    .join()
}

const rows = (client: WireClient) =>
  client.rows("select key, encode(value, 'escape'), tags from cache.blobs where namespace = 'app' order by key")

const target = 'cache.blobs (namespace, key, value, tags)'

it('adds the rows of every format that PostgreSQL reads (SQL-28)', async () => {
  const client = await session()
  expect(
    await copy(
      client,
      `copy ${target} from stdin`,
      copyData('app\ta\t\\\\x41\t{x,y}\napp\tb'),
      copyData('\ttext\t\\N\n'),
      copyDone(),
    ),
  ).toBe('COPY 2')
  expect(
    await copy(
      client,
      `copy ${target} from stdin with (format csv, header)`,
      copyData('namespace,key,value,tags\napp,c,"a, b",{}\n'),
      copyDone(),
    ),
  ).toBe('COPY 1')
  expect(await rows(client)).toEqual([
    ['a', 'A', '{x,y}'],
    ['b', 'text', '{}'],
    ['c', 'a, b', '{}'],
  ])
  await client.close()
})

it('adds all or nothing, and says what PostgreSQL would', async () => {
  const client = await session()
  await client.query("insert into cache.blobs (namespace, key, value) values ('app', 'there', 'x')")
  const given = (...lines: readonly string[]) =>
    copy(client, `copy ${target} from stdin`, copyData(`${lines.join('\n')}\n`), copyDone())
  expect(await given('app\tnew\tx\t{}', 'app\tthere\ty\t{}')).toBe('23505')
  expect(await given('app\tnew\tx')).toBe('22P04')
  expect(await given('app\tnew\t\\N\t{}')).toBe('23502')
  expect(await copy(client, `copy ${target} from stdin`, copyData('app\tnew\tx\t{}\n'), copyFail('enough'))).toBe(
    '57014',
  )
  expect((await rows(client)).map(([key]) => key)).toEqual(['there'])
  for (const [sql, state] of [
    ['copy cache.blobs (namespace, key, hits) from stdin', '428C9'],
    ['copy cache.blobs (namespace, nothing) from stdin', '42703'],
    ['copy cache.namespaces from stdin', '25006'],
    ["copy cache.blobs from '/etc/hosts'", '0A000'],
  ] as const) {
    expect(outcomeOf(await client.query(sql))).toBe(state)
  }
  await client.query('begin read only')
  expect(outcomeOf(await client.query(`copy ${target} from stdin`))).toBe('25006')
  await client.query('rollback')
  expect(await client.rows('select count(*) from item')).toEqual([['2']])
  await client.close()
})

it('a duplicate key names schema, table and constraint, as PostgreSQL does, in every protocol (SQL-28)', async () => {
  const client = await session()
  const insert = "insert into cache.blobs (namespace, key, value) values ('app', 'there', 'x')"
  await client.query(insert)
  const simple = await client.query(insert)
  const extended = await client.exchange(Buffer.concat([parse('', insert), bind({}), execute(), sync()]))
  client.send(query(`copy ${target} from stdin`))
  await client.receive(({ type }) => type === 'G' || type === 'Z')
  const copied = await client.exchange(Buffer.concat([copyData('app\tthere\ty\t{}\n'), copyDone()]))
  for (const batch of [simple, extended, copied]) {
    const error = errorOf(batch)
    const fields = error === undefined ? undefined : errorFieldsOf(error)
    const about = ['C', 's', 't', 'n'].map((letter) => fields?.get(letter))
    expect(about).toEqual(['23505', 'cache', 'blobs', 'blobs_pkey'])
  }
  await client.close()
})

it('reads in binary what COPY TO wrote in binary, and refuses what is none (SQL-28)', async () => {
  const client = await session()
  await client.query(
    "insert into cache.blobs (namespace, key, value, tags, version, ttl) values ('app', 'k', '\\x0001ff', '{t}', 7, '1 hour'), ('app', 'l', 'text', '{}', null, null)",
  )
  const columns = 'namespace, key, value, tags, version, ttl'
  const shown = `select ${columns} from cache.blobs where namespace = 'app' order by key`
  const before = await client.rows(shown)
  expect(before).toHaveLength(2)
  const { frames } = await client.query(`copy (${shown}) to stdout (format binary)`)
  const data = Buffer.concat(frames.filter(({ type }) => type === 'd').map(({ bytes }) => bytes.subarray(5)))
  expect(data.subarray(0, 11).toString('latin1')).toBe('PGCOPY\n\xff\r\n\0')
  await client.query("delete from cache.blobs where namespace = 'app' and key in ('k', 'l')")
  const from = `copy cache.blobs (${columns}) from stdin (format binary)`
  const halves = [data.subarray(0, 30), data.subarray(30)].map((half) => copyData(half))
  expect(await copy(client, from, ...halves, copyDone())).toBe('COPY 2')
  expect(await client.rows(shown)).toEqual(before)
  expect(await copy(client, from, copyData('app\tx\n'), copyDone())).toBe('22P04')
  expect(await copy(client, from, copyData(data.subarray(0, data.length - 10)), copyDone())).toBe('22P04')
  expect(await client.rows(shown)).toEqual(before)
  await client.close()
})

it('reads what COPY TO wrote, its own columns left out', async () => {
  const client = await session()
  await client.query(
    "insert into cache.blobs (namespace, key, value, tags, version, ttl) values ('app', 'k', '\\x0001ff', '{t}', 7, '1 hour')",
  )
  const { frames } = await client.query("copy (select * from cache.blobs where namespace = 'app') to stdout")
  const lines = frames.filter(({ type }) => type === 'd').map(({ bytes }) => bytes)
  expect(lines).toHaveLength(1)
  await client.query("delete from cache.blobs where namespace = 'app'")
  expect(await copy(client, 'copy cache.blobs from stdin', ...lines, copyDone())).toBe('COPY 1')
  expect(await client.rows("select value, tags, version, ttl from cache.blobs where namespace = 'app'")).toEqual([
    ['\\x0001ff', '{t}', '7', '01:00:00'],
  ])
  await client.close()
})

it('takes a million bytes in one message, and in many', async () => {
  const client = await session()
  const line = (key: string) => Buffer.from(`app\t${key}\t\\\\x${'ab'.repeat(1_500_000)}\t{}\n`)
  const other = line('many')
  const pieces = Array.from({ length: Math.ceil(other.length / 1000) }, (_, index) =>
    copyData(other.subarray(index * 1000, (index + 1) * 1000)),
  )
  expect(await copy(client, `copy ${target} from stdin`, copyData(line('one')), ...pieces, copyDone())).toBe('COPY 2')
  expect(await client.rows("select key, bytes from cache.blobs where namespace = 'app' order by key")).toEqual([
    ['many', '1500000'],
    ['one', '1500000'],
  ])
  await client.close()
})

it('takes no more than 256 MB, says so as soon as they are announced, and adds nothing (SQL-28)', async () => {
  const client = await session()
  const first = copyData('app\tfirst\tx\t{}\n')
  // With what was there before, one byte too many.
  const header = Buffer.from('d\0\0\0\0')
  const length = 256 * 1024 * 1024 - first.length
  header.writeInt32BE(length, 1)
  client.send(query(`copy ${target} from stdin`))
  await client.receive(({ type }) => type === 'G')
  const refused = client.receiveBatch()
  client.send(Buffer.concat([first, header]))
  const error = errorFieldsOf(errorOf(await refused)!)
  expect(['C', 'M', 'H'].map((letter) => error.get(letter))).toEqual([
    '54000',
    'a COPY into the cache cannot have more than 268435456 bytes',
    'Copy it in parts.',
  ])
  // What was announced comes all the same, and is not held.
  const piece = Buffer.alloc(1 << 20)
  for (let left = length - 4; left > 0; left -= piece.length) client.send(piece.subarray(0, left))
  client.send(copyDone())
  expect(await rows(client)).toEqual([])
  expect(await copy(client, `copy ${target} from stdin`, first, copyDone())).toBe('COPY 1')
  await client.close()
}, 60_000)

it('is answered when the Sync behind its data comes, in extended messages', async () => {
  const client = await session()
  const opened = client.receive(({ type }) => type === 'G')
  client.send(Buffer.concat([parse('', `copy ${target} from stdin`), bind({}), execute(), sync()]))
  await opened
  expect(outcomeOf(await client.exchange(Buffer.concat([copyData('app\te\tx\t{}\n'), copyDone(), sync()])))).toBe(
    'COPY 1',
  )
  expect(await client.rows("select key from cache.blobs where namespace = 'app'")).toEqual([['e']])
  const refused = Buffer.concat([parse('', 'copy cache.blobs (hits) from stdin'), bind({}), execute(), sync()])
  expect(outcomeOf(await client.exchange(refused))).toBe('428C9')
  const again = client.receive(({ type }) => type === 'G')
  client.send(Buffer.concat([parse('', `copy ${target} from stdin`), bind({}), execute(), sync()]))
  await again
  expect(outcomeOf(await client.exchange(Buffer.concat([copyFail('no'), sync()])))).toBe('57014')
  expect(await client.rows('select count(*) from item')).toEqual([['2']])
  await client.close()
})

it('leaves nothing behind when what PostgreSQL works out fails', async () => {
  const client = await session()
  const failing = "insert into cache.blobs (namespace, key, value) values ('app', 'f', encode('x', 'none')::bytea)"
  for (let round = 0; round < 2; round++)
    expect(errorFieldsOf(errorOf(await client.query(failing))!).get('C')).toBe('22023')
  expect(outcomeOf(await client.query(failing.replace('none', 'hex')))).toBe('INSERT 0 1')
  await client.close()
})
