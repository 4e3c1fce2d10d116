// One thread for the stores of all servers under test in this process.
//
// A server starts a thread for its store, which costs more than all else it does at its start: Node makes itself ready
// anew, and reads and compiles the code of the store. Tests that open servers by the dozen share a thread. It is a thread
// as real as the other, with the same host on the same disk behind a port; only its start and its end are not the
// server's. Those are shown by test/unit/cache/blob/store-thread.test.ts and by every test that runs `larder serve`.

import { MessageChannel, Worker } from 'node:worker_threads'
import type { StoreLink, StoreThreadOptions } from '../../src/cache/blob/index.ts'

let shared: Worker | undefined

export function startSharedStore(options: StoreThreadOptions): StoreLink {
  const worker = shared ?? startWorker()
  const { port1, port2 } = new MessageChannel()
  const link: StoreLink = {
    port: {
      postMessage: (message, moved) => port1.postMessage(message, [...moved]),
      on: (event, listener) => {
        port1.on(event, listener)
        port1.unref()
      },
    },
    onLost: undefined,
    async end() {
      worker.off('exit', lost)
      port1.close()
    },
  }
  const lost = (code: number): void => link.onLost?.(`exit code ${code}`)
  worker.on('exit', lost)
  worker.postMessage({ port: port2, options }, [port2])
  return link
}

function startWorker(): Worker {
  const worker = new Worker(new URL('./store-worker.mjs', import.meta.url), { name: 'stores' })
  // One store a server, and servers come and go.
  worker.setMaxListeners(0)
  worker.on('error', (error) => {
    throw error
  })
  worker.on('exit', () => {
    if (shared === worker) shared = undefined
  })
  worker.unref()
  shared = worker
  return worker
}
