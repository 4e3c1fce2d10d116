// One server for the system databases of all Larders under test in this process.
//
// A Larder starts its own with the first statement over schema "cache", which takes a tenth of a second of a core; tests open
// Larders by the hundred. The tables of a system database are empty between statements, so Larders do not meet in it; what
// stays are the roles and who may become whom. One schema name has one server: the tables are named after it.
// The server's own start and end are shown by test/contract/virtual and by every test that runs `larder serve`.

import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedPostgres } from '../../src/origin/index.ts'
import type { OpenSystemServer, SystemServer } from '../../src/virtual/index.ts'
import { copySystemFiles } from './system-database.ts'
import { scratch } from './templates.ts'

const servers = new Map<string, Promise<EmbeddedPostgres>>()

export const openSharedSystemServer: OpenSystemServer = async (options, schemaName) => {
  let opening = servers.get(schemaName)
  if (opening === undefined) {
    opening = startServer(options)
    servers.set(schemaName, opening)
  }
  const server = await opening
  return useOf(server)
}

/** It runs as long as this process, whose end its guard sees. */
async function startServer(options: Parameters<OpenSystemServer>[0]): Promise<EmbeddedPostgres> {
  const directory = join(scratch, `larder-test-system-${randomBytes(6).toString('hex')}`)
  await mkdir(directory, { mode: 0o711 })
  // A worker of the test runner is ended by this signal, and would leave without a word.
  process.once('SIGTERM', () => process.exit())
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  await copySystemFiles(directory)
  return EmbeddedPostgres.open({ ...options, directory })
}

function useOf(server: EmbeddedPostgres): SystemServer {
  let end: () => void
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  return {
    pid: server.pid,
    target: server.target,
    closed: Promise.race([server.closed, ended.then(() => ({ expected: true, code: 0, signal: null }))]),
    async close() {
      end()
    },
  }
}
