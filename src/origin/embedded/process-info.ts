// Which processes work in a directory.

import { readdirSync, readlinkSync } from 'node:fs'

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
