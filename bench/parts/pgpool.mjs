// Pgpool-II with its query cache in shared memory, where there is one on this machine: `PGPOOL` names the program, else it is looked for where
// Debian's package pgpool2 puts it. No server needs it, and no script installs it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinned } from './cpu.mjs'
import { freePort } from './processes.mjs'
import { Session } from './session.mjs'

const program = process.env.PGPOOL ?? '/usr/sbin/pgpool'

export const hasPgpool = existsSync(program)

/**
 * @param {import('../run.mjs').Context} context
 * @returns {Promise<{ address: import('./session.mjs').Address, stats: () => Promise<{ hits: number, misses: number }>, stop: () => Promise<void> }>}
 */
export async function startPgpool({ origin, directory }) {
  const home = join(directory, 'pgpool')
  const [port, controlPort] = [await freePort(), await freePort()]
  mkdirSync(join(home, 'oids'), { recursive: true })
  const settings = {
    ...{
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: home,
      pcp_listen_addresses: '',
      pcp_port: controlPort,
    },
    ...{ pcp_socket_dir: home, pid_file_name: join(home, 'pid'), logdir: home, log_destination: 'stderr' },
    ...{ backend_clustering_mode: 'raw', backend_hostname0: origin.address.host, backend_port0: origin.address.port },
    ...{ num_init_children: 32, max_pool: 1, child_life_time: 0, log_client_messages: 'off' },
    ...{
      memory_cache_enabled: 'on',
      memqcache_method: 'shmem',
      memqcache_total_size: '768MB',
      memqcache_max_num_cache: 900_000,
    },
    ...{ memqcache_expire: 0, memqcache_auto_cache_invalidation: 'on', memqcache_oiddir: join(home, 'oids') },
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`)
  for (const [name, text] of Object.entries({ 'pgpool.conf': lines.join('\n'), 'pcp.conf': '', 'pool_hba.conf': '' }))
    writeFileSync(join(home, name), `${text}\n`)
  const files = ['-f', join(home, 'pgpool.conf'), '-F', join(home, 'pcp.conf'), '-a', join(home, 'pool_hba.conf')]
  const [command, args] = pinned(0, program, ['-n', '-D', ...files])
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-4000)
  })
  const exited = once(child, 'exit')
  const address = { ...origin.address, host: '127.0.0.1', port }
  const stop = async () => {
    child.kill('SIGINT')
    await exited
  }
  try {
    await untilAnswering(address, child, () => said)
  } catch (error) {
    await stop()
    throw error
  }
  return { address, stats: () => readStats(address), stop }
}

async function untilAnswering(address, child, said) {
  const untilMs = performance.now() + 20_000
  for (;;) {
    try {
      const session = await Session.open(address)
      await session.rows('select 1')
      await session.close()
      return
    } catch (error) {
      if (child.exitCode !== null || performance.now() > untilMs) throw new Error(`pgpool: ${error.message}\n${said()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** `num_cache_hits`, and `num_selects`: those that went to the origin. */
async function readStats(address) {
  const session = await Session.open(address)
  const [row] = await session.rows('show pool_cache')
  await session.close()
  return { hits: Number(row[0]), misses: Number(row[1]) }
}
