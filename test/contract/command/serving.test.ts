// The command from its first line to its last: what it prints, that one can connect with what it prints, and how it stops.

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAlive } from '../../../src/base/index.ts'
import { Command } from '../../support/command.ts'

let directory: string
let commands: Command[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'larder-serving-'))
  // Run by root, the embedded Postgres is another user's and must be able to pass through.
  chmodSync(directory, 0o711)
  commands = []
})

afterEach(async () => {
  for (const command of commands) await command.end()
  rmSync(directory, { recursive: true, force: true })
})

interface Serving {
  readonly command: Command
  readonly banner: string
  connect(): Promise<pg.Client>
}

async function serve(...more: string[]): Promise<Serving> {
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', join(directory, 'data'), '--drain-timeout', '20s']
  const command = Command.run([...args, ...more])
  commands.push(command)
  const match = await command.prints(/psql -h (\S+) -p (\d+) -U (\S+) -d (\S+)\n/)
  const [, host, port, user, database] = match
  return {
    command,
    banner: command.stdout,
    async connect() {
      const client = new pg.Client({ host, port: Number(port), user, database } as pg.ClientConfig)
      client.on('error', () => undefined)
      await client.connect()
      return client
    },
  }
}

/** The process of the embedded Postgres, by the file it keeps. */
function postmasterPid(): number | undefined {
  const path = join(directory, 'data', 'postgres', 'pgdata', 'postmaster.pid')
  return existsSync(path) ? Number(readFileSync(path, 'utf8').split('\n')[0]) : undefined
}

function isRunning(pid: number | undefined): boolean {
  return pid !== undefined && isAlive(pid)
}

describe('larder serve', () => {
  it('prints what it serves and from where, and answers the command it prints', async () => {
    const { banner, connect } = await serve()
    expect(banner).toMatch(
      /^Larder \S+ serves Postgres clients on 127\.0\.0\.1:\d+\n {2}origin +\S.*\n {2}data directory +\S.*\n/,
    )
    const client = await connect()
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await client.end()
  })

  it('serves on when its Postgres was killed, with all that was committed', async () => {
    const { connect, command } = await serve()
    const writer = await connect()
    await writer.query('create table kept as select 42 as answer')
    await writer.query('select answer from kept')
    const lost = new Promise<void>((resolve) => writer.once('end', () => resolve()))
    process.kill(postmasterPid() as number, 'SIGKILL')
    await lost
    await command.prints(/ origin_restarted /, 'stderr')
    const client = await connect()
    expect((await client.query('select answer from kept')).rows).toEqual([{ answer: 42 }])
    await client.query('update kept set answer = 43')
    expect((await client.query('select answer from kept')).rows).toEqual([{ answer: 43 }])
    await client.end()
  })

  it('keeps data over a restart, and no process after its end', async () => {
    const first = await serve()
    const writer = await first.connect()
    await writer.query('create table kept as select 42 as answer')
    await writer.end()
    const pid = postmasterPid()
    expect(isRunning(pid)).toBe(true)
    first.command.signal('SIGTERM')
    expect(await first.command.exit).toBe(0)
    expect(isRunning(pid)).toBe(false)

    const second = await serve()
    const reader = await second.connect()
    expect((await reader.query('select answer from kept')).rows).toEqual([{ answer: 42 }])
    await reader.end()
  })

  it('starts again after it was killed, and takes over what it left behind', async () => {
    const first = await serve()
    const pid = postmasterPid()
    first.command.signal('SIGKILL')
    await first.command.exit
    const second = await serve()
    expect(postmasterPid()).not.toBe(pid)
    second.command.signal('SIGINT')
    expect(await second.command.exit).toBe(0)
    expect(isRunning(pid)).toBe(false)
  })

  it('refuses a data directory that another one has open', async () => {
    await serve()
    const other = Command.run(['serve', '--listen', '127.0.0.1:0', '--data-dir', join(directory, 'data')])
    commands.push(other)
    expect(await other.exit).toBe(1)
    expect(other.stderr).toMatch(/^larder: .*in use.*\nhint: .+\n$/)
  })

  it('lets a transaction finish before it stops', async () => {
    const { command, connect } = await serve()
    const client = await connect()
    await client.query('create table kept (n int)')
    await client.query('begin')
    await client.query('insert into kept values (1)')
    command.signal('SIGTERM')
    await command.prints(/SIGTERM/, 'stderr')
    await client.query('insert into kept values (2)')
    await client.query('commit')
    expect(await command.exit).toBe(0)

    const reader = await (await serve()).connect()
    expect((await reader.query('select count(*)::int as rows from kept')).rows).toEqual([{ rows: 2 }])
    await reader.end()
  })

  it('stops at once at a second signal, and leaves nothing running', async () => {
    const { command, connect } = await serve()
    const client = await connect()
    await client.query('begin')
    const pid = postmasterPid()
    command.signal('SIGTERM')
    await command.prints(/SIGTERM/, 'stderr')
    command.signal('SIGTERM')
    expect(await command.exit).toBe(143)
    expect(isRunning(pid)).toBe(false)
  })

  it('reads its file again at SIGHUP', async () => {
    const { command } = await serve()
    command.signal('SIGHUP')
    await command.prints(/settings read again/, 'stderr')
  })
})
