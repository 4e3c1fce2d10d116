// The directory that holds everything one Larder keeps, and the lock that says whose it is.
//
//   <data directory>/
//     larder.lock             pid and start mark of the Larder that has the directory open
//     control/ …              the door for commands on this machine (src/control-door.ts)
//     postgres/ …             what the embedded origin keeps (embedded/cluster.ts)
//
// The lock of a dead owner is taken over (base/file-lock.ts).

import { chmod, readdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { acquireFileLock, fileLockOwner, makeDirectory, releaseFileLock } from '../base/index.ts'
import { StartupError } from '../errors/index.ts'

const lockName = 'larder.lock'

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
      const other = acquireFileLock(join(real, lockName))
      if (other !== undefined) throw inUse(real, other.ownerPid)
      return new DataDirectory(real)
    } catch (error) {
      throw error instanceof StartupError ? error : unusable(wanted, error as NodeJS.ErrnoException)
    }
  }

  /** The real path, and the process that has it open; undefined if none has, or there is no such directory. */
  static async openElsewhere(path: string): Promise<{ readonly path: string; readonly ownerPid: number } | undefined> {
    const wanted = resolve(path)
    try {
      const real = await realpath(wanted)
      const ownerPid = fileLockOwner(join(real, lockName))
      return ownerPid === undefined ? undefined : { path: real, ownerPid }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw unusable(wanted, error as NodeJS.ErrnoException)
    }
  }

  /** Gives the lock back. The directory stays. */
  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    releaseFileLock(join(this.path, lockName))
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

function inUse(directory: string, ownerPid: number): StartupError {
  return new StartupError(
    `data directory "${directory}" is in use by process ${ownerPid}`,
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
