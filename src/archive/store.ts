// What a place for archives can do: read, write, ask for, delete and list objects (systems.md 3.18).
//
// An object is a name and bytes, written whole or not at all: who reads never meets a half. One suite
// (test/contract/archive) runs against every store. Nothing here knows what the objects mean.
//
// Bytes travel as streams, so memory is what is in flight and not what is stored. A chunk that a stream hands out
// belongs to the receiver until it asks for the next one.

import { type Patience, withRetries } from './retry.ts'

export interface ByteRange {
  readonly from: number
  /** Undefined: to the end. */
  readonly to?: number | undefined
}

export interface StoredObject {
  /** Of what this stream gives, if the store says. */
  readonly length: number | undefined
  /** Changes with the object, where the store has such a thing; what writeIf compares. */
  readonly version: string | undefined
  readonly bytes: AsyncIterable<Uint8Array>
}

/** Something that lies in a store: an object, or one that is being written, or was when its writer died. */
export interface Trace {
  readonly name: string
  /** When it was written, or begun, by the store's own clock. */
  readonly atMs: number
  /** Of one that is half written: takes it away. That it is gone, or an object by now, is no error. */
  readonly abandon?: (signal?: AbortSignal) => Promise<void>
}

/** What is to be written. It may be asked for the bytes again from the start, when a try failed. */
export interface Content {
  readonly size: number
  open(): AsyncIterable<Uint8Array>
}

export interface ArchiveStore {
  /** As it may be shown: without credentials. */
  readonly url: string
  /** How often and after what delay its requests are tried again. */
  readonly patience: Patience
  /** Requests side by side that are worth their memory. */
  readonly lanes: number
  /** Undefined if there is no such object. A stream that breaks throws; ObjectReader takes it up again. */
  read(name: string, options?: ReadOptions): Promise<StoredObject | undefined>
  /** Replaces what was there, atomically. After a failure the old object is there, or none, and nothing else. */
  write(name: string, content: Content, signal?: AbortSignal): Promise<void>
  exists(name: string, signal?: AbortSignal): Promise<boolean>
  /** Deleting what is not there is no error. */
  delete(name: string, signal?: AbortSignal): Promise<void>
  /** Names of the objects that begin with the prefix, ascending. A failure is an error and never a shorter list. */
  list(prefix: string, signal?: AbortSignal): Promise<string[]>
  /** Objects that begin with the prefix and what is half written of such, in no order; undefined if this store knows no times. */
  traces(prefix: string, signal?: AbortSignal): Promise<Trace[] | undefined>
  /**
   * Writes if the object still has this version, or if undefined is expected, if there is none. Says whether it did;
   * `unsupported` if this store cannot compare, and then nothing was written.
   */
  writeIf(name: string, bytes: Uint8Array, expected: string | undefined, signal?: AbortSignal): Promise<WriteOutcome>
  close(): void
}

export interface ReadOptions {
  readonly range?: ByteRange
  readonly signal?: AbortSignal | undefined
}

export type WriteOutcome = 'written' | 'changed' | 'unsupported'

interface SmallObject {
  readonly bytes: Buffer
  readonly version: string | undefined
}

/** The whole of a small object. Undefined if it is absent; an object larger than the bound is cut off one byte later. */
export function readSmall(
  store: ArchiveStore,
  name: string,
  bytesMax: number,
  signal?: AbortSignal,
): Promise<SmallObject | undefined> {
  return withRetries(store.patience, signal, async () => {
    const object = await store.read(name, { range: { from: 0, to: bytesMax + 1 }, signal })
    if (object === undefined) return undefined
    const chunks: Uint8Array[] = []
    for await (const chunk of object.bytes) chunks.push(Uint8Array.prototype.slice.call(chunk))
    return { bytes: Buffer.concat(chunks), version: object.version }
  })
}

/** A stream whose source is let go of when the reader stops, also if it never began to read. */
export function releasing(source: AsyncIterator<Uint8Array>, release: () => unknown): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => source.next(),
      async return() {
        await source.return?.()
        await release()
        return { done: true, value: undefined }
      },
    }),
  }
}

export function contentOf(bytes: Uint8Array): Content {
  return {
    size: bytes.length,
    async *open() {
      if (bytes.length > 0) yield bytes
    },
  }
}
