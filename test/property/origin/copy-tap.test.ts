// The tap between a socket and its library, under any cutting of the bytes into chunks: copied payloads come out by their heads, the rest
// passes untouched, and nothing is kept beyond the head.

import net from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { Random } from '../../../src/base/index.ts'
import { CopyTap } from '../../../src/origin/copy-tap.ts'

const rounds = Number(process.env.ROUNDS ?? 40)
const random = Random.fromEnvironment()
const headBytesMax = 16

const server = net.createServer((socket) => {
  written = socket
  accepted()
})
let written: net.Socket
let accepted: () => void = () => undefined
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
afterAll(() => void server.close())

function message(type: string, payload: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.write(type, 'latin1')
  header.writeUInt32BE(payload.length + 4, 1)
  return Buffer.concat([header, payload])
}

async function round(): Promise<void> {
  const { port } = server.address() as net.AddressInfo
  const isAccepted = new Promise<void>((resolve) => {
    accepted = resolve
  })
  const socket = net.connect(port, '127.0.0.1')
  await isAccepted
  const tap = new CopyTap(socket, headBytesMax)
  const copied: [string, number][] = []
  const passed: Buffer[] = []
  tap.onCopyData = (head, payloadBytes) => copied.push([head.toString('hex'), payloadBytes])
  tap.on('data', (chunk: Buffer) => passed.push(chunk))
  const messages = Array.from({ length: 1 + random.int(30) }, () => {
    const payload = Buffer.from(
      Array.from({ length: random.pick([0, 1, 3, 15, 16, 17, 40, 300]) }, () => random.int(256)),
    )
    return { type: random.pick(['d', 'd', 'W', 'Z', 'N']), payload }
  })
  const bytes = Buffer.concat(messages.map(({ type, payload }) => message(type, payload)))
  const isOver = new Promise<void>((resolve) => tap.once('close', () => resolve()))
  for (let at = 0; at < bytes.length; ) {
    const size = random.pick([1, 2, 4, 5, 6, 30, 500])
    await new Promise<void>((resolve) => written.write(bytes.subarray(at, at + size), () => resolve()))
    at += size
  }
  written.end()
  await isOver
  const copies = messages.filter(({ type }) => type === 'd')
  expect(copied).toEqual(
    copies.map(({ payload }) => [payload.subarray(0, headBytesMax).toString('hex'), payload.length]),
  )
  const others = messages.filter(({ type }) => type !== 'd')
  expect(Buffer.concat(passed).equals(Buffer.concat(others.map(({ type, payload }) => message(type, payload))))).toBe(
    true,
  )
}

it('takes out what is copied, by its heads, and passes everything else untouched', async () => {
  for (let count = 0; count < rounds; count++) await round()
})
