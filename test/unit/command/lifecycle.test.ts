// The process is a stand-in whose signals are sent by hand and whose exit is a promise; the server is a record of calls.

import { EventEmitter, once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { SettingsStore } from '../../../src/config/index.ts'
import { keepAlive, reloadOnHangup, type Stoppable } from '../../../src/lifecycle.ts'
import { createLog } from '../../../src/observe/index.ts'

class FakeProcess extends EventEmitter {
  readonly stdin: { isTTY: boolean }
  readonly exited: Promise<unknown[]>

  constructor(options: { isTTY?: boolean } = {}) {
    super()
    this.stdin = { isTTY: options.isTTY ?? false }
    this.exited = once(this, 'exit')
  }

  exit(code: number): void {
    this.emit('exit', code)
  }
}

/** A server whose orderly close ends when `drained` is called, or when it is closed at once. */
class FakeServer implements Stoppable {
  readonly closes: string[] = []
  drained: () => void = () => {}

  close(options: { immediate?: boolean } = {}): Promise<void> {
    this.closes.push(options.immediate === true ? 'immediate' : 'orderly')
    if (options.immediate === true) {
      this.drained()
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      this.drained = resolve
    })
  }
}

function setUp(starting?: Promise<Stoppable>) {
  const process = new FakeProcess()
  const server = new FakeServer()
  const lines: string[] = []
  const log = createLog({ write: (line) => lines.push(line) })
  const life = keepAlive(starting ?? Promise.resolve(server), { process, log })
  return { process, server, lines, life }
}

/** Lets promises that are already settled run their callbacks. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
])('%s', (signal, abruptCode) => {
  it('drains and exits with 0', async () => {
    const { process, server, life } = setUp()
    process.emit(signal)
    await settle()
    expect([server.closes, life.stopping]).toEqual([['orderly'], true])
    server.drained()
    expect(await process.exited).toEqual([0])
  })

  it(`a second time stops at once and exits with ${abruptCode}`, async () => {
    const { process, server } = setUp()
    process.emit(signal)
    await settle()
    process.emit(signal)
    expect(await process.exited).toEqual([abruptCode])
    expect(server.closes).toEqual(['orderly', 'immediate'])
  })

  it('a third time does not even wait for that', async () => {
    const { process } = setUp(new Promise(() => {}))
    for (let count = 0; count < 3; count++) process.emit(signal)
    expect(await process.exited).toEqual([abruptCode])
  })

  it('while starting stops the server as soon as it has started', async () => {
    let started: (server: Stoppable) => void = () => {}
    const { process, server } = setUp(new Promise((resolve) => (started = resolve)))
    process.emit(signal)
    started(server)
    await settle()
    server.drained()
    expect(await process.exited).toEqual([0])
  })
})

it('a server that cannot close is exit 1, with the reason in the log', async () => {
  const { process, lines } = setUp(Promise.resolve({ close: () => Promise.reject(new Error('stuck')) }))
  process.emit('SIGTERM')
  expect(await process.exited).toEqual([1])
  expect(lines.at(-1)).toContain('stuck')
})

it.each(['uncaughtException', 'unhandledRejection'])(
  '%s is logged, closes what can be closed and exits with 1',
  async (event) => {
    const { process, server, lines } = setUp()
    process.emit(event, new Error('a fault'))
    expect(await process.exited).toEqual([1])
    expect(server.closes).toEqual(['immediate'])
    expect(lines.join('')).toContain('a fault')
  },
)

describe('SIGHUP', () => {
  const hangUp = (isTTY: boolean) => {
    const process = new FakeProcess({ isTTY })
    const lines: string[] = []
    const log = createLog({ write: (line) => lines.push(line) })
    const stops: string[] = []
    const store = SettingsStore.open({ flags: new Map([['data_dir', 'nowhere']]) })
    reloadOnHangup(store, { stopping: false, stop: (why) => stops.push(why) }, { process, log })
    process.emit('SIGHUP')
    return { lines, stops }
  }

  it('reads the settings again', () => {
    const { lines, stops } = hangUp(false)
    expect(stops).toEqual([])
    expect(lines.join('')).toContain('settings read again')
  })

  it('from a terminal that was closed stops the server', () => {
    expect(hangUp(true).stops).toEqual(['SIGHUP'])
  })
})
