// The yardstick for a miss: a relay that copies bytes from a client to Postgres and back, and knows nothing of either.
//
// Two sockets per client, one reusable read buffer for all, no delay, back-pressure by pausing the side that reads.
//
// Started by the bench, which sends { address, port } once as a message.

import net from 'node:net'
import { socketOptions } from './parts/session.mjs'

const readBuffer = Buffer.allocUnsafe(64 * 1024)

// Ends with whoever started it, however that ended.
process.on('disconnect', () => process.exit())

process.on('message', (message) => {
  const { address, port } = /** @type {{ address: import('./parts/session.mjs').Address, port: number }} */ (message)
  const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => relay(accepted, address))
  server.listen(port, '127.0.0.1', () => process.send?.('listening'))
})

function relay(accepted, address) {
  // The read buffer is used again at once, and a write may outlive it: hence the copy.
  const client = new net.Socket({
    handle: accepted._handle,
    onread: { buffer: readBuffer, callback: (length, buffer) => pass(buffer, length, client, origin) },
  })
  const origin = net.connect({
    ...socketOptions(address),
    onread: { buffer: readBuffer, callback: (length, buffer) => pass(buffer, length, origin, client) },
  })
  client.setNoDelay(true)
  origin.setNoDelay(true)
  join(client, origin)
  join(origin, client)
  client.resume()
}

function pass(buffer, length, from, to) {
  if (to.write(Buffer.from(buffer.subarray(0, length)))) return true
  to.once('drain', () => from.resume())
  from.pause()
  return true
}

function join(from, to) {
  from.on('end', () => to.end())
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroySoon())
}
