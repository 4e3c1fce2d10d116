// Throwaway Postgres servers for tests, of every version this machine has.
//
// initdb costs half a second, a copy of its result a few hundredths. So the first test on a machine makes a template
// (templates.ts), and everybody copies it. Each call is a server of its own, in a directory of its own: tests never meet,
// and close() removes everything. Where the machine has memory to spare it all lies in /dev/shm, where a copy is several
// times quicker than on some disks.

import { randomBytes } from 'node:crypto'
import { chown, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { EmbeddedPostgres, findPostgres, type OriginTarget } from '../../src/origin/index.ts'
import { copyInto, scratch, templateOf } from './templates.ts'

export type TestVersion = 18 | 15

export interface TestPostgresOptions {
  /** Defaults to 18, which comes with the packages; 15 needs a server that the machine brings. */
  readonly version?: TestVersion
  readonly parameters?: Readonly<Record<string, string | number | boolean>>
  /** Files to put into the cluster before it starts, by name; settings name them relative to the cluster. */
  readonly files?: Readonly<Record<string, string>>
  /** Initialised anew, with a system identifier of its own: all others are copies of one cluster. */
  readonly ownSystem?: boolean
  /** The text of pg_hba.conf. */
  readonly hba?: string
}

export interface TestPostgres {
  readonly target: OriginTarget
  /** Also what `--upstream` takes. */
  readonly url: string
  readonly version: string
  readonly server: EmbeddedPostgres
  /** A connected client of superuser "postgres"; close() of the server ends it. */
  connect(options?: pg.ClientConfig): Promise<pg.Client>
  close(): Promise<void>
}

/** The versions that tests can be run against here: 18, and 15 where the machine has it. */
export async function availableVersions(): Promise<TestVersion[]> {
  const found = await Promise.all(
    ([18, 15] as const).map(async (major) => ({ major, it: await findPostgres({ major }) })),
  )
  return found.filter(({ it }) => it !== undefined).map(({ major }) => major)
}

export async function openTestPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const version = options.version ?? 18
  const directory = join(scratch, `larder-test-${randomBytes(6).toString('hex')}`)
  if (options.ownSystem === true) await mkdir(directory, { mode: 0o711 })
  else await copyTemplate(version, directory)
  const cluster = join(directory, 'pgdata')
  const files = options.hba === undefined ? options.files : { ...options.files, 'pg_hba.conf': options.hba }
  for (const [name, text] of Object.entries(files ?? {})) await putFile(cluster, name, text)
  const server = await openServer(directory, version, options.parameters)
  const { target } = server
  const clients: pg.Client[] = []
  return {
    target,
    url: target.display,
    version: server.version,
    server,
    async connect(config = {}) {
      const { host, port, user, database } = target
      const client = new pg.Client({ host, port, user, database, ...config })
      // Whoever closes the server first sees the client's connection end as an error of the client.
      client.on('error', () => undefined)
      clients.push(client)
      await client.connect()
      return client
    },
    async close() {
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Makes `directory` with a cluster in it that has never run, for EmbeddedPostgres.open. */
export async function copyTemplate(version: TestVersion, directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o711 })
  await copyInto(join(await clusterTemplate(version), 'pgdata'), directory)
}

const superuser = 'postgres'

/** Postgres wants its private key to be its own, and readable by nobody else. */
async function putFile(cluster: string, name: string, text: string): Promise<void> {
  const path = join(cluster, name)
  const { uid, gid } = await stat(cluster)
  await writeFile(path, text, { mode: 0o600 })
  await chown(path, uid, gid)
}

async function openServer(
  directory: string,
  version: TestVersion,
  parameters: TestPostgresOptions['parameters'] = {},
): Promise<EmbeddedPostgres> {
  const binaries = await findPostgres({ major: version })
  if (binaries === undefined) throw new Error(`this machine has no PostgreSQL ${version}`)
  return EmbeddedPostgres.open({
    directory,
    superuser,
    durable: false,
    binDirectory: binaries.binDirectory,
    parameters: { shared_buffers: '16MB', ...parameters },
  })
}

/** A cluster that was initialised and shut down in good order. */
function clusterTemplate(version: TestVersion): Promise<string> {
  return templateOf(`postgres-${version}`, async (into) => (await openServer(into, version)).close())
}
