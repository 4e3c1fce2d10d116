// A bucket as a store. Small objects go up in one request, larger ones in parts of 8 MB, a few at a time.
//
// Memory is the parts under way and the one being filled. If anything fails, the parts under way are waited for and the
// upload is aborted there too, before the failure is told: nothing of it stays behind and nothing is sent later (BKE-4).

import type { S3Location } from './location.ts'
import { assertObjectName, assertPrefix, isObjectName } from './object-name.ts'
import { partsOf } from './parts.ts'
import { connectionFailure, type Patience, TransferError, withRetries } from './retry.ts'
import { S3Calls, type S3Options, type S3UploadMarker } from './s3-client.ts'
import {
  type ArchiveStore,
  type Content,
  contentOf,
  type ReadOptions,
  releasing,
  type StoredObject,
  type Trace,
  type WriteOutcome,
} from './store.ts'

const partBytesLeast = 8 * 1024 * 1024
const partCountMax = 10_000

interface S3StoreOptions extends S3Options {
  readonly archiveConcurrency: number
}

export class S3Store implements ArchiveStore {
  readonly url: string
  readonly patience: Patience
  readonly lanes: number
  readonly #calls: S3Calls
  readonly #prefix: string

  private constructor(location: S3Location, calls: S3Calls, lanes: number, patience: Patience) {
    this.url = location.url
    this.patience = patience
    this.#calls = calls
    this.#prefix = location.segments.map((segment) => `${segment}/`).join('')
    this.lanes = lanes
  }

  static async open(location: S3Location, options: S3StoreOptions, patience: Patience): Promise<S3Store> {
    const calls = await S3Calls.load(location, options)
    return new S3Store(location, calls, options.archiveConcurrency, patience)
  }

  read(name: string, { range, signal }: ReadOptions = {}): Promise<StoredObject | undefined> {
    return this.#request(signal, async () => {
      try {
        const { length, version, body } = await this.#calls.get(this.#key(name), range, signal)
        return { length, version, bytes: releasing(chunksOf(body, length), () => body.destroy()) }
      } catch (error) {
        if (isAbsence(error)) return undefined
        if (error instanceof TransferError && error.status === 416) return nothing
        throw error
      }
    })
  }

  async write(name: string, content: Content, signal?: AbortSignal): Promise<void> {
    const key = this.#key(name)
    const partBytes = Math.max(partBytesLeast, Math.ceil(content.size / partCountMax))
    if (content.size > partBytes) return await this.#upload(key, content, partBytes, signal)
    let whole: Uint8Array = new Uint8Array(0)
    for await (const part of partsOf(content, partBytes)) whole = part
    await this.#request(signal, () => this.#calls.put(key, whole, {}, signal))
  }

  exists(name: string, signal?: AbortSignal): Promise<boolean> {
    return this.#request(signal, async () => {
      try {
        await this.#calls.head(this.#key(name), signal)
        return true
      } catch (error) {
        if (isAbsence(error)) return false
        throw error
      }
    })
  }

  delete(name: string, signal?: AbortSignal): Promise<void> {
    return this.#request(signal, async () => {
      try {
        await this.#calls.remove(this.#key(name), signal)
      } catch (error) {
        if (!isAbsence(error)) throw error
      }
    })
  }

  async list(prefix: string, signal?: AbortSignal): Promise<string[]> {
    return (await this.#objects(prefix, signal)).map(({ name }) => name).sort()
  }

  /** A service that lists no uploads (405, 501) keeps none that anybody could abort. */
  async traces(prefix: string, signal?: AbortSignal): Promise<Trace[]> {
    const objects = await this.#objects(prefix, signal)
    try {
      return [...objects, ...(await this.#uploads(prefix, signal))]
    } catch (error) {
      if (error instanceof TransferError && [405, 501].includes(error.status ?? 0)) return objects
      throw error
    }
  }

  writeIf(name: string, bytes: Uint8Array, expected: string | undefined, signal?: AbortSignal): Promise<WriteOutcome> {
    const condition = expected === undefined ? { IfNoneMatch: '*' } : { IfMatch: expected }
    return this.#request(signal, async () => {
      try {
        await this.#calls.put(this.#key(name), bytes, condition, signal)
        return 'written'
      } catch (error) {
        if (!(error instanceof TransferError)) throw error
        // 409: another conditional write was under way. If-Match on what is gone: 404.
        if ([404, 409, 412].includes(error.status ?? 0) && error.code !== 'NoSuchBucket') return 'changed'
        if (error.status === 501) return 'unsupported'
        throw error
      }
    })
  }

  close(): void {
    this.#calls.close()
  }

  async #objects(prefix: string, signal: AbortSignal | undefined): Promise<Trace[]> {
    assertPrefix(prefix)
    const found: Trace[] = []
    let token: string | undefined
    do {
      const page = await this.#request(signal, () => this.#calls.listPage(this.#prefix + prefix, token, signal))
      for (const { key, atMs } of page.objects) found.push({ name: key.slice(this.#prefix.length), atMs })
      token = page.next
    } while (token !== undefined)
    return found.filter(({ name }) => isObjectName(name))
  }

  /** Parts of uploads that were not completed take space until they are aborted. */
  async #uploads(prefix: string, signal: AbortSignal | undefined): Promise<Trace[]> {
    const found: Trace[] = []
    let marker: S3UploadMarker | undefined
    do {
      const page = await this.#request(signal, () => this.#calls.uploadsPage(this.#prefix + prefix, marker, signal))
      for (const { key, id, atMs } of page.uploads) {
        const abandon = (until?: AbortSignal): Promise<void> => this.#abandon({ key, id }, until)
        found.push({ name: key.slice(this.#prefix.length), atMs, abandon })
      }
      marker = page.next
    } while (marker !== undefined)
    return found.filter(({ name }) => isObjectName(name))
  }

  #abandon(upload: { readonly key: string; readonly id: string }, signal: AbortSignal | undefined): Promise<void> {
    return this.#request(signal, async () => {
      try {
        await this.#calls.abortUpload(upload, signal)
      } catch (error) {
        if (!isAbsence(error)) throw error
      }
    })
  }

  async #upload(key: string, content: Content, partBytes: number, signal: AbortSignal | undefined): Promise<void> {
    const id = await this.#request(signal, () => this.#calls.startUpload(key, signal))
    const upload = { key, id }
    try {
      const parts = await this.#putParts(upload, content, partBytes, signal)
      await this.#request(signal, () => this.#calls.completeUpload(upload, parts, signal))
    } catch (error) {
      // What went wrong first is what is told, also if the service does not let us clean up.
      await this.#request(undefined, () => this.#calls.abortUpload(upload)).catch(() => undefined)
      throw error
    }
  }

  async #putParts(
    upload: { readonly key: string; readonly id: string },
    content: Content,
    partBytes: number,
    outer: AbortSignal | undefined,
  ) {
    const stop = new AbortController()
    const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal])
    const underWay = new Set<Promise<unknown>>()
    const done: Awaited<ReturnType<S3Calls['putPart']>>[] = []
    let failure: { readonly error: unknown } | undefined
    const put = async (number: number, part: Uint8Array): Promise<void> => {
      try {
        done.push(await this.#request(signal, () => this.#calls.putPart(upload, number, part, signal)))
      } catch (error) {
        failure ??= { error }
        stop.abort()
      }
    }
    try {
      let number = 0
      for await (const part of partsOf(content, partBytes)) {
        if (failure !== undefined) break
        const putting = put(++number, part).finally(() => underWay.delete(putting))
        underWay.add(putting)
        if (underWay.size >= this.lanes) await Promise.race(underWay)
      }
    } catch (error) {
      failure ??= { error }
      stop.abort()
    }
    await Promise.all(underWay)
    if (failure !== undefined) throw failure.error
    return done
  }

  #request<T>(signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> {
    return withRetries(this.patience, signal, request)
  }

  #key(name: string): string {
    assertObjectName(name)
    return this.#prefix + name
  }
}

const nothing: StoredObject = { length: 0, version: undefined, bytes: contentOf(new Uint8Array(0)).open() }

/** Only 404 is absent, and a bucket that is not there is no absent object (BKE-5). */
function isAbsence(error: unknown): boolean {
  return error instanceof TransferError && error.status === 404 && error.code !== 'NoSuchBucket'
}

async function* chunksOf(
  body: AsyncIterable<Uint8Array> & { destroy(): void },
  length: number | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0
  try {
    for await (const chunk of body) {
      received += chunk.length
      yield chunk
    }
  } catch (error) {
    throw connectionFailure(error)
  } finally {
    body.destroy()
  }
  if (length !== undefined && received !== length) throw new TransferError('ECONNRESET', { transient: true })
}
