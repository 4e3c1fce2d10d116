// An HTTP relay that fails on request: it stands before an archive's server and plays its bad days.
//
//   relay.plan((request) => request.method === 'PUT' && request.count < 3 ? { status: 503 } : undefined)
//
// A fault is a status instead of the answer, a connection cut before or within it, or silence. Each request is noted, and
// `holds` lets a test keep answers back until it has seen enough of them.

import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface RelayedRequest {
  readonly method: string
  /** Path and parameters. */
  readonly target: string
  readonly headers: IncomingMessage['headers']
  /** How many requests of this method came before. */
  readonly count: number
}

export type Fault =
  | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
  /** Cut after so many bytes of the answer's body; before anything is said if 0. */
  | { readonly cutAfter: number }
  /** The request is swallowed and never answered. */
  | { readonly silent: true }
  /** The answer waits for this. */
  | { readonly until: Promise<void> }

type Plan = (request: RelayedRequest) => Fault | undefined

export class FaultyRelay {
  readonly requests: RelayedRequest[] = []
  readonly #server: Server
  #plan: Plan = () => undefined
  #noted: (() => void)[] = []

  private constructor(targetPort: number) {
    this.#server = createServer((request, response) => this.#take(request, response, targetPort))
  }

  static async open(targetPort: number): Promise<FaultyRelay> {
    const relay = new FaultyRelay(targetPort)
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve))
    return relay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** What goes wrong from now on; nothing unless given. The count of requests begins anew. */
  plan(plan: Plan = () => undefined): void {
    this.#plan = plan
    this.requests.length = 0
  }

  /** Resolves when so many of the requests since plan() are of this kind. */
  async seen(count: number, kind: (request: RelayedRequest) => boolean): Promise<void> {
    while (this.requests.filter(kind).length < count) await new Promise<void>((resolve) => this.#noted.push(resolve))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #take(request: IncomingMessage, response: ServerResponse, targetPort: number): void {
    const method = request.method ?? ''
    const count = this.requests.filter((other) => other.method === method).length
    const noted = { method, target: request.url ?? '', headers: request.headers, count }
    this.requests.push(noted)
    for (const wake of this.#noted.splice(0)) wake()
    request.on('error', () => undefined)
    const fault = this.#plan(noted)
    if (fault === undefined) this.#pass(request, response, targetPort)
    else if ('until' in fault) fault.until.then(() => this.#pass(request, response, targetPort))
    else if ('silent' in fault) request.resume()
    else if ('status' in fault) {
      request.resume()
      request.on('end', () => response.writeHead(fault.status, fault.headers).end(fault.body ?? ''))
    } else if (fault.cutAfter === 0) request.socket.destroy()
    else this.#pass(request, response, targetPort, fault.cutAfter)
  }

  #pass(request: IncomingMessage, response: ServerResponse, port: number, cutAfter = Number.POSITIVE_INFINITY): void {
    const { method, url, headers } = request
    const onward = send({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      let left = cutAfter
      answer.on('data', (chunk: Buffer) => {
        response.write(chunk.subarray(0, left))
        left -= chunk.length
        if (left <= 0) setImmediate(() => request.socket.destroy())
      })
      answer.on('end', () => response.end())
    })
    onward.on('error', () => request.socket.destroy())
    response.on('error', () => onward.destroy())
    request.on('close', () => {
      if (!request.complete) onward.destroy()
    })
    request.pipe(onward)
  }
}
