// Whether a process lives, and which of two with the same id it is.

import { readFileSync } from 'node:fs'

/** Whether the kernel knows this id: a process of any user, or one that has ended and that its parent has not collected. */
export function isKnown(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether a process with this id is still running, as far as the system tells. */
export function isAlive(pid: number): boolean {
  return isKnown(pid) && !/^[ZX]/.test(statFields(pid)?.[0] ?? '')
}

/**
 * A text that tells two processes with the same id apart: the boot and the clock tick at which it started.
 * Undefined where the system has no /proc.
 */
export function startMark(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    const startTick = statFields(pid)?.[19]
    return startTick === undefined ? undefined : `${boot}/${startTick}`
  } catch {
    return undefined
  }
}

/** The third field of /proc/<pid>/stat and those after it: the second may itself hold spaces and parentheses. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}
