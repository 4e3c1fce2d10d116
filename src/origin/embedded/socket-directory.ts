// The directory of the server's unix socket: 0700, because whoever reaches the socket is trusted.
//
// The kernel takes socket paths of about 107 bytes (103 on macOS), and postgresql.conf reads commas and quotes in them as
// its own syntax. When the cluster's directory does not allow such a path, the socket moves to a short directory of its
// own among the temporary files, and `socket` in the cluster's directory becomes a link to it.

import { chmod, chown, lstat, mkdir, mkdtemp, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerUser } from './server-user.ts'

const pathBytesMax = 103
const longestSocketName = '.s.PGSQL.65535'

/** Makes the directory, after removing what a predecessor left. Only one server may use `home` at a time. */
export async function openSocketDirectory(home: string, user: ServerUser | undefined): Promise<string> {
  const direct = join(home, 'socket')
  await closeSocketDirectory(home)
  if (isUsable(direct)) {
    await mkdir(direct, { recursive: true, mode: 0o700 })
    await giveTo(user, direct)
    return direct
  }
  const roots = [tmpdir(), '/tmp'].filter((root) => isUsable(join(root, 'larder-socket-XXXXXX')))
  const short = await mkdtemp(join(roots[0] ?? '/tmp', 'larder-socket-'))
  await giveTo(user, short)
  await symlink(short, direct)
  return short
}

/** Removes a short directory and the link to it. A direct one stays for the next start. */
export async function closeSocketDirectory(home: string): Promise<void> {
  const direct = join(home, 'socket')
  const stats = await lstat(direct).catch(() => undefined)
  if (stats?.isSymbolicLink() !== true) return
  const short = await readlink(direct)
  if (/\/larder-socket-\w{6}$/.test(short)) await rm(short, { recursive: true, force: true })
  await rm(direct, { force: true })
}

function isUsable(directory: string): boolean {
  return Buffer.byteLength(join(directory, longestSocketName)) <= pathBytesMax && /^\/[^,"'\\]*$/.test(directory)
}

async function giveTo(user: ServerUser | undefined, directory: string): Promise<void> {
  if (user !== undefined) await chown(directory, user.uid, user.gid)
  await chmod(directory, 0o700)
}
