// The tree is the first diagram: rooms know only rooms below them, and only through the door.

import { describe, expect, it } from 'vitest'
import { roomOf } from './rooms.ts'
import { files, importsOf, sourceFiles } from './tree.ts'

const roomNames = [...new Set(sourceFiles.map((file) => roomOf(file)?.name))].filter((name) => name !== 'src')

it('every folder of src/ is a room, or lies in one', () => {
  expect(sourceFiles.filter((file) => roomOf(file) === undefined)).toEqual([])
})

it.each(roomNames)('room %s has a door', (name) => {
  expect(sourceFiles).toContain(`src/${name}/index.ts`)
})

describe('an import of', () => {
  it.each(sourceFiles)('%s names a file that is there', (file) => {
    const lost = importsOf(file).filter(({ target }) => target !== undefined && !files.includes(target))
    expect(lost.map(({ specifier }) => specifier)).toEqual([])
  })

  it.each(sourceFiles)('%s stays in its room, or goes down through a door', (file) => {
    const room = roomOf(file)
    const wrong = importsOf(file).filter(({ target }) => {
      const other = target?.startsWith('src/') === true ? roomOf(target) : undefined
      if (room === undefined || other === undefined || other.name === room.name) return false
      return other.rank >= room.rank || target !== `src/${other.name}/index.ts`
    })
    expect(wrong.map(({ specifier }) => specifier)).toEqual([])
  })
})
