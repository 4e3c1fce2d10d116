// What is exported is used by somebody: a name nobody imports is either dead or nobody's business.
//
// A door passes names on, which is no use of them; a name is alive when an importing file asks for it, and everything on
// the way from there to its declaration is alive with it. Tests and benches count.

import { expect, it } from 'vitest'
import { growing, roomOf } from './rooms.ts'
import { entries, exportsOf, files, type Import, importsOf, sourceFiles } from './tree.ts'

const readers = files.filter((file) => /^(src|test|bench|bin|examples)\/.*\.(ts|js|mjs)$/.test(file))
const importsByFile = new Map<string, Import[]>(readers.map((file) => [file, importsOf(file)]))
const alive = new Set<string>()

for (const imports of importsByFile.values()) {
  for (const { names, target, reexports } of imports) {
    if (target === undefined || reexports !== undefined) continue
    for (const name of names) markAlive(target, name)
  }
}

// What the package exports is for its users.
for (const entry of entries) {
  for (const name of exportsOf(entry)) markAlive(entry, name)
  markAlive(entry, '*')
}

function markAlive(file: string, name: string): void {
  const key = `${file} ${name}`
  if (alive.has(key)) return
  alive.add(key)
  for (const { target, reexports } of importsByFile.get(file) ?? []) {
    if (target === undefined || reexports === undefined) continue
    for (const [inner, outer] of reexports) {
      if (inner === '*' || outer === name || name === '*') markAlive(target, inner === '*' ? name : inner)
    }
  }
}

function isAlive(file: string, name: string): boolean {
  return alive.has(`${file} ${name}`) || alive.has(`${file} *`)
}

it.each(sourceFiles)('%s exports nothing that nobody imports', (file) => {
  const passedOn = (importsByFile.get(file) ?? []).flatMap(({ reexports }) => [...(reexports?.values() ?? [])])
  const names = [...exportsOf(file), ...passedOn.filter((name) => name !== '*')]
  expect(names.filter((name) => !isAlive(file, name))).toEqual([])
})

const reached = new Set<string>()
for (const file of ['src/cli.ts', ...entries]) visit(file)

function visit(file: string): void {
  if (reached.has(file)) return
  reached.add(file)
  for (const { target } of importsOf(file)) if (target?.startsWith('src/')) visit(target)
}

const isGrowing = (file: string): boolean => growing.rooms.includes(roomOf(file)?.name ?? '')

it('every file of src/ is reached from the command or the exports of the package', () => {
  expect(sourceFiles.filter((file) => !reached.has(file) && !isGrowing(file))).toEqual([])
})

it('a room that is being built is not reached from the command', () => {
  expect(sourceFiles.filter((file) => reached.has(file) && isGrowing(file))).toEqual([])
})
