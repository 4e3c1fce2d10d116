// One request and its answer over HTTP, with a limit on silence, cancellation, and errors that say whether they may pass.

import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { connectionFailure, TransferError } from './retry.ts'
import type { Content } from './store.ts'

export class HttpExchange {
  readonly #agent: http.Agent
  readonly #headers: Readonly<Record<string, string>>
  readonly #timeoutMs: number

  constructor(agent: http.Agent, headers: Readonly<Record<string, string>>, timeoutMs: number) {
    this.#agent = agent
    this.#headers = headers
    this.#timeoutMs = timeoutMs
  }

  /** Resolves when the head of the answer is there; whoever gets it reads or discards its body. */
  async send(
    method: string,
    address: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    content?: Content,
  ): Promise<HttpAnswer> {
    const length = content === undefined ? {} : { 'Content-Length': String(content.size) }
    const request = (address.startsWith('https:') ? https : http).request(address, {
      method,
      agent: this.#agent,
      headers: { 'Accept-Encoding': 'identity', ...this.#headers, ...headers, ...length },
      timeout: this.#timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
    request.on('timeout', () => request.destroy(new TransferError('ETIMEDOUT', { transient: true })))
    const answered = (once(request, 'response') as Promise<[http.IncomingMessage]>).catch((error) => {
      throw connectionFailure(error)
    })
    try {
      if (content === undefined) request.end()
      else if (await answersEarly(request, content, answered)) {
        const answer = new HttpAnswer(request, (await answered)[0])
        throw answer.status >= 300 ? answer.failure() : answer.failure('answered before it had read everything')
      }
      return new HttpAnswer(request, (await answered)[0])
    } catch (error) {
      request.destroy()
      answered.catch(() => undefined)
      signal?.throwIfAborted()
      throw error
    }
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Sends the body; true if the answer came first, as when a server refuses before it has read everything. */
async function answersEarly(
  request: http.ClientRequest,
  content: Content,
  answered: Promise<unknown>,
): Promise<boolean> {
  const sending = sendBody(request, content)
  const early = await Promise.race([sending.then(() => false), answered.then(() => true)])
  // Whoever comes second must not fail unheard: failure() ends the request, and with it the sending.
  sending.catch(() => undefined)
  return early
}

/** A chunk is the source's again once it is asked for the next, so each is waited for until the system has it. */
async function sendBody(request: http.ClientRequest, content: Content): Promise<void> {
  let sent = 0
  for await (const chunk of content.open()) {
    sent += chunk.length
    if (sent > content.size) throw new TransferError(`more than ${content.size} bytes`)
    await new Promise<void>((resolve, reject) => {
      request.write(chunk, (error) => {
        if (error === null || error === undefined) resolve()
        else reject(connectionFailure(error))
      })
    })
  }
  if (sent !== content.size) throw new TransferError(`${sent} bytes instead of ${content.size}`)
  request.end()
}

class HttpAnswer {
  readonly status: number
  readonly #request: http.ClientRequest
  readonly #response: http.IncomingMessage

  constructor(request: http.ClientRequest, response: http.IncomingMessage) {
    this.status = response.statusCode ?? 0
    this.#request = request
    this.#response = response
    // Its errors are the reader's; this keeps one that comes when nobody reads from ending the process.
    response.on('error', () => undefined)
  }

  header(name: string): string | undefined {
    const value = this.#response.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  /** Where the part of a 206 begins. */
  rangeStart(): number {
    const match = /^bytes (\d+)-/.exec(this.header('content-range') ?? '')
    if (match === null) throw this.failure('no Content-Range')
    return Number(match[1])
  }

  async *body(): AsyncGenerator<Uint8Array> {
    if (!['identity', ''].includes(this.header('content-encoding') ?? '')) throw this.failure('encoded')
    try {
      for await (const chunk of this.#response) yield chunk as Uint8Array
    } catch (error) {
      throw connectionFailure(error)
    } finally {
      this.discard()
    }
    if (!this.#response.complete) throw new TransferError('ECONNRESET', { transient: true })
  }

  async text(bytesMax: number): Promise<string> {
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of this.body()) {
      length += chunk.length
      if (length > bytesMax) throw this.failure('too long')
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  /** The value, with the body dropped in passing. */
  ignored<T>(value: T): T {
    this.#response.resume()
    return value
  }

  /** Gives the connection up, unless the body has been read to its end. */
  discard(): void {
    if (!this.#response.complete) this.#request.destroy()
  }

  /** The error for this status, or for an answer that is not what it should be. */
  failure(code?: string): TransferError {
    this.discard()
    const { status } = this
    return code === undefined
      ? new TransferError(http.STATUS_CODES[status] ?? 'unknown status', { status })
      : new TransferError(code, { status, transient: false })
  }
}
