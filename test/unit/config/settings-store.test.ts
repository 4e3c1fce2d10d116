// Each test has a data directory of its own, because ALTER SYSTEM writes there.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseFlags, type SettingsSources, SettingsStore, settingTable } from '../../../src/config/index.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'larder-config-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function open(sources: Omit<SettingsSources, 'flags'> & { args?: string[] } = {}): SettingsStore {
  const { args = [], ...rest } = sources
  return SettingsStore.open({ ...rest, flags: parseFlags(['--data-dir', directory, ...args]).settings })
}

function file(content: string): string {
  const path = join(directory, 'larder.toml')
  writeFileSync(path, content)
  return path
}

const rowOf = (store: SettingsStore, name: string) => store.rows().find((row) => row.name === name)

describe('flags', () => {
  it('are taken with an equals sign or a space, and the last one wins', () => {
    const flags = parseFlags(['--result-ttl', '5s', '--l1-bytes-max=64MB', '--result-ttl=7s', '--config', 'x.toml'])
    expect(Object.fromEntries(flags.settings)).toEqual({ result_ttl: '7s', l1_bytes_max: '64MB' })
    expect(flags.configFile).toBe('x.toml')
  })

  it.each([
    [['--resutl-ttl', '5s'], 'unknown flag --resutl-ttl', 'Perhaps you meant --result-ttl.'],
    [['--zzzzzz=1'], 'unknown flag --zzzzzz', 'larder serve --help lists the flags.'],
    [['now'], 'unexpected argument "now"', 'Settings are given as --name value.'],
    [['--listen'], 'flag --listen needs a value', 'Write --listen VALUE or --listen=VALUE.'],
  ])('%j is refused', (args, message, hint) => {
    expect(() => parseFlags(args)).toThrow(expect.objectContaining({ message, hint, exitCode: 2 }))
  })
})

describe('sources', () => {
  it('give each setting its initial value when none says more', () => {
    const { snapshot } = open()
    expect(snapshot).toMatchObject({
      listen: { host: '127.0.0.1', port: 6432 },
      resultTtl: 30_000,
      l1BytesMax: 268_435_456,
      adminDatabases: ['larder', 'pgbouncer'],
      consistency: 'session',
    })
    expect(Object.isFrozen(snapshot)).toBe(true)
    expect(Object.keys(snapshot)).toHaveLength(settingTable.length)
  })

  it('win in the order default, file, environment, flag, system', async () => {
    const configFile = file(
      'result_ttl = "1s"\nplan_ttl = "1s"\nl1_bytes_max = "1MB"\nevents_max = 5\nadmin_databases = ["a", "b"]',
    )
    const environment = {
      LARDER_PLAN_TTL: '2s',
      LARDER_L1_BYTES_MAX: '2MB',
      LARDER_EVENTS_MAX: '6',
      LARDER_PORT: 'tcp://x',
    }
    const store = open({ configFile, environment, args: ['--l1-bytes-max=3MB', '--events-max=7'] })
    await store.setSystem('events_max', '8')
    const shown = ['result_bytes_max', 'result_ttl', 'plan_ttl', 'l1_bytes_max', 'events_max', 'admin_databases']
    expect(shown.map((name) => [rowOf(store, name)?.value, rowOf(store, name)?.source])).toEqual([
      ['1MB', 'default'],
      ['1s', 'file'],
      ['2s', 'environment'],
      ['3MB', 'flag'],
      ['8', 'system'],
      ['a, b', 'file'],
    ])
  })

  it('refuse a bad flag as a mistake of the command line', () => {
    expect(() => open({ args: ['--result-ttl=soon'] })).toThrow(
      expect.objectContaining({
        name: 'StartupError',
        exitCode: 2,
        message: 'invalid value for parameter "--result-ttl": "soon"',
      }),
    )
  })

  it('refuse a bad variable by its name', () => {
    expect(() => open({ environment: { LARDER_RESULT_TTL: 'soon' } })).toThrow(
      'invalid value for parameter "LARDER_RESULT_TTL": "soon"',
    )
  })

  it.each([
    ['l1_byte_max = "1MB"', 'unrecognized setting "l1_byte_max"', 'Perhaps you meant "l1_bytes_max".'],
    ['result_ttl = "soon"', 'invalid value for parameter "result_ttl": "soon"', undefined],
    ['result_ttl = 1979-05-27', 'setting "result_ttl" has a value of the wrong kind', undefined],
    ['[result]\nttl = 1', 'unrecognized setting "result"', undefined],
    ['listen =', 'line 1: ', undefined],
  ])('refuse the file %j and say where', (content, message, hint) => {
    const configFile = file(content)
    const expected: Record<string, unknown> = { sqlstate: 'F0000', message: expect.stringContaining(message) }
    if (hint !== undefined) expected.hint = hint
    expect(() => open({ configFile })).toThrow(expect.objectContaining(expected))
    expect(() => open({ configFile })).toThrow(configFile)
  })

  it('refuse a file that is not there, but need none', () => {
    expect(() => open({ configFile: join(directory, 'none.toml') })).toThrow(
      expect.objectContaining({ sqlstate: '58P01' }),
    )
  })
})

describe('ALTER SYSTEM', () => {
  it('works at once, tells listeners, and is there after a restart', async () => {
    const store = open()
    const seen: number[] = []
    const stopListening = store.onChange((settings) => seen.push(settings.resultTtl))
    await store.setSystem('RESULT_TTL', '5s')
    stopListening()
    await store.setSystem('result_ttl', '6s')
    expect(seen).toEqual([5000])
    expect(store.snapshot.resultTtl).toBe(6000)
    expect(open().snapshot.resultTtl).toBe(6000)
  })

  it('of a setting that needs a restart waits, and says so', async () => {
    const store = open()
    await store.setSystem('listen', '127.0.0.1:7000')
    expect(rowOf(store, 'listen')).toMatchObject({ value: '127.0.0.1:6432', source: 'default', pendingRestart: true })
    expect(rowOf(open(), 'listen')).toMatchObject({ value: '127.0.0.1:7000', source: 'system', pendingRestart: false })
    await store.resetSystem('listen')
    expect(rowOf(store, 'listen')?.pendingRestart).toBe(false)
  })

  it('is undone by RESET, of one or of all', async () => {
    const store = open()
    await store.setSystem('result_ttl', '5s')
    await store.setSystem('plan_ttl', '5s')
    await store.resetSystem('result_ttl')
    expect([store.snapshot.resultTtl, store.snapshot.planTtl]).toEqual([30_000, 5000])
    await store.resetSystem()
    expect([store.snapshot.resultTtl, store.snapshot.planTtl]).toEqual([30_000, 3_600_000])
  })

  it.each([
    ['resutl_ttl', '5s', { sqlstate: '42704', hint: 'Perhaps you meant "cache.result_ttl".' }],
    ['result_ttl', 'soon', { sqlstate: '22023' }],
    ['consistency', 'loose', { sqlstate: '22023' }],
    ['data_dir', '/elsewhere', { sqlstate: '55P02' }],
  ])('refuses %s = %s and changes nothing', async (name, value, expected) => {
    const store = open()
    const before = store.snapshot
    await expect(async () => store.setSystem(name, value)).rejects.toMatchObject(expected)
    expect(store.snapshot).toBe(before)
  })

  it('applies changes made at the same time one after the other', async () => {
    const store = open()
    const names = ['result_ttl', 'plan_ttl', 'drain_timeout', 'startup_timeout']
    await Promise.all(names.map((name) => store.setSystem(name, '9s')))
    expect(names.map((name) => rowOf(open(), name)?.value)).toEqual(['9s', '9s', '9s', '9s'])
  })

  it('keeps file and snapshot when the write fails, and works again afterwards', async () => {
    const store = open({ args: ['--data-dir', join(directory, 'data')] })
    writeFileSync(join(directory, 'data'), 'a file where a directory should be')
    await expect(store.setSystem('result_ttl', '5s')).rejects.toMatchObject({ sqlstate: '58030' })
    expect(store.snapshot.resultTtl).toBe(30_000)
    rmSync(join(directory, 'data'))
    await store.setSystem('result_ttl', '5s')
    expect(store.snapshot.resultTtl).toBe(5000)
  })

  it('keeps passwords readable to the owner of the file only', async () => {
    const store = open()
    await store.setSystem('upstream', 'postgres://ada:hush-hush@db/app')
    const path = join(directory, 'settings.auto.toml')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toContain('hush-hush')
    expect(JSON.stringify(open().rows())).not.toContain('hush-hush')
    expect(open().snapshot.upstream).toContain('hush-hush')
  })
})

describe('a reload', () => {
  it('reads the file again', () => {
    const configFile = file('result_ttl = "1s"')
    const store = open({ configFile })
    file('result_ttl = "2s"')
    store.reload()
    expect(store.snapshot.resultTtl).toBe(2000)
  })

  it('keeps everything when the file is bad', () => {
    const configFile = file('result_ttl = "1s"')
    const store = open({ configFile })
    const before = store.snapshot
    file('result_ttl = "never"')
    expect(() => store.reload()).toThrow('never')
    expect(store.snapshot).toBe(before)
  })
})
