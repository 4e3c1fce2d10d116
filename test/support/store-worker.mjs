// The worker of store-threads.ts: the stores of many servers, each behind its own port.

import { parentPort } from 'node:worker_threads'
import { nodeDisk, systemClock } from '../../dist/base/index.js'
import { hostStore } from '../../dist/cache/blob/host-store.js'

parentPort.on('message', ({ port, options }) => {
  const host = hostStore(port, nodeDisk, systemClock, options)
  port.on('message', (requests) => host.receive(requests))
  host.start()
})
