// Repairs of the npm package that holds the binaries.
//
// Its install script makes the symbolic links of its shared libraries, and install scripts are often switched off: we make
// them at start-up. Where we may not write, a directory of links on the shelf goes onto the server's library path. And
// the package may lie where the server's user cannot go (a clone below /root): then a copy on the shelf takes its place.
//
// Names on the shelf hold a digest of the package's path and release, so that nothing there is ever changed.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

interface Link {
  readonly source: string
  readonly target: string
}

/** Whether this is the `native` directory of the package. */
export function isPackageTree(tree: string): boolean {
  return existsSync(join(tree, 'pg-symlinks.json'))
}

/** Makes the links the package lists. Where it cannot be written, a directory of links on the shelf does their work. */
export async function completeLinks(tree: string, shelf: string | undefined): Promise<string | undefined> {
  const missing = linksOf(tree).filter(({ target }) => !existsSync(join(dirname(tree), target)))
  if (missing.length === 0) return undefined
  if (await makeLinks(dirname(tree), missing)) return undefined
  return shelf === undefined ? undefined : linkDirectory(tree, missing, shelf)
}

/** Paths in the list count from the directory above `native`. */
function linksOf(tree: string): Link[] {
  try {
    return JSON.parse(readFileSync(join(tree, 'pg-symlinks.json'), 'utf8'))
  } catch {
    return []
  }
}

async function makeLinks(root: string, links: readonly Link[]): Promise<boolean> {
  try {
    for (const { source, target } of links) await symlinkOnce(basename(source), join(root, target))
    return true
  } catch {
    return false
  }
}

async function linkDirectory(tree: string, links: readonly Link[], shelf: string): Promise<string> {
  const directory = join(shelf, `libraries-${identityOf(tree)}`)
  await mkdir(directory, { recursive: true, mode: 0o755 })
  for (const { source, target } of links) {
    await symlinkOnce(join(dirname(tree), source), join(directory, basename(target)))
  }
  return directory
}

async function symlinkOnce(to: string, at: string): Promise<void> {
  await symlink(to, at).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** Copies the package's tree to the shelf, once, readable by everybody; about 60 MB. */
export async function copyTree(tree: string, shelf: string): Promise<string> {
  const copy = join(shelf, `postgres-${identityOf(tree)}`)
  if (existsSync(copy)) return copy
  const unfinished = `${copy}.${process.pid}`
  await mkdir(shelf, { recursive: true, mode: 0o755 })
  await cp(tree, unfinished, { recursive: true, verbatimSymlinks: true })
  const library = join(unfinished, 'lib')
  for (const { source, target } of linksOf(unfinished)) {
    await symlinkOnce(basename(source), join(library, basename(target)))
  }
  await openToAll(unfinished)
  await rename(unfinished, copy).catch(async (error: unknown) => {
    await rm(unfinished, { recursive: true, force: true })
    if (!existsSync(copy)) throw error
  })
  return copy
}

async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, 0o755)
  }
}

/** The same tree gives the same name, another release another one. */
function identityOf(tree: string): string {
  let release = ''
  try {
    release = readFileSync(join(dirname(tree), 'package.json'), 'utf8')
  } catch {
    // A tree without package.json is told apart by its path alone.
  }
  return createHash('sha256').update(realpathSync(tree)).update(release).digest('hex').slice(0, 12)
}
