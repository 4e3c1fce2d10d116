// The directory that holds everything one Larder keeps, and the lock that says whose it is.
//
//   <data directory>/
//     larder.lock             pid and start mark of the Larder that has the directory open
//     postgres/ …             what the embedded origin keeps (embedded/cluster.ts)
//
// A lock is a file that exists. It is put into place by link(), which is atomic and fails if the name is taken, so it is
// never seen half written. Its owner is alive if a process has the pid and started when the lock says it did: a pid that
// now belongs to somebody else, or to a process of a later boot or another container, does not count. The lock of a dead
// owner is taken over, under a second lock of the same kind, so that two newcomers do not each remove the other's.

import { randomBytes } from 'node:crypto'
import { chmod, link, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeDirectory } from '../base/index.ts'
import { StartupError } from '../errors/index.ts'
import { isAlive, startMark } from './embedded/process-info.ts'

interface Owner {
  readonly pid: number
  readonly startMark: string | undefined
}

export class DataDirectory {
  /** The real, absolute path. */
  readonly path: string
  #isOpen = true

  private constructor(path: string) {
    this.path = path
  }

  /** Makes the directory if it is missing and takes its lock. Throws a StartupError. */
  static async open(path: string): Promise<DataDirectory> {
    const wanted = resolve(path)
    try {
      await makePrivate(wanted)
      const real = await realpath(wanted)
      await acquire(join(real, 'larder.lock'), real)
      return new DataDirectory(real)
    } catch (error) {
      throw error instanceof StartupError ? error : unusable(wanted, error as NodeJS.ErrnoException)
    }
  }

  /** Gives the lock back. The directory stays. */
  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    const lock = join(this.path, 'larder.lock')
    const owner = await readOwner(lock)
    if (owner?.pid === process.pid) await rm(lock, { force: true })
  }
}

/**
 * Only we may look inside: 0700. Started as root, Postgres runs as another user who must pass through to the cluster but
 * need not see what else is here: 0711. A directory that already holds something keeps its mode: it may be /tmp.
 */
async function makePrivate(path: string): Promise<void> {
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700
  if ((await makeDirectory(path, mode)) || (await readdir(path)).length === 0) await chmod(path, mode)
}

async function acquire(lock: string, directory: string): Promise<void> {
  for (;;) {
    if (await place(lock)) return
    const owner = await readOwner(lock)
    if (owner === undefined) continue
    if (lives(owner)) throw inUse(directory, owner)
    await removeStale(lock)
  }
}

/** Removes a dead owner's lock, unless somebody else has just done so and put his own there. */
async function removeStale(lock: string): Promise<void> {
  const takeover = `${lock}.takeover`
  if (!(await place(takeover))) {
    const other = await readOwner(takeover)
    if (other !== undefined && !lives(other)) await rm(takeover, { force: true })
    return
  }
  try {
    const owner = await readOwner(lock)
    if (owner !== undefined && !lives(owner)) await rm(lock, { force: true })
  } finally {
    await rm(takeover, { force: true })
  }
}

/** Whether our mark now stands at `path`; false if the name was taken. */
async function place(path: string): Promise<boolean> {
  const text = `${process.pid}\n${startMark(process.pid) ?? ''}\n`
  const draft = join(dirname(path), `.${randomBytes(6).toString('hex')}.lock`)
  try {
    await writeFile(draft, text, { flag: 'wx', mode: 0o644 })
    await link(draft, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // Some file systems have no links. Creating the name is as exclusive, only not written in one step.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return placeByCreating(path, text)
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

async function placeByCreating(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o644 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Undefined when there is no lock any more. A file that is no lock has an owner that never lived. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const [pid = '', mark = ''] = (await readFile(path, 'latin1')).split('\n')
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

function inUse(directory: string, owner: Owner): StartupError {
  return new StartupError(
    `data directory "${directory}" is in use by process ${owner.pid}`,
    'Stop that Larder first, or name another directory with --data-dir.',
  )
}

function unusable(path: string, error: NodeJS.ErrnoException): StartupError {
  const reasons: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOTDIR: 'something on its path is not a directory',
    EEXIST: 'it is not a directory',
    ENOENT: 'no directory can be made there',
    ENAMETOOLONG: 'the path is too long',
    ELOOP: 'its links lead in a circle',
    EISDIR: 'its larder.lock is a directory',
    ENOSPC: 'the file system is full',
    EDQUOT: 'the quota is used up',
  }
  return new StartupError(
    `cannot use data directory "${path}": ${reasons[error.code ?? ''] ?? error.message}`,
    'Name a directory that you may write with --data-dir, or start Larder as its owner.',
    { cause: error },
  )
}
