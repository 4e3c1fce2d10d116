// The lines of a result: what was measured, both absolute figures, their ratio, the target and whether it was met.

/**
 * @typedef {object} Line
 * @property {string} scenario
 * @property {string} about
 * @property {string} measure with its unit
 * @property {number | undefined} larder
 * @property {string} otherLabel
 * @property {number | undefined} other
 * @property {number | undefined} ratio
 * @property {[number, number] | undefined} spread least and greatest ratio of a round
 * @property {{ min: number } | { max: number } | undefined} target
 */

/** @param {Line} line */
export function verdict({ ratio, target }) {
  if (target === undefined) return ''
  if (ratio === undefined || Number.isNaN(ratio)) return 'not measured'
  const met = 'min' in target ? ratio >= target.min : ratio <= target.max
  return met ? 'met' : 'SHORT'
}

/**
 * Throughput and, where there is one process to look at, processor time per reply. Sides: Larder first, the other second.
 *
 * @param {{ scenario: string, about: string, unit?: string, throughput?: Line['target'], cpu?: Line['target'] }} description
 *   the targets: of throughput Larder / other, of processor time as `cpuRatio` says
 * @param {import('./measure.mjs').Comparison} comparison
 * @param {{ other?: number, cpuRatio?: 'other / larder' | 'larder / other' }} [options]
 * @returns {Line[]}
 */
export function linesOf(description, comparison, { other = 1, cpuRatio = 'larder / other' } = {}) {
  const { scenario, about, throughput, cpu } = description
  const otherLabel = comparison.rounds[0][other].label
  const base = { scenario, about, otherLabel }
  const lines = [
    {
      ...base,
      measure: 'replies/s',
      larder: comparison.median(0, 'perSecond'),
      other: comparison.median(other, 'perSecond'),
      ratio: comparison.ratio(0, other, 'perSecond'),
      spread: comparison.spread(0, other, 'perSecond'),
      target: throughput,
    },
  ]
  if (comparison.median(other, 'cpuUs') === undefined) return lines
  const [above, below] = cpuRatio === 'larder / other' ? [0, other] : [other, 0]
  lines.push({
    ...base,
    measure: 'CPU us/reply',
    larder: comparison.median(0, 'cpuUs'),
    other: comparison.median(other, 'cpuUs'),
    ratio: comparison.ratio(above, below, 'cpuUs'),
    spread: comparison.spread(above, below, 'cpuUs'),
    target: cpu,
  })
  return lines
}

/** A share, which is the thing itself: its target is not of a ratio. */
export function linesOfShare({ larder, other, ...about }) {
  return [{ ...about, larder, other, ratio: larder, spread: undefined }]
}

const columns = [
  ['scenario', (line) => line.scenario],
  ['case', (line) => line.about],
  ['measure', (line) => line.measure],
  ['Larder', (line) => number(line.larder)],
  ['other', (line) => number(line.other)],
  ['which is', (line) => line.otherLabel],
  ['ratio', (line) => number(line.ratio)],
  ['rounds', (line) => (line.spread === undefined ? '' : line.spread.map(number).join('-'))],
  ['target', (line) => target(line)],
  ['', (line) => verdict(line)],
]
const numeric = new Set(['Larder', 'other', 'ratio', 'rounds', 'target'])

/** @param {Line[]} lines */
export function renderTable(lines) {
  const cells = [columns.map(([title]) => title), ...lines.map((line) => columns.map(([, cell]) => cell(line)))]
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  const pad = (text, column) =>
    numeric.has(columns[column][0]) ? text.padStart(widths[column]) : text.padEnd(widths[column])
  return cells.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}

function target({ target }) {
  if (target === undefined) return ''
  return 'min' in target ? `>= ${target.min}` : `<= ${target.max}`
}

function number(value) {
  if (value === undefined || Number.isNaN(value)) return '-'
  if (value >= 1000) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)
}
