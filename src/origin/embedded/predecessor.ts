// Clears away what a killed predecessor left of a cluster: a server that still runs, its backends, a stale pid file.
//
// The caller holds the lock of the data directory, so no living Larder owns this cluster: a server found here is an
// orphan. It is stopped only when it is proven to be this cluster's, by its working directory (postgres works inside
// its cluster), because a pid in a file may by now belong to anybody.
//
// A pid file whose process lives but is somebody else's, or has ended without being collected by its parent, would stop
// postgres from starting: postgres cannot know, we can. It is removed only when no process works in the cluster any more;
// shared memory then has no users either.

import { execFileSync } from 'node:child_process'
import { readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isKnown } from '../../base/index.ts'
import { StartupError } from '../../errors/index.ts'
import { processesIn } from './process-info.ts'

/** Returns the pid of the orphan that was stopped, if there was one. */
export async function clearPredecessor(cluster: string): Promise<number | undefined> {
  const pidFile = join(cluster, 'postmaster.pid')
  const postmaster = Number.parseInt(await readFile(pidFile, 'latin1').catch(() => ''), 10)
  if (!(postmaster > 1)) return undefined
  const real = await realpath(cluster)
  const orphan = isServerOf(postmaster, real)
  if (orphan) await stop(postmaster, real, ['SIGINT', 'SIGQUIT', 'SIGKILL'])
  // Backends outlive a postmaster that was killed only until they next look up.
  for (const backend of processesIn(real) ?? []) {
    if (backend !== process.pid) await stop(backend, real, ['SIGQUIT', 'SIGKILL'])
  }
  if (isKnown(postmaster)) await rm(pidFile, { force: true })
  return orphan ? postmaster : undefined
}

function isServerOf(pid: number, cluster: string): boolean {
  const known = processesIn(cluster)
  if (known !== undefined) return known.includes(pid)
  try {
    const command = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return command.includes('postgres') && command.includes(cluster)
  } catch {
    return false
  }
}

async function stop(pid: number, cluster: string, signals: readonly NodeJS.Signals[]): Promise<void> {
  for (const signal of signals) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
      throw new StartupError(
        `process ${pid}, a server left over from an earlier start, works in "${cluster}" and may not be stopped by us`,
        `Stop it as its owner or as root: kill -INT ${pid}.`,
        { cause: error },
      )
    }
    // A fast shutdown writes a checkpoint, which may take a while; the other two are short.
    for (let waited = 0; waited < (signal === 'SIGINT' ? 15_000 : 5000); waited += 10) {
      if (!isServerOf(pid, cluster)) return
      await delay(10)
    }
  }
}
