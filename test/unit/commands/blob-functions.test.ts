// The functions and statements over the blob cache: cache.get, put and the rest, INVALIDATE, FLUSH and the namespaces.

import { beforeEach, describe, expect, it } from 'vitest'
import { recognise } from '../../../src/commands/index.ts'
import { contextWith, execute, type NotedContext } from '../../support/command-context.ts'
import { viewerWith } from '../../support/virtual-sources.ts'

let context: NotedContext

beforeEach(() => {
  context = contextWith()
})

const run = (text: string, ...parameters: (string | null)[]) => execute(text, context, parameters)
const bytes = (text: string) => Buffer.from(text)
const someone = (role: string) =>
  contextWith({
    blobs: context.blobs,
    viewer: viewerWith({ isAdmin: false, isMonitor: false, canRead: false, memberOf: (name) => name === role }),
  })

function stored(namespace: string, key: string) {
  const [blob] = context.blobs.look(namespace, [key], true)
  return blob === undefined ? undefined : { ...blob, value: Buffer.from(blob.value ?? []).toString() }
}

describe('put()', () => {
  it('L1-39 stores a value with all that its arguments say, and answers what became of it', async () => {
    const result = await run(
      `SELECT * FROM cache.put('n', 'k', 'v', ttl => '1 min', expires_at => '2030-01-02T03:04:05Z', idle_ttl => interval '30 s',
        stale_window => '5s'::interval, tags => ARRAY['t', $1], dependencies => '{d}', content_type => 'text/plain',
        metadata => '{"a": 1}', priority => 7, admission => 'always', version => 3, durable => true)`,
      'u',
    )
    expect(result.columns.map(({ name }) => name)).toEqual(['version', 'generation', 'tier', 'stored_bytes', 'durable'])
    expect(result).toMatchObject({ tag: 'SELECT 1', rows: [[3, 1, 'l1', 1, true]] })
    expect(stored('n', 'k')).toMatchObject({
      value: 'v',
      ttlMs: 60_000,
      givenExpiresAtMs: Date.UTC(2030, 0, 2, 3, 4, 5),
      idleTtlMs: 30_000,
      staleWindowMs: 5000,
      tags: ['t', 'u'],
      dependencies: ['d'],
      contentType: 'text/plain',
      metadata: '{"a": 1}',
      priority: 7,
      admission: 'always',
      version: 3,
    })
  })

  it('takes bytea, text and jsonb; what has no type is text', async () => {
    await run(`CALL cache.put('n', 'a', '\\x41')`)
    await run(`CALL cache.put('n', 'b', '\\x41'::bytea)`)
    await run(`CALL cache.put('n', 'c', '{"a": 1}'::jsonb)`)
    await run(`CALL cache.put('n', 'd', $1)`, '\\x41')
    await run(`CALL cache.put('n', 'e', $1::bytea)`, '\\x41')
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => stored('n', key)?.value)).toEqual([
      '\\x41',
      'A',
      '{"a": 1}',
      '\\x41',
      'A',
    ])
  })

  it('answers no row where a version is expected that is not there, or nothing is', async () => {
    expect((await run(`SELECT version FROM cache.put('n', 'k', 'a', version => 7)`)).rows).toEqual([[7]])
    expect((await run(`SELECT version FROM cache.put('n', 'k', 'b', expected_version => 6)`)).rows).toEqual([])
    expect((await run(`SELECT version FROM cache.put('n', 'k', 'b', expected_version => 7)`)).rows).toEqual([[8]])
    expect((await run(`CALL cache.put('n', 'k', 'c', only_if_absent => true)`)).rows).toEqual([])
    expect((await run(`CALL cache.put('n', 'l', 'c', only_if_absent => true)`)).rows).toHaveLength(1)
    expect(stored('n', 'k')?.value).toBe('b')
  })

  it.each([
    ['55000', `SELECT cache.put('n', 'k', 'v', version => 1)`],
    ['22023', `SELECT cache.put('n', 'k', 'v', expected_version => 1, only_if_absent => true)`],
    ['23502', `SELECT cache.put('n', 'k', NULL)`],
    ['22P02', `SELECT cache.put('n', 'k', 'v', metadata => '{')`],
    ['22003', `SELECT cache.put('n', 'k', 'v', version => 9007199254740993)`],
    ['42939', `SELECT cache.put('$views', 'k', 'v')`],
    ['42883', `SELECT cache.put('n', 'k')`],
    ['42883', `SELECT cache.put('n', 'k', 'v', tll => '1s')`],
  ])('raises %s for %s', async (sqlstate, text) => {
    await run(`CALL cache.put('n', 'k', 'v', version => 1)`)
    await expect((async () => run(text))()).rejects.toMatchObject({ sqlstate })
  })

  it('SQL-6 raises 25006 in a transaction that may only read, and tells of itself inside a block', async () => {
    const readOnly = contextWith({ isReadOnly: () => true })
    await expect(execute(`CALL cache.put('n', 'k', 'v')`, readOnly)).rejects.toMatchObject({ sqlstate: '25006' })
    context.settings.begin()
    expect((await run(`CALL cache.put('n', 'k', 'v')`)).notices).toMatchObject([{ severity: 'NOTICE' }])
  })

  it('describes its parameters', () => {
    const text = `SELECT * FROM cache.put($1, $2, $3, ttl => $4, tags => $5, metadata => $6, expires_at => $7, version => $8, durable => $9)`
    expect(typesOf(text)).toEqual([25, 25, 25, 1186, 1009, 3802, 1184, 20, 16])
    expect(typesOf(`CALL cache.put_many($1, $2, $3::bytea[])`)).toEqual([25, 1009, 1001])
    expect(typesOf(`CALL cache.put($1::varchar, $2, $3::bytea)`)).toEqual([1043, 25, 17])
  })
})

function typesOf(text: string): readonly number[] | undefined {
  const statement = recognise(text, { schemaName: 'cache' })
  return statement?.kind === 'command' ? statement.parameterTypes : undefined
}

describe('get()', () => {
  beforeEach(async () => {
    await run(
      `CALL cache.put('n', 'k', 'v', ttl => '10 s', stale_window => '5 s', tags => '{t}', metadata => '{"a": 1}')`,
    )
  })

  it('answers one row, whatever there is', async () => {
    const { columns, rows } = await run(`SELECT * FROM cache.get('n', $1)`, 'k')
    expect(columns.map(({ name, type }) => `${name} ${type}`).join(', ')).toBe(
      'value bytea, content_type text, metadata jsonb, tags text[], dependencies text[], version int8, state text, stale_ms float8, lease text',
    )
    expect(rows).toEqual([
      [
        bytes('v'),
        undefined,
        expect.objectContaining({ text: '{"a": 1}' }),
        ['t'],
        [],
        undefined,
        'fresh',
        undefined,
        undefined,
      ],
    ])
    expect((await run(`SELECT state, value FROM cache.get('n', 'nope')`)).rows).toEqual([['absent', undefined]])
    expect((await run(`SELECT state FROM cache.get('nowhere', 'k')`)).rows).toEqual([['absent']])
    context.blobs.clock.advance(12_000)
    expect((await run(`SELECT state, stale_ms FROM cache.blob_get('n', 'k')`)).rows).toEqual([['stale', 3000]])
  })

  it('is asked for columns, decoded too, by any name', async () => {
    const { columns, rows } = await run(
      `select g.state as s, convert_from(g.value, 'UTF8') t, "tags" from cache.get('n', 'k') as g`,
    )
    expect(columns.map(({ name }) => name)).toEqual(['s', 't', 'tags'])
    expect(rows).toEqual([['fresh', 'v', ['t']]])
    expect((await run(`SELECT cache.get('n', 'k')`)).columns).toMatchObject([{ name: 'get', type: 'record' }])
    await expect((async () => run(`SELECT nope FROM cache.get('n', 'k')`))()).rejects.toMatchObject({
      sqlstate: '42703',
    })
    await expect((async () => run(`SELECT x.state FROM cache.get('n', 'k')`))()).rejects.toMatchObject({
      sqlstate: '42P01',
    })
  })

  it('L1-36 gives a lease to who asks for one', async () => {
    expect((await run(`SELECT state, lease FROM cache.get('n', 'nope', lease => true)`)).rows).toEqual([
      ['absent', 'lease-1'],
    ])
  })

  it('reads many keys, a row for each that is there', async () => {
    await run(`CALL cache.put_many('n', '{a,b}', ARRAY['\\x41'::bytea, 'B'], ttl => '1 h', tags => '{m}')`)
    const { rows } = await run(`SELECT key, value FROM cache.get_many('n', '{b,nope,a,b}')`)
    expect(rows).toEqual([
      ['b', bytes('B')],
      ['a', bytes('A')],
    ])
    expect(stored('n', 'a')).toMatchObject({ tags: ['m'], ttlMs: 3_600_000 })
    await expect(run(`CALL cache.put_many('n', '{a,b}', '{x}')`)).rejects.toMatchObject({ sqlstate: '22023' })
  })

  it('exists() tells presence, touch() counts what it touched', async () => {
    expect((await run(`SELECT cache.exists('n', 'k')`)).rows).toEqual([['present']])
    expect((await run(`SELECT cache.exists('n', 'x', exact => true)`)).rows).toEqual([['absent']])
    expect((await run(`SELECT cache.touch('n', ARRAY['k', 'x'], ttl => '1 h', tags => '{u}')`)).rows).toEqual([[1]])
    expect(stored('n', 'k')).toMatchObject({ ttlMs: 3_600_000, tags: ['u'], value: 'v', staleWindowMs: 5000 })
  })

  it('is for readers of the namespace; who is none is told so', async () => {
    await run(`ALTER CACHE NAMESPACE n SET (readers = 'r', writers = 'w, x')`)
    context.blobs.alterNamespace('n', { options: { readers: ['r'], writers: ['w'] } })
    expect((await execute(`SELECT state FROM cache.get('n', 'k')`, someone('r'))).rows).toEqual([['fresh']])
    await expect(execute(`SELECT state FROM cache.get('n', 'k')`, someone('w'))).rejects.toMatchObject({
      sqlstate: '42501',
    })
    await expect(execute(`CALL cache.put('n', 'k', 'v')`, someone('r'))).rejects.toMatchObject({ sqlstate: '42501' })
    await expect(execute(`SELECT cache.exists('nowhere', 'k')`, someone('r'))).rejects.toMatchObject({
      sqlstate: '42704',
    })
    expect((await execute(`SELECT cache.touch('n', '{k}', ttl => '1 h')`, someone('w'))).rows).toEqual([[1]])
  })
})

describe('INVALIDATE CACHE', () => {
  beforeEach(async () => {
    await run(`CALL cache.put('n', 'a:1', 'v', tags => '{t}', dependencies => '{d}')`)
    await run(`CALL cache.put('n', 'a:2', 'v', tags => '{t,u}')`)
    await run(`CALL cache.put('m', 'a:1', 'v', tags => '{t}')`)
  })

  it.each([
    [
      `NAMESPACE n KEY 'a:1', $1, 'zz'`,
      [
        ['key', 'a:1', 1],
        ['key', 'a:2', 1],
        ['key', 'zz', 0],
      ],
    ],
    [`NAMESPACE "n" PREFIX 'a:'`, [['prefix', 'a:', 2]]],
    [
      `NAMESPACE n TAG 'u', 't'`,
      [
        ['tag', 'u', 1],
        ['tag', 't', 1],
      ],
    ],
    [`TAG 't'`, [['tag', 't', 3]]],
    [
      `DEPENDENCY 'd', 'e'`,
      [
        ['dependency', 'd', 1],
        ['dependency', 'e', 0],
      ],
    ],
    [`NAMESPACE nowhere KEY 'a'`, [['key', 'a', 0]]],
  ])('%s answers a row per subject', async (target, rows) => {
    const result = await run(`INVALIDATE CACHE ${target}`, 'a:2')
    expect(result.rows).toEqual(rows.map((row) => [...row, true]))
    expect(result.tag).toBe('INVALIDATE CACHE')
  })

  it('as a function takes all kinds of subjects at once', async () => {
    const { rows } = await run(`SELECT * FROM cache.invalidate('n', keys => '{a:1}', prefix => 'a:', tags => '{t}')`)
    expect(rows).toEqual([
      ['key', 'a:1', 1, true],
      ['prefix', 'a:', 1, true],
      ['tag', 't', 0, true],
    ])
    await expect(run(`CALL cache.invalidate(keys => '{a}')`)).rejects.toMatchObject({ sqlstate: '22023' })
  })

  it('is for writers of the namespace, and without one stays in what the role may write', async () => {
    context.blobs.alterNamespace('n', { options: { writers: ['w'] } })
    expect((await execute(`INVALIDATE CACHE TAG 't'`, someone('w'))).rows).toEqual([['tag', 't', 2, true]])
    await expect(execute(`INVALIDATE CACHE NAMESPACE m TAG 't'`, someone('w'))).rejects.toMatchObject({
      sqlstate: '42501',
    })
    await expect(execute(`INVALIDATE CACHE TAG 't'`, someone('r'))).rejects.toMatchObject({ sqlstate: '42501' })
  })

  it('KEY and PREFIX need a namespace, MARK STALE none of a relation', () => {
    expect(() => recognise(`INVALIDATE CACHE KEY 'a'`, { schemaName: 'cache' })).toThrow(
      expect.objectContaining({ sqlstate: '42601' }),
    )
    expect(() => recognise(`INVALIDATE CACHE RELATION t MARK STALE`, { schemaName: 'cache' })).toThrow(
      expect.objectContaining({ sqlstate: '0A000' }),
    )
  })
})

describe('FLUSH CACHE NAMESPACE', () => {
  beforeEach(async () => {
    await run(`CALL cache.put('n', 'a', 'v')`)
    await run(`CALL cache.put('m', 'a', 'v')`)
    context.blobs.createNamespace('$views', {}, 'larder')
  })

  it('L1-21 starts a new generation of those it names, or of all of users', async () => {
    expect((await run(`FLUSH CACHE NAMESPACE n, nowhere`)).rows).toEqual([
      ['namespace', 'n', true, 1, 2, 1],
      ['namespace', 'nowhere', false, 0, 0, 0],
    ])
    expect((await run(`FLUSH CACHE NAMESPACE ALL`)).rows).toEqual([
      ['namespace', 'n', true, 2, 3, 0],
      ['namespace', 'm', true, 1, 2, 1],
    ])
    expect((await run(`CALL cache.flush(namespaces => '{m}')`)).rows).toEqual([['namespace', 'm', true, 2, 3, 0]])
  })

  it('is for writers; other flushes are for admins', async () => {
    context.blobs.alterNamespace('n', { options: { writers: ['w'] } })
    expect((await execute(`FLUSH CACHE NAMESPACE n`, someone('w'))).rows).toHaveLength(1)
    expect((await execute(`FLUSH CACHE NAMESPACE ALL`, someone('w'))).rows).toHaveLength(1)
    for (const text of [
      'FLUSH CACHE NAMESPACE n, m',
      'FLUSH ALL CACHES',
      'FLUSH CACHE PLANS',
      'FLUSH CACHE NAMESPACE "$views"',
    ]) {
      await expect(execute(text, someone('w')), text).rejects.toMatchObject({
        sqlstate: expect.stringMatching(/42501|42939/),
      })
    }
  })
})

describe('CACHE NAMESPACE', () => {
  it('L1-38 is made, altered and dropped with its options', async () => {
    const made = await run(
      `CREATE CACHE NAMESPACE n WITH (ttl = '1 min', bytes_max = '10MB', compression = off, entries_max = 5, archive = false)`,
    )
    expect(made).toMatchObject({ tag: 'CREATE CACHE', rows: [['n', 1, 1, 0]] })
    expect(made.columns.map(({ name }) => name)).toEqual(['name', 'id', 'generation', 'entries'])
    expect(context.blobs.namespace('n')?.options).toEqual({
      ttl: '1 min',
      bytes_max: '10MB',
      compression: 'off',
      entries_max: 5,
      archive: false,
    })
    await run(`ALTER CACHE NAMESPACE n SET (ttl = '2 min')`)
    await run(`ALTER CACHE NAMESPACE n RESET (bytes_max, entries_max)`)
    await run(`ALTER CACHE NAMESPACE n OWNER TO bob`)
    expect(context.blobs.namespace('n')).toMatchObject({
      options: { ttl: '2 min', compression: 'off', archive: false },
      owner: 'bob',
    })
    expect(await run(`DROP CACHE NAMESPACE n`)).toMatchObject({ tag: 'DROP CACHE', rows: [['n', 1, 1, 0]] })
    expect(context.blobs.namespace('n')).toBeUndefined()
  })

  it('exists, or does not: 42710 and 42704, or a notice', async () => {
    await run(`CREATE CACHE NAMESPACE n`)
    await expect(run(`CREATE CACHE NAMESPACE n`)).rejects.toMatchObject({
      sqlstate: '42710',
      message: 'cache namespace "n" already exists',
    })
    expect((await run(`CREATE CACHE NAMESPACE IF NOT EXISTS n`)).notices).toMatchObject([
      { message: 'cache namespace "n" already exists, skipping' },
    ])
    await expect(run(`DROP CACHE NAMESPACE n, m`)).rejects.toMatchObject({ sqlstate: '42704' })
    expect(context.blobs.namespace('n')).toBeDefined()
    expect((await run(`DROP CACHE NAMESPACE IF EXISTS n, m`)).rows).toHaveLength(1)
    await expect(run(`ALTER CACHE NAMESPACE n SET (ttl = '1s')`)).rejects.toMatchObject({ sqlstate: '42704' })
    await expect(run(`CREATE CACHE NAMESPACE "$mine"`)).rejects.toMatchObject({ sqlstate: '42939' })
  })

  it('has functions that do the same', async () => {
    expect((await run(`SELECT * FROM cache.create_namespace('n', '{"ttl": "1 min"}')`)).rows).toEqual([['n', 1, 1, 0]])
    await run(`CALL cache.alter_namespace('n', '{"ttl": null, "priority": 3}')`)
    expect(context.blobs.namespace('n')?.options).toEqual({ priority: 3 })
    expect((await run(`SELECT name FROM cache.drop_namespace('n')`)).rows).toEqual([['n']])
    expect((await run(`CALL cache.drop_namespace('n', if_exists => true)`)).rows).toEqual([])
  })

  it('is for admins', async () => {
    for (const text of ['CREATE CACHE NAMESPACE x', 'DROP CACHE NAMESPACE n', `SELECT cache.create_namespace('x')`]) {
      await expect(execute(text, someone('w')), text).rejects.toMatchObject({ sqlstate: '42501' })
    }
  })

  it.each([
    'CREATE CACHE NAMESPACE',
    'ALTER CACHE NAMESPACE n',
    'CREATE CACHE NAMESPACE n WITH (ttl = )',
    'DROP CACHE NAMESPACE n WITH (x)',
  ])('is 42601 where it cannot be read: %s', (text) => {
    expect(() => recognise(text, { schemaName: 'cache' })).toThrow(expect.objectContaining({ sqlstate: '42601' }))
  })
})
