// The ring of invalidations: bounded in rows, oldest first, whole after a change of its size.

import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/index.ts'
import { Epochs, InvalidationRing, wholeDatabase } from '../../../src/invalidation/index.ts'

const subjects = (ring: InvalidationRing) => ring.rows().map(({ subject }) => subject)

describe('the latest invalidations', () => {
  it('are the last so many, oldest first, also when there is room for more or fewer', () => {
    const ring = new InvalidationRing(new ManualClock(), 3)
    for (let n = 1; n <= 5; n++) ring.noteSubject('tag', `t${n}`, { cause: 'statement' })
    expect(subjects(ring)).toEqual(['t3', 't4', 't5'])
    ring.resize(4)
    ring.noteSubject('tag', 't6', { cause: 'statement' })
    ring.noteSubject('tag', 't7', { cause: 'statement' })
    expect(subjects(ring)).toEqual(['t4', 't5', 't6', 't7'])
    ring.resize(2)
    expect(subjects(ring)).toEqual(['t6', 't7'])
    ring.resize(0)
    ring.noteSubject('tag', 't8', { cause: 'statement' })
    expect(subjects(ring)).toEqual([])
    ring.resize(1)
    ring.noteSubject('tag', 't9', { cause: 'statement' })
    expect(subjects(ring)).toEqual(['t9'])
  })

  it('are a row per relation that something was read from, and no more than there may be', () => {
    const ring = new InvalidationRing(new ManualClock(), 3)
    const database = new Epochs().database('app')
    const relations = [11, 12, 13].map((oid) => database.relation(oid))
    for (const relation of relations) if (relation.oid !== 13) relation.name = `app.r${relation.oid}`
    ring.noteScope('app', { everything: false, relations }, { cause: 'write', session: 7 })
    ring.noteScope('app', wholeDatabase, { cause: 'feed', lsn: 5n })
    expect(ring.rows().map(({ kind, subject, relation }) => [kind, subject, relation])).toEqual([
      ['relation', 'app.r11', 11],
      ['relation', 'app.r12', 12],
      ['database', 'app', undefined],
    ])
    ring.noteScope('app', { everything: false, relations }, { cause: 'write', session: 7 })
    expect(subjects(ring)).toEqual(['app', 'app.r11', 'app.r12'])
  })

  it('tell how long they took, where it is known when they began', () => {
    const clock = new ManualClock()
    const ring = new InvalidationRing(clock, 3)
    const sinceUs = clock.monotonicUs()
    clock.advance(2)
    ring.noteSubject('tag', 'a', { cause: 'statement', sinceUs, entries: 4 })
    ring.noteSubject('tag', 'b', { cause: 'statement' })
    expect(ring.rows().map(({ elapsedUs, entries }) => [elapsedUs, entries])).toEqual([
      [2000, 4],
      [undefined, undefined],
    ])
  })
})
