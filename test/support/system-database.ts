// A system database for tests, in a directory of its own among the temporary files.
//
// Making its cluster takes half a second of a core, a copy a tenth of that. So the first test of a schema keeps the files
// of one that has run, and the others begin with a copy, as every start of a server but its very first does. What is
// about that very first start says `files: 'none'`.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SystemDatabase, type SystemDatabaseOptions, type SystemLease } from '../../src/virtual/system-database.ts'
import { systemSchema } from '../../src/virtual/system-schema.ts'
import { copyInto, scratch, templateOf } from './templates.ts'

export interface TestSystemDatabase {
  readonly database: SystemDatabase
  readonly directory: string
  /** How often it was started. */
  starts(): number
  close(): Promise<void>
}

interface TestSystemDatabaseOptions extends Partial<SystemDatabaseOptions> {
  /** `none`: its cluster is made with the first statement. */
  readonly files?: 'copied' | 'none'
}

export function openSystemDatabase(options: TestSystemDatabaseOptions = {}): TestSystemDatabase {
  const { files = 'copied', ...overrides } = options
  const directory = overrides.directory ?? join(scratch, `larder-virtual-${randomBytes(6).toString('hex')}`)
  let startCount = 0
  const given: SystemDatabaseOptions = {
    directory,
    schemaName,
    idleMs: () => 60_000,
    started: () => startCount++,
    ...overrides,
  }
  const database = files === 'copied' ? new CopiedDatabase(given) : new SystemDatabase(given)
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

/** Puts the files of a system database of schema "cache" that was started before into `directory`, unless it has some. */
export async function copySystemFiles(directory: string): Promise<void> {
  if (existsSync(join(directory, 'pgdata'))) return
  const { version } = systemSchema(schemaName)
  const template = await templateOf(`system-${version}`, async (into) => {
    const { database, close } = openSystemDatabase({ directory: into, files: 'none' })
    ;(await database.acquire()).release()
    await close()
  })
  await mkdir(directory, { recursive: true })
  // Who runs the server may be another user.
  await chmod(directory, 0o711)
  await copyInto(join(template, 'pgdata'), directory)
}

const schemaName = 'cache'

class CopiedDatabase extends SystemDatabase {
  readonly #directory: string
  #files: Promise<void> | undefined

  constructor(options: SystemDatabaseOptions) {
    super(options)
    this.#directory = options.directory
  }

  override async acquire(): Promise<SystemLease> {
    this.#files ??= copySystemFiles(this.#directory)
    await this.#files
    return super.acquire()
  }
}
