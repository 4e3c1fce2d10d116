// Prints what the script did: a line per statement, the totals of this run, and what the server counted.

const statementsShown = 8

/** @param {readonly import('./world.mjs').Row[]} rows */
export function printTable(rows) {
  printColumns(
    ['statement', 'sent', 'rows', 'ms', 'answered by'],
    rows.map((row) => [row.about, row.how, String(row.rowCount), row.ms.toFixed(2), describe(row.answer)]),
    [2, 3],
  )
}

/**
 * @param {import('pg').Client} client
 * @param {readonly import('./world.mjs').Row[]} rows
 * @param {{ straight: boolean }} options
 */
export async function printSummary(client, rows, { straight }) {
  const reads = rows.filter((row) => !row.write)
  const ms = sum(reads.map((row) => row.ms))
  if (straight) {
    console.log(`\n${reads.length} reads took ${ms.toFixed(0)} ms, answered by Postgres itself`)
    return
  }
  const hits = reads.filter((row) => verdictOf(row.answer) === 'hit')
  const others = reads.filter((row) => verdictOf(row.answer) !== 'hit')
  console.log(
    `\n${reads.length} reads took ${ms.toFixed(0)} ms: ${describeGroup(hits, 'hits')}, ${describeGroup(others, 'asked the origin')}`,
  )
  await printTotals(client)
  await printQueries(client)
  if (hits.length === 0) console.log('\nRun it again: what was asked now is remembered.')
}

// Since the server started, all clients together.
async function printTotals(client) {
  const { rows } = await client.query('select * from cache.stats')
  const stats = rows[0]
  const columns = ['result_hits', 'result_misses', 'result_bypasses', 'result_invalidations', 'result_entries']
  console.log(`\ncache.stats    ${columns.map((name) => `${name} ${stats[name]}`).join('   ')}`)
}

async function printQueries(client) {
  const { rows } = await client.query({
    text: `select fingerprint, calls, hits, misses, miss_us, hit_us, saved_ms, statement from cache.queries
           where hits > 0 order by saved_ms desc limit $1`,
    values: [statementsShown],
  })
  if (rows.length === 0) return
  const { rows: totals } = await client.query('select sum(saved_ms) as saved_ms from cache.queries')
  const saved = Number(totals[0].saved_ms).toFixed(0)
  console.log(`\ncache.queries  ${saved} ms of waiting saved since the server started; most of it by`)
  printColumns(
    ['fingerprint', 'calls', 'hits', 'miss ms', 'hit ms', 'saved ms', 'statement'],
    rows.map((row) => [
      row.fingerprint,
      row.calls,
      row.hits,
      toMs(row.miss_us),
      toMs(row.hit_us),
      Number(row.saved_ms).toFixed(1),
      oneLine(row.statement).slice(0, 48),
    ]),
    [1, 2, 3, 4, 5],
  )
}

// `miss;reason=invalidated(world.populations)` becomes `miss  invalidated(world.populations)`.
function describe(answer) {
  const verdict = verdictOf(answer)
  const reason = /reason=([^;]*)/.exec(answer)?.[1]
  return reason ? `${verdict.padEnd(6)} ${reason}` : verdict
}

function verdictOf(answer) {
  return answer.split(';')[0] || '-'
}

function describeGroup(rows, label) {
  return `${rows.length} ${label} in ${sum(rows.map((row) => row.ms)).toFixed(1)} ms`
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}

function toMs(us) {
  return us === null ? '-' : (Number(us) / 1000).toFixed(3)
}

function oneLine(text) {
  return (text ?? '').replace(/\s+/g, ' ').trim()
}

// Columns as wide as their widest cell; those in `right` are aligned to the right.
function printColumns(header, rows, right) {
  const lines = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => String(line[column]).length)))
  for (const line of lines) {
    const cells = line.map((cell, column) => {
      const text = String(cell)
      return right.includes(column) ? text.padStart(widths[column]) : text.padEnd(widths[column])
    })
    console.log(cells.join('  ').trimEnd())
  }
}
