// What remote stores make of bad days: each fault is played by a relay before the real server.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ObjectReader } from '../../../src/archive/object-reader.ts'
import { type ArchiveSettings, openArchiveStore } from '../../../src/archive/open-store.ts'
import { TransferError } from '../../../src/archive/retry.ts'
import { type ArchiveStore, contentOf, readSmall } from '../../../src/archive/store.ts'
import { archiveSettings, contentsOf, impatience, inChunks, patterned } from '../../support/archive.ts'
import { FaultyRelay, type RelayedRequest } from '../../support/faulty-relay.ts'
import { HttpArchiveServer } from '../../support/http-archive-server.ts'
import { openS3Server, type S3Server } from '../../support/s3-server.ts'

const megabyte = 1024 * 1024
let store: ArchiveStore
let relay: FaultyRelay
let patience: ReturnType<typeof impatience>
let close: () => Promise<void>

/** The same place as `store`, reached with other settings. */
let openAgain: (given: Partial<ArchiveSettings>) => Promise<ArchiveStore>

async function openThrough(targetPort: number, url: (port: number) => string, settings = {}): Promise<void> {
  relay = await FaultyRelay.open(targetPort)
  patience = impatience()
  const archiveAllow = [url(relay.port)]
  openAgain = (given) =>
    openArchiveStore(
      url(relay.port),
      archiveSettings({ archiveAllow, archiveConcurrency: 3, archiveTimeout: 60_000, ...settings, ...given }),
      patience,
    )
  store = await openAgain({})
}

async function openHttp(): Promise<void> {
  const server = await HttpArchiveServer.open()
  await openThrough(server.port, (port) => `http://127.0.0.1:${port}/backups`)
  close = () => server.close()
}

/** One for all tests: starting it takes longer than most of them. */
let s3: S3Server

beforeAll(async () => {
  s3 = await openS3Server()
})
afterAll(() => s3?.close())

async function openS3(): Promise<void> {
  await s3.clear()
  await openThrough(s3.port, (port) => `s3://larder/backups?endpoint=http://127.0.0.1:${port}`, s3.credentials)
  close = async () => undefined
}

afterEach(async () => {
  store.close()
  await relay.close()
  await close()
})

async function failureOf(doing: Promise<unknown>): Promise<TransferError> {
  const error = await doing.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TransferError)
  return error as TransferError
}

const operations: Record<string, () => Promise<unknown>> = {
  read: () => store.read('a/b'),
  write: () => store.write('a/b', contentOf(patterned(100))),
  exists: () => store.exists('a/b'),
  delete: () => store.delete('a/b'),
  list: () => store.list('a/'),
  writeIf: () => store.writeIf('LATEST', patterned(10), undefined),
}

describe.each([
  ['http', openHttp],
  ['s3', openS3],
])('%s', (kind, open) => {
  beforeEach(open)

  it.each(Object.keys(operations))(
    '%s: 401, 403 and a missing collection are errors with status, at once (BKE-5)',
    async (name) => {
      for (const status of [401, 403, 400, 301, 405]) {
        relay.plan(() => ({ status, headers: { Location: 'http://127.0.0.1:1/elsewhere' } }))
        const failure = await failureOf((operations[name] as () => Promise<unknown>)())
        expect(failure.status).toBe(status)
        expect(failure.code).not.toBe('')
        expect(relay.requests).toHaveLength(1)
      }
      expect(patience.waits).toEqual([])
    },
  )

  it.each(Object.keys(operations))('%s: 503 passes after growing, jittered delays (BKE-7)', async (name) => {
    await store.write('a/b', contentOf(patterned(100)))
    relay.plan(() => (relay.requests.length <= 3 ? { status: 503 } : undefined))
    await (operations[name] as () => Promise<unknown>)()
    const waits = patience.waits
    expect(waits).toHaveLength(3)
    waits.forEach((wait, index) => {
      expect(wait).toBeGreaterThanOrEqual(100 * 2 ** index)
      expect(wait).toBeLessThanOrEqual(200 * 2 ** index)
    })
    expect(new Set(waits.map((wait, index) => wait / 2 ** index)).size).toBe(3)
  })

  it.each(Object.keys(operations))('%s: it is tried again five times and no more (BKE-7)', async (name) => {
    relay.plan(() => ({ status: 500 }))
    const failure = await failureOf((operations[name] as () => Promise<unknown>)())
    expect(failure.status).toBe(500)
    expect(relay.requests).toHaveLength(6)
    expect(patience.waits).toHaveLength(5)
    expect(patience.meter).toMatchObject({ requests: 6, retries: 5, errors: 1 })
  })

  it.each(['read', 'exists', 'list', 'delete'])('%s: a connection that is cut is tried again (BKE-7)', async (name) => {
    relay.plan(({ count }) => (count < 2 ? { cutAfter: 0 } : undefined))
    await (operations[name] as () => Promise<unknown>)()
    expect(patience.waits).toHaveLength(2)
  })

  it('a server that says nothing is a timeout, tried again (BKE-7)', async () => {
    const hasty = await openAgain({ archiveTimeout: 300 })
    relay.plan(({ count }) => (count < 1 ? { silent: true } : undefined))
    expect(await hasty.exists('a/b')).toBe(false)
    expect(relay.requests.length).toBeGreaterThan(1)
    expect(patience.waits).toHaveLength(relay.requests.length - 1)
    hasty.close()
  })

  it('reading goes on at the beginning of the piece that broke off, not behind unverified bytes (BKE-7)', async () => {
    const bytes = patterned(300_000)
    await store.write('a/b', contentOf(bytes))
    relay.plan(({ method, count }) => (method === 'GET' && count < 2 ? { cutAfter: 150_000 } : undefined))
    const reader = new ObjectReader(store, 'a/b', 0, 300_000, undefined)
    const pieces = [Buffer.alloc(100_000), Buffer.alloc(100_000), Buffer.alloc(100_000)]
    for (const piece of pieces) expect(await reader.fill(piece)).toBe(true)
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
    const asked = relay.requests.map(({ headers }) => Number(/^bytes=(\d+)/.exec(headers.range ?? '')?.[1]))
    expect(asked).toEqual([0, 100_000, 200_000])
  })

  it('an object that shrank meanwhile is not whole, and no reason to try again', async () => {
    await store.write('a/b', contentOf(patterned(1000)))
    const reader = new ObjectReader(store, 'a/b', 900, 2000, undefined)
    expect(await reader.fill(Buffer.alloc(200))).toBe(false)
    expect(patience.waits).toEqual([])
  })

  it('cancelling ends requests under way', async () => {
    const stop = new AbortController()
    relay.plan(() => ({ silent: true }))
    const reading = store.read('a/b', { signal: stop.signal })
    await relay.seen(1, () => true)
    stop.abort()
    await expect(reading).rejects.toThrow(/abort/i)
    expect(patience.waits).toEqual([])
  })

  it('a conditional write that comes too late says so', async () => {
    relay.plan(() => ({ status: 412 }))
    expect(await store.writeIf('LATEST', patterned(10), undefined)).toBe('changed')
    expect(await store.writeIf('LATEST', patterned(10), '"etag"')).toBe('changed')
    relay.plan(() => ({ status: 501 }))
    expect(await store.writeIf('LATEST', patterned(10), undefined)).toBe('unsupported')
    relay.plan()
    await store.writeIf('LATEST', patterned(10), undefined)
    expect(relay.requests[0]?.headers['if-none-match']).toBe('*')
    const { version } = (await readSmall(store, 'LATEST', 100)) ?? {}
    relay.plan()
    await store.writeIf('LATEST', patterned(10), version)
    expect(relay.requests[0]?.headers['if-match']).toBe(version)
  })

  it('a large write that is refused half-way reads no more of its source', async () => {
    let pulled = 0
    const content = inChunks(patterned(64 * megabyte), megabyte, () => pulled++)
    relay.plan(({ method }) => (method === 'PUT' ? { status: 403 } : undefined))
    const failure = await failureOf(store.write('a/b', content))
    expect(failure.status).toBe(403)
    // The relay answers when it has the whole request; a part of an upload is one.
    if (kind === 's3') expect(pulled).toBeLessThanOrEqual(32)
    relay.plan()
    expect(await store.exists('a/b')).toBe(false)
  })
})

describe('s3, multipart', () => {
  beforeEach(openS3)
  const isPart = ({ method, target }: RelayedRequest): boolean => method === 'PUT' && target.includes('partNumber=')
  const isAbort = ({ method, target }: RelayedRequest): boolean => method === 'DELETE' && target.includes('uploadId=')

  /** Ids of uploads that the service was told to abort, and was told nothing of afterwards. */
  function aborted(): string[] {
    const ids = relay.requests.map(({ target }) => /uploadId=([0-9a-f]+)/.exec(target)?.[1])
    return relay.requests.flatMap((request, index) => {
      const id = ids[index]
      return id !== undefined && isAbort(request) && ids.lastIndexOf(id) === index ? [id] : []
    })
  }

  it('uploads in parts of 8 MB, and holds no more than the parts under way and one (BKE-4)', async () => {
    let pulled = 0
    let letGo = (): void => undefined
    const gate = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const bytes = patterned(60 * megabyte)
    const content = inChunks(bytes, megabyte, (at) => {
      pulled = at + megabyte
    })
    relay.plan((request) => (isPart(request) ? { until: gate } : undefined))
    const writing = store.write('a/b', content)
    await relay.seen(3, isPart)
    // Nothing is answered yet: three parts are under way, and the source waits.
    expect(pulled).toBeLessThanOrEqual(3 * 8 * megabyte)
    letGo()
    await writing
    expect(relay.requests.filter(isPart).map(({ headers }) => Number(headers['content-length']))).toEqual(
      [8, 8, 8, 8, 8, 8, 8, 4].map((size) => size * megabyte),
    )
    expect((await contentsOf(store, 'a/b'))?.equals(bytes)).toBe(true)
    expect(await s3.uploads()).toEqual([])
  })

  it('a part that fails for a while is sent again, alone', async () => {
    const bytes = patterned(20 * megabyte)
    relay.plan((request) => (isPart(request) && request.count < 2 ? { status: 503 } : undefined))
    await store.write('a/b', inChunks(bytes, megabyte))
    expect(relay.requests.filter(isPart)).toHaveLength(5)
    expect((await contentsOf(store, 'a/b'))?.equals(bytes)).toBe(true)
  })

  it('an upload that fails is aborted there too, at every step (BKE-3, BKE-4)', async () => {
    const steps: ((request: RelayedRequest) => boolean)[] = [
      ({ method, target }) => method === 'POST' && target.includes('uploads'),
      (request) => isPart(request) && request.target.includes('partNumber=1'),
      (request) => isPart(request) && request.target.includes('partNumber=3'),
      ({ method, target }) => method === 'POST' && target.includes('uploadId='),
    ]
    const abortedBefore: string[] = []
    for (const step of steps) {
      relay.plan((request) => (step(request) ? { status: 403 } : isAbort(request) ? { status: 204 } : undefined))
      const failure = await failureOf(store.write('a/b', inChunks(patterned(20 * megabyte), megabyte)))
      expect(failure.status).toBe(403)
      abortedBefore.push(...aborted())
      expect((await s3.uploads()).sort()).toEqual(abortedBefore.sort())
      const after = relay.requests.length
      expect(await store.exists('a/b')).toBe(false)
      expect(relay.requests.slice(after).map(({ method }) => method)).toEqual(['HEAD'])
    }
    expect(abortedBefore).toHaveLength(3)
  })

  it('an upload that is cancelled is aborted before the cancellation is told (BKE-4)', async () => {
    const stop = new AbortController()
    relay.plan((request) => (isPart(request) ? { silent: true } : isAbort(request) ? { status: 204 } : undefined))
    const writing = store.write('a/b', inChunks(patterned(20 * megabyte), megabyte), stop.signal)
    await relay.seen(1, isPart)
    stop.abort()
    await expect(writing).rejects.toThrow(/abort/i)
    expect(aborted()).toEqual(await s3.uploads())
    expect(aborted()).toHaveLength(1)
  })

  it('a bucket that is not there is an error, not an empty one (BKE-5)', async () => {
    const url = `s3://nowhere/x?endpoint=http://127.0.0.1:${relay.port}`
    const settings = archiveSettings({ archiveAllow: [url], ...s3.credentials })
    const other = await openArchiveStore(url, settings, patience)
    for (const use of [
      () => other.read('a/b'),
      () => other.list(''),
      () => other.writeIf('a', patterned(1), undefined),
    ]) {
      expect(await failureOf(use())).toMatchObject({ status: 404, code: 'NoSuchBucket' })
    }
    other.close()
  })

  it('a wrong key is told by name, and the secret by nobody (BKE-5, ARC-17)', async () => {
    const url = `s3://larder/x?endpoint=http://127.0.0.1:${relay.port}`
    const settings = archiveSettings({ archiveAllow: [url], s3AccessKeyId: 'NOBODY', s3SecretAccessKey: 'hush-hush' })
    const other = await openArchiveStore(url, settings, patience)
    const failure = await failureOf(other.list(''))
    expect(failure).toMatchObject({ status: 403, code: 'InvalidAccessKeyId' })
    expect(failure.message).not.toContain('hush-hush')
    other.close()
  })

  it('credentials come from the usual AWS variables when no setting gives them (BKE-9)', async () => {
    const before = { ...process.env }
    process.env.AWS_ACCESS_KEY_ID = s3.credentials.s3AccessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = s3.credentials.s3SecretAccessKey
    try {
      const url = `s3://larder/x?endpoint=http://127.0.0.1:${relay.port}`
      const other = await openArchiveStore(url, archiveSettings({ archiveAllow: [url] }), patience)
      relay.plan()
      expect(await other.list('')).toEqual([])
      expect(relay.requests[0]?.headers.authorization).toContain('Credential=S3RVER/')
      other.close()
    } finally {
      process.env = before
    }
  })
})

describe('http', () => {
  beforeEach(openHttp)

  it('a page for people is no list of names, and no empty one (BKE-5)', async () => {
    for (const body of ['<html>Index of /</html>', 'a/b\n../c\n', 'a/b\nother/c\n']) {
      relay.plan(() => ({ status: 200, body }))
      expect(await failureOf(store.list('a/'))).toMatchObject({ status: 200, code: 'not a list' })
    }
    relay.plan(() => ({ status: 404 }))
    expect(await failureOf(store.list('a/'))).toMatchObject({ status: 404 })
  })

  it('a large write that is refused before it was read stops reading its source', async () => {
    let pulled = 0
    const refusing = await import('node:http').then(({ createServer }) =>
      createServer((request, response) => {
        request.once('data', () => response.writeHead(413).end())
      }),
    )
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(refusing.address() as { port: number }).port}/x`
    const other = await openArchiveStore(url, archiveSettings({ archiveAllow: [url] }), patience)
    const content = inChunks(patterned(64 * megabyte), megabyte, () => pulled++)
    expect(await failureOf(other.write('a/b', content))).toMatchObject({ status: 413 })
    expect(pulled).toBeLessThan(64)
    other.close()
    refusing.closeAllConnections()
    await new Promise((resolve) => refusing.close(resolve))
  })

  it('an answer that is not the range asked for is refused', async () => {
    relay.plan(() => ({ status: 206, body: 'xyz', headers: { 'Content-Range': 'bytes 500-502/1000' } }))
    expect(await failureOf(store.read('a/b', { range: { from: 100, to: 103 } }))).toMatchObject({ status: 206 })
    relay.plan(() => ({ status: 206, body: 'xyz' }))
    expect(await failureOf(store.read('a/b', { range: { from: 100, to: 103 } }))).toMatchObject({ status: 206 })
  })

  it('a header that is none is refused without being shown (ARC-17)', async () => {
    for (const httpArchiveHeader of ['Authorization', 'a b: c', 'X: a\r\nY: b']) {
      const opening = openArchiveStore(
        store.url,
        archiveSettings({ archiveAllow: [store.url], httpArchiveHeader }),
        patience,
      )
      const error = (await opening.catch((reason: unknown) => reason)) as Error & { sqlstate: string }
      expect(error.sqlstate).toBe('22023')
      expect(error.message).not.toContain(httpArchiveHeader)
    }
  })
})
