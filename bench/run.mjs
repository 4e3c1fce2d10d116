// Runs benchmarks by name and prints, for each, both absolute figures and their ratio. Method: README.md.
//
//   npm run bench -- hit miss           timed; writes results/latest.json
//   node bench/run.mjs --correctness    untimed: the same servers and requests, compared byte by byte

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { canPin, pinProcess } from './parts/cpu.mjs'
import { createTables } from './parts/data.mjs'
import { renderTable, verdict } from './parts/lines.mjs'
import { openOrigin } from './parts/origin.mjs'
import { startLarder, startLoad, startYardstick } from './parts/processes.mjs'
import { Session } from './parts/session.mjs'
import * as backup from './scenarios/backup.mjs'
import * as blob from './scenarios/blob.mjs'
import * as eviction from './scenarios/eviction.mjs'
import * as hit from './scenarios/hit.mjs'
import * as lag from './scenarios/lag.mjs'
import * as memory from './scenarios/memory.mjs'
import * as miss from './scenarios/miss.mjs'
import * as mixed from './scenarios/mixed.mjs'
import * as storage from './scenarios/storage.mjs'
import * as stream from './scenarios/stream.mjs'
import * as tpch from './scenarios/tpch.mjs'
import * as views from './scenarios/views.mjs'
import * as write from './scenarios/write.mjs'

const scenarios = { hit, miss, write, lag, mixed, memory, stream, blob, storage, eviction, backup, views, tpch }

const usage = `Usage: npm run bench -- [options] [scenario ...]

${Object.entries(scenarios)
  .map(([name, { summary }]) => `  ${name.padEnd(16)}${summary}`)
  .join('\n')}

  Without a name, all of them.

  --rounds N      how often each side is measured; default 5
  --seconds N     how long each time; default 1.5
  --against DIR   another checkout of Larder, built: hit is measured beside it as well
  --trace FILE    a trace for eviction instead of those in traces/; may be given several times
  --upstream URL  a Postgres to use instead of one of our own; it gets a schema "bench"
  --correctness   compare bytes and counters instead of times; fails if anything differs
  --enforce       fail if a target is not met
  --help          this text`

/**
 * @typedef {object} Larder
 * @property {number} pid
 * @property {import('./parts/session.mjs').Address} address
 * @property {() => Promise<Record<string, number>>} stats the row of cache.stats
 * @property {() => Promise<void>} stop
 */

// What a scenario is given.
export class Context {
  passed = 0
  /** @type {string[]} */
  failures = []
  shown = 0

  constructor({ origin, load, directory, rounds, measureMs, warmUpMs, itemCount, loadBefore, traces, against }) {
    /** @type {string | undefined} another checkout of Larder */
    this.against = against
    this.loadBefore = loadBefore
    /** @type {import('./parts/origin.mjs').Origin | undefined} none where every scenario asked for is inside this process */
    this.origin = origin
    this.load = load
    this.directory = directory
    this.rounds = rounds
    this.measureMs = measureMs
    this.warmUpMs = warmUpMs
    this.itemCount = itemCount
    /** @type {string[]} */
    this.traces = traces
  }

  /**
   * @param {string[]} flags
   * @param {string} [checkout]
   * @returns {Promise<Larder>}
   */
  async startLarder(flags, checkout) {
    const dataDirectory = mkdtempSync(join(this.directory, 'larder-'))
    const larder = await startLarder({ upstream: this.origin.url, dataDirectory, flags, checkout })
    const address = this.addressOf(larder)
    return { ...larder, address, stats: () => readStats(address) }
  }

  async startRelay() {
    const relay = await startYardstick('bare-relay', { address: this.origin.proxiedAddress })
    return { ...relay, address: this.addressOf(relay) }
  }

  addressOf({ address: { host, port } }) {
    const { user, database } = this.origin.address
    return { host, port, user, database }
  }

  /** Prints the lines that are new since the last call. */
  show(lines) {
    const fresh = lines.slice(this.shown)
    this.shown = lines.length
    for (const { about, measure, larder, ratio, otherLabel } of fresh) {
      const told = ratio === undefined ? larder?.toFixed(1) : `ratio to ${otherLabel} ${ratio.toFixed(2)}`
      console.error(`  ${about}: ${measure}, ${told}`)
    }
  }

  /** Runs a check of correctness, counts it, and says so if it failed. */
  async check(about, body) {
    try {
      await body()
      this.passed++
    } catch (error) {
      this.failures.push(about)
      console.log(`failed: ${about}\n        ${error.message}`)
    }
  }
}

async function readStats(address) {
  const session = await Session.open(address)
  const columns = ['result_hits', 'result_misses', 'result_bypasses', 'result_entries', 'result_bytes_in_use']
  const [row] = await session.rows(`select ${columns.join(', ')} from cache.stats`)
  await session.close()
  return Object.fromEntries(columns.map((column, index) => [column, Number(row[index])]))
}

async function main() {
  const options = readOptions()
  if (options === undefined) return
  const { names, correctness } = options
  if (canPin) pinProcess(1, process.pid)
  const [loadBefore] = loadavg()
  const directory = mkdtempSync(join(tmpdir(), 'larder-bench-'))
  const isInside = names.every((name) => scenarios[name].isInside)
  const origin = isInside ? undefined : await openOrigin(options.upstream)
  const load = isInside ? undefined : startLoad()
  const cleanUp = async () => {
    await load?.stop()
    await origin?.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => cleanUp().finally(() => process.exit(130)))
  try {
    origin?.pin(1)
    const itemCount = correctness ? 20_000 : 1_000_000
    if (origin !== undefined) await createTables(origin.address, { itemCount })
    const { rounds, seconds, traces, against } = options
    const measureMs = seconds * 1000
    const parts = { origin, load, directory, rounds, measureMs, warmUpMs: 300, itemCount, loadBefore, traces, against }
    const context = new Context(parts)
    await (correctness ? checkAll(context, names) : measureAll(context, names, options))
  } finally {
    await cleanUp()
  }
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1.5' },
      upstream: { type: 'string' },
      against: { type: 'string' },
      trace: { type: 'string', multiple: true, default: [] },
      correctness: { type: 'boolean', default: false },
      enforce: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return undefined
  }
  const unknown = positionals.find((name) => !(name in scenarios))
  if (unknown !== undefined) throw new Error(`no scenario "${unknown}"\n\n${usage}`)
  // Always in this order: what ran before in this process has taught the compiler what to expect, so `eviction` comes after `storage`.
  const names = Object.keys(scenarios).filter((name) => positionals.length === 0 || positionals.includes(name))
  const [rounds, seconds] = [positive('rounds', values.rounds), positive('seconds', values.seconds)]
  return { ...values, names, rounds, seconds, traces: values.trace }
}

function positive(name, text) {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0, not "${text}"`)
  return value
}

async function checkAll(context, names) {
  for (const name of names) {
    // A scenario that cannot even run is one failure more, and the others still get their turn.
    await context.check(`${name} runs`, () => scenarios[name].check(context))
  }
  console.log(`${context.passed} passed, ${context.failures.length} failed`)
  if (context.failures.length > 0) process.exitCode = 1
}

async function measureAll(context, names, { enforce }) {
  const machine = await describeMachine(context)
  console.log(machine.summary)
  const lines = []
  for (const name of names) {
    console.error(`${name}: ${scenarios[name].summary}`)
    context.shown = 0
    lines.push(...(await scenarios[name].run(context)))
  }
  console.log(`\n${renderTable(lines)}`)
  saveResults(context, machine, lines)
  if (enforce && lines.some((line) => line.target !== undefined && verdict(line) !== 'met')) process.exitCode = 1
}

async function describeMachine(context) {
  const { origin } = context
  const postgres = origin === undefined ? 'none' : await versionOf(origin)
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    // Not availableParallelism(): by now this process itself is bound to one of them.
    cores: cpus().length,
    node: process.version,
    postgres,
    pinned: canPin,
    loadBefore: Math.round(context.loadBefore * 100) / 100,
    commit: commit(),
  }
  const pinning = canPin ? 'server on core 0, load and origin on core 1' : 'NOT pinned to cores: ratios are less exact'
  const busy =
    machine.loadBefore > 1 ? `BUSY with other work (load ${machine.loadBefore}): ratios are less exact; ` : ''
  return {
    ...machine,
    summary: `${busy}${machine.cores} cores of ${machine.cpu}; Node ${machine.node}; PostgreSQL ${postgres}; ${pinning}`,
  }
}

async function versionOf(origin) {
  const session = await Session.open(origin.address)
  const [[version]] = await session.rows('show server_version')
  await session.close()
  return version
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return undefined
  }
}

function saveResults({ rounds, measureMs }, { summary, ...machine }, lines) {
  const directory = new URL('results/', import.meta.url)
  mkdirSync(directory, { recursive: true })
  const results = { machine, rounds, measureMs, lines: lines.map((line) => ({ ...line, verdict: verdict(line) })) }
  writeFileSync(new URL('latest.json', directory), `${JSON.stringify(results, null, 2)}\n`)
}

try {
  await main()
} catch (error) {
  console.error(`bench: ${error.message}`)
  process.exitCode = 1
}
