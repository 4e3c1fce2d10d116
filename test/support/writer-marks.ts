// Marks of backups that others write, for tests of what they leave (src/archive/writer-mark.ts).

import { spawnSync } from 'node:child_process'

/** Of a process of this machine that has ended. Only where the system tells enough of processes. */
export function deadMark(): string {
  const script = `
    const { readFileSync, readlinkSync } = require('node:fs')
    const stat = readFileSync('/proc/self/stat', 'latin1')
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    console.log(boot, readlinkSync('/proc/self/ns/pid'), process.pid, start)`
  return spawnSync(process.execPath, ['-e', script]).stdout.toString()
}

/** Of another machine, so that nobody here can say. */
export const foreignMark = 'f2c3b6a0-0000-4000-8000-000000000000 pid:[4026531836] 4711 123456\n'
