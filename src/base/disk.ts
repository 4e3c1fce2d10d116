// What a store needs of a file system. The real one is node-disk.ts; tests have one in memory that can fail (test/support).
//
// Reads and writes are synchronous: they go to the page cache of the operating system and return in microseconds, and the
// store has a thread of its own. Syncs wait for the device, so they are asynchronous, and reads are served meanwhile.
//
// Errors are those of Node: an Error with a `code` such as ENOSPC or EIO.

export interface DiskFile {
  /** Bytes, holes included. */
  readonly size: number
  /** Reads until `into` is full or the file ends; returns the bytes read. */
  read(into: Uint8Array, at: number): number
  /** Writes all of `bytes`, or throws; after an error any part of them may have been written. */
  write(bytes: Uint8Array, at: number): void
  /** The same without holding up the thread; `bytes` belong to the disk until it is done. */
  writeLater(bytes: Uint8Array, at: number): Promise<void>
  truncate(size: number): void
  /** Everything written before the call has reached the device when the promise resolves (fdatasync). */
  sync(): Promise<void>
  /** The same while the thread waits; for opening and closing. */
  syncNow(): void
  /** May be called again. */
  close(): void
}

export interface OpenOptions {
  /** Makes the file if it is missing. */
  readonly create?: boolean
  /** With `create`: fails with EEXIST if it is there. */
  readonly exclusive?: boolean
  readonly readOnly?: boolean
}

/** `owner` says who has it, for a message to a person. */
export type LockAttempt =
  | { readonly kind: 'held'; release(): void }
  | { readonly kind: 'in use'; readonly owner: string }

export interface Disk {
  open(path: string, options?: OpenOptions): DiskFile
  rename(from: string, to: string): void
  /** A file, or a directory with all that is in it; nothing if it is not there. */
  remove(path: string): void
  /** Names, sorted. */
  list(directory: string): string[]
  /** Parents included; nothing if it is there. */
  makeDirectory(path: string): void
  /** Names made, renamed and removed in the directory before the call stay so after a loss of power. */
  syncDirectory(path: string): void
  exists(path: string): boolean
  /** Held until released or until the process ends, however it ends. */
  lock(path: string): LockAttempt
}
