// Decides where a cluster lies, so that the user who runs the server can reach it.
//
// Normally: where the caller says. Started as root, the server runs as somebody else, who may be unable to enter a
// directory on the way (a clone below /root, a 0700 home). Opening other people's directories is not ours to do, so the
// cluster then lies in a directory of its own below /var/lib/larder, and a link named `elsewhere` in the caller's
// directory says where. What was meant to lie among temporary files stays among them. The name is random and only the
// link knows it: whoever deletes the data directory and starts again gets a new cluster, never an old forgotten one.

import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { chmod, lstat, mkdir, readlink, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeDirectory } from '../../base/index.ts'
import { StartupError } from '../../errors/index.ts'
import { blockingDirectory, canReach, type ServerUser } from './server-user.ts'

export interface Placement {
  readonly directory: string
  /** Where copies and links of the binaries may be kept. */
  readonly shelf: string
  /** A sentence for the banner when the cluster is not where the caller said. */
  readonly notice: string | undefined
}

/** Makes the directory and finds the reachable place. `wanted` is absolute. */
export async function placeCluster(wanted: string, user: ServerUser | undefined): Promise<Placement> {
  await makeOurs(wanted, user)
  if (user === undefined) return { directory: wanted, shelf: join(wanted, 'binaries'), notice: undefined }
  const blocked = blockingDirectory(user, wanted)
  const shelf = await systemShelf(user)
  if (blocked === undefined) return { directory: wanted, shelf: shelf ?? wanted, notice: undefined }
  const directory = (await existingElsewhere(wanted, user)) ?? (await newElsewhere(wanted, shelf, user, blocked))
  const notice = `the cluster lies in ${directory}, because user "${user.name}", who runs it, may not enter ${blocked}`
  return { directory, shelf: shelf ?? dirname(directory), notice }
}

/**
 * Ours alone: 0700. When another user runs the server, that user may pass through (0711) but not list: the cluster and
 * the socket directory inside are the server's, everything else stays root's, also against a server gone astray.
 */
async function makeOurs(path: string, user: ServerUser | undefined): Promise<void> {
  const mode = user === undefined ? 0o700 : 0o711
  try {
    await makeDirectory(path, mode)
    await chmod(path, mode)
  } catch (error) {
    throw new StartupError(
      `cannot use directory "${path}": ${(error as Error).message}`,
      'Name a directory that you may write, with --data-dir.',
      { cause: error },
    )
  }
}

/** A directory of root's below which the server's user can be given a place; undefined where there is none. */
async function systemShelf(user: ServerUser): Promise<string | undefined> {
  for (const path of ['/var/lib/larder', '/var/tmp/larder-0']) {
    try {
      await mkdir(path, { recursive: true, mode: 0o755 })
      const stats = await lstat(path)
      // In /var/tmp anybody could have made it before us.
      if (!stats.isDirectory() || stats.uid !== 0 || (stats.mode & 0o022) !== 0) continue
      if (canReach(user, path)) return path
    } catch {
      // Read-only or missing: the next place.
    }
  }
  return undefined
}

async function existingElsewhere(wanted: string, user: ServerUser): Promise<string | undefined> {
  const link = join(wanted, 'elsewhere')
  const target = await readlink(link).catch(() => undefined)
  if (target === undefined) return undefined
  const stats = await lstat(target).catch(() => undefined)
  if (stats?.isDirectory() === true && stats.uid === 0 && canReach(user, target)) return target
  throw new StartupError(
    `the cluster of "${wanted}" should lie in "${target}", which is missing or out of reach`,
    `Restore that directory, or remove "${link}" to begin with an empty cluster.`,
  )
}

async function newElsewhere(
  wanted: string,
  shelf: string | undefined,
  user: ServerUser,
  blocked: string,
): Promise<string> {
  if (shelf === undefined) {
    throw new StartupError(
      `user "${user.name}", who must run PostgreSQL because root may not, cannot enter "${blocked}"`,
      'Name a data directory that every user can reach, such as --data-dir /var/lib/larder.',
    )
  }
  const above = dirname(blocked)
  const home = isForTemporaryFiles(above) ? above : shelf
  const directory = join(home, `${basename(dirname(wanted))}-${randomBytes(6).toString('hex')}`)
  await makeOurs(directory, user)
  await symlink(directory, join(wanted, 'elsewhere'))
  return directory
}

/** As /tmp: everybody may write there and nobody may touch what is another's. */
function isForTemporaryFiles(directory: string): boolean {
  return (statSync(directory).mode & 0o1002) === 0o1002
}
