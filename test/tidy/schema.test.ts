// What is published as `pglarder/schema` says what the virtual tables say. `npm run docs` writes what this test compares.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { schemaFiles } from './schema-files.ts'
import { entries, files, importsOf, manifest, read, root } from './tree.ts'

const rewriting = process.env.TIDY_REWRITE === '1'

it.each(schemaFiles)('$path is made from the virtual tables', ({ path, text }) => {
  if (rewriting) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  } else {
    expect(existsSync(join(root, path)) && read(path)).toBe(text)
  }
})

describe('the package', () => {
  it('exports files that the build makes, with their types', () => {
    expect(entries.length).toBeGreaterThan(0)
    expect(entries.filter((file) => !files.includes(file))).toEqual([])
  })

  it('has rows of no relation that there is not', () => {
    const made = schemaFiles.map(({ path }) => path)
    expect(files.filter((file) => file.startsWith('src/schema/rows/') && !made.includes(file))).toEqual([])
  })

  it('asks for an ORM only of those who use one', () => {
    const optional = Object.entries(manifest.peerDependenciesMeta).filter(([, { optional }]) => optional)
    expect(optional.map(([name]) => name).sort()).toEqual(Object.keys(manifest.peerDependencies).sort())
    for (const file of files.filter((file) => file.startsWith('src/schema/'))) {
      const used = importsOf(file).filter(({ specifier }) => !specifier.startsWith('.'))
      if (used.length > 0) expect(file).toMatch(/^src\/schema\/(drizzle|kysely)[\w-]*\.ts$/)
    }
  })
})
