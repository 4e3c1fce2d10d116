// Files that people can read, that name no one machine, and whose links lead somewhere.

import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { files, read, sourceFiles } from './tree.ts'

const lineCountMax = 400

it.each(sourceFiles)(`%s has at most ${lineCountMax} lines`, (file) => {
  expect(read(file).split('\n').length - 1).toBeLessThanOrEqual(lineCountMax)
})

it.each(sourceFiles)('%s opens with a sentence that defines it', (file) => {
  expect(read(file)).toMatch(/^\/\/ \S/)
})

describe('no file', () => {
  const texts = files.filter((file) => !/\.(png|jpg|gif|ico|gz|br|bin|pbf)$/.test(file))

  it.each([
    // Pieced together, so that this file does not find itself.
    ['a path of one machine', new RegExp(`(?<![\\w.-])/(${['work', 'farm', 'root'].join('|')})/`)],
    ['a host of a package registry', new RegExp(['registry', '(npmjs|yarnpkg|npmmirror)'].join('\\.'))],
    ['a package fetched from an address', /"resolved": "https?:/],
  ])('names %s', (_, pattern) => {
    expect(texts.filter((file) => pattern.test(read(file)))).toEqual([])
  })
})

describe('links', () => {
  const pages = files.filter((file) => file.endsWith('.md'))

  it.each(pages)('in %s lead to files that are there', (page) => {
    const prose = read(page)
      .replace(/```[\s\S]*?```/g, '')
      .replace(/`[^`\n]*`/g, '')
    const links = [...prose.matchAll(/\]\(([^)\s#]+)(#[^)\s]*)?\)/g)].map((match) => match[1] ?? '')
    const lost = links.filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(page, link))
    expect(lost).toEqual([])
  })

  function leadsSomewhere(page: string, link: string): boolean {
    const path = posix.normalize(posix.join(posix.dirname(page), link)).replace(/\/$/, '')
    return path === '.' || files.some((file) => file === path || file.startsWith(`${path}/`))
  }
})
