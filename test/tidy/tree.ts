// The project's files as the tidy tests see them: what is there, and what imports what.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Not ours, or made by a build or a run. */
const skipped = new Set(['.git', '.vitest', 'coverage', 'dist', 'larder-data', 'node_modules'])

/** Paths of all files, relative to the root, with forward slashes. */
export const files: readonly string[] = list(root).sort()

export const sourceFiles = files.filter((file) => /^src\/.*\.ts$/.test(file))

function list(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name) || entry.name.endsWith('.log')) return []
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return list(path)
    return entry.isFile() ? [relative(root, path).replaceAll('\\', '/')] : []
  })
}

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
  readonly scripts: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

export const manifest = JSON.parse(read('package.json')) as Manifest

/** What users import by the package's name: the files of src/ that the build makes them from. */
export const entries: readonly string[] = Object.values(manifest.exports).flatMap((entry) =>
  typeof entry === 'string' ? [] : [entry.types, entry.default].map(sourceOf),
)

function sourceOf(built: string): string {
  return built.replace(/^\.\/dist\//, 'src/').replace(/(\.d\.ts|\.js)$/, '.ts')
}

export interface Import {
  /** The names as the other file calls them; `*` for all. Empty for a bare import. */
  readonly names: readonly string[]
  /** As written. */
  readonly specifier: string
  /** For a relative import of a file of ours: its path from the root; dist/ is taken for src/. */
  readonly target: string | undefined
  /** `export … from`: passes the names on under new ones. */
  readonly reexports: ReadonlyMap<string, string> | undefined
}

const statement =
  /^(import|export)\s+(type\s+)?(?:([\w$]+)\s*,?\s*)?(\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})?\s*from\s*'([^']+)'/gm
const dynamic = /(?:(?:const|let)\s+(\{[^}]*\}|[\w$]+)\s*=\s*)?(?:\(?\s*await\s+)?\bimport\(\s*'([^']+)'\s*\)/g
const required = /\b(?:require(?:\.resolve)?|createRequire\([^)]*\))\('([^']+)'\)/g
const bare = /^import\s+'([^']+)'/gm
/** The file that a worker runs, named as it is built. */
const thread = /new URL\(\s*'(\.[^']+\.js)',\s*import\.meta\.url\)/g

/** What a file imports. Read by pattern, not parsed: the formatter keeps import statements in one shape. */
export function importsOf(file: string): Import[] {
  const text = read(file)
  const imports: Import[] = []
  for (const [, keyword, , byDefault, clause = '', specifier = ''] of text.matchAll(statement)) {
    const pairs = namesIn(clause)
    const names = [...pairs.keys(), ...(byDefault === undefined || byDefault === 'type' ? [] : ['default'])]
    const reexports = keyword === 'export' ? pairs : undefined
    imports.push({ names, specifier, target: targetOf(file, specifier), reexports })
  }
  for (const [, pattern, specifier = ''] of text.matchAll(dynamic)) {
    const names = pattern?.startsWith('{') === true ? [...namesIn(pattern.replaceAll(':', ' as ')).keys()] : ['*']
    imports.push({ names, specifier, target: targetOf(file, specifier), reexports: undefined })
  }
  for (const [, specifier = ''] of [...text.matchAll(bare), ...text.matchAll(required), ...text.matchAll(thread)]) {
    imports.push({ names: [], specifier, target: targetOf(file, specifier), reexports: undefined })
  }
  return imports
}

/** `{ a, type b as c }` gives a → a, b → c. */
function namesIn(clause: string): Map<string, string> {
  if (clause.startsWith('*')) return new Map([['*', '*']])
  const names = new Map<string, string>()
  for (const item of clause.replace(/[{}]/g, '').split(',')) {
    const match = /^\s*(?:type\s+)?([\w$]+)(?:\s+as\s+([\w$]+))?/.exec(item)
    if (match?.[1] !== undefined) names.set(match[1], match[2] ?? match[1])
  }
  return names
}

function targetOf(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const path = posix.normalize(posix.join(dirname(file).replaceAll('\\', '/'), specifier))
  return /^(dist|src)\//.test(path) ? path.replace(/^dist/, 'src').replace(/\.js$/, '.ts') : path
}

const declaration =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|interface|type|const|let|enum)\s+([\w$]+)/gm
const exportList = /^export\s+(?:type\s+)?(\{[^}]*\})(?!\s*from)/gm

/** The names a file declares and exports itself. */
export function exportsOf(file: string): string[] {
  const text = read(file)
  const declared = [...text.matchAll(declaration)].map((match) => match[1] ?? '')
  const listed = [...text.matchAll(exportList)].flatMap((match) => [...namesIn(match[1] ?? '').values()])
  return [...declared, ...listed]
}
