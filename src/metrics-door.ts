// Composition: the door for Prometheus, on `metrics_listen`. GET /metrics answers what the server counts, to whoever can reach
// the address: names of namespaces are in it, no keys, no statements, no values.
//
// An address in use is an event and no failed start: the server serves its clients without.

import http from 'node:http'
import { type EventRing, type Metrics, type NamespaceFigures, renderMetrics } from './observe/index.ts'

interface MetricsParts {
  /** `host:port`. */
  readonly address: string
  readonly metrics: Metrics
  readonly namespaces: () => Iterable<NamespaceFigures>
  readonly events: EventRing
}

export interface MetricsDoor {
  /** Where it listens; undefined where it could not. */
  readonly port: number | undefined
  close(): Promise<void>
}

const contentType = 'text/plain; version=0.0.4; charset=utf-8'

export async function openMetrics(parts: MetricsParts): Promise<MetricsDoor> {
  const { address, metrics, namespaces, events } = parts
  const server = http.createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (path !== '/metrics') return void response.writeHead(404).end()
    if (!isRead) return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
    metrics.refreshGauges()
    const text = renderMetrics(metrics, namespaces())
    response.writeHead(200, { 'content-type': contentType }).end(request.method === 'HEAD' ? undefined : text)
  })
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port: Number(address.slice(colon + 1)) }, () => resolve())
    })
  } catch (error) {
    events.record({
      ...{ severity: 'error', event: 'metrics_not_served' },
      ...{ subject: address, detail: (error as Error).message },
    })
    return { port: undefined, close: async () => {} }
  }
  server.on('error', (error) => {
    events.record({ severity: 'warning', event: 'metrics_failed', subject: address, detail: error.message })
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' ? bound?.port : undefined,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
