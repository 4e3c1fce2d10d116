// The Postgres behind everything: one given by URL, or one of our own in a temporary directory, gone afterwards.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pinProcess } from './cpu.mjs'
import { freePort } from './processes.mjs'

/**
 * @typedef {object} Origin
 * @property {string} url
 * @property {import('./session.mjs').Address} address for a client
 * @property {import('./session.mjs').Address} proxiedAddress for a proxy, the same as `url`
 * @property {(core: number) => void} pin binds the server and all its future backends to a core
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string | undefined} url
 * @returns {Promise<Origin>}
 */
export async function openOrigin(url) {
  return url === undefined ? startOwn() : useGiven(url)
}

function useGiven(url) {
  const { hostname, port, username, pathname } = new URL(url)
  const identity = { user: username || 'postgres', database: pathname.slice(1) || 'postgres' }
  const address = { host: hostname, port: Number(port || 5432), ...identity }
  return { url, address, proxiedAddress: address, pin: () => undefined, stop: async () => undefined }
}

// Proxies reach it over its unix socket, as Larder reaches its embedded origin; clients that ask it directly over TCP, as
// they would ask Larder. A proxy is then never charged for a slower way than the one it has.
async function startOwn() {
  const { EmbeddedPostgres } = await import('../../dist/origin/index.js')
  const directory = mkdtempSync(join(tmpdir(), 'larder-bench-origin-'))
  const access = writeAccessFile()
  const port = await freePort()
  const server = await EmbeddedPostgres.open({
    directory,
    superuser: 'postgres',
    // What is measured is processor time, not a disk.
    durable: false,
    parameters: {
      listen_addresses: '127.0.0.1',
      port,
      hba_file: access.path,
      max_connections: 300,
      max_parallel_workers_per_gather: 0,
      autovacuum: false,
    },
  })
  const { user, database, host, socketPath } = server.target
  return {
    url: `postgres://${user}@${encodeURIComponent(host)}:${port}/${database}`,
    address: { host: '127.0.0.1', port, user, database },
    proxiedAddress: { path: socketPath, user, database },
    pin: (core) => pinProcess(core, server.pid),
    stop: async () => {
      await server.close()
      rmSync(directory, { recursive: true, force: true })
      access.remove()
    },
  }
}

// The user who runs the server must be able to read it, and that may be another than ours.
function writeAccessFile() {
  const directory = mkdtempSync(join(tmpdir(), 'larder-bench-access-'))
  chmodSync(directory, 0o755)
  const path = join(directory, 'pg_hba.conf')
  writeFileSync(path, 'local all all trust\nhost all all 127.0.0.1/32 trust\n', { mode: 0o644 })
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) }
}
