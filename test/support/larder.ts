// A Larder for tests: in this process, on a free port, with a data directory that goes away with it.

import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { SettingsStore } from '../../src/config/index.ts'
import type { StoreDoor } from '../../src/own-store.ts'
import { startServer } from '../../src/server.ts'
import { sharedParser } from './shared-parser.ts'
import { startSharedStore } from './store-threads.ts'
import { openSharedSystemServer } from './system-servers.ts'
import { scratch } from './templates.ts'

export interface TestLarderOptions {
  /** URL of the origin. */
  readonly upstream: string
  /** Settings by name, written as on the command line. */
  readonly settings?: Readonly<Record<string, string>>
  /** Rules of consistency to leave out on purpose (docs/consistency.md). */
  readonly brokenRules?: readonly string[]
  readonly cache?: StoreDoor
}

export interface TestLarder {
  readonly host: string
  readonly port: number
  readonly metricsPort: number | undefined
  /** Its data directory, unless a setting named another. */
  readonly directory: string
  url(user?: string, database?: string): string
  /** A connected client; close() of the server ends it. */
  connect(config?: pg.ClientConfig): Promise<pg.Client>
  /** Whatever others had committed before the call has been heard of. */
  fence(database?: string): Promise<void>
  close(): Promise<void>
}

export async function openLarder(options: TestLarderOptions): Promise<TestLarder> {
  const directory = await mkdtemp(join(scratch, 'larder-test-data-'))
  const flags = new Map(
    Object.entries({
      listen: '127.0.0.1:0',
      data_dir: directory,
      upstream: options.upstream,
      log_level: 'error',
      drain_timeout: '0',
      // A stream that begins moves everything: where a test is not about it, it would only disturb.
      feed: 'off',
      // Nor would it be told what else was changed past Larder.
      ddl_poll: '0',
      ...options.settings,
    }),
  )
  const server = await startServer(SettingsStore.open({ flags, environment: {} }), {
    brokenRules: new Set(options.brokenRules ?? []),
    parser: await sharedParser(),
    startStore: startSharedStore,
    openSystemServer: openSharedSystemServer,
    ...(options.cache === undefined ? {} : { cache: options.cache }),
  })
  const { host, port } = server
  const clients: pg.Client[] = []
  return {
    host,
    port,
    metricsPort: server.metricsPort,
    directory,
    url: (user = 'postgres', database = 'postgres') => `postgres://${user}@${host}:${port}/${database}`,
    async connect(config = {}) {
      const client = new pg.Client({ host, port, user: 'postgres', database: 'postgres', ...config })
      client.on('error', () => undefined)
      clients.push(client)
      await client.connect()
      return client
    },
    fence: (database = 'postgres') => server.fence(database),
    async close() {
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
