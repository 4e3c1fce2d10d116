// The requests a scenario sends, made from a statement and its keys, as simple queries or on a named statement.

import { pointSelect } from './data.mjs'
import { execute, prepare, query } from './wire.mjs'

/** @typedef {'simple' | 'prepared'} Mode */

/** @type {readonly Mode[]} */
export const modes = ['simple', 'prepared']

const name = 'bench'

/** What a connection sends once before it sends requests of this mode. */
export function setupFor(mode, text, settings = []) {
  const set = settings.map((setting) => query(`set ${setting}`))
  return mode === 'simple' ? set : [...set, prepare(name, text)]
}

/**
 * One request per key.
 *
 * @param {Mode} mode
 * @param {readonly number[]} keys
 */
export function pointRequests(mode, keys) {
  return keys.map((key) => (mode === 'simple' ? query(pointSelect(key)) : execute(name, [key])))
}

export const preparedPointSelect = pointSelect('$1')

/** A statement without parameters. */
export function fixedRequest(mode, text) {
  return mode === 'simple' ? query(text) : execute(name)
}

/** @returns {import('../load.mjs').Workload} */
export function cycle(batches) {
  return { kind: 'cycle', batches, depth: 1 }
}

const keyDigits = 8
const keyMark = '1'.repeat(keyDigits)

/**
 * Requests whose key is another one each time. `request` makes the request for a key.
 *
 * @param {(key: string) => Buffer} request
 * @param {number} keyCount keys run from 0 to here and then start again
 */
export function freshKeys(request, keyCount) {
  const template = request(keyMark)
  const keyOffset = template.indexOf(keyMark)
  let firstKey = 0
  return {
    /** @returns {import('../load.mjs').Workload} */
    workload: () => ({ kind: 'fresh', template, keyOffset, keyDigits, firstKey, keyCount, depth: 1 }),
    onOutcome: ({ nextKey }) => {
      firstKey = nextKey
    },
  }
}

export function freshPointRequest(mode) {
  return (key) => (mode === 'simple' ? query(pointSelect(key)) : execute(name, [key]))
}

export function executeNamed(values) {
  return execute(name, values)
}
