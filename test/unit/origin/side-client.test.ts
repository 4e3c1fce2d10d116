// A connection of our own, before a server that answers nothing any more.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { parseOriginUrl, SideClient } from '../../../src/origin/index.ts'

const authenticated = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
const key = Buffer.from([0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 2])
const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean()
})

describe('a connection that is given up', () => {
  it('is over at once, though the cancel of what it asked is never answered', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined).resume())
      // The second is the cancel.
      if (sockets.length === 1) socket.once('data', () => socket.write(Buffer.concat([authenticated, key, ready])))
    })
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const target = parseOriginUrl(`postgres://someone@127.0.0.1:${port}/db?sslmode=disable`)
    const side = await SideClient.open({ ...target, connectTimeoutMs: 0 }, { applicationName: 'test' })
    const refused = side.exchange(Buffer.from([0x53, 0, 0, 0, 4]), 1, 100).catch(String)
    side.abandon()
    expect(await refused).toContain('given up')
  })
})
