// Reads a socket into one buffer that all connections share, instead of a fresh buffer per read (a tenth of the cost of a hit).
//
// Node offers this (`onread`) only to sockets it makes itself, so an accepted or already connected socket hands its handle over to a
// new one. A TLS socket has no handle of its own to give; it is read through its 'data' event.
//
// Whoever is given a chunk owns it until the callback returns and not a moment longer: what is kept must be copied.

import net from 'node:net'
import tls from 'node:tls'

const sharedBuffer = Buffer.allocUnsafeSlow(64 * 1024)

interface SocketInternals {
  _handle: unknown
  _server: unknown
  server: unknown
}

/** The socket to use from now on; `socket` itself must not be used again if another one comes back. It starts flowing at once. */
export function readChunks(socket: net.Socket, onChunk: (bytes: Buffer, length: number) => void): net.Socket {
  const internals = socket as unknown as SocketInternals
  if (socket instanceof tls.TLSSocket || !internals._handle || socket.readableLength > 0 || socket.writableLength > 0) {
    socket.on('data', (bytes: Buffer) => onChunk(bytes, bytes.length))
    socket.resume()
    return socket
  }
  const handle = internals._handle
  const server = internals._server
  internals._handle = null
  internals._server = null
  socket.removeAllListeners()
  const options = {
    handle,
    onread: {
      buffer: sharedBuffer,
      callback: (length: number, bytes: Uint8Array) => {
        onChunk(bytes as Buffer, length)
        return true
      },
    },
  }
  const adopted = new net.Socket(options as unknown as net.SocketConstructorOpts)
  const adoptedInternals = adopted as unknown as SocketInternals
  adoptedInternals._server = server
  adoptedInternals.server = server
  adopted.setNoDelay(true)
  adopted.resume()
  return adopted
}
