// A web server as a store: PUT, GET, HEAD and DELETE of an object, `?list=prefix` for names, one a line.
//
// The server should answer ranges (206) and take a PUT whole or not at all; digests would find out if it does not. Where
// it gives ETags, writeIf compares with If-Match. Redirections are errors: they would lead around archive_allow.

import http from 'node:http'
import https from 'node:https'
import { conditions, ServerError } from '../errors/index.ts'
import { HttpExchange } from './http-exchange.ts'
import type { HttpLocation } from './location.ts'
import { assertObjectName, assertPrefix, isObjectName } from './object-name.ts'
import { type Patience, TransferError, withRetries } from './retry.ts'
import {
  type ArchiveStore,
  type Content,
  contentOf,
  type ReadOptions,
  releasing,
  type StoredObject,
  type WriteOutcome,
} from './store.ts'

const listBytesMax = 16 * 1024 * 1024

interface HttpOptions {
  /** `name: value`, sent with each request; it may be a secret. */
  readonly httpArchiveHeader: string
  readonly archiveTimeout: number
  readonly archiveConcurrency: number
}

export class HttpStore implements ArchiveStore {
  readonly url: string
  readonly patience: Patience
  readonly lanes: number
  readonly #base: string
  readonly #exchange: HttpExchange

  constructor(location: HttpLocation, options: HttpOptions, patience: Patience) {
    this.url = location.url
    this.patience = patience
    this.lanes = options.archiveConcurrency
    this.#base = location.url.endsWith('/') ? location.url : `${location.url}/`
    const agent = new (location.origin.startsWith('https:') ? https : http).Agent({ keepAlive: true })
    this.#exchange = new HttpExchange(agent, headersOf(options.httpArchiveHeader), options.archiveTimeout)
  }

  read(name: string, { range, signal }: ReadOptions = {}): Promise<StoredObject | undefined> {
    return withRetries(this.patience, signal, async () => {
      const headers = range === undefined ? {} : { Range: `bytes=${range.from}-${lastOf(range.to)}` }
      const response = await this.#exchange.send('GET', this.#address(name), headers, signal)
      if (response.status === 404) return response.ignored(undefined)
      if (response.status === 416) return response.ignored(nothing)
      if (response.status !== 200 && response.status !== 206) throw response.failure()
      // A server that does not know ranges sends everything: what comes before and after is skipped here.
      const begins = response.status === 206 ? response.rangeStart() : 0
      const skipped = (range?.from ?? 0) - begins
      if (skipped < 0) throw response.failure('range not as asked')
      const wanted = range?.to === undefined ? undefined : range.to - (range.from ?? 0)
      const bytes = releasing(cut(response.body(), skipped, wanted), () => response.discard())
      return { length: undefined, version: response.header('etag'), bytes }
    })
  }

  write(name: string, content: Content, signal?: AbortSignal): Promise<void> {
    return withRetries(this.patience, signal, async () => {
      const response = await this.#exchange.send('PUT', this.#address(name), {}, signal, content)
      if (!isSuccess(response.status)) throw response.failure()
      return response.ignored(undefined)
    })
  }

  exists(name: string, signal?: AbortSignal): Promise<boolean> {
    return withRetries(this.patience, signal, async () => {
      const response = await this.#exchange.send('HEAD', this.#address(name), {}, signal)
      if (response.status === 404) return response.ignored(false)
      if (!isSuccess(response.status)) throw response.failure()
      return response.ignored(true)
    })
  }

  delete(name: string, signal?: AbortSignal): Promise<void> {
    return withRetries(this.patience, signal, async () => {
      const response = await this.#exchange.send('DELETE', this.#address(name), {}, signal)
      if (!isSuccess(response.status) && response.status !== 404) throw response.failure()
      return response.ignored(undefined)
    })
  }

  list(prefix: string, signal?: AbortSignal): Promise<string[]> {
    assertPrefix(prefix)
    return withRetries(this.patience, signal, async () => {
      const address = `${this.#base}?list=${encodeURIComponent(prefix)}`
      const response = await this.#exchange.send('GET', address, {}, signal)
      if (response.status !== 200) throw response.failure()
      const names = (await response.text(listBytesMax)).split(/\r?\n/).filter((line) => line !== '')
      // A page for people, say an index in HTML, must not pass for an empty or a shorter list.
      if (!names.every((name) => isObjectName(name) && name.startsWith(prefix))) throw response.failure('not a list')
      return names.sort()
    })
  }

  /** A list has names alone, and what is half written is the server's business. */
  traces(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  writeIf(name: string, bytes: Uint8Array, expected: string | undefined, signal?: AbortSignal): Promise<WriteOutcome> {
    const condition: Record<string, string> =
      expected === undefined ? { 'If-None-Match': '*' } : { 'If-Match': expected }
    return withRetries(this.patience, signal, async () => {
      const response = await this.#exchange.send('PUT', this.#address(name), condition, signal, contentOf(bytes))
      if (response.status === 412) return response.ignored('changed')
      if (response.status === 501) return response.ignored('unsupported')
      if (!isSuccess(response.status)) throw response.failure()
      return response.ignored('written')
    })
  }

  close(): void {
    this.#exchange.close()
  }

  #address(name: string): string {
    assertObjectName(name)
    return `${this.#base}${name}`
  }
}

const nothing: StoredObject = { length: 0, version: undefined, bytes: contentOf(new Uint8Array(0)).open() }

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

function lastOf(to: number | undefined): string {
  return to === undefined ? '' : String(to - 1)
}

function headersOf(header: string): Record<string, string> {
  if (header === '') return {}
  const match = /^([!#$%&'*+.^_`|~0-9a-z-]+):[ \t]*([\x20-\x7e]*)$/i.exec(header)
  if (match === null) {
    throw new ServerError(conditions.invalidParameterValue, ['http_archive_header', '********'], {
      hint: 'Expected a header such as "Authorization: Bearer …".',
    })
  }
  return { [match[1] ?? '']: match[2] ?? '' }
}

/** Leaves the first bytes out and ends after `wanted` more. */
async function* cut(
  chunks: AsyncIterable<Uint8Array>,
  skipped: number,
  wanted: number | undefined,
): AsyncGenerator<Uint8Array> {
  let skip = skipped
  let left = wanted ?? Number.POSITIVE_INFINITY
  for await (const chunk of chunks) {
    const kept = chunk.subarray(Math.min(skip, chunk.length), Math.min(chunk.length, skip + left))
    skip -= Math.min(skip, chunk.length)
    left -= kept.length
    if (kept.length > 0) yield kept
    if (left <= 0) return
  }
  if (skip > 0) throw new TransferError('the answer ended before the range began')
}
