// The lock of a directory: a file that says which process has it open.
//
// A lock is a file that exists. It is put into place by link(), which is atomic and fails if the name is taken, so it is
// never seen half written. Its owner is alive if a process has the pid and started when the lock says it did: a pid that
// now belongs to somebody else, or to a process of a later boot or another container, does not count. The lock of a dead
// owner is taken over, under a second lock of the same kind, so that two newcomers do not each remove the other's.

import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isAlive, startMark } from './process-info.ts'

interface Owner {
  readonly pid: number
  readonly startMark: string | undefined
}

/** Takes the lock, or returns the pid of the process that has it. */
export function acquireFileLock(lock: string): { readonly ownerPid: number } | undefined {
  for (;;) {
    if (place(lock)) return undefined
    const owner = readOwner(lock)
    if (owner === undefined) continue
    if (lives(owner)) return { ownerPid: owner.pid }
    removeStale(lock)
  }
}

/** The pid of the living process that has the lock, if one has. */
export function fileLockOwner(lock: string): number | undefined {
  const owner = readOwner(lock)
  return owner !== undefined && lives(owner) ? owner.pid : undefined
}

/** Gives the lock back, if it is this process's. */
export function releaseFileLock(lock: string): void {
  if (readOwner(lock)?.pid === process.pid) rmSync(lock, { force: true })
}

/** Removes a dead owner's lock, unless somebody else has just done so and put his own there. */
function removeStale(lock: string): void {
  const takeover = `${lock}.takeover`
  if (!place(takeover)) {
    const other = readOwner(takeover)
    if (other !== undefined && !lives(other)) rmSync(takeover, { force: true })
    return
  }
  try {
    const owner = readOwner(lock)
    if (owner !== undefined && !lives(owner)) rmSync(lock, { force: true })
  } finally {
    rmSync(takeover, { force: true })
  }
}

/** Whether our mark now stands at `path`; false if the name was taken. */
function place(path: string): boolean {
  const text = `${process.pid}\n${startMark(process.pid) ?? ''}\n`
  const draft = join(dirname(path), `.${randomBytes(6).toString('hex')}.lock`)
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: 0o644 })
    linkSync(draft, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // Some file systems have no links. Creating the name is as exclusive, only not written in one step.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return placeByCreating(path, text)
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

function placeByCreating(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o644 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Undefined when there is no lock any more. A file that is no lock has an owner that never lived. */
function readOwner(path: string): Owner | undefined {
  try {
    const [pid = '', mark = ''] = readFileSync(path, 'latin1').split('\n')
    return { pid: /^\d+$/.test(pid) ? Number(pid) : 0, startMark: mark === '' ? undefined : mark }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function lives(owner: Owner): boolean {
  if (owner.pid === 0 || !isAlive(owner.pid)) return false
  const mark = startMark(owner.pid)
  return mark === undefined || owner.startMark === undefined || mark === owner.startMark
}
