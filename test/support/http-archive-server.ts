// A small web server that keeps objects: what an HTTP archive needs, as simply as it can be had.
//
// PUT stores a body when it is whole, GET answers ranges, HEAD, DELETE, `?list=prefix` one name a line, ETags with
// If-Match and If-None-Match. Ranges and ETags can be switched off, since not every server has them.

import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface ServerOptions {
  readonly ranges?: boolean
  readonly etags?: boolean
  /** Requests need this header with this value. */
  readonly header?: readonly [name: string, value: string]
}

export class HttpArchiveServer {
  readonly objects = new Map<string, Buffer>()
  readonly #server: Server
  readonly #options: ServerOptions

  private constructor(options: ServerOptions) {
    this.#options = options
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => request.destroy())
    })
  }

  static async open(options: ServerOptions = {}): Promise<HttpArchiveServer> {
    const server = new HttpArchiveServer(options)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { header } = this.#options
    if (header !== undefined && request.headers[header[0].toLowerCase()] !== header[1]) {
      request.resume()
      return end(response, 401)
    }
    const url = new URL(request.url ?? '/', 'http://server')
    const name = url.pathname.slice(1)
    const prefix = url.searchParams.get('list')
    if (prefix !== null) return end(response, 200, this.#list(name, prefix))
    if (request.method === 'PUT') return await this.#put(request, response, name)
    const object = this.objects.get(name)
    if (request.method === 'DELETE') {
      this.objects.delete(name)
      return end(response, object === undefined ? 404 : 204)
    }
    if (object === undefined) return end(response, 404)
    if (this.#options.etags !== false) response.setHeader('ETag', etagOf(object))
    if (request.method === 'HEAD') return end(response, 200)
    this.#get(request, response, object)
  }

  #list(base: string, prefix: string): string {
    const names = [...this.objects.keys()].filter((name) => name.startsWith(base + prefix))
    return names.map((name) => `${name.slice(base.length)}\n`).join('')
  }

  async #put(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    const current = this.objects.get(name)
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
    if (this.#options.etags !== false) {
      if (match !== undefined && (current === undefined || etagOf(current) !== match)) return end(response, 412)
      if (noneMatch === '*' && current !== undefined) return end(response, 412)
    }
    this.objects.set(name, Buffer.concat(chunks))
    end(response, current === undefined ? 201 : 204)
  }

  #get(request: IncomingMessage, response: ServerResponse, object: Buffer): void {
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    if (range === null || this.#options.ranges === false) {
      end(response, 200, object)
      return
    }
    const from = Number(range[1])
    const to = range[2] === '' ? object.length : Math.min(Number(range[2]) + 1, object.length)
    if (from >= object.length) end(response, 416)
    else {
      response.setHeader('Content-Range', `bytes ${from}-${to - 1}/${object.length}`)
      end(response, 206, object.subarray(from, to))
    }
  }
}

function etagOf(object: Buffer): string {
  return `"${createHash('sha256').update(object).digest('hex').slice(0, 32)}"`
}

function end(response: ServerResponse, status: number, body: string | Buffer = ''): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'text/plain')
  response.end(body)
}
