// The disk of this machine, through node:fs.

import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  write as laterWrite,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import type { Disk, DiskFile, OpenOptions } from './disk.ts'
import { acquireFileLock, releaseFileLock } from './file-lock.ts'

export const nodeDisk: Disk = {
  open: (path, options = {}) => new NodeFile(openSync(path, flagsOf(options), 0o600)),
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true, recursive: true }),
  list: (directory) => readdirSync(directory).sort(),
  makeDirectory: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  syncDirectory: (path) => {
    const handle = openSync(path, constants.O_RDONLY)
    try {
      fsyncSync(handle)
    } catch (error) {
      // Windows and some network file systems know no such thing; there the names are as safe as they get.
      if (!['EINVAL', 'EPERM', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    } finally {
      closeSync(handle)
    }
  },
  exists: existsSync,
  lock: (path) => {
    const other = acquireFileLock(path)
    if (other !== undefined) return { kind: 'in use', owner: `process ${other.ownerPid}` }
    return { kind: 'held', release: () => releaseFileLock(path) }
  },
}

function flagsOf({ create, exclusive, readOnly }: OpenOptions): number {
  if (readOnly === true) return constants.O_RDONLY
  return constants.O_RDWR | (create === true ? constants.O_CREAT : 0) | (exclusive === true ? constants.O_EXCL : 0)
}

class NodeFile implements DiskFile {
  readonly #handle: number
  #size: number
  #isOpen = true

  constructor(handle: number) {
    this.#handle = handle
    this.#size = fstatSync(handle).size
  }

  get size(): number {
    return this.#size
  }

  read(into: Uint8Array, at: number): number {
    let done = 0
    while (done < into.length) {
      const count = readSync(this.#handle, into, done, into.length - done, at + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  write(bytes: Uint8Array, at: number): void {
    let done = 0
    while (done < bytes.length) done += writeSync(this.#handle, bytes, done, bytes.length - done, at + done)
    this.#size = Math.max(this.#size, at + done)
  }

  writeLater(bytes: Uint8Array, at: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (done: number): void => {
        laterWrite(this.#handle, bytes, done, bytes.length - done, at + done, (error, count) => {
          if (error !== null) return reject(error)
          if (done + count < bytes.length) return step(done + count)
          this.#size = Math.max(this.#size, at + bytes.length)
          resolve()
        })
      }
      step(0)
    })
  }

  truncate(size: number): void {
    ftruncateSync(this.#handle, size)
    this.#size = size
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#handle, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  syncNow(): void {
    fdatasyncSync(this.#handle)
  }

  close(): void {
    // Closed twice, a handle might be somebody else's by then.
    if (this.#isOpen) closeSync(this.#handle)
    this.#isOpen = false
  }
}
