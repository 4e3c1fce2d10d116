// Few dependencies, each behind one file, so that replacing one is a small change.

import { describe, expect, it } from 'vitest'
import { growing, roomOf } from './rooms.ts'
import { files, importsOf, manifest, read, sourceFiles } from './tree.ts'

const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies }

/** `@scope/name/inner` gives `@scope/name`; undefined for relative and built-in ones. */
function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function importersOf(name: string): string[] {
  return sourceFiles.filter((file) => importsOf(file).some(({ specifier }) => packageOf(specifier) === name))
}

it.each(Object.keys(manifest.dependencies))('%s is imported by exactly one file of src/', (name) => {
  expect(importersOf(name)).toHaveLength(growing.packages.includes(name) ? 0 : 1)
})

it('the optional packages are one family, looked up by platform in one file', () => {
  const scopes = new Set(Object.keys(manifest.optionalDependencies).map((name) => name.split('/')[0] ?? ''))
  expect([...scopes]).toHaveLength(1)
  for (const scope of scopes) {
    expect(sourceFiles.filter((file) => read(file).includes(`${scope}/`))).toHaveLength(1)
  }
})

describe('every package imported', () => {
  it('by src/ is a runtime dependency, but for those of the typed schema, which who uses it has', () => {
    const lost = sourceFiles.flatMap((file) => {
      const known = roomOf(file)?.name === 'schema' ? manifest.peerDependencies : runtime
      const used = importsOf(file).map(({ specifier }) => packageOf(specifier))
      return used.filter((name) => name !== undefined && !(name in known))
    })
    expect(lost).toEqual([])
  })

  it('anywhere else is a dependency of some kind', () => {
    const others = files.filter((file) => /^(test|bench|bin|examples)\/.*\.(ts|js|mjs)$/.test(file))
    const used = others.flatMap((file) => importsOf(file).map(({ specifier }) => packageOf(specifier)))
    const known = { ...runtime, ...manifest.devDependencies }
    expect([...new Set(used)].filter((name) => name !== undefined && !(name in known))).toEqual([])
  })
})

/** Used by being there: types, and the tools whose command the scripts call. */
const unimported: Readonly<Record<string, string>> = { '@biomejs/biome': 'biome', typescript: 'tsc', vitest: 'vitest' }

it.each(Object.keys(manifest.devDependencies))('%s is used for development', (name) => {
  const command = unimported[name]
  if (command !== undefined) return expect(Object.values(manifest.scripts).join('\n')).toContain(command)
  if (name.startsWith('@types/')) {
    const typed = ['node', ...Object.keys(runtime), ...Object.keys(manifest.devDependencies)]
    return expect(typed).toContain(name.slice('@types/'.length))
  }
  const readers = files.filter((file) => /^(test|bench|examples)(?!\/tidy)\/.*\.(ts|js|mjs)$/.test(file))
  const mentions = readers.filter((file) => read(file).includes(`'${name}`))
  expect(mentions.length > 0).toBe(!growing.packages.includes(name))
})
