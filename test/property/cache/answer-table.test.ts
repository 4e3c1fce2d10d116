// A table of answers does what a Map of them would, whatever is kept and forgotten, and in whatever order.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { AnswerTable } from '../../../src/cache/plans/answer-table.ts'

const { seed } = Random.fromEnvironment()

interface Answer {
  readonly key: string
  readonly version: number
}

/** Few keys, so that they come again; some long, some that differ in one place alone. */
const key = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((number) => `\0\x01\0\0\0\x08${String(number).padStart(8, '0')}`),
  fc.integer({ min: 0, max: 3 }).map((number) => `${'x'.repeat(300)}${number}${'y'.repeat(300)}`),
  fc.string({ unit: 'binary', maxLength: 3 }),
)
const step = fc.record({ act: fc.constantFrom('keep', 'keep', 'forget', 'find', 'forget another'), key })

it('finds, keeps and forgets as a Map does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new AnswerTable<Answer>()
      const model = new Map<string, Answer>()
      let version = 0
      for (const { act, key } of steps) {
        const known = model.get(key)
        if (act === 'keep') {
          const answer = { key, version: ++version }
          table.keep(answer)
          model.set(key, answer)
        } else if (act === 'forget another') expect(table.forget({ key, version: 0 })).toBe(false)
        else if (act === 'forget' && known !== undefined) {
          expect(table.forget(known)).toBe(true)
          model.delete(key)
        }
        expect(table.find(key)).toBe(model.get(key))
        expect(table.count).toBe(model.size)
      }
      for (const [key, answer] of model) expect(table.find(key)).toBe(answer)
    }),
    { seed },
  )
})

it('loses none of many, as they grow and as the oldest leave', () => {
  const table = new AnswerTable<Answer>()
  const answers: Answer[] = []
  for (let version = 0; version < 20_000; version++) {
    const answer = { key: `\0\x01\0\0\0\x08${String(version * 7).padStart(8, '0')}`, version }
    table.keep(answer)
    answers.push(answer)
    if (version >= 5000) expect(table.forget(answers[version - 5000] as Answer)).toBe(true)
  }
  expect(table.count).toBe(5000)
  expect(answers.filter((answer) => table.find(answer.key) === answer)).toEqual(answers.slice(-5000))
})
