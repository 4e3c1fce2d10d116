// What tests of archives share: patience that does not wait, settings, and bytes that are easy to tell apart.

import type { ArchiveSettings } from '../../src/archive/open-store.ts'
import type { Patience } from '../../src/archive/retry.ts'
import type { ArchiveStore, Content } from '../../src/archive/store.ts'
import { ManualClock, Random } from '../../src/base/index.ts'

/** Tries again at once, and notes how long it would have waited. */
export function impatience(): Patience & { readonly waits: number[] } {
  const waits: number[] = []
  return {
    clock: new ManualClock(),
    random: new Random(1),
    meter: { requests: 0, retries: 0, errors: 0 },
    waits,
    async wait(ms, signal) {
      signal?.throwIfAborted()
      waits.push(ms)
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

export function archiveSettings(given: Partial<ArchiveSettings> = {}): ArchiveSettings {
  return {
    archiveAllow: [],
    archiveTimeout: 10_000,
    archiveConcurrency: 4,
    s3AccessKeyId: '',
    s3SecretAccessKey: '',
    s3SessionToken: '',
    s3Endpoint: '',
    s3Region: 'us-east-1',
    httpArchiveHeader: '',
    ...given,
  }
}

/** Bytes that differ at every place, so that a shifted or repeated piece is found out. */
export function patterned(length: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let index = 0; index < length; index++) bytes[index] = Math.imul(index + seed, 2_654_435_761) >>> 24
  return bytes
}

/** Content that comes in chunks through one buffer used again, as a careful source does. */
export function inChunks(
  bytes: Uint8Array,
  chunkBytes: number,
  onChunk: (at: number) => void = () => undefined,
): Content {
  return {
    size: bytes.length,
    async *open() {
      const buffer = Buffer.alloc(chunkBytes)
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        const chunk = bytes.subarray(at, at + chunkBytes)
        onChunk(at)
        buffer.set(chunk)
        yield buffer.subarray(0, chunk.length)
        buffer.fill(0xee)
      }
    },
  }
}

/** A source that breaks after so many bytes. */
export function breakingAfter(bytes: Uint8Array, at: number): Content {
  return {
    size: bytes.length,
    async *open() {
      yield bytes.subarray(0, at)
      throw new Error('the source broke')
    },
  }
}

export async function contentsOf(store: ArchiveStore, name: string, range?: { from: number; to?: number }) {
  const object = await store.read(name, range === undefined ? {} : { range })
  if (object === undefined) return undefined
  const chunks: Buffer[] = []
  for await (const chunk of object.bytes) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
