// What the operating system tells about processes that are not our children.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Whether some process has this id now; a process of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * A text that tells two processes with the same id apart: the boot and the clock tick at which it started.
 * Undefined where the system has no /proc.
 */
export function startMark(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the command in parentheses and may itself hold spaces and parentheses; field 22 is the tick.
    const startTick = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return startTick === undefined ? undefined : `${boot}/${startTick}`
  } catch {
    return undefined
  }
}

/** The processes whose working directory is `directory` (a real path); undefined where the system cannot tell. */
export function processesIn(directory: string): number[] | undefined {
  let entries: string[]
  try {
    readlinkSync('/proc/self/cwd')
    entries = readdirSync('/proc')
  } catch {
    return undefined
  }
  return entries
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => workingDirectory(pid) === directory)
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}
