// A folder as a store: an object is a file of mode 0600.
//
// Writing: (1) a temporary beside the object, `.name.<random>.partial`; (2) all bytes, synced; (3) renamed over the
// object; (4) the directory synced. Until (3) the old object is there, after it the new one, whole. Names of objects never
// begin with a dot, so temporaries are invisible to list() and read().
//
// Nothing leads out of the folder: names are checked, directories are followed to where they really are, and an object
// that is a link is an error (BKE-8).

import { createHash, randomBytes } from 'node:crypto'
import { constants, writeSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { realPathOf } from './allow.ts'
import { assertObjectName, assertPrefix, isObjectName } from './object-name.ts'
import { pace } from './pace.ts'
import { type Patience, TransferError } from './retry.ts'
import {
  type ArchiveStore,
  type Content,
  contentOf,
  type ReadOptions,
  readSmall,
  releasing,
  type StoredObject,
  type Trace,
  type WriteOutcome,
} from './store.ts'
import { hasDied, ownMark } from './writer-mark.ts'

const chunkBytes = 1024 * 1024
/** Larger objects have no version: it is a digest, and nobody compares them. */
const versionedBytesMax = 64 * 1024
/** A lock is held for a few milliseconds; one this old belonged to somebody who died, if that cannot be told otherwise. */
const lockStaleMs = 10_000
const lockWaitMs = 20
/** Until a lock that was just left is stale. */
const lockTries = (1.2 * lockStaleMs) / lockWaitMs

const temporaryPattern = /^\.(.+)\.[0-9a-f]{12}\.partial$/

/** A link is not followed, and opening a pipe does not wait for who writes to it. */
const plainFile = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

export class LocalStore implements ArchiveStore {
  readonly url: string
  readonly patience: Patience
  /** One segment is read while another is proven; a disk is not faster for more. */
  readonly lanes = 2
  readonly #root: string

  constructor(url: string, root: string, patience: Patience) {
    this.url = url
    this.patience = patience
    this.#root = root
  }

  async read(name: string, options: ReadOptions = {}): Promise<StoredObject | undefined> {
    this.patience.meter.requests++
    const handle = await this.#openObject(name)
    if (handle === undefined) return undefined
    try {
      const { size } = await handle.stat()
      const from = options.range?.from ?? 0
      const to = Math.min(options.range?.to ?? size, size)
      const version = size <= versionedBytesMax ? await versionOf(handle, size) : undefined
      const bytes = releasing(chunksOf(handle, from, to, options.signal), () => handle.close())
      return { length: Math.max(0, to - from), version, bytes }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async write(name: string, content: Content, signal?: AbortSignal): Promise<void> {
    this.patience.meter.requests++
    const path = await this.#pathFor(name)
    const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`)
    try {
      await writeWhole(temporary, content, signal)
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    await syncDirectory(dirname(path))
  }

  async exists(name: string): Promise<boolean> {
    this.patience.meter.requests++
    const handle = await this.#openObject(name)
    await handle?.close()
    return handle !== undefined
  }

  /** Takes temporaries and a lock of the object along, which somebody left who was killed, and the directory with the last object. */
  async delete(name: string): Promise<void> {
    this.patience.meter.requests++
    const path = await this.#find(name)
    if (path === undefined) return
    const directory = dirname(path)
    const own = `.${basename(path)}.`
    for (const entry of await entriesOf(directory)) {
      const mine = entry.name === basename(path) || (entry.name.startsWith(own) && entry.name.endsWith('.partial'))
      const isLeft =
        entry.name === `${own}lock` && (await isStale(join(directory, entry.name), this.patience.clock.nowMs()))
      if (mine || isLeft) await rm(join(directory, entry.name), { force: true })
    }
    await syncDirectory(directory)
    if (name.includes('/')) await removeIfEmpty(directory)
  }

  async list(prefix: string): Promise<string[]> {
    assertPrefix(prefix)
    this.patience.meter.requests++
    const names: string[] = []
    await collect(this.#root, '', prefix, names)
    return names.sort()
  }

  async traces(prefix: string): Promise<Trace[]> {
    assertPrefix(prefix)
    this.patience.meter.requests++
    const traces: Trace[] = []
    await collectTraces(this.#root, '', prefix, traces)
    return traces
  }

  async writeIf(
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    signal?: AbortSignal,
  ): Promise<WriteOutcome> {
    const path = await this.#pathFor(name)
    const unlock = await this.#lock(join(dirname(path), `.${basename(path)}.lock`), signal)
    try {
      await removeTemporaries(path)
      const current = await readSmall(this, name, 0, signal)
      if (current?.version !== expected) return 'changed'
      await this.write(name, contentOf(bytes), signal)
      return 'written'
    } finally {
      await unlock()
    }
  }

  close(): void {}

  async #openObject(name: string): Promise<FileHandle | undefined> {
    const path = await this.#find(name)
    if (path === undefined) return undefined
    try {
      const handle = await open(path, plainFile)
      if ((await handle.stat()).isFile()) return handle
      await handle.close()
      return undefined
    } catch (error) {
      if (isAbsence(error)) return undefined
      if (codeOf(error) === 'ELOOP') throw new TransferError('ELOOP', { cause: error })
      throw error
    }
  }

  /** Where the object would be; undefined if its directory is not there. */
  async #find(name: string): Promise<string | undefined> {
    assertObjectName(name)
    const path = join(this.#root, ...name.split('/'))
    if (!(await isDirectory(dirname(path)))) return undefined
    await this.#requireInside(dirname(path))
    return path
  }

  /** Makes the directories of the object, and makes sure that they are still there after a loss of power. */
  async #pathFor(name: string): Promise<string> {
    assertObjectName(name)
    const path = join(this.#root, ...name.split('/'))
    const directory = dirname(path)
    await this.#requireInside(directory)
    const first = await mkdir(directory, { recursive: true, mode: 0o700 })
    for (let made = first === undefined ? undefined : directory; made !== undefined; made = dirname(made)) {
      await syncDirectory(dirname(made))
      if (made === first || made === dirname(made)) break
    }
    return path
  }

  async #requireInside(directory: string): Promise<void> {
    const [outer, inner] = [await realPathOf(this.#root), await realPathOf(directory)]
    if (inner === outer || inner.startsWith(outer + sep)) return
    throw new TransferError('a link leads out of the collection')
  }

  async #lock(path: string, signal: AbortSignal | undefined): Promise<() => Promise<void>> {
    for (let tries = 0; tries < lockTries; tries++) {
      try {
        await writeFile(path, ownMark(), { flag: 'wx', mode: 0o600 })
        return () => rm(path, { force: true })
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error
      }
      if (await isStale(path, this.patience.clock.nowMs())) await rm(path, { force: true })
      else await this.patience.wait(lockWaitMs, signal)
    }
    throw new TransferError('locked by another process')
  }
}

/** Under the lock of an object: whoever wrote these is dead, or has lost the lock and must not replace it any more. */
async function removeTemporaries(path: string): Promise<void> {
  for (const { name } of await entriesOf(dirname(path))) {
    if (temporaryPattern.exec(name)?.[1] === basename(path)) await rm(join(dirname(path), name), { force: true })
  }
}

async function writeWhole(path: string, content: Content, signal: AbortSignal | undefined): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    let written = 0
    let syncing: Promise<unknown> = Promise.resolve()
    for await (const chunk of content.open()) {
      signal?.throwIfAborted()
      await writeChunk(handle, chunk)
      written += chunk.length
      // The device works while the next chunk is made, and little is left to be synced at the end.
      await syncing
      syncing = handle.datasync()
      // Whoever breaks off meanwhile does not wait for it.
      syncing.catch(() => undefined)
    }
    await syncing
    if (written !== content.size) throw new TransferError(`${written} bytes instead of ${content.size}`)
    signal?.throwIfAborted()
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** While the next chunk is made; but while clients are served in this thread, which knows when to rest. */
async function writeChunk(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  if (!pace.isServing) {
    for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten
    return
  }
  for (const piece of pace.pieces(chunk)) {
    for (let at = 0; at < piece.length; ) at += writeSync(handle.fd, piece, at, piece.length - at)
  }
}

/** The handle is closed with the stream, however that ends. */
async function* chunksOf(
  handle: FileHandle,
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(chunkBytes, to - from)))
    for (let at = from; at < to; ) {
      signal?.throwIfAborted()
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - at), at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

async function versionOf(handle: FileHandle, size: number): Promise<string> {
  const bytes = Buffer.alloc(size)
  const { bytesRead } = await handle.read(bytes, 0, size, 0)
  return createHash('sha256').update(bytes.subarray(0, bytesRead)).digest('hex')
}

/** Files below `directory` whose names, seen from the root, begin with the prefix. */
async function collect(directory: string, path: string, prefix: string, names: string[]): Promise<void> {
  for (const entry of await entriesOf(directory)) {
    const name = path === '' ? entry.name : `${path}/${entry.name}`
    if (entry.isDirectory()) {
      const within = `${name}/`
      if (within.startsWith(prefix) || prefix.startsWith(within)) {
        await collect(join(directory, entry.name), name, prefix, names)
      }
    } else if (entry.isFile() && name.startsWith(prefix) && isObjectName(name)) names.push(name)
  }
}

/** The same with their times, and the temporaries of such files. */
async function collectTraces(directory: string, path: string, prefix: string, traces: Trace[]): Promise<void> {
  for (const entry of await entriesOf(directory)) {
    const temporaryOf = temporaryPattern.exec(entry.name)?.[1]
    const name = `${path}${temporaryOf ?? entry.name}`
    const file = join(directory, entry.name)
    if (entry.isDirectory()) {
      const within = `${name}/`
      if (within.startsWith(prefix) || prefix.startsWith(within)) await collectTraces(file, within, prefix, traces)
    } else if (entry.isFile() && name.startsWith(prefix) && isObjectName(name)) {
      const atMs = await writtenAtMs(file)
      if (atMs === undefined) continue
      traces.push(temporaryOf === undefined ? { name, atMs } : { name, atMs, abandon: () => rm(file, { force: true }) })
    }
  }
}

async function entriesOf(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

async function isStale(path: string, nowMs: number): Promise<boolean> {
  const atMs = await writtenAtMs(path)
  if (atMs === undefined) return false
  return nowMs - atMs >= lockStaleMs || hasDied(await readFile(path, 'latin1').catch(() => ''))
}

/** Undefined if it is gone. */
async function writtenAtMs(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error))) throw error
  }
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error))
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
