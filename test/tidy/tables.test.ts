// Documents show the tables of the code word for word. `npm run docs` writes what this test compares.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { conditions } from '../../src/errors/index.ts'
import { counterTable } from '../../src/observe/index.ts'
import { documentTables } from './tables.ts'
import { read, root, sourceFiles } from './tree.ts'

const rewriting = process.env.TIDY_REWRITE === '1'

const written = documentTables.filter(({ page }) => page !== 'docs/sql.md' || existsSync(join(root, page)))

it.each(written)('$page shows the table of $name', ({ page, name, markdown }) => {
  expect(existsSync(join(root, page))).toBe(true)
  const text = read(page)
  const start = `<!-- table: ${name} -->`
  const from = text.indexOf(start) + start.length
  const to = text.indexOf('\n<!-- end of table -->', from)
  expect(text, `${page} has no place for it`).toContain(start)
  expect(to).toBeGreaterThan(0)
  if (rewriting) writeFileSync(join(root, page), `${text.slice(0, from)}\n${markdown}${text.slice(to)}`)
  else expect(text.slice(from, to)).toBe(`\n${markdown}`)
})

const source = sourceFiles.map(read).join('\n')

it.each(Object.keys(conditions))('condition %s is thrown somewhere', (name) => {
  expect(source).toMatch(new RegExp(`\\bconditions\\.${name}\\b`))
})

it.each(counterTable.map((row) => row.name))('counter %s is moved somewhere', (name) => {
  expect(source).toMatch(new RegExp(`\\.${name}\\b\\s*(\\+\\+|--|[-+]?=[^=])|\\+\\+[\\w.#]*\\.${name}\\b`))
})
