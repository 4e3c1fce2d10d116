// Hostile texts: whatever arrives, every function of the room answers, quickly, and the parser stays right.

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import {
  analyse,
  cutTrailingComments,
  filledLength,
  normalise,
  openParser,
  type Parser,
  readCommentHints,
  readHints,
} from '../../../src/sql/index.ts'
import { corpus } from '../../unit/sql/corpus.ts'
import { nestings } from '../../unit/sql/nestings.ts'

const { seed } = Random.fromEnvironment()

let parser: Parser

beforeAll(async () => {
  parser = await openParser()
})

function expectAnswers(text: string): void {
  const statement = analyse(parser, text, { virtualSchema: 'cache' })
  expect(statement.kind).toBeTypeOf('string')
  expect(normalise(text).normalised).toBeTypeOf('string')
  expect(readHints(text).errors).toBeInstanceOf(Array)
  const cut = cutTrailingComments(text.slice(0, filledLength(text)))
  if (cut !== undefined) expect(readCommentHints(cut.comments).errors).toBeInstanceOf(Array)
  expect(parser.discardedCount).toBe(0)
}

describe('hostile texts', () => {
  it('of random characters are answered', () => {
    const text = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 200 }))
    fc.assert(fc.property(text, expectAnswers), { seed, numRuns: 3000 })
  })

  it('of shuffled words are answered', () => {
    const words = [...new Set(corpus.flatMap(({ text }) => text.split(/\b/)))]
    const text = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join(' '))
    fc.assert(fc.property(text, expectAnswers), { seed, numRuns: 3000 })
  })

  it('of statements spliced into statements are answered', () => {
    const texts = corpus.map(({ text }) => text)
    const text = fc
      .tuple(fc.constantFrom(...texts), fc.constantFrom(...texts), fc.nat(), fc.nat())
      .map(([host, guest, at, from]) => {
        const place = at % (host.length + 1)
        return host.slice(0, place) + guest.slice(from % (guest.length + 1)) + host.slice(place)
      })
    fc.assert(fc.property(text, expectAnswers), { seed, numRuns: 3000 })
  })

  it('nested inside each other are answered', () => {
    const shapes = Object.values(nestings)
    const random = new Random(seed)
    for (let run = 0; run < 300; run++) {
      const inner = random
        .pick(shapes)(random.int(600))
        .replace(/^select /, '')
      const outer = random.pick(shapes)(random.int(600))
      expectAnswers(outer.replace(/[1at]/, inner))
    }
  })

  it('of many comment signs and quotes take linear time', () => {
    for (const sign of ['/*', '*/', "'", '"', '$$', '$a$', '--', "E'\\", '(', '/*/', "'\n"]) {
      const text = sign.repeat(Math.floor(60_000 / sign.length))
      const started = performance.now()
      expectAnswers(text)
      expectAnswers(`select 1 ${text} */`)
      expect(performance.now() - started, sign).toBeLessThan(500)
    }
  })
})
