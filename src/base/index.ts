// What every room may use: time, asserts, random numbers. Knows nothing of Postgres or caches.
import './latin1.ts'

export { assert, unreachable } from './assert.ts'
export { readChunks } from './chunk-socket.ts'
export { type Clock, ManualClock, systemClock } from './clock.ts'
export { makeDirectory } from './make-directory.ts'
export { maskPasswords } from './mask.ts'
export { Random } from './random.ts'
