// How much processor time a process has used, and on which core it may run.
//
// /proc/<pid>/task/*/schedstat counts nanoseconds per thread; the sum of /proc/<pid>/stat counts ticks of 10 ms and is the
// second choice. Elsewhere there is neither, and figures of processor time are left out.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/**
 * Processor time of a process in microseconds since its start, all threads, or undefined where it cannot be read.
 * A thread that ended in between takes its share along, so compare two readings of a process with settled threads.
 *
 * @param {number} pid
 * @returns {number | undefined}
 */
export function cpuTimeUs(pid) {
  try {
    let ns = 0
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ', 1)[0])
    }
    if (ns > 0) return ns / 1000
  } catch {}
  return cpuTicksUs(pid)
}

function cpuTicksUs(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is a name in brackets that may hold blanks; utime and stime are the 14th and 15th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) * 10_000
  } catch {
    return undefined
  }
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid) {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(line?.[1] ?? 0) * 1024
}

/** Whether processes can be bound to cores here: the server under test gets core 0, all else core 1. */
export const canPin = availableParallelism() >= 2 && hasTaskset()

function hasTaskset() {
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Command and arguments that run a command on a core, if that can be done. */
export function pinned(core, command, args) {
  return canPin ? ['taskset', ['-c', String(core), command, ...args]] : [command, args]
}

/** Binds a running process, all its threads and what it starts from now on. */
export function pinProcess(core, pid) {
  if (canPin) execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' })
}
