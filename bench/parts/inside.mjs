// Measures classes in this very process: two loops over the same work, in turn, in rounds, as measure.mjs does with servers.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { median } from './measure.mjs'

/**
 * @param {number} rounds
 * @param {Record<string, () => number>} sides each does its work once and says how many operations that were
 */
export function compareInside(rounds, sides) {
  const names = Object.keys(sides)
  for (const name of names) sides[name]()
  const figures = []
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? names : [...names].reverse()
    const perSecond = {}
    for (const name of order) {
      const startedAt = performance.now()
      const count = sides[name]()
      perSecond[name] = (count / (performance.now() - startedAt)) * 1000
    }
    figures.push(perSecond)
  }
  const [first, second] = names
  const ratios = figures.map((each) => each[first] / each[second])
  return {
    first: median(figures.map((each) => each[first])),
    second: median(figures.map((each) => each[second])),
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
  }
}

/** The yardstick of caches in Node. No server needs it: `npm ci` installs it with what tests need. */
export async function lruCache() {
  const { LRUCache } = await import('lru-cache')
  return LRUCache
}

/** Bytes that this process holds once nothing superfluous is left: heap, and memory beside it. */
export function heldBytes() {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc')
  for (let round = 0; round < 4; round++) gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** A line of a result, with what is usual left out. */
export function lineOf(scenario, about, measure, figures, target) {
  return { scenario, about, measure, spread: undefined, target, ...figures }
}

/** Numbers below `count`, the small ones far more often: 0.9 to the number of halvings. */
export function skewed(count, length) {
  return Int32Array.from({ length }, () => Math.floor(count * Math.random() ** 3))
}
