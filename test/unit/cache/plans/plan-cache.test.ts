// Which texts the plan cache keeps, and for how long.

import { beforeEach, describe, expect, it } from 'vitest'
import { PlanCache } from '../../../../src/cache/plans/index.ts'
import { type Counters, createCounters } from '../../../../src/observe/index.ts'
import { analyse, mayMeanNow, openParser } from '../../../../src/sql/index.ts'

const parser = await openParser()
const limits = { entriesMax: 3, bytesMax: 1_000_000, shapesMax: 10, ttlMs: 1000 }

let counters: Counters
let plans: PlanCache

beforeEach(() => {
  counters = createCounters()
  plans = new PlanCache(
    limits,
    {
      analyse: (text) => ({ statement: analyse(parser, text, { virtualSchema: 'cache' }), shareable: true }),
      mayMeanNow,
      recognise: () => undefined,
      loose: () => undefined,
      hints: () => undefined,
      footprint: () => undefined,
      quarantine: () => undefined,
    },
    counters,
  )
})

const learn = (text: string, nowMs: number) => plans.learn('shop', text, text, nowMs)
const known = () => [...plans.texts()].map((text) => text.text)

describe('a text', () => {
  it('leaves when nobody used it for the time to live', () => {
    learn('select 1', 0)
    const used = learn('select a from t', 0)
    plans.expire(900, 10)
    plans.touch(used)
    plans.expire(1000, 10)
    expect(known()).toEqual(['select a from t'])
    expect(counters).toMatchObject({ plan_expirations: 1, plan_entries: 1 })
  })

  it('stays while answers are stored for it, and one time to live longer', () => {
    const text = learn('select 1', 0)
    const answer = { key: '', contextId: 1 }
    text.keep(answer)
    plans.expire(1000, 10)
    text.forget(answer)
    plans.expire(1999, 10)
    expect(known()).toEqual(['select 1'])
    plans.expire(2000, 10)
    expect(known()).toEqual([])
  })

  it('PLN-2 leaves when it is the least recently used and there are too many', () => {
    const first = learn('select 1', 0)
    learn('select 2', 0)
    learn('select 3', 0)
    plans.touch(first)
    learn('select 4', 0)
    expect(known()).toEqual(['select 1', 'select 3', 'select 4'])
    expect(counters).toMatchObject({ plan_evictions: 1, plan_entries: 3 })
  })

  it('comes back when a prepared statement that kept it is used again', () => {
    const text = learn('select 1', 0)
    plans.expire(1000, 10)
    plans.touch(text)
    expect(known()).toEqual(['select 1'])
    expect(counters.plan_entries).toBe(1)
  })

  it('that was learnt anew is not pushed aside by the one that a prepared statement kept', () => {
    const kept = learn('select 1', 0)
    plans.expire(1000, 10)
    const anew = learn('select 1', 1000)
    plans.touch(kept)
    expect([...plans.texts()]).toEqual([anew])
    expect(plans.flush()).toBe(1)
    expect(counters.plan_entries).toBe(0)
  })
})
