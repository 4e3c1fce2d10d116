// The embedded Postgres through its life: made, closed, killed, orphaned, misplaced, and opened again with its rows.
//
// Every test has a directory of its own; most begin with a copy of a template, because initdb is not their subject.
// What must happen after a kill is waited for as an event: a client's connection ends, a child exits.

import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readlink, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isAlive } from '../../../src/base/index.ts'
import { StartupError } from '../../../src/errors/index.ts'
import {
  type EmbeddedOptions,
  EmbeddedPostgres,
  findPostgres,
  type PostgresBinaries,
} from '../../../src/origin/index.ts'
import { OriginCode, type OriginProcess } from '../../support/origin-process.ts'
import { availableVersions, copyTemplate } from '../../support/postgres.ts'
import { scratch } from '../../support/templates.ts'

const isRoot = process.getuid?.() === 0
const nobody = { uid: 65_534, gid: 65_534 }
const versions = await availableVersions()
let binaries = (await findPostgres()) as PostgresBinaries

let code: OriginCode
let shelf: string | undefined
let parent = ''
let directory = ''
const servers: EmbeddedPostgres[] = []
const processes: OriginProcess[] = []

beforeAll(async () => {
  code = await OriginCode.compile()
  if (isRoot && !(await mayBeEnteredByAll(binaries.binDirectory))) binaries = await copied(binaries)
})
afterAll(async () => {
  await code.remove()
  if (shelf !== undefined) await rm(shelf, { recursive: true })
})

async function mayBeEnteredByAll(path: string): Promise<boolean> {
  const { mode } = await stat(path)
  return (mode & 0o001) !== 0 && (path === dirname(path) || mayBeEnteredByAll(dirname(path)))
}

/** For tests that run them as somebody else, in a clone that only root may enter. */
async function copied(found: PostgresBinaries): Promise<PostgresBinaries> {
  shelf = await mkdtemp(join(scratch, 'larder-binaries-'))
  await chmod(shelf, 0o755)
  await cp(dirname(found.binDirectory), join(shelf, 'native'), { recursive: true, verbatimSymlinks: true })
  return { ...found, binDirectory: join(shelf, 'native', 'bin') }
}
beforeEach(async () => {
  parent = await mkdtemp(join(scratch, 'larder-embedded-'))
  await chmod(parent, 0o755)
  directory = join(parent, 'postgres')
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map((process) => process.kill()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
  await rm(parent, { recursive: true, maxRetries: 20, retryDelay: 100 })
})

async function open(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await EmbeddedPostgres.open({
    directory,
    superuser: 'postgres',
    durable: false,
    parameters: { shared_buffers: '16MB' },
    ...options,
  })
  servers.push(server)
  return server
}

async function refusal(options: Partial<EmbeddedOptions> = {}): Promise<StartupError> {
  const error = await open(options).then(
    () => expect.unreachable('it opened'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StartupError)
  return error as StartupError
}

async function connect({ target }: Pick<EmbeddedPostgres, 'target'>): Promise<pg.Client> {
  const { host, port, user, database } = target
  const client = new pg.Client({ host, port, user, database })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function ask(server: Pick<EmbeddedPostgres, 'target'>, sql: string): Promise<unknown> {
  const client = await connect(server)
  const { rows } = await client.query({ text: sql, rowMode: 'array' })
  await client.end()
  return rows[0]?.[0]
}

const ended = (client: pg.Client) => new Promise<void>((resolve) => client.once('end', () => resolve()))

/** For what is no child of ours and so sends no event when it ends. */
async function untilGone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { interval: 10, timeout: 10_000 }).toBe(false)
}

/** A process that opens the directory, says the server's pid, and stays. */
async function openElsewhere(body = '', options = {}): Promise<{ larder: OriginProcess; pid: number }> {
  const settings = { directory, superuser: 'postgres', durable: false, binDirectory: binaries.binDirectory }
  const larder = await code.run(
    `const server = await EmbeddedPostgres.open(${JSON.stringify(settings)})
     ${body}
     say(server.pid)
     setInterval(() => undefined, 1000)`,
    options,
  )
  processes.push(larder)
  const answer = await larder.says()
  expect(answer).toMatch(/^\d+$/)
  return { larder, pid: Number(answer) }
}

const elsewhereTarget = () => ({
  target: { host: join(directory, 'socket'), port: 5432, user: 'postgres', database: 'postgres' } as never,
})

describe.each(versions)('PostgreSQL %d', (version) => {
  test('is made in an empty place, and keeps its rows over close and open', async () => {
    const { binDirectory } = (await findPostgres({ major: version })) as PostgresBinaries
    const first = await open({ binDirectory, superuser: 'larder', database: 'the "shop"', durable: true })
    expect(first.version).toMatch(new RegExp(`^${version}\\.`))
    expect(first.notices).toEqual([])
    expect(first.target).toMatchObject({ user: 'larder', database: 'the "shop"', host: join(directory, 'socket') })
    await ask(first, 'create table kept as select 42 as answer')
    await first.close()
    expect(await first.closed).toMatchObject({ expected: true, code: 0 })

    // Without being told which, the server of the cluster's own version is found.
    const second = await open({ superuser: 'larder', database: 'the "shop"' })
    expect(second.version).toBe(first.version)
    expect(await ask(second, 'select answer from kept')).toBe(42)
  })

  test('has the settings Larder needs, and those that were asked for', async () => {
    await copyTemplate(version, directory)
    const server = await open({ parameters: { work_mem: '7MB', application_name: "it's" } })
    const show = (name: string) => ask(server, `show ${name}`)
    expect(await show('wal_level')).toBe('logical')
    expect(await show('listen_addresses')).toBe('')
    expect(await show('max_connections')).toBe('200')
    expect(await show('server_encoding')).toBe('UTF8')
    expect(await show('work_mem')).toBe('7MB')
    expect(await show('fsync')).toBe('off')
    expect(await ask(server, "select 'a' < 'B' collate \"default\"")).toBe(false)
    expect((await stat(join(directory, 'socket'))).mode & 0o777).toBe(0o700)
  })

  test('of another version than the server named is refused', async () => {
    const other = versions.find((candidate) => candidate !== version)
    if (other === undefined) return
    await copyTemplate(version, directory)
    const { binDirectory } = (await findPostgres({ major: other })) as PostgresBinaries
    const { message } = await refusal({ binDirectory })
    expect(message).toMatch(`was made by PostgreSQL ${version}, but the server found is ${other}.`)
  })
})

describe('a server', () => {
  beforeEach(() => copyTemplate(18, directory))

  test('ends its sessions when it is closed, also those in the middle of something', async () => {
    const server = await open()
    const client = await connect(server)
    const busy = client.query('select pg_sleep(100)').catch((error: { code: string }) => error.code)
    await server.close()
    expect(await busy).toBe('57P01')
  })

  test('is stopped without mercy when a fast shutdown takes too long', async () => {
    const server = await open()
    process.kill(server.pid, 'SIGSTOP')
    const closing = server.close(1)
    process.kill(server.pid, 'SIGCONT')
    await closing
    expect(await server.closed).toMatchObject({ expected: true })
  })

  test('tells when it dies by itself, and recovers every committed row', async () => {
    const server = await open()
    await ask(server, 'create table kept as select 42 as answer')
    process.kill(server.pid, 'SIGKILL')
    expect(await server.closed).toEqual({ expected: false, code: null, signal: 'SIGKILL' })
    expect(await ask(await open(), 'select answer from kept')).toBe(42)
  })

  test('that was killed while a session was busy waits for no one', async () => {
    const first = await open()
    const client = await connect(first)
    // A loop inside the executor never looks whether the postmaster is still there, and holds on to the shared memory.
    const busy = client.query('select count(*) from generate_series(1, 1e12)').catch((error: Error) => error.message)
    const witness = await connect(first)
    const isBusy = "select 1 from pg_stat_activity where query like 'select count%' and state = 'active'"
    while ((await witness.query(isBusy)).rowCount === 0);
    process.kill(first.pid, 'SIGKILL')
    await first.closed
    expect(await ask(await open(), 'select 1')).toBe(1)
    expect(await busy).toMatch(/terminat/)
  })

  test('starts over the pid file of a process that is gone', async () => {
    const { pid } = spawn('true')
    await writePidFile(pid as number)
    expect(await ask(await open(), 'select 1')).toBe(1)
  })

  test('starts over the pid file of a process that has nothing to do with it', async () => {
    // Postgres alone refuses to start here: it sees that a process of its own user lives, and no more.
    const { uid, gid } = await stat(join(directory, 'pgdata'))
    const stranger = spawn('sleep', ['100'], isRoot ? { uid, gid } : {})
    await writePidFile(stranger.pid as number)
    expect(await ask(await open(), 'select 1')).toBe(1)
    expect(stranger.exitCode).toBeNull()
    stranger.kill()
  })

  test('says why it cannot start', async () => {
    const { message, hint } = await refusal({ parameters: { shared_buffers: 'plenty' } })
    expect(message).toContain('invalid value for parameter "shared_buffers": "plenty"')
    expect(hint).toContain('postgres.log')
    expect(await ask(await open(), 'select 1')).toBe(1)
  })

  test('has a short socket path where its own is too long or holds a comma', async () => {
    for (const name of ['x'.repeat(120), 'a, b']) {
      directory = join(parent, name)
      await copyTemplate(18, directory)
      const server = await open()
      expect(server.target.socketPath?.length).toBeLessThan(104)
      expect(await ask(server, 'select 1')).toBe(1)
      await server.close()
      expect(existsSync(server.target.host)).toBe(false)
    }
  })

  test('starts its own program from where links of libraries are missing', async () => {
    const copy = join(parent, 'package', 'native')
    await cp(dirname(binaries.binDirectory), copy, { recursive: true, verbatimSymlinks: true })
    await removeLinks(join(copy, 'lib'))
    expect(await ask(await open({ binDirectory: join(copy, 'bin') }), 'select 1')).toBe(1)
  })

  async function writePidFile(pid: number): Promise<void> {
    const cluster = join(directory, 'pgdata')
    const { uid, gid } = await stat(cluster)
    const file = join(cluster, 'postmaster.pid')
    await writeFile(file, `${pid}\n${cluster}\n1700000000\n5432\n${directory}/socket\n\n  1234567  1\nready   \n`)
    await chown(file, uid, gid)
  }
})

describe('a Larder that is killed', () => {
  test('takes its server with it, and the next one finds every row', async () => {
    await copyTemplate(18, directory)
    const { larder, pid } = await openElsewhere()
    await ask(elsewhereTarget(), 'create table kept as select 42 as answer')
    const witness = await connect(elsewhereTarget())
    const over = ended(witness)
    await larder.kill('SIGKILL')
    await over
    await untilGone(pid)
    expect(await ask(await open(), 'select answer from kept')).toBe(42)
  })

  test('and at once followed by another does not keep that one from starting', async () => {
    await copyTemplate(18, directory)
    const { larder, pid } = await openElsewhere()
    await larder.kill('SIGKILL')
    expect(await ask(await open(), 'select 1')).toBe(1)
    expect(isAlive(pid)).toBe(false)
  })

  test('whose guard was killed too leaves an orphan, which the next one stops', async () => {
    await copyTemplate(18, directory)
    const orphan = await startUnguarded()
    await ask(elsewhereTarget(), 'create table kept as select 42 as answer')
    const server = await open()
    expect(server.notices).toEqual([`stopped process ${orphan}, a server left over from an earlier start`])
    expect(isAlive(orphan)).toBe(false)
    expect(await ask(server, 'select answer from kept')).toBe(42)
  })

  test('during initdb leaves nothing half made', async () => {
    const settings = { directory, superuser: 'postgres', durable: false, binDirectory: binaries.binDirectory }
    const larder = await code.run(`await EmbeddedPostgres.open(${JSON.stringify(settings)})`)
    processes.push(larder)
    await expect.poll(unfinished, { interval: 5, timeout: 10_000 }).toHaveLength(1)
    await larder.kill('SIGKILL')
    expect(existsSync(join(directory, 'pgdata'))).toBe(false)
    expect(await ask(await open(), 'select 1')).toBe(1)
    expect(await unfinished()).toEqual([])
  })

  test('by Ctrl-C in its terminal still has its server while it drains', async () => {
    await copyTemplate(18, directory)
    const { larder, pid } = await openElsewhere(
      `const { connect } = await import('node:net')
       const startup = Buffer.from('\\0\\0\\0\\x17\\0\\x03\\0\\0user\\0postgres\\0\\0', 'latin1')
       process.on('SIGINT', () => {
         const socket = connect(server.target.socketPath, () => socket.write(startup))
         socket.on('error', (error) => say(error.message))
         socket.once('data', async (answer) => {
           say(answer.toString('latin1', 0, 1) === 'R' ? 'the server is there' : answer.toString('latin1'))
           await server.close()
           process.exit(0)
         })
       })`,
      { detached: true },
    )
    process.kill(-larder.pid, 'SIGINT')
    expect(await larder.says()).toBe('the server is there')
    expect(await larder.exited).toBe(0)
    expect(isAlive(pid)).toBe(false)
  })

  async function unfinished(): Promise<string[]> {
    return (await readdir(directory).catch(() => [])).filter((name) => name.startsWith('pgdata.new-'))
  }

  /** A server of this cluster that is nobody's child, as after the death of everything that looked after it. */
  async function startUnguarded(): Promise<number> {
    const cluster = join(directory, 'pgdata')
    const { uid, gid } = await stat(cluster)
    await mkdir(join(directory, 'socket'), { recursive: true })
    await chown(join(directory, 'socket'), uid, gid)
    const child = spawn(
      join(binaries.binDirectory, 'postgres'),
      ['-D', cluster, '-k', join(directory, 'socket'), '-c', 'listen_addresses='],
      { ...(isRoot ? { uid, gid } : {}), detached: true, stdio: 'ignore', cwd: '/' },
    )
    const status = () => readFileSync(join(cluster, 'postmaster.pid'), 'latin1').split('\n')[7]?.trim()
    await expect.poll(() => existsSync(join(cluster, 'postmaster.pid')) && status(), { interval: 10 }).toBe('ready')
    return child.pid as number
  }
})

describe.runIf(isRoot)('as root', () => {
  test('the server runs as somebody else, who may write nothing but the cluster and the socket', async () => {
    await copyTemplate(18, directory)
    const server = await open()
    const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'latin1'))?.[1])
    expect(uid).toBeGreaterThan(0)
    const owned = []
    for (const name of await readdir(directory)) if ((await stat(join(directory, name))).uid === uid) owned.push(name)
    expect(owned.sort()).toEqual(['pgdata', 'socket'])
  })

  test.each([
    ['among temporary files', () => parent],
    ['elsewhere', () => join(parent, 'hidden')],
  ])(
    'a directory that the server’s user cannot reach, %s, gets its cluster in a place that stays',
    async (_, closed) => {
      await mkdir(join(parent, 'hidden'))
      await chmod(closed(), 0o700)
      directory = join(parent, 'hidden', 'postgres')
      const first = await open()
      try {
        expect(dirname(first.directory)).toBe(closed() === parent ? scratch : '/var/lib/larder')
        expect(await readlink(join(directory, 'elsewhere'))).toBe(first.directory)
        expect(first.notices.join()).toMatch(/because user ".*", who runs it, may not enter/)
        expect(first.notices.join()).toContain(closed())
        await ask(first, 'create table kept as select 42 as answer')
        await first.close()
        const second = await open()
        expect(second.directory).toBe(first.directory)
        expect(await ask(second, 'select answer from kept')).toBe(42)
        await second.close()
      } finally {
        await rm(first.directory, { recursive: true })
        await rmdir('/var/lib/larder').catch(() => undefined)
      }
      expect((await refusal()).message).toContain('which is missing or out of reach')
    },
  )

  test('a normal user’s Larder works, and root after it keeps the owner', async () => {
    await copyTemplate(18, directory)
    await promisify(execFile)('chown', ['-R', `${nobody.uid}:${nobody.gid}`, parent])
    const { larder, pid } = await openElsewhere('', nobody)
    expect(await ask(elsewhereTarget(), 'select 1')).toBe(1)
    await larder.kill('SIGKILL')
    await untilGone(pid)
    const server = await open()
    expect(readFileSync(`/proc/${server.pid}/status`, 'latin1')).toMatch(/^Uid:\s+65534/m)
  })

  test('a normal user starts from a package that may not be written and lacks its links', async () => {
    await copyTemplate(18, directory)
    const copy = join(parent, 'package', 'native')
    await cp(dirname(binaries.binDirectory), copy, { recursive: true, verbatimSymlinks: true })
    await removeLinks(join(copy, 'lib'))
    await promisify(execFile)('chown', ['-R', `${nobody.uid}:${nobody.gid}`, directory])
    const settings = { directory, superuser: 'postgres', durable: false, binDirectory: join(copy, 'bin') }
    const larder = await code.run(
      `const server = await EmbeddedPostgres.open(${JSON.stringify(settings)})
       say(server.version)
       await server.close()`,
      nobody,
    )
    processes.push(larder)
    expect(await larder.says()).toBe(binaries.version)
  })

  test('a package that the server’s user cannot reach is copied to where it can, once', async () => {
    const hidden = join(parent, 'hidden')
    const shelf = join(parent, 'shelf')
    const copy = join(hidden, 'package', 'native')
    await cp(dirname(binaries.binDirectory), copy, { recursive: true, verbatimSymlinks: true })
    await chmod(hidden, 0o700)
    const user = { name: 'nobody', ...nobody }
    const look = () => findPostgres({ binDirectory: join(copy, 'bin'), user, shelf })
    const found = await look()
    expect(found).toMatchObject({ version: binaries.version, binDirectory: expect.stringContaining(shelf) })
    const { mtimeMs } = await stat(found?.binDirectory as string)
    expect(await look()).toEqual(found)
    expect((await stat(found?.binDirectory as string)).mtimeMs).toBe(mtimeMs)
    expect(await readdir(shelf)).toHaveLength(1)
    expect(await findPostgres({ binDirectory: join(copy, 'bin'), user })).toBeUndefined()
  })
})

test('a place without a server, and a name that is none, are told apart', async () => {
  expect((await refusal({ binDirectory: parent })).message).toBe(`no PostgreSQL server runs from "${parent}"`)
})

async function removeLinks(library: string): Promise<void> {
  for (const entry of await readdir(library, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(library, entry.name))
  }
}
