// Epochs: which changes hide what was derived, and at what cost.

import { describe, expect, it } from 'vitest'
import {
  Epochs,
  type Relation,
  raiseStamps,
  stampsOf,
  unmoved,
  wholeDatabase,
} from '../../../src/invalidation/index.ts'

const of = (...relations: Relation[]) => ({ everything: false, relations })

describe('the epochs of a database', () => {
  it('are one per relation, and one for what cannot be narrowed; they only grow, over an end of the process too (DEP-2)', () => {
    const epochs = new Epochs()
    const app = epochs.database('app')
    const [item, place] = [app.relation(1), app.relation(2)]
    const start = epochs.tick()
    app.bump(of(item), 'write', 0)
    expect([unmoved(app, [item], start), unmoved(app, [place], start), item.epoch, place.epoch]).toEqual([
      false,
      true,
      1,
      0,
    ])
    const later = epochs.tick()
    app.bump(wholeDatabase, 'schema', 0)
    expect([unmoved(app, [place], later), unmoved(epochs.database('other'), [], later)]).toEqual([false, true])
    const next = new Epochs()
    next.advance(epochs.clock)
    raiseStamps(next, stampsOf(epochs))
    const again = next.database('app')
    expect([again.stamp, again.relation(1).stamp]).toEqual([app.stamp, item.stamp])
    expect(next.tick()).toBeGreaterThan(again.stamp)
  })

  it('move all relations of a scope at one tick, and not one of them when it is only suspended and released (DEP-5)', () => {
    const epochs = new Epochs()
    const app = epochs.database('app')
    const [item, place] = [app.relation(1), app.relation(2)]
    const start = epochs.tick()
    app.suspend(of(item, place))
    app.release(of(item, place))
    expect(unmoved(app, [item, place], start)).toBe(true)
    app.bump(of(item, place), 'write', 0)
    expect(item.stamp).toBe(place.stamp)
    expect(unmoved(app, [place], start)).toBe(false)
  })

  it('hide all that was read from a relation by one number, which nobody who was read from it is told of (DEP-3)', () => {
    const epochs = new Epochs()
    const app = epochs.database('app')
    const item = app.relation(1)
    let looks = 0
    const answers = Array.from({ length: 10_000 }, () => ({
      start: epochs.tick(),
      get relations() {
        looks++
        return [item]
      },
    }))
    app.bump(of(item), 'write', 0)
    expect(looks).toBe(0)
    expect(answers.some(({ relations, start }) => unmoved(app, relations, start))).toBe(false)
  })
})
