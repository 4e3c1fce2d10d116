// Composition: the door for commands on this machine, in the data directory of the server that has it open.
//
//   <data directory>/control/      0700: whoever gets in is the owner of all that is kept here anyway
//     .s.PGSQL.5432                speaks as the listener does; each session is an admin's. `psql -h <data directory>/control`
//                                  looks for a socket of this name
//     psql                         pid of the server, and the command that reaches its admin database
//
// A killed server leaves both behind, so a reader believes them only while the lock of the directory is that server's.

import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Listener } from './frontend/index.ts'
import type { EventRing } from './observe/index.ts'

/** What the kernel takes as the path of a socket: 107 bytes on Linux, 103 on macOS. */
const pathBytesMax = process.platform === 'linux' ? 107 : 103

interface ControlParts {
  /** The data directory. */
  readonly directory: string
  /** By which a person reaches the admin database. */
  readonly psql: string
  readonly events: EventRing
}

export function controlSocket(directory: string): string {
  return join(folderOf(directory), '.s.PGSQL.5432')
}

/** Opens it. Where it cannot be, the server does without, and says so. */
export async function openControl(listener: Listener, { directory, psql, events }: ControlParts): Promise<void> {
  const path = controlSocket(directory)
  try {
    await closeControl(directory)
    await mkdir(folderOf(directory), { mode: 0o700 })
    await chmod(folderOf(directory), 0o700)
    await writeFile(noteOf(directory), `${process.pid}\n${psql}\n`, { mode: 0o600 })
    // It has none: commands name the psql command instead.
    if (process.platform === 'win32') return
    const bytes = Buffer.byteLength(path)
    if (bytes > pathBytesMax) throw new Error(`its path has ${bytes} bytes, and ${pathBytesMax} are the most`)
    await listener.listenControl(path)
    await chmod(path, 0o600)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    events.record({ severity: 'warning', event: 'control_socket_failed', subject: path, detail })
  }
}

export async function closeControl(directory: string): Promise<void> {
  await rm(folderOf(directory), { recursive: true, force: true })
}

/** How a person reaches the admin database of the server with this pid; undefined if it has not said so. */
export async function psqlOf(directory: string, serverPid: number): Promise<string | undefined> {
  const note = await readFile(noteOf(directory), 'utf8').catch(() => '')
  const [pid, psql] = note.split('\n')
  return Number(pid) === serverPid ? psql : undefined
}

function folderOf(directory: string): string {
  return join(directory, 'control')
}

function noteOf(directory: string): string {
  return join(folderOf(directory), 'psql')
}
