// A system database for tests, in a directory of its own among the temporary files.

import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SystemDatabase, type SystemDatabaseOptions } from '../../src/virtual/index.ts'

export interface TestSystemDatabase {
  readonly database: SystemDatabase
  readonly directory: string
  /** How often it was started. */
  starts(): number
  close(): Promise<void>
}

export function openSystemDatabase(overrides: Partial<SystemDatabaseOptions> = {}): TestSystemDatabase {
  const directory = overrides.directory ?? join(tmpdir(), `larder-virtual-${randomBytes(6).toString('hex')}`)
  let startCount = 0
  const database = new SystemDatabase({
    directory,
    schemaName: 'cache',
    idleMs: () => 60_000,
    started: () => startCount++,
    ...overrides,
  })
  return {
    database,
    directory,
    starts: () => startCount,
    async close() {
      await database.close()
      if (overrides.directory === undefined) await rm(directory, { recursive: true, force: true })
    },
  }
}
