// Compares two or more servers under the same load: in turn, in rounds, within one run.
//
//   round 1   A B      Two cores, other tenants and a warming processor change from one minute to the next. Measured in
//   round 2   B A      turn, both sides meet the same weather; the ratio is taken within each round, and of the ratios
//   round 3   A B      the median counts.

/**
 * @typedef {object} Side
 * @property {string} label
 * @property {import('./session.mjs').Address} address
 * @property {number | undefined} pid the process whose processor time counts; none for Postgres, which is many
 * @property {Uint8Array[]} setup
 * @property {() => import('../load.mjs').Workload} workload
 * @property {(outcome: import('../load.mjs').Outcome) => void} [onOutcome]
 */

/** @typedef {{ label: string, perSecond: number, cpuUs: number | undefined, busy: number | undefined, bytesPerReply: number, loadBusy: number | undefined }} Figures */

/**
 * @param {import('../run.mjs').Context} context
 * @param {Side[]} sides
 * @param {{ connectionCount: number }} options
 * @returns {Promise<Comparison>}
 */
export async function compare(context, sides, { connectionCount }) {
  /** @type {Figures[][]} */
  const rounds = []
  for (let round = 0; round < context.rounds; round++) {
    const figures = new Map()
    const order = round % 2 === 0 ? sides : [...sides].reverse()
    for (const side of order) figures.set(side.label, await measure(context, side, connectionCount))
    rounds.push(sides.map((side) => figures.get(side.label)))
  }
  return new Comparison(rounds)
}

async function measure(context, side, connectionCount) {
  const outcome = await context.load.run({
    address: side.address,
    connectionCount,
    setup: side.setup,
    workload: side.workload(),
    warmUpMs: context.warmUpMs,
    measureMs: context.measureMs,
    pids: side.pid === undefined ? [] : [side.pid],
  })
  if (outcome.replies === 0) throw new Error(`${side.label} gave no reply within ${context.measureMs} ms`)
  side.onOutcome?.(outcome)
  return figuresOf(side.label, outcome)
}

/** @returns {Figures} */
function figuresOf(label, { replies, bytes, elapsedUs, cpuUs: [cpuUs], ownCpuUs }) {
  return {
    label,
    perSecond: (replies / elapsedUs) * 1e6,
    cpuUs: cpuUs === undefined ? undefined : cpuUs / replies,
    busy: cpuUs === undefined ? undefined : cpuUs / elapsedUs,
    bytesPerReply: bytes / replies,
    loadBusy: ownCpuUs === undefined ? undefined : ownCpuUs / elapsedUs,
  }
}

/** What the rounds gave: per side the medians, between two sides the median of the rounds' ratios. */
export class Comparison {
  /** @param {Figures[][]} rounds per round, per side */
  constructor(rounds) {
    this.rounds = rounds
  }

  /** @param {number} side */
  median(side, field) {
    return median(this.rounds.map((figures) => figures[side][field]))
  }

  /** Median over the rounds of side `above` by side `below`. */
  ratio(above, below, field) {
    return median(this.rounds.map((figures) => divide(figures[above][field], figures[below][field])))
  }

  /** Smallest and largest ratio of a round: how far to trust the median. */
  spread(above, below, field) {
    const ratios = this.rounds.map((figures) => divide(figures[above][field], figures[below][field]))
    return [Math.min(...ratios), Math.max(...ratios)]
  }
}

function divide(a, b) {
  return a === undefined || b === undefined ? Number.NaN : a / b
}

export function median(values) {
  const sorted = values.filter((value) => value !== undefined && !Number.isNaN(value)).sort((a, b) => a - b)
  if (sorted.length === 0) return undefined
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
