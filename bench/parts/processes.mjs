// Starts and stops the processes a benchmark is made of: the yardsticks, the load generator, Larder.
//
//   core 0   the server under test: Larder, a yardstick, or Postgres itself
//   core 1   the load generator, and the origin when it is not the one under test

import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canPin, pinned, pinProcess } from './cpu.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const startTimeoutMs = 20_000

/** A port nobody listens on at the moment. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {net.AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/**
 * A child of ours that talks to us by messages.
 *
 * @param {string} file
 * @param {number} core
 */
function startChild(file, core) {
  const child = fork(here(file), { serialization: 'advanced' })
  if (canPin) pinProcess(core, child.pid)
  return child
}

async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/**
 * A yardstick that listens on a port of its own.
 *
 * @param {'bare-server' | 'bare-relay'} name
 * @param {object} message what it needs to know
 */
export async function startYardstick(name, message) {
  const port = await freePort()
  const child = startChild(`../${name}.mjs`, 0)
  child.send({ ...message, port })
  await once(child, 'message')
  return { pid: child.pid, address: { host: '127.0.0.1', port }, stop: () => stopChild(child) }
}

/** The load generator, as a function that does one job after the other. */
export function startLoad() {
  const child = startChild('../load.mjs', 1)
  return {
    pid: child.pid,
    /**
     * @param {import('../load.mjs').Job} job
     * @returns {Promise<import('../load.mjs').Outcome>}
     */
    async run(job) {
      const answered = once(child, 'message')
      child.send(job)
      const [{ outcome, error }] = await answered
      if (error !== undefined) throw new Error(`load generator: ${error}`)
      return outcome
    },
    stop: () => stopChild(child),
  }
}

/**
 * Larder in front of an origin.
 *
 * @param {{ upstream: string, dataDirectory: string, flags?: string[], checkout?: string }} options `checkout`: of another Larder, built
 */
export async function startLarder({ upstream, dataDirectory, flags = [], checkout }) {
  const port = await freePort()
  const listen = `127.0.0.1:${port}`
  const serve = ['serve', '--upstream', upstream, '--listen', listen, '--data-dir', dataDirectory, ...flags]
  const program = checkout === undefined ? here('../../bin/larder.js') : resolve(checkout, 'bin/larder.js')
  const [command, args] = pinned(0, process.execPath, [program, ...serve])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  await untilListening(port, child, () => output)
  return {
    pid: child.pid,
    address: { host: '127.0.0.1', port },
    output: () => output,
    stop: () => stopChild(child),
  }
}

async function untilListening(port, child, output) {
  const deadline = performance.now() + startTimeoutMs
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`larder ended with code ${child.exitCode}:\n${output()}`)
    if (performance.now() > deadline) throw new Error(`larder does not listen after ${startTimeoutMs} ms:\n${output()}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
