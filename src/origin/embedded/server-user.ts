// The system user a Postgres server runs as. Postgres refuses to run as root, so root picks somebody without rights.

import { accessSync, constants, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { StartupError } from '../../errors/index.ts'

export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const candidates = ['postgres', '_postgres', 'larder', 'nobody', 'daemon', 'www-data']

/**
 * The user that must run the server of a cluster: undefined is ourselves. An existing cluster keeps its owner, so that
 * `sudo larder` on a person's own directory does not lock the person out. `clusters` are the places where it may lie.
 */
export function serverUserFor(clusters: readonly string[]): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const owner = clusters.map((path) => statSync(path, { throwIfNoEntry: false })).find((stats) => stats !== undefined)
  if (owner !== undefined && owner.uid !== 0) {
    return { name: nameOf(owner.uid) ?? `#${owner.uid}`, uid: owner.uid, gid: owner.gid }
  }
  const users = knownUsers()
  for (const name of candidates) {
    const user = users.find((known) => known.name === name)
    if (user !== undefined && user.uid !== 0) return user
  }
  throw new StartupError(
    'PostgreSQL does not run as root, and no unprivileged user was found',
    'Start Larder as another user, add a system user named "postgres", or use --upstream.',
  )
}

/** Whether `user` may enter every directory on the way to `path`, which must be absolute. Undefined is ourselves. */
export function canReach(user: ServerUser | undefined, path: string): boolean {
  return blockingDirectory(user, path) === undefined
}

/** The topmost directory on the way to `path` that `user` may not enter; `path` itself counts if it is a directory. */
export function blockingDirectory(user: ServerUser | undefined, path: string): string | undefined {
  const steps = [path]
  for (let step = path; dirname(step) !== step; ) {
    step = dirname(step)
    steps.unshift(step)
  }
  return steps.find((step) => {
    const stats = statSync(step, { throwIfNoEntry: false })
    return stats?.isDirectory() === true && !mayEnter(user, step, stats)
  })
}

function mayEnter(user: ServerUser | undefined, path: string, stats: Stats): boolean {
  if (user === undefined) return access(path)
  const bit = stats.uid === user.uid ? 0o100 : stats.gid === user.gid ? 0o010 : 0o001
  return (stats.mode & bit) !== 0
}

function access(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function nameOf(uid: number): string | undefined {
  return knownUsers().find((user) => user.uid === uid)?.name
}

/** The users of /etc/passwd. Postgres asks the system for its own name, so a uid without an entry would not do. */
function knownUsers(): ServerUser[] {
  let text = ''
  try {
    text = readFileSync('/etc/passwd', 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    // macOS writes nobody as -2; the kernel's ids are unsigned.
    if (!name || !/^-?\d+$/.test(uid ?? '') || !/^-?\d+$/.test(gid ?? '')) return []
    return [{ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }]
  })
}
