// A hot standby of a test server: a copy of its cluster, taken while it runs, that streams from it.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { EmbeddedPostgres } from '../../src/origin/index.ts'
import type { TestPostgres, TestPostgresOptions } from './postgres.ts'
import { copyInto, scratch } from './templates.ts'

export interface StreamingStandby {
  readonly server: EmbeddedPostgres
  /** As `read_origin` takes it. */
  url(user?: string, password?: string): string
  connect(): Promise<pg.Client>
  /** Resolves when it has replayed all that is written now. */
  caughtUp(): Promise<void>
  /** Nothing is replayed until it is resumed. */
  pause(): Promise<void>
  resume(): Promise<void>
  kill(): Promise<void>
  /** Its processes stand still; calling what this resolves to ends that. */
  freeze(): Promise<() => void>
  close(): Promise<void>
}

/** `parameters` are those of the primary, and what the standby has besides. */
export async function openStandby(
  primary: Pick<TestPostgres, 'server' | 'connect'>,
  parameters: TestPostgresOptions['parameters'] = {},
): Promise<StreamingStandby> {
  const directory = join(scratch, `larder-test-${randomBytes(6).toString('hex')}`)
  await mkdir(directory, { mode: 0o711 })
  const cluster = join(directory, 'pgdata')
  const admin = await primary.connect()
  await admin.query("select pg_backup_start('standby', true)")
  await copyInto(join(primary.server.directory, 'pgdata'), directory)
  const { rows } = await admin.query('select labelfile from pg_backup_stop(false)')
  await admin.end()
  // The copy is not the server that runs.
  await rm(join(cluster, 'postmaster.pid'), { force: true })
  await rm(join(cluster, 'pg_replslot'), { recursive: true, force: true })
  const { uid, gid } = await stat(cluster)
  await mkdir(join(cluster, 'pg_replslot'), { mode: 0o700 })
  await chown(join(cluster, 'pg_replslot'), uid, gid)
  for (const [name, text] of [
    ['backup_label', rows[0].labelfile],
    ['standby.signal', ''],
  ]) {
    await writeFile(join(cluster, name), text, { mode: 0o600 })
    await chown(join(cluster, name), uid, gid)
  }
  const { host, port, user } = primary.server.target
  const server = await EmbeddedPostgres.open({
    directory,
    superuser: user,
    durable: false,
    binDirectory: primary.server.binaries.binDirectory,
    parameters: {
      ...{ shared_buffers: '16MB', wal_receiver_status_interval: '1s', wal_retrieve_retry_interval: '50ms' },
      primary_conninfo: `host=${host} port=${port} user=${user}`,
      ...parameters,
    },
  })
  const clients: pg.Client[] = []
  const ask = async (text: string) => {
    const client = await connect()
    await client.query(text)
    await client.end()
  }
  const connect = async () => {
    const { host: socket, port: at } = server.target
    const client = new pg.Client({ host: socket, port: at, user, database: 'postgres' })
    client.on('error', () => undefined)
    clients.push(client)
    await client.connect()
    return client
  }
  return {
    server,
    connect,
    url(name = user, password) {
      const secret = password === undefined ? '' : `:${password}`
      return `postgres://${name}${secret}@/postgres?host=${server.target.host}&port=${server.target.port}`
    },
    async caughtUp() {
      const [here, there] = [await primary.connect(), await connect()]
      const wanted = (await here.query('select pg_current_wal_flush_lsn()::text as lsn')).rows[0].lsn
      const isThere = async () =>
        (await there.query(`select pg_last_wal_replay_lsn() >= '${wanted}'::pg_lsn as is`)).rows[0].is as boolean
      while (!(await isThere())) await new Promise((resolve) => setTimeout(resolve, 2))
      await Promise.all([here.end(), there.end()])
    },
    pause: async () => {
      await ask('select pg_wal_replay_pause()')
      const client = await connect()
      const state = async () => (await client.query('select pg_get_wal_replay_pause_state() as s')).rows[0].s
      while ((await state()) !== 'paused') await new Promise((resolve) => setTimeout(resolve, 2))
      await client.end()
    },
    resume: () => ask('select pg_wal_replay_resume()'),
    async kill() {
      process.kill(server.pid, 'SIGKILL')
      await server.closed
    },
    async freeze() {
      const { stdout } = await promisify(execFile)('pgrep', ['-P', String(server.pid)])
      const pids = [server.pid, ...stdout.trim().split('\n').map(Number)]
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      return () => {
        for (const pid of pids) process.kill(pid, 'SIGCONT')
      }
    },
    async close() {
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
