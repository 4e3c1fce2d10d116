// Big transfers through Larder: nothing is lost, and whoever is slow costs no memory.
//
// The client does not read until the origin itself is stuck in a write, so that every buffer between them is full; then
// the memory that Larder added is what back-pressure allows. STREAM_MB=1024, or --long, for the long run.

import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { copyData, copyDone, query, startup, WireClient } from '../support/wire-client.ts'
import { useClientStage } from './client-stage.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const megabyte = 1024 * 1024
const streamMegabytes = Number(process.env.STREAM_MB ?? (process.env.CLIENTS_LONG === '1' ? 1024 : 200))
/** What a stuck connection may hold, over and above the buffers of the kernel. */
const heldMax = 24 * megabyte
/** What may be alive while bytes flow: chunks that were passed on count until they are collected. */
const flowingMax = 64 * megabyte

const stage = useClientStage({ parameters: { max_connections: 40 } })

describe('a large answer', () => {
  it('waits at the origin while the client does not read, and then arrives whole', async () => {
    const watcher = await stage.origin.connect()
    const client = await WireClient.connect({
      host: stage.larder.host,
      port: stage.larder.port,
      user: 'postgres',
      database: 'postgres',
      parameters: { application_name: 'slow-reader' },
    })
    const before = memory()
    client.send(query(`select repeat('x', 1000) as filler from generate_series(1, ${streamMegabytes * 1000})`))
    client.pause()
    await untilWaiting(watcher, 'slow-reader', 'ClientWrite')
    expect(memory() - before).toBeLessThan(heldMax)
    client.destroy()
    const reader = await readAll(
      `select repeat('x', 1000) as filler from generate_series(1, ${streamMegabytes * 1000})`,
    )
    expect(reader.rows).toBe(streamMegabytes * 1000)
    expect(reader.peak - before).toBeLessThan(flowingMax)
  }, 120_000)
})

describe('a large COPY', () => {
  it('waits at the client while the origin does not read, and then arrives whole', async () => {
    const [blocker, watcher] = [await stage.origin.connect(), await stage.origin.connect()]
    await blocker.query(`
      create table heap (line text);
      create function wait_for_permission() returns trigger language plpgsql as
        'begin perform pg_advisory_xact_lock_shared(7); return new; end';
      create trigger wait before insert on heap for each row execute function wait_for_permission();
      select pg_advisory_lock(7)`)
    const before = memory()
    const socket = await startCopy('copy heap from stdin')
    const line = copyData(`${'y'.repeat(999)}\n`)
    const chunk = Buffer.concat(Array.from({ length: 64 }, () => line))
    // The socket's queue holds the same chunk many times over, so it costs this process next to nothing.
    const chunkCount = Math.round(streamMegabytes / 4) * 16
    for (let count = 0; count < chunkCount; count++) socket.write(chunk)
    expect(await acceptedAtRest(socket, watcher)).toBeLessThan(heldMax)
    expect(memory() - before).toBeLessThan(heldMax)
    const done = nextFrame(socket, 'Z')
    socket.write(copyDone())
    await blocker.query('select pg_advisory_unlock(7)')
    await done
    socket.destroy()
    expect((await watcher.query('select count(*)::int as n from heap')).rows).toEqual([{ n: chunkCount * 64 }])
  }, 120_000)
})

/** How many bytes were taken from the socket's queue by the time nothing moves any more. */
async function acceptedAtRest(socket: Socket, watcher: pg.Client): Promise<number> {
  const accepted = (): number => socket.bytesWritten - socket.writableLength
  let last = -1
  for (let still = 0; still < 50; still++) {
    await watcher.query('select 1')
    if (accepted() !== last) still = 0
    last = accepted()
  }
  return last
}

/** Bytes in use after a collection of garbage: what somebody still holds. */
function memory(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function untilWaiting(watcher: pg.Client, applicationName: string, event: string): Promise<void> {
  const sql = 'select from pg_stat_activity where application_name = $1 and wait_event = $2'
  while ((await watcher.query(sql, [applicationName, event])).rowCount === 0);
}

/** Reads without keeping anything. */
async function readAll(sql: string): Promise<{ rows: number; peak: number }> {
  const socket = await openSession()
  socket.write(query(sql))
  return new Promise((resolve, reject) => {
    let rows = 0
    let chunks = 0
    let peak = 0
    forEachFrame(socket, (type) => {
      if (type === 'D') rows += 1
      if (type === 'E') reject(new Error('the read failed'))
      if (type !== 'Z') return
      socket.destroy()
      resolve({ rows, peak })
    })
    socket.on('data', () => {
      if (++chunks % 500 === 0) peak = Math.max(peak, memory())
    })
  })
}

async function startCopy(sql: string): Promise<Socket> {
  const socket = await openSession()
  const opened = nextFrame(socket, 'G')
  socket.write(query(sql))
  await opened
  return socket
}

async function openSession(): Promise<Socket> {
  const socket = connect(stage.larder.port, stage.larder.host)
  const ready = nextFrame(socket, 'Z')
  socket.write(startup({ user: 'postgres', database: 'postgres' }))
  await ready
  return socket
}

function nextFrame(socket: Socket, wanted: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = forEachFrame(socket, (type) => {
      if (type !== wanted) return
      stop()
      resolve()
    })
  })
}

/** Tells the types of the frames that come and skips what is in them. */
function forEachFrame(socket: Socket, see: (type: string) => void): () => void {
  let skip = 0
  let rest: Buffer = Buffer.alloc(0)
  const read = (chunk: Buffer): void => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    rest = Buffer.alloc(0)
    let at = skip
    while (at + 5 <= bytes.length) {
      const type = String.fromCharCode(bytes[at] as number)
      at += 1 + bytes.readInt32BE(at + 1)
      see(type)
    }
    skip = Math.max(at - bytes.length, 0)
    if (at < bytes.length) rest = Buffer.from(bytes.subarray(at))
  }
  socket.on('data', read)
  return () => socket.off('data', read)
}
