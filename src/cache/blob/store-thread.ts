// The store thread: opens the store of one directory and serves the wire thread over a port.
//
// It runs as a worker. Tests run the same host in their own thread, with a disk in memory, over a channel.

import { parentPort, workerData } from 'node:worker_threads'
import { nodeDisk, systemClock } from '../../base/index.ts'
import { hostStore, type StoreThreadOptions } from './host-store.ts'

if (parentPort === null) throw new Error('the store thread is a worker')
const port = parentPort
const host = hostStore(port, nodeDisk, systemClock, workerData as StoreThreadOptions)
port.on('message', (requests) => host.receive(requests))
host.start()
