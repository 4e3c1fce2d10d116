import { expect, it } from 'vitest'
import { OriginLives } from '../../../src/frontend/index.ts'

function watched() {
  let begun = 0
  const lives = new OriginLives(() => begun++)
  return { lives, count: () => begun }
}

it('the first life begins nothing, and each new one makes what was kept void once (R9)', () => {
  const { lives, count } = watched()
  for (const life of ['a', 'a', 'b', 'b', 'a', 'b']) lives.note(life)
  expect(count()).toBe(1)
  lives.note('c')
  expect(count()).toBe(2)
})

it('several servers behind one address take turns without a doubt', () => {
  const { lives, count } = watched()
  for (let round = 0; round < 3; round++) for (let server = 0; server < 64; server++) lives.note(`server ${server}`)
  expect(count()).toBe(63)
})
