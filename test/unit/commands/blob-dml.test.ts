// What INSERT, UPDATE, DELETE and reads by key over cache.blobs mean, on a blob cache that is one Map.

import { beforeEach, describe, expect, it } from 'vitest'
import { type Given, readBlobs, runBlobs } from '../../support/blob-statements.ts'
import { contextWith, type NotedContext } from '../../support/command-context.ts'
import { viewerWith } from '../../support/virtual-sources.ts'

let context: NotedContext

beforeEach(() => {
  context = contextWith()
})

const run = (text: string, ...given: Given[]) => runBlobs(text, context, given)
const bytes = (text: string) => Buffer.from(text)

async function stored(namespace: string, key: string) {
  const [blob] = context.blobs.look(namespace, [key], true)
  return blob === undefined ? undefined : { ...blob, value: Buffer.from(blob.value ?? []).toString() }
}

const put = `INSERT INTO cache.blobs (namespace, key, value) VALUES ('n', 'k', 'old')`

describe('INSERT', () => {
  it('adds an entry with what its columns say, by constants or parameters of every type', async () => {
    const columns =
      'namespace, key, value, content_type, metadata, tags, dependencies, ttl, expires_at, idle_ttl, stale_window, jitter_percent, priority, admission, version'
    const constants = `'n', 'k', '\\x6869', 'text/plain', '{"a": 1}', '{x,"y z"}', ARRAY['d'], '1 min', '2030-01-02T03:04:05Z', interval '30 s', '5s'::interval, 10, 7, 'always', 3`
    expect((await run(`INSERT INTO cache.blobs (${columns}) VALUES (${constants})`)).tag).toBe('INSERT 0 1')
    const byConstants = await stored('n', 'k')
    expect(byConstants).toMatchObject({
      value: 'hi',
      contentType: 'text/plain',
      metadata: '{"a": 1}',
      tags: ['x', 'y z'],
      dependencies: ['d'],
      ttlMs: 60_000,
      givenExpiresAtMs: Date.UTC(2030, 0, 2, 3, 4, 5),
      idleTtlMs: 30_000,
      staleWindowMs: 5000,
      jitterPercent: 10,
      priority: 7,
      admission: 'always',
      version: 3,
    })
    const values = [
      'n',
      'k2',
      bytes('hi'),
      'text/plain',
      '{"a": 1}',
      '{x,"y z"}',
      '{d}',
      '1 min',
      '2030-01-02 03:04:05+00',
      '00:00:30',
      '5 seconds',
      '10',
      '7',
      'always',
      '3',
    ]
    const numbers = values.map((_, index) => `$${index + 1}`).join(', ')
    await run(`INSERT INTO cache.blobs (${columns}) VALUES (${numbers})`, ...values)
    expect(await stored('n', 'k2')).toEqual({ ...byConstants, key: 'k2', stamp: 2 })
  })

  it('gives its parameters the types of their columns', () => {
    const text = `INSERT INTO cache.blobs (namespace, key, value, ttl, tags, version, metadata, expires_at) VALUES ($1, $2, $3, $4, ARRAY[$5, 'x'], $6, $7, $8)`
    expect(readBlobs(text)?.parameterTypes).toEqual([25, 25, 17, 1186, 25, 20, 3802, 1184])
    const casts = `INSERT INTO cache.blobs (namespace, key, value, version) VALUES ($1::varchar, $2::text, $3::bytea, $4::int)`
    expect(readBlobs(casts)?.parameterTypes).toEqual([1043, 25, 17, 23])
  })

  it('leaves columns that are DEFAULT, NULL or not named to the namespace', async () => {
    await run(`INSERT INTO cache.blobs VALUES ('n', 'k', 'v', DEFAULT, NULL)`)
    expect(await stored('n', 'k')).toMatchObject({
      value: 'v',
      contentType: undefined,
      ttlMs: undefined,
      version: undefined,
      tags: [],
    })
  })

  it('is refused with 23505 when an entry is alive, and nothing of several rows is stored then', async () => {
    await run(put)
    await expect(run(put)).rejects.toMatchObject({
      sqlstate: '23505',
      message: 'duplicate key value violates unique constraint "blobs_pkey"',
      detail: 'Key (namespace, key)=(n, k) already exists.',
      subject: { schema: 'cache', table: 'blobs', constraint: 'blobs_pkey' },
    })
    await expect(
      run(`INSERT INTO cache.blobs (namespace, key, value) VALUES ('n', 'new', 'x'), ('n', 'k', 'y')`),
    ).rejects.toMatchObject({
      sqlstate: '23505',
    })
    await expect(
      run(`INSERT INTO cache.blobs (namespace, key, value) VALUES ('n', 'twice', 'x'), ('n', 'twice', 'y')`),
    ).rejects.toMatchObject({
      sqlstate: '23505',
    })
    expect(
      context.blobs.scan({ namespaces: ['n'], keys: undefined, prefix: undefined, withValue: false, countMax: 9 }),
    ).toHaveLength(1)
  })

  it('adds again what has expired', async () => {
    await run(`INSERT INTO cache.blobs (namespace, key, value, ttl) VALUES ('n', 'k', 'v', '1s')`)
    context.blobs.clock.advance(1000)
    expect((await run(put)).tag).toBe('INSERT 0 1')
  })

  it('with DO NOTHING skips what is there, and the second of two rows', async () => {
    await run(put)
    const text = `INSERT INTO cache.blobs (namespace, key, value) VALUES ('n', 'k', 'x'), ('n', 'm', '1'), ('n', 'm', '2') ON CONFLICT`
    const result = await run(`${text} DO NOTHING RETURNING key, convert_from(value, 'UTF8') AS v`)
    expect(result).toMatchObject({ tag: 'INSERT 0 1', rows: [['m', '1']] })
    expect((await run(`${text} (key, namespace) DO NOTHING`)).tag).toBe('INSERT 0 0')
    expect((await run(`${text} ON CONSTRAINT blobs_pkey DO NOTHING`)).tag).toBe('INSERT 0 0')
  })

  it('L1-39 with RETURNING answers the entries as they were stored, in the columns asked for', async () => {
    const { columns, rows, tag } = await run(`INSERT INTO cache.blobs AS b (namespace, key, value, version)
      VALUES ('n', 'k', 'v', 7) RETURNING b.key AS "K", version, generation, "b"."bytes", tier`)
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'K text',
      'version int8',
      'generation int8',
      'bytes int8',
      'tier text',
    ])
    expect(rows).toEqual([['k', 7, 1, 1, 'l1']])
    expect(tag).toBe('INSERT 0 1')
    expect(
      (await run(`INSERT INTO cache.blobs (namespace, key, value) VALUES ('n', 'l', 'v') RETURNING *`)).columns,
    ).toHaveLength(24)
  })

  it.each([
    [
      '23502',
      `(namespace, key) VALUES ('n', 'k')`,
      'null value in column "value" of relation "blobs" violates not-null constraint',
    ],
    [
      '23502',
      `(namespace, key, value) VALUES ('n', NULL, 'v')`,
      'null value in column "key" of relation "blobs" violates not-null constraint',
    ],
    ['23502', `DEFAULT VALUES`, 'null value in column "namespace" of relation "blobs" violates not-null constraint'],
    [
      '428C9',
      `(namespace, key, value, generation) VALUES ('n', 'k', 'v', 1)`,
      'cannot insert a non-DEFAULT value into column "generation"',
    ],
    [
      '428C9',
      `(namespace, key, value, hits) VALUES ('n', 'k', 'v', $1)`,
      'cannot insert a non-DEFAULT value into column "hits"',
    ],
    ['42703', `(namespace, key, valeu) VALUES ('n', 'k', 'v')`, 'column "valeu" of relation "blobs" does not exist'],
    ['42701', `(namespace, key, key) VALUES ('n', 'k', 'v')`, 'column "key" specified more than once'],
    ['42601', `(namespace, key) VALUES ('n', 'k', 'v')`, 'INSERT has more expressions than target columns'],
    ['42601', `(namespace, key, value) VALUES ('n', 'k')`, 'INSERT has more target columns than expressions'],
    [
      '42P10',
      `(namespace, key, value) VALUES ('n', 'k', 'v') ON CONFLICT (key) DO NOTHING`,
      'there is no unique or exclusion constraint matching the ON CONFLICT specification',
    ],
    [
      '42704',
      `(namespace, key, value) VALUES ('n', 'k', 'v') ON CONFLICT ON CONSTRAINT nope DO NOTHING`,
      'constraint "nope" for table "blobs" does not exist',
    ],
    ['22P02', `(namespace, key, value) VALUES ('n', 'k', '\\xzz')`, 'invalid input syntax for type bytea: "\\xzz"'],
    [
      '22P02',
      `(namespace, key, value, version) VALUES ('n', 'k', 'v', 'x')`,
      'invalid input syntax for type bigint: "x"',
    ],
    [
      '22P02',
      `(namespace, key, value, metadata) VALUES ('n', 'k', 'v', '{')`,
      'invalid input syntax for type json: "{"',
    ],
    [
      '22023',
      `(namespace, key, value, metadata) VALUES ('n', 'k', 'v', '[]')`,
      'invalid value for parameter "metadata": "[]"',
    ],
    ['22023', `(namespace, key, value, ttl) VALUES ('n', 'k', 'v', '0')`, undefined],
    ['42939', `(namespace, key, value) VALUES ('$results', 'k', 'v')`, 'cache namespace "$results" is reserved'],
    ['42602', `(namespace, key, value) VALUES ('n', '', 'v')`, undefined],
    [
      '21000',
      `(namespace, key, value) VALUES ('n', 'k', '1'), ('n', 'k', '2') ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value`,
      undefined,
    ],
  ])('raises %s for INSERT INTO cache.blobs %s', async (sqlstate, rest, message) => {
    const attempt = (async () => run(`INSERT INTO cache.blobs ${rest}`, '1'))()
    await expect(attempt).rejects.toMatchObject(message === undefined ? { sqlstate } : { sqlstate, message })
  })
})

const conflict = `INSERT INTO cache.blobs (namespace, key, value, tags, version) VALUES ($1, $2, $3, '{new}', $4)
  ON CONFLICT (namespace, key) DO UPDATE SET`

describe('INSERT … ON CONFLICT DO UPDATE', () => {
  it('puts: labels and policy are those of the new row', async () => {
    await run(`INSERT INTO cache.blobs (namespace, key, value, tags, ttl) VALUES ('n', 'k', 'old', '{old}', '1 min')`)
    await run(`${conflict} value = excluded.value, tags = excluded.tags`, 'n', 'k', 'new', null)
    expect(await stored('n', 'k')).toMatchObject({ value: 'new', tags: ['new'], ttlMs: undefined, version: undefined })
    expect(context.blobs.noted.filter((line) => line.startsWith('put'))).toHaveLength(2)
  })

  it('L1-15 L1-16 refuses a version that is not higher, and clears it where none is given', async () => {
    await run(`${conflict} value = excluded.value`, 'n', 'k', 'v', '5')
    await expect(run(`${conflict} value = excluded.value`, 'n', 'k', 'w', '5')).rejects.toMatchObject({
      sqlstate: '55000',
    })
    expect(await stored('n', 'k')).toMatchObject({ value: 'v', version: 5 })
    await run(`${conflict} value = excluded.value`, 'n', 'k', 'w', null)
    expect(await stored('n', 'k')).toMatchObject({ value: 'w', version: undefined })
  })

  it('compares and sets: nothing on another version, else it stores the next or the one given', async () => {
    await run(`${conflict} value = excluded.value`, 'n', 'k', 'v', '7')
    const set = `${conflict} value = excluded.value WHERE blobs.version = $5 RETURNING version`
    expect(await run(set, 'n', 'k', 'no', null, '6')).toMatchObject({ tag: 'INSERT 0 0', rows: [] })
    expect(await run(set, 'n', 'k', 'yes', null, '7')).toMatchObject({ tag: 'INSERT 0 1', rows: [[8]] })
    expect(await run(set, 'n', 'k', 'yes', '20', '8')).toMatchObject({ tag: 'INSERT 0 1', rows: [[20]] })
    expect(await run(set, 'n', 'k', 'yes', null, null)).toMatchObject({ tag: 'INSERT 0 0' })
    expect(await stored('n', 'k')).toMatchObject({ value: 'yes', version: 20 })
  })

  it('takes the version of the new row only if it is newer', async () => {
    const newer = `${conflict} value = excluded.value, version = excluded.version WHERE cache.blobs.version < excluded.version`
    expect((await run(newer, 'n', 'k', 'a', '5')).tag).toBe('INSERT 0 1')
    expect((await run(newer, 'n', 'k', 'b', '4')).tag).toBe('INSERT 0 0')
    expect((await run(newer, 'n', 'k', 'c', '6')).tag).toBe('INSERT 0 1')
    expect(await stored('n', 'k')).toMatchObject({ value: 'c', version: 6 })
  })

  it('sets columns to constants, parameters and blobs.version + n where an entry is there, and only there', async () => {
    const set = `${conflict} value = excluded.value, tags = '{again}', content_type = $5, version = blobs.version + 2`
    await run(set, 'n', 'k', 'a', '1', 'text/x')
    expect(await stored('n', 'k')).toMatchObject({ tags: ['new'], contentType: undefined, version: 1 })
    await run(set, 'n', 'k', 'b', null, 'text/x')
    expect(await stored('n', 'k')).toMatchObject({ value: 'b', tags: ['again'], contentType: 'text/x', version: 3 })
  })

  it('looks again when another session is quicker, three times', async () => {
    await run(put)
    context.blobs.beforePut = () => {
      context.blobs.beforePut = undefined
      context.blobs.putNow({ namespace: 'n', key: 'k', value: bytes('rival'), tags: [], dependencies: [], version: 1 })
    }
    const set = `${conflict} value = excluded.value, version = blobs.version + 1 RETURNING version`
    expect((await run(set, 'n', 'k', 'mine', null)).rows).toEqual([[2]])
    expect(await stored('n', 'k')).toMatchObject({ value: 'mine', version: 2 })
  })

  it.each([
    ['0A000', `key = excluded.key`],
    ['428C9', `value = excluded.value, hits = 0`],
    ['42703', `value = excluded.value, nope = 0`],
    ['0A000', `value = excluded.value || 'x'`],
    ['0A000', `tags = excluded.tags`],
    ['0A000', `value = excluded.value WHERE blobs.hits > 3`],
    ['42702', `value = excluded.value WHERE version = 3`],
  ])('raises %s for SET %s', async (sqlstate, set) => {
    const attempt = (async () => run(`${conflict} ${set}`, 'n', 'k', 'v', null))()
    await expect(attempt).rejects.toMatchObject({ sqlstate })
  })
})

describe('UPDATE', () => {
  beforeEach(async () => {
    await run(`INSERT INTO cache.blobs (namespace, key, value, tags, ttl, content_type, version)
      VALUES ('n', 'a', 'A', '{t}', '1 min', 'text/x', 7), ('n', 'b', 'B', '{t}', '1 min', NULL, NULL)`)
  })

  it('of value is a versioned put that keeps what it does not set', async () => {
    const result = await run(
      `UPDATE cache.blobs SET value = $1 WHERE namespace = 'n' AND key = $2 RETURNING key, version`,
      bytes('new'),
      'a',
    )
    expect(result).toMatchObject({ tag: 'UPDATE 1', rows: [['a', 8]] })
    expect(await stored('n', 'a')).toMatchObject({ value: 'new', tags: ['t'], ttlMs: 60_000, contentType: 'text/x' })
    await run(`UPDATE cache.blobs SET value = 'x', version = 20 WHERE key = 'a' AND namespace = 'n'`)
    expect(await stored('n', 'a')).toMatchObject({ version: 20 })
    await expect(
      run(`UPDATE cache.blobs SET value = 'x', version = 20 WHERE key = 'a' AND namespace = 'n'`),
    ).rejects.toMatchObject({ sqlstate: '55000' })
    await run(`UPDATE cache.blobs SET value = 'x', version = blobs.version + 5 WHERE key = 'a' AND namespace = 'n'`)
    expect(await stored('n', 'a')).toMatchObject({ version: 25 })
  })

  it('of several keys changes those that are there; a version in WHERE decides', async () => {
    const text = `UPDATE "cache"."blobs" SET "value" = $1 WHERE "blobs"."namespace" = $2 AND "cache"."blobs"."key"`
    expect((await run(`${text} = ANY ($3)`, 'x', 'n', '{a,b,c,a}')).tag).toBe('UPDATE 2')
    expect((await run(`${text} IN ($3, 'b')`, 'x', 'n', 'a')).tag).toBe('UPDATE 2')
    expect((await run(`${text} = $3 AND version = $4`, 'x', 'n', 'a', '8')).tag).toBe('UPDATE 0')
    expect((await run(`${text} = $3 AND version = $4`, 'x', 'n', 'a', '9')).tag).toBe('UPDATE 1')
    expect((await run(`${text} = NULL`, 'x', 'n')).tag).toBe('UPDATE 0')
  })

  it('of limits, labels and priority alone is a touch: value and version stay', async () => {
    const before = await stored('n', 'a')
    const text = `UPDATE cache.blobs SET ttl = '2 h', tags = ARRAY['u', $1], priority = 3, idle_ttl = NULL, expires_at = DEFAULT`
    expect((await run(`${text} WHERE namespace = 'n' AND key = 'a'`, 'w')).tag).toBe('UPDATE 1')
    const { expiresAtMs: _, ...after } = (await stored('n', 'a')) ?? {}
    expect(after).toMatchObject({
      value: 'A',
      version: 7,
      ttlMs: 7_200_000,
      tags: ['u', 'w'],
      priority: 3,
      stamp: before?.stamp,
    })
    expect(context.blobs.noted).toContain('touch n a')
  })

  it('gives up with 40001 when another session is quicker three times', async () => {
    const rival = { namespace: 'n', key: 'b', value: bytes('rival'), tags: [], dependencies: [] }
    context.blobs.beforePut = () => void context.blobs.putNow(rival)
    await expect(run(`UPDATE cache.blobs SET value = 'x' WHERE namespace = 'n' AND key = 'b'`)).rejects.toMatchObject({
      sqlstate: '40001',
    })
  })

  it.each([
    ['0A000', `SET key = 'z' WHERE namespace = 'n' AND key = 'a'`],
    ['428C9', `SET hits = 0 WHERE namespace = 'n' AND key = 'a'`],
    ['42703', `SET nope = 0`],
    ['23502', `SET value = NULL WHERE namespace = 'n' AND key = 'a'`],
    ['0A000', `SET value = t.v FROM t WHERE key = t.k`],
    ['0A000', `SET (value, tags) = (SELECT 1, 2) FROM x`],
  ])('raises %s for UPDATE cache.blobs %s', async (sqlstate, rest) => {
    const attempt = (async () => run(`UPDATE cache.blobs ${rest}`))()
    await expect(attempt).rejects.toMatchObject({ sqlstate })
  })
})

describe('DELETE', () => {
  beforeEach(async () => {
    await run(`INSERT INTO cache.blobs (namespace, key, value, tags, dependencies) VALUES ('n', 'user:1', 'A', '{t,u}', '{d}'),
      ('n', 'user:2', 'B', '{u}', '{}'), ('n', 'x', 'C', '{}', '{d}'), ('m', 'user:1', 'D', '{t}', '{d}')`)
    context.blobs.noted.length = 0
  })

  it.each([
    [`namespace = 'n' AND key = 'user:1'`, 1, 'invalidate key n user:1'],
    [`namespace = 'n' AND key = ANY ('{user:1,nope,x}')`, 2, 'invalidate key n user:1 nope x'],
    [`namespace = 'n' AND key IN ('user:1', 'x')`, 2, 'invalidate key n user:1 x'],
    [`namespace = 'n' AND key LIKE 'user:%'`, 2, 'invalidate prefix n user:'],
    [`namespace = 'n'`, 3, 'invalidate prefix n '],
    [`namespace = 'n' AND tags && '{t,u}'`, 2, 'invalidate tag n t u'],
    [`tags && ARRAY['t']`, 2, 'invalidate tag * t'],
    [`dependencies && '{d}'`, 3, 'invalidate dependency * d'],
    [`namespace = 'nowhere' AND key = 'x'`, 0, undefined],
    [`namespace = 'n' AND key = NULL`, 0, undefined],
  ])('WHERE %s removes %i entries', async (where, count, noted) => {
    expect((await run(`DELETE FROM cache.blobs WHERE ${where}`)).tag).toBe(`DELETE ${count}`)
    expect(context.blobs.noted.filter((line) => line.startsWith('invalidate'))).toEqual(
      noted === undefined ? [] : [noted],
    )
  })

  it('takes its conditions from parameters', async () => {
    const text = 'delete from "cache"."blobs" where ("blobs"."namespace" = $1 and "blobs"."key" like $2)'
    expect(readBlobs(text)?.parameterTypes).toEqual([25, 25])
    expect((await run(text, 'n', 'user:%')).tag).toBe('DELETE 2')
  })

  it('with RETURNING answers each row as it was, to one of two who delete it', async () => {
    const text = `DELETE FROM cache.blobs WHERE namespace = 'n' AND key = 'x' RETURNING convert_from(value, 'UTF8'), key`
    const [first, second] = await Promise.all([run(text), run(text)])
    expect([first?.rows, second?.rows].filter((rows) => rows?.length === 1)).toEqual([[['C', 'x']]])
    expect((await run(`DELETE FROM cache.blobs WHERE tags && '{u}' AND namespace = 'n' RETURNING key`)).rows).toEqual([
      ['user:1'],
      ['user:2'],
    ])
  })

  it('raises 0A000 with USING, and MERGE is none of ours', () => {
    expect(() => readBlobs(`DELETE FROM cache.blobs USING t WHERE key = t.k`)).toThrow(
      expect.objectContaining({ sqlstate: '0A000' }),
    )
    expect(() => readBlobs(`MERGE INTO cache.blobs b USING t ON b.key = t.k WHEN MATCHED THEN DELETE`)).toThrow(
      expect.objectContaining({ sqlstate: '0A000' }),
    )
  })
})

describe('SELECT by namespace and key', () => {
  beforeEach(async () => {
    await run(
      `INSERT INTO cache.blobs (namespace, key, value, tags, metadata) VALUES ('n', 'a', 'A', '{t}', '{"b": 1}'), ('n', 'b', '\\xff', '{}', NULL)`,
    )
    context.blobs.noted.length = 0
  })

  it('is a get when it reads the value, else a look', async () => {
    expect(await run(`SELECT value FROM cache.blobs WHERE namespace = 'n' AND key = 'a'`)).toMatchObject({
      tag: 'SELECT 1',
      rows: [[bytes('A')]],
    })
    expect(
      await run(`SELECT tags, metadata FROM cache.blobs WHERE namespace = $1 AND key = $2`, 'n', 'a'),
    ).toMatchObject({ rows: [[['t'], { text: '{"b": 1}' }]] })
    expect(context.blobs.noted).toEqual(['get n a', 'look n a'])
  })

  it('reads many keys in one statement, with any list of columns, aliases and LIMIT', async () => {
    const text = `select b."key" as k, convert_from(b.value, 'UTF8') from cache.blobs as b where b.namespace = $1 and b.key = any($2) limit 1`
    const { columns, rows, tag } = await run(text, 'n', '{b,a}').catch(() => run(text, 'n', '{a,b}'))
    expect(columns.map(({ name }) => name)).toEqual(['k', 'convert_from'])
    expect([rows, tag]).toEqual([[['a', 'A']], 'SELECT 1'])
    expect(
      (await run(`SELECT * FROM cache.blobs WHERE namespace = 'n' AND key IN ('a', 'nope', 'b')`)).rows,
    ).toHaveLength(2)
  })

  it('says 22021 for a value that is no UTF-8', async () => {
    await expect(
      run(`SELECT convert_from(value, 'UTF8') FROM cache.blobs WHERE namespace = 'n' AND key = 'b'`),
    ).rejects.toMatchObject({
      sqlstate: '22021',
    })
  })

  it.each([
    `SELECT value || 'x' FROM cache.blobs WHERE namespace = 'n' AND key = 'a'`,
    `SELECT value FROM cache.blobs WHERE namespace = 'n'`,
    `SELECT value FROM cache.blobs WHERE namespace = 'n' AND key = 'a' ORDER BY 1`,
    `SELECT value FROM cache.blobs WHERE namespace = 'n' AND key = 'a' AND hits > 1`,
    `SELECT value FROM cache.blobs WHERE namespace = 'n' OR key = 'a'`,
    `SELECT value FROM cache.blobs, cache.stats WHERE namespace = 'n' AND key = 'a'`,
    `SELECT DISTINCT value FROM cache.blobs WHERE namespace = 'n' AND key = 'a'`,
    `SELECT value FROM cache.blobs WHERE namespace = 'n' AND key = 'a' FOR UPDATE`,
    `SELECT value FROM cache.blobs WHERE namespace = 5 AND key = 'a'`,
    `SELECT value FROM cache.blobs b (x) WHERE namespace = 'n' AND key = 'a'`,
    `SELECT other.value FROM cache.blobs WHERE namespace = 'n' AND key = 'a'`,
    `SELECT $1 FROM cache.blobs WHERE namespace = 'n' AND key = 'a'`,
    `SELECT value FROM cache.blobs WHERE namespace = 'n' AND key = 'a' UNION SELECT 'x'`,
    `WITH x AS (SELECT 1) SELECT value FROM cache.blobs WHERE namespace = 'n' AND key = 'a'`,
    `SELECT value FROM ONLY cache.blobs WHERE namespace = 'n' AND key = 'a'`,
  ])('is left to PostgreSQL in any other form: %s', (text) => {
    expect(readBlobs(text)).toBeUndefined()
  })
})

describe('privileges', () => {
  const reader = viewerWith({ isAdmin: false, isMonitor: false, canRead: false, memberOf: (role) => role === 'r' })
  const writer = viewerWith({ isAdmin: false, isMonitor: false, canRead: false, memberOf: (role) => role === 'w' })
  const monitor = viewerWith({ isAdmin: false, memberOf: () => false })

  beforeEach(async () => {
    context.blobs.createNamespace('n', { readers: ['r'], writers: ['w'] }, 'alice')
    await run(put)
  })

  const as = (viewer: typeof reader) => contextWith({ blobs: context.blobs, viewer })
  const read = `SELECT value FROM cache.blobs WHERE namespace = 'n' AND key = 'k'`
  const change = `UPDATE cache.blobs SET value = 'x' WHERE namespace = 'n' AND key = 'k'`

  it('a namespace is read by its readers; to others its rows are hidden, and a monitor sees no contents', async () => {
    expect((await runBlobs(read, as(reader))).rows).toEqual([[bytes('old')]])
    expect((await runBlobs(read, as(writer))).rows).toEqual([])
    expect((await runBlobs(read, as(monitor))).rows).toEqual([[undefined]])
    expect((await runBlobs(read.replaceAll("'n'", "'nowhere'"), as(reader))).rows).toEqual([])
  })

  it('and written by its writers; a denial is 42501 and names the roles that may', async () => {
    expect((await runBlobs(change, as(writer))).tag).toBe('UPDATE 1')
    await expect(runBlobs(change, as(reader))).rejects.toMatchObject({
      sqlstate: '42501',
      message: 'permission denied for cache namespace n',
      hint: expect.stringContaining('"w" or "cache_admin"'),
    })
    await expect(runBlobs(`DELETE FROM cache.blobs WHERE namespace = 'n'`, as(reader))).rejects.toMatchObject({
      sqlstate: '42501',
    })
    await expect(runBlobs(put, as(monitor))).rejects.toMatchObject({ sqlstate: '42501' })
  })

  it('who may write but not read gets NULL where RETURNING names the value', async () => {
    expect((await runBlobs(`${change} RETURNING value, key`, as(writer))).rows).toEqual([[undefined, 'k']])
  })

  it('a namespace that is not there is made for an admin who puts, and 42704 to others', async () => {
    const text = put.replaceAll("'n'", "'fresh'")
    await expect(runBlobs(text, as(writer))).rejects.toMatchObject({
      sqlstate: '42704',
      message: 'cache namespace "fresh" does not exist',
    })
    await run(text)
    expect(context.blobs.namespace('fresh')?.owner).toBe('alice')
  })

  it('a delete that names no namespace stays in those that the role may change', async () => {
    await run(
      `INSERT INTO cache.blobs (namespace, key, value, tags) VALUES ('n', 'x', 'v', '{t}'), ('other', 'x', 'v', '{t}')`,
    )
    expect((await runBlobs(`DELETE FROM cache.blobs WHERE tags && '{t}'`, as(writer))).tag).toBe('DELETE 1')
    expect(await stored('other', 'x')).toBeDefined()
  })
})

describe('transactions', () => {
  it('SQL-6 a change is 25006 where the transaction may not write', async () => {
    const readOnly = contextWith({ isReadOnly: () => true })
    for (const [verb, text] of [
      ['INSERT', put],
      ['UPDATE', `UPDATE cache.blobs SET value = 'x' WHERE namespace = 'n' AND key = 'k'`],
      ['DELETE', `DELETE FROM cache.blobs WHERE namespace = 'n'`],
    ] as const) {
      await expect(runBlobs(text, readOnly)).rejects.toMatchObject({
        sqlstate: '25006',
        message: `cannot execute ${verb} in a read-only transaction`,
      })
    }
  })

  it('G-8 takes effect at once inside a block, and a NOTICE says so', async () => {
    context.settings.begin()
    expect((await run(put)).notices).toMatchObject([{ severity: 'NOTICE' }])
  })
})
