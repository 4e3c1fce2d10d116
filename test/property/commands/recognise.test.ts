// Whatever the words, a text is ours, the origin's, or refused with a condition and a position inside it; never a
// crash.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { recognise } from '../../../src/commands/index.ts'
import { ServerError } from '../../../src/errors/index.ts'

const { seed } = Random.fromEnvironment()

const word = fc.constantFrom(
  ...`SHOW CACHE CACHES EXPLAIN FLUSH ALL INVALIDATE RELATION TABLE TAG KEY NAMESPACE SET LOCAL SESSION RESET ALTER SYSTEM SELECT *
      FROM CALL cache . , ; ( ) [ ] = := => :: TO DEFAULT LIKE WHERE LIMIT AS LAST STATEMENT ANALYZE FORMAT JSON stats settings
      version flush invalidate explain set_config current_setting result_ttl 'cache.result_ttl' 'a' E'\\'' "q" $1 $2 1 -1 1.5 NULL
      true ARRAY PLANS MARK STALE $$d$$ 'open "open /* -- \n U&'x' 30s é`.split(/[ \n]+/),
)
const text = fc
  .array(word, { maxLength: 14 })
  .chain((words) => fc.constantFrom(' ', ' /* c */ ', '\n', '').map((separator) => words.join(separator)))

it('answers, or refuses with a position inside the text', () => {
  fc.assert(
    fc.property(text, (sql) => {
      try {
        const own = recognise(sql, { schemaName: 'cache' })
        expect(own === undefined || own.tag.length > 0).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(ServerError)
        const { position } = error as ServerError
        if (position !== undefined) {
          expect(position).toBeGreaterThan(0)
          expect(position).toBeLessThanOrEqual([...sql].length + 1)
        }
      }
    }),
    { seed, numRuns: 5000 },
  )
})
