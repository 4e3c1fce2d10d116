// The real world behind a cache: loads cities and countries through Larder, then runs reads and writes and shows what answered.
//
//   npm start                          in one terminal
//   npm run world                      in another; run it twice and misses become hits
//
//   node examples/world/world.mjs [--url URL] [--reload] [--quiet] [--straight]

import { parseArgs } from 'node:util'
import pg from 'pg'
import { isLoaded, load } from './load.mjs'
import { printSummary, printTable } from './report.mjs'
import { statements } from './statements.mjs'

const usage = `Usage: node examples/world/world.mjs [options]

  --url URL     where Larder listens; default postgres://postgres@127.0.0.1:6432/postgres
  --reload      create schema world anew, even if it is there
  --quiet       print totals only
  --straight    the URL is a plain Postgres: no cache to ask about
  --help        this text`

async function main() {
  const options = readOptions()
  if (options === undefined) return
  const client = await connect(options.url)
  try {
    if (!options.straight) await announce(client)
    if (options.reload || !(await isLoaded(client))) await loadAndSay(client, options)
    const rows = await runScript(client)
    if (!options.quiet) printTable(rows)
    await printSummary(client, rows, options)
  } finally {
    await client.end()
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: process.env.DATABASE_URL ?? 'postgres://postgres@127.0.0.1:6432/postgres' },
      reload: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      straight: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (!values.help) return values
  console.log(usage)
  return undefined
}

async function connect(url) {
  const client = new pg.Client({ connectionString: url, application_name: 'world' })
  // A connection lost between statements is reported by the next one.
  client.on('error', () => undefined)
  try {
    await client.connect()
  } catch (error) {
    // A host with several addresses fails with one error per address and no message of its own.
    const cause = error instanceof AggregateError ? error.errors[0] : error
    const hint = cause.code === 'ECONNREFUSED' ? 'Start Larder with: npm start' : 'Give its address with --url.'
    throw new Error(`no server at ${withoutPassword(url)}: ${cause.message}`, { cause: { hint } })
  }
  return client
}

function withoutPassword(url) {
  return url.replace(/:[^:@/]*@/, '@')
}

// From here on every statement is followed by a parameter `cache.last` that says what answered it. All writes of this
// example pass through Larder, which sees them, so nothing but a write need make an answer old.
async function announce(client) {
  try {
    // Postgres lets anyone SET a name with a dot, but SHOW it only afterwards: this is what tells the two apart.
    await client.query('show cache.result_ttl')
  } catch (error) {
    throw new Error(`this server is not Larder: ${error.message}`, {
      cause: { hint: 'Add --straight to run the script against a plain Postgres.' },
    })
  }
  await client.query("set cache.response_signal = 'parameter'")
  await client.query("set cache.result_ttl = '1h'")
}

async function loadAndSay(client, { quiet }) {
  const startedAt = performance.now()
  await load(client, (table, rowCount, ms) => {
    if (!quiet) console.log(`copied ${String(rowCount).padStart(7)} rows into world.${table} in ${ms.toFixed(0)} ms`)
  })
  console.log(`loaded schema world in ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`)
}

/** @typedef {import('./statements.mjs').Statement & { how: string, rowCount: number, ms: number, answer: string }} Row */

/** @returns {Promise<Row[]>} */
async function runScript(client) {
  let answer = ''
  client.connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
    if (parameterName === 'cache.last') answer = parameterValue
  })
  const rows = []
  for (const statement of statements) {
    answer = ''
    const startedAt = performance.now()
    const { rowCount } = await run(client, statement)
    const ms = performance.now() - startedAt
    rows.push({ ...statement, how: howSent(statement), rowCount: rowCount ?? 0, ms, answer })
  }
  return rows
}

async function run(client, { about, text, values, prepared }) {
  try {
    return await client.query({ text, ...(values && { values }), ...(prepared && { name: prepared }) })
  } catch (error) {
    throw new Error(`statement "${about}" failed: ${error.message}`, { cause: error })
  }
}

function howSent({ prepared, values }) {
  if (prepared) return 'prepared'
  return values ? 'unnamed' : 'simple'
}

try {
  await main()
} catch (error) {
  console.error(`world: ${error.message}`)
  const hint = error.cause?.hint ?? (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? 'See --help.' : undefined)
  if (hint) console.error(`hint: ${hint}`)
  process.exitCode = 1
}
