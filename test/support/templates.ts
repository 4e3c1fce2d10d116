// Directories that took a while to make, kept among the temporary files for every later test to copy.
//
// A template appears by renaming a finished one into place, so whoever sees it sees the whole. Its name says what it was
// made from; one that no test has copied for a week is of another time, and who makes the next one removes it.

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, statfsSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A directory that every user can reach, for files of a test: in memory where the machine has some to spare. */
export const scratch = scratchDirectory()

function scratchDirectory(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (bavail * bsize > 4 * 1024 ** 3) return '/dev/shm'
  } catch {
    // Not Linux, or a container without it.
  }
  return tmpdir()
}

const prefix = `larder-test-template-2-${process.getuid?.() ?? 0}-`
const unusedMaxMs = 7 * 24 * 3600 * 1000

/** The template of this name; `make` fills a new directory if there is none yet. */
export async function templateOf(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const template = join(scratch, `${prefix}${name}`)
  if (existsSync(template)) {
    const now = new Date()
    await utimes(template, now, now)
    return template
  }
  await removeUnused()
  const unfinished = `${template}.${randomBytes(6).toString('hex')}`
  await mkdir(unfinished)
  await chmod(unfinished, 0o711)
  await make(unfinished)
  await rename(unfinished, template).catch(async (error: unknown) => {
    await rm(unfinished, { recursive: true, force: true })
    if (!existsSync(template)) throw error
  })
  return template
}

/** Copies a file or directory below `into`, with its owners. */
export async function copyInto(source: string, into: string): Promise<void> {
  await run('cp', ['-a', source, into])
}

const run = promisify(execFile)

async function removeUnused(): Promise<void> {
  for (const name of await readdir(scratch)) {
    if (!name.startsWith(prefix)) continue
    const path = join(scratch, name)
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > unusedMaxMs) await rm(path, { recursive: true, force: true })
  }
}
