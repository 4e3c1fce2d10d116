// Traces of requests: read from files (traces/README.md says how they look), or made from a seed.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { Random } from '../../dist/base/index.js'

/**
 * @typedef {object} Trace
 * @property {string} name
 * @property {number} objects
 * @property {Int32Array} ids of objects, from 0, a request each
 * @property {Float64Array} sizes bytes, an object each
 * @property {Float64Array} costs microseconds that making it again takes, an object each
 */

/** Those that lie beside the benches. */
export const keptTraces = ['web12', 'cp-io'].map((name) => new URL(`../traces/${name}.trace.br`, import.meta.url))

/** What a trace does not say of its objects is drawn from the seed. @returns {Trace} */
export function readTrace(file, seed) {
  const path = file instanceof URL ? file.pathname : file
  const bytes = readFileSync(file)
  const plain = path.endsWith('.br') ? brotliDecompressSync(bytes) : path.endsWith('.gz') ? gunzipSync(bytes) : bytes
  const name = basename(path).replace(/(\.(trace|txt|csv|br|gz))+$/, '')
  const found = plain.toString('latin1', 0, 4) === 'EVT1' ? decode(plain) : parse(plain.toString())
  if (found.ids.length === 0) throw new Error(`${path}: no requests`)
  const drawn = attributes(found.objects, new Random(seed))
  return { name, ...found, sizes: found.sizes ?? drawn.sizes, costs: found.costs ?? drawn.costs }
}

/**
 * A tree's pages as lookups, lists and writes touch them: an inner page, a leaf several times in a row; some leaves far more often, and
 * which ones changes slowly; now and then a row of leaves that are listed. @returns {Trace}
 */
export function madeTrace(seed, requests = 500_000, objects = 40_000) {
  const random = new Random(seed)
  const inner = Math.ceil(objects / 100)
  const leaves = objects - inner
  const ids = new Int32Array(requests)
  for (let at = 0; at < requests; ) {
    const isList = random.chance(0.001)
    const first = isList ? random.int(leaves) : Math.floor(leaves * random.next() ** 4 + at / 50) % leaves
    for (let leaf = first, left = isList ? 200 : 1; left > 0; leaf = (leaf + 1) % leaves, left--) {
      if (at < requests) ids[at++] = Math.floor(leaf / 100)
      for (let touch = random.int(3); touch >= 0 && at < requests; touch--) ids[at++] = inner + leaf
    }
  }
  return { name: `made (seed ${seed})`, objects, ids, ...attributes(objects, random) }
}

function decode(bytes) {
  let at = 4
  const varint = () => {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      const byte = bytes[at++]
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
  }
  const [requests, objects, hasSizes] = [varint(), varint(), bytes[at++] === 1]
  let fresh = 0
  const ids = Int32Array.from({ length: requests }, () => (varint() || ++fresh) - 1)
  return { objects, ids, ...(hasSizes && { sizes: Float64Array.from({ length: objects }, varint) }) }
}

/** A line a request; what is said first of an object holds. */
function parse(text) {
  const idOf = new Map()
  const [sizes, costs] = [[], []]
  const ids = []
  for (const line of text.split('\n')) {
    const [key, size, cost] = line.trim().split(/[\s,;]+/)
    if (!key) continue
    if (!idOf.has(key)) {
      idOf.set(key, idOf.size)
      sizes.push(Number(size))
      costs.push(Number(cost))
    }
    ids.push(idOf.get(key))
  }
  const all = (numbers) => (numbers.every((number) => number > 0) ? Float64Array.from(numbers) : undefined)
  return { objects: idOf.size, ids: Int32Array.from(ids), sizes: all(sizes), costs: all(costs) }
}

/** As those of answers are: most are small and quick, a few large or slow; by the factors of a uniform exponent of two. */
function attributes(objects, random) {
  const drawn = (least, most) => {
    return Float64Array.from({ length: objects }, () => Math.round(2 ** (least + (most - least) * random.next())))
  }
  return { sizes: drawn(6, 15), costs: drawn(6, 16) }
}
