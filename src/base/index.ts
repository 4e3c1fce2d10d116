// What every room may use: time, asserts, random numbers, checksums, the disk. Knows nothing of Postgres or caches.
import './latin1.ts'

export { assert, unreachable } from './assert.ts'
export { crc32, crc32ByTable } from './checksum.ts'
export { readChunks } from './chunk-socket.ts'
export { type Clock, ManualClock, RecentTime, systemClock } from './clock.ts'
export type { Disk, DiskFile, LockAttempt, OpenOptions } from './disk.ts'
export { acquireFileLock, fileLockOwner, releaseFileLock } from './file-lock.ts'
export { makeDirectory } from './make-directory.ts'
export { maskPasswords } from './mask.ts'
export { nodeDisk } from './node-disk.ts'
export { isAlive, isKnown } from './process-info.ts'
export { Random } from './random.ts'
