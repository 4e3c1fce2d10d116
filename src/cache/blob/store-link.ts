// The way to the store thread: a worker of its own, or, for tests, a host in this very thread behind a channel.

import { existsSync } from 'node:fs'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Clock, Disk } from '../../base/index.ts'
import { hostStore, type StoreThreadOptions } from './host-store.ts'
import type { ClientPort } from './store-client.ts'

export interface StoreLink {
  readonly port: ClientPort
  /** Called when the other side is gone without having been asked. */
  onLost: ((reason: string) => void) | undefined
  /** After the store was closed. */
  end(): Promise<void>
}

/** Its young objects live for a request: a small nursery serves as well as one of V8's usual 48 MB, which it would fill and keep. */
const youngMegabytesMax = 12

export function startStoreThread(options: StoreThreadOptions): StoreLink {
  const worker = new Worker(threadFile(), {
    workerData: options,
    name: 'store',
    resourceLimits: { maxYoungGenerationSizeMb: youngMegabytesMax },
  })
  let isEnding = false
  const link: StoreLink = {
    port: worker as unknown as ClientPort,
    onLost: undefined,
    async end() {
      isEnding = true
      await worker.terminate()
    },
  }
  const lost = (reason: string): void => {
    if (!isEnding) link.onLost?.(reason)
  }
  worker.on('error', (error) => lost(error.message))
  worker.on('exit', (code) => lost(`exit code ${code}`))
  worker.unref()
  return link
}

/** Beside this file where it is built; a tree of sources has its build in dist/. */
function threadFile(): URL {
  const built = new URL('./store-thread.js', import.meta.url)
  return existsSync(built) ? built : new URL('../../../dist/cache/blob/store-thread.js', import.meta.url)
}

export function hostInThisThread(disk: Disk, clock: Clock, options: StoreThreadOptions): StoreLink {
  const { port1, port2 } = new MessageChannel()
  const port = {
    postMessage: (message: unknown, moved?: readonly ArrayBuffer[]) => port2.postMessage(message, [...(moved ?? [])]),
  }
  const host = hostStore(port, disk, clock, options)
  port2.on('message', (requests) => host.receive(requests))
  host.start()
  return {
    port: port1 as unknown as ClientPort,
    onLost: undefined,
    async end() {
      port1.close()
      port2.close()
    },
  }
}
