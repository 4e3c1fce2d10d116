// The files of a cluster: made by initdb once, configured anew at every start.
//
//   <directory>/              ours
//     pgdata/                 the cluster; the server's user owns it
//     pgdata.new-XXXXXX/      an initdb that has not finished; renamed to pgdata when it has, else removed
//     socket/                 the unix socket (socket-directory.ts)
//     larder.conf             includes pgdata/postgresql.conf and then says what Larder needs
//     postgres.log
//
// Invariant: we write nothing inside pgdata. When root starts the server, pgdata belongs to a less trusted user, and a
// link planted there would make root write somewhere else.

import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartupError } from '../../errors/index.ts'
import { type PostgresBinaries, serverEnvironment } from './find-postgres.ts'
import type { ServerUser } from './server-user.ts'

export type ServerParameters = Readonly<Record<string, string | number | boolean>>

export interface ClusterOptions {
  readonly directory: string
  readonly binaries: PostgresBinaries
  readonly user: ServerUser | undefined
  readonly superuser: string
  readonly database: string
  readonly durable: boolean
  readonly parameters: ServerParameters
}

export function clusterPath(directory: string): string {
  return join(directory, 'pgdata')
}

/** The major version a cluster was made by; undefined when there is no cluster yet. */
export async function clusterMajor(directory: string): Promise<number | undefined> {
  const file = join(clusterPath(directory), 'PG_VERSION')
  try {
    return Number.parseInt(await readFile(file, 'latin1'), 10)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new StartupError(
      `cannot read "${file}": ${(error as Error).message}`,
      'Start Larder as the user who made the data directory, or name another one with --data-dir.',
      { cause: error },
    )
  }
}

/** Makes the cluster if it is not there. Either the whole of it is there afterwards, or nothing. */
export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { directory, user } = options
  await removeUnfinished(directory)
  const cluster = clusterPath(directory)
  if ((await stat(cluster).catch(() => undefined)) !== undefined) return
  const unfinished = await mkdtemp(`${cluster}.new-`)
  if (user !== undefined) await chown(unfinished, user.uid, user.gid)
  try {
    await runInitdb(options, unfinished)
    if (options.database !== 'postgres') await createDatabase(options, unfinished)
    await rename(unfinished, cluster)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true, maxRetries: 5 })
    throw error
  }
  if (options.durable) await syncDirectory(directory)
}

async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!/^pgdata\.new-\w{6}$/.test(name)) continue
    await rm(join(directory, name), { recursive: true, force: true, maxRetries: 5 })
  }
}

async function runInitdb(options: ClusterOptions, into: string): Promise<void> {
  const { binaries } = options
  // Bytewise order is the same everywhere and fastest; where the server can, letters still know upper and lower case.
  const locale =
    binaries.major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'] : ['--locale=C']
  const args = ['-D', into, '-U', options.superuser, '-E', 'UTF8', ...locale]
  args.push('--auth-local=trust', '--auth-host=reject', '--no-instructions')
  if (!options.durable) args.push('--no-sync')
  await runProgram(options, into, 'initdb', args)
}

/** Without a server: postgres itself reads one statement a line from its input. */
async function createDatabase(options: ClusterOptions, cluster: string): Promise<void> {
  const statement = `create database "${options.database.replaceAll('"', '""')}"\n`
  const settings = options.durable ? [] : ['-F']
  await runProgram(options, cluster, 'postgres', ['--single', ...settings, '-D', cluster, 'template1'], statement)
}

function runProgram(
  options: ClusterOptions,
  cwd: string,
  program: 'initdb' | 'postgres',
  args: readonly string[],
  input = '',
): Promise<void> {
  const { binaries, user } = options
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid }
  const env = serverEnvironment(binaries.libraryPath)
  return new Promise((resolve, reject) => {
    const path = join(binaries.binDirectory, program)
    const child = execFile(path, args, { ...identity, env, cwd }, (error, stdout, stderr) => {
      const complaint = /^.*\b(?:error|fatal|panic):\s*(.*)$/im.exec(`${stderr}\n${stdout}`)?.[1]
      // A server without clients complains of a failed statement and ends well: its words decide, not its exit code.
      if (error === null && (program === 'initdb' || complaint === undefined)) return resolve()
      const reason = complaint ?? error?.message
      const message = `could not make a cluster in "${options.directory}": ${reason}`
      const hint = /no space left|could not extend file/i.test(message)
        ? 'Free some space, or name another place with --data-dir.'
        : `The reason is that of ${program}.`
      reject(new StartupError(message, hint, { cause: error ?? undefined }))
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  await handle.sync().finally(() => handle.close())
}

/** Writes larder.conf and returns its path. `ALTER SYSTEM` still wins over it; the command line wins over both. */
export async function writeConfiguration(options: ClusterOptions): Promise<string> {
  const parameters: ServerParameters = {
    cluster_name: 'larder',
    // Reached over the unix socket alone, unless `parameters` say otherwise.
    listen_addresses: '',
    wal_level: 'logical',
    max_connections: 200,
    shared_buffers: '128MB',
    // The log tells of the server; the errors of a client's statements are the client's and may hold its data.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: false,
    log_line_prefix: '%m [%p] ',
    logging_collector: false,
    log_destination: 'stderr',
    ...(options.durable ? {} : { fsync: false, full_page_writes: false }),
    ...options.parameters,
  }
  const lines = Object.entries(parameters).map(([name, value]) => `${name} = ${quote(String(value))}`)
  const path = join(options.directory, 'larder.conf')
  const text = [
    '# Written by Larder at every start. Make changes with ALTER SYSTEM, or in pgdata/postgresql.conf.',
    `include = ${quote(join(clusterPath(options.directory), 'postgresql.conf'))}`,
    ...lines,
    '',
  ].join('\n')
  await writeFile(path, text, { mode: 0o644 })
  if (options.user !== undefined) await chmod(path, 0o644)
  return path
}

/** A boolean is written true or false, which postgresql.conf reads as on and off. */
function quote(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
