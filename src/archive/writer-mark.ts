// Who is writing a backup, told beside its parts, so that a later one can tell whether that writer is still there (ARC-8).
//
//   <id>/writer   boot of the machine, namespace of processes, number and start of the process: one text, compared part by part
//
// Only what is certain counts: a writer has died if it ran in this very boot and namespace, where its number is nobody's now or
// somebody's who started at another time. Of any other, on another machine or in another container, nobody here can say: what it left
// is taken away when it has long been quiet (collection.ts).

import { readFileSync, readlinkSync } from 'node:fs'

export const writerName = 'writer'
export const writerBytesMax = 1000

/** Of this process; where the system does not tell enough, one of which nobody can say. */
export function ownMark(): string {
  return markOf(process.pid) ?? 'unknown\n'
}

/** Of a process of this namespace; undefined if there is none, or it does not show. */
export function markOf(pid: number): string | undefined {
  const start = startOf(pid)
  const place = placeHere()
  return start === undefined || place === undefined ? undefined : `${place} ${pid} ${start}\n`
}

export function hasDied(mark: string): boolean {
  const parts = /^(\S+ \S+) ([1-9]\d{0,9}) (\d+)\n$/.exec(mark)
  if (parts === null || parts[1] !== placeHere()) return false
  const pid = Number(parts[2])
  if (!exists(pid)) return true
  const start = startOf(pid)
  return start !== undefined && start !== parts[3]
}

function placeHere(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}

/** Since the boot, in the system's own units. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is a name in brackets that may hold blanks; the start is the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
