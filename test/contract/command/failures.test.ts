// What goes wrong before the server serves is one line, one hint and an exit code; nobody sees a stack trace.

import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Command } from '../../support/command.ts'

let directory: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'larder-command-'))
})

afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

async function fails(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const command = Command.run(args, environment)
  const code = await command.exit
  expect(command.stdout).toBe('')
  expect(command.stderr).toMatch(/^larder: .+\nhint: .+\n$/)
  const [message = '', hint = ''] = command.stderr.split('\n')
  return { code, message: message.slice('larder: '.length), hint: hint.slice('hint: '.length) }
}

describe('the command line', () => {
  it.each([
    [[], 'no command given', 'larder serve starts the server; larder --help says more.'],
    [['srve'], 'unknown command "srve"', 'Perhaps you meant larder serve.'],
    [['serve', '--lisen', 'x'], 'unknown flag --lisen', 'Perhaps you meant --listen.'],
    [['serve', '--listen'], 'flag --listen needs a value', 'Write --listen VALUE or --listen=VALUE.'],
    [
      ['serve', '--listen', 'everywhere'],
      'invalid value for parameter "--listen": "everywhere"',
      'Expected host:port, such as 127.0.0.1:6432.',
    ],
    [
      ['serve', '--consistency', 'loose'],
      'invalid value for parameter "--consistency": "loose"',
      'Available values: eventual, bounded, session, strict.',
    ],
  ])('%j is refused with exit code 2', async (args, message, hint) => {
    expect(await fails(args)).toEqual({ code: 2, message, hint })
  })

  it('tells its version and its flags on standard output', async () => {
    const version = Command.run(['--version'])
    expect([await version.exit, version.stdout]).toEqual([0, expect.stringMatching(/^larder \d+\.\d+\.\d+\n$/)])
    const help = Command.run(['serve', '--help'])
    expect([await help.exit, help.stdout]).toEqual([0, expect.stringContaining('--result-ttl')])
  })
})

describe('a start that cannot be', () => {
  it('names a file of settings that is not there', async () => {
    const path = join(directory, 'none.toml')
    expect(await fails(['serve', '--config', path])).toMatchObject({
      code: 1,
      message: `could not open file "${path}": no such file`,
    })
  })

  it('names the file and the line of a setting it does not know', async () => {
    const path = join(directory, 'larder.toml')
    writeFileSync(path, 'result_tll = "1s"\n')
    expect(await fails(['serve'], { LARDER_CONFIG: path })).toEqual({
      code: 1,
      message: `configuration file "${path}" contains errors: unrecognized setting "result_tll"`,
      hint: 'Perhaps you meant "result_ttl".',
    })
  })

  it('says that the port is taken, and by which flag to choose another', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    try {
      const { code, message, hint } = await fails(serveArgs('taken', '--listen', `127.0.0.1:${port}`))
      expect(code).toBe(1)
      expect(message).toBe(`the address 127.0.0.1:${port} is in use`)
      expect(hint).toContain('--listen')
    } finally {
      other.close()
    }
  })

  it('says that the upstream cannot be reached, and keeps its password to itself', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => closed.once('listening', resolve))
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))
    const url = `postgres://ada:secret@127.0.0.1:${port}/app`
    const { code, message, hint } = await fails(serveArgs('upstream', '--upstream', url))
    expect(code).toBe(1)
    expect(message).toContain(String(port))
    expect(message + hint).not.toContain('secret')
  })

  it('says that the data directory is no directory', async () => {
    const path = join(directory, 'a-file')
    writeFileSync(path, '')
    const { code, message } = await fails(serveIn(path))
    expect(code).toBe(1)
    expect(message).toBe(`cannot use data directory "${path}": it is not a directory`)
    const below = join(path, 'a', 'b')
    expect((await fails(serveIn(below))).message).toBe(
      `cannot use data directory "${below}": something on its path is not a directory`,
    )
  })

  it('says that the path of the data directory is too long', async () => {
    const path = join(directory, 'x'.repeat(300))
    expect((await fails(serveIn(path))).message).toBe(`cannot use data directory "${path}": the path is too long`)
  })

  it.runIf(existsSync('/proc/self'))('says that no directory can be made in /proc', async () => {
    expect(await fails(serveIn('/proc/nope/deeper'))).toEqual({
      code: 1,
      message: 'cannot use data directory "/proc/nope/deeper": no directory can be made there',
      hint: 'Name a directory that you may write with --data-dir, or start Larder as its owner.',
    })
  })

  it.runIf(canMount)('says that the file system is read-only, or full', async () => {
    const place = join(directory, 'mounted')
    mkdirSync(place)
    const readOnly = ['mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', place]
    const full = ['mount', '-t', 'tmpfs', '-o', 'size=4k,nr_inodes=2', 'tmpfs', place]
    expect(await failsWith(readOnly, place)).toBe(`cannot use data directory "${place}": the file system is read-only`)
    expect(await failsWith(full, place)).toBe(`cannot use data directory "${place}": the file system is full`)
  })

  it('says that the unix socket of the upstream has too long a path', async () => {
    const url = `postgres://ada@/app?host=${join(directory, 'y'.repeat(120))}`
    const { code, message, hint } = await fails(serveArgs('socket', '--upstream', url))
    expect(code).toBe(2)
    expect(message).toContain('the path of its unix socket is too long')
    expect(hint).toContain('shorter')
  })
})

/** Whether this user may mount something where only its own process sees it. */
const canMount = spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status === 0

/** What Larder says where a file system was mounted for it alone. */
async function failsWith(mount: readonly string[], path: string): Promise<string> {
  const [command = '', ...args] = Command.line(serveIn(path))
  const script = `${mount.map((word) => `'${word}'`).join(' ')} && exec "$@"`
  const { stderr } = await promisify(execFile)('unshare', [
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    script,
    'sh',
    command,
    ...args,
  ]).catch((error: { stderr: string }) => error)
  return stderr.split('\n')[0]?.slice('larder: '.length) ?? ''
}

function serveIn(path: string): string[] {
  return ['serve', '--listen', '127.0.0.1:0', '--data-dir', path]
}

function serveArgs(name: string, ...more: string[]): string[] {
  return ['serve', '--listen', '127.0.0.1:0', '--data-dir', join(directory, name), ...more]
}
