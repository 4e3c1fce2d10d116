// Which fill under way an equal read finds (R7).

import { beforeEach, describe, expect, it } from 'vitest'
import type { StatementText } from '../../../src/cache/plans/index.ts'
import { Flight, Flights } from '../../../src/frontend/flights.ts'
import { Epochs, wholeDatabase } from '../../../src/invalidation/index.ts'

const text = (key: string, serial: number) => ({ key, serial }) as StatementText
const one = text('select a from t where id = $1', 1)
const other = text('select b from t where id = $1', 2)

let epochs: Epochs
let flights: Flights

beforeEach(() => {
  epochs = new Epochs()
  flights = new Flights()
})

function begin(of: StatementText, contextId: number, parameters: string): Flight {
  const database = epochs.database('shop')
  const mark = { text: of, context: { id: contextId }, parameters, start: epochs.tick(), atMs: 0, wish: { tags: [] } }
  const flight = new Flight(mark, database, [database.relation(20_000)])
  flights.begin(flight)
  return flight
}

describe('a fill under way', () => {
  it('is found by the same text, context and parameters, and by no others', () => {
    const flight = begin(one, 1, '7')
    expect(flights.find(one, 1, '7')).toBe(flight)
    expect(flights.find(other, 1, '7')).toBeUndefined()
    expect(flights.find(one, 2, '7')).toBeUndefined()
    expect(flights.find(one, 1, '8')).toBeUndefined()
  })

  it('is not mistaken for one whose text is what the other has for a parameter', () => {
    const plain = begin(one, 1, '')
    expect(flights.find(other, 1, one.key)).toBeUndefined()
    const tricky = begin(other, 1, one.key)
    expect(flights.find(one, 1, '')).toBe(plain)
    expect(flights.find(other, 1, one.key)).toBe(tricky)
  })

  it('leaves those alone that share its parameters, in whatever order they end', () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [1, 2, 0],
    ]) {
      const all = [begin(one, 1, '7'), begin(other, 1, '7'), begin(one, 2, '7')]
      const left = new Set(all)
      for (const index of order) {
        const ended = all[index] as Flight
        flights.end(ended)
        left.delete(ended)
        for (const flight of all) {
          expect(flights.find(flight.mark.text, flight.mark.context.id, '7')).toBe(
            left.has(flight) ? flight : undefined,
          )
        }
      }
    }
  })

  it('is found among thousands, and only it leaves when it ends', () => {
    const all = Array.from({ length: 5000 }, (_, index) => begin(one, 1, `${index}`))
    for (const [index, flight] of all.entries()) if (index % 3 !== 0) flights.end(flight)
    for (const [index, flight] of all.entries()) {
      expect(flights.find(one, 1, `${index}`)).toBe(index % 3 === 0 ? flight : undefined)
    }
  })

  it('gives way to a later one of the same, and is found again when that one has ended', () => {
    const first = begin(one, 1, '7')
    const second = begin(one, 1, '7')
    expect(flights.find(one, 1, '7')).toBe(second)
    flights.end(second)
    expect(flights.find(one, 1, '7')).toBe(first)
    flights.end(first)
    flights.end(first)
    expect(flights.find(one, 1, '7')).toBeUndefined()
  })

  it('may not be joined once what it reads has moved or is suspended', () => {
    const flight = begin(one, 1, '7')
    const database = epochs.database('shop')
    expect(flight.joinable()).toBe(true)
    const scope = { everything: false, relations: [database.relation(20_000)] }
    database.suspend(scope)
    expect(flight.joinable()).toBe(false)
    database.release(scope)
    database.bump(wholeDatabase, 'unknown', 0)
    expect(flight.joinable()).toBe(false)
  })

  it('calls back those who wait, once, and not those who left', () => {
    const flight = begin(one, 1, '7')
    const heard: string[] = []
    flight.join(() => heard.push('stayed'))
    const leave = flight.join(() => heard.push('left'))
    leave()
    flight.land(undefined)
    flight.land(undefined)
    expect(heard).toEqual(['stayed'])
  })
})
