// The yardstick for a hit: a server that does nothing but answer known bytes from a Map, as well as Node can.
//
// It knows where a frame ends, which statement a name means and which bytes answer which parameters. It knows no cache,
// no freshness, no roles, no transactions, no origin. What it costs is what Node and the system cost; what a real server
// costs beyond it is the server's own work.
//
// The techniques are the best known: one reusable read buffer for all sockets (`onread`), everything between the read and
// the write in one synchronous go, one write per batch, replies joined beforehand, no delay.
//
// Started by the bench, which sends the answers once as a message: { answers: Answer[], port }.

import net from 'node:net'

/**
 * @typedef {object} Answer
 * @property {string} text the statement
 * @property {Uint8Array | undefined} simple what answers it as a simple query, ReadyForQuery included
 * @property {{ bind: Uint8Array, bytes: Uint8Array }[]} executions per parameters: a Bind message and what answers
 *   Bind, Describe, Execute, Sync with it, ReadyForQuery included
 */

const [Q, P, B, S, X] = ['Q', 'P', 'B', 'S', 'X'].map((letter) => letter.charCodeAt(0))

const authenticationOk = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
const backendKeyData = Buffer.from([0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1])
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
const parseComplete = Buffer.from([0x31, 0, 0, 0, 4])

/** @type {Map<string, Buffer>} answers to simple queries by text */
const simpleAnswers = new Map()
/** @type {Map<string, Map<string, Buffer>>} by text, then by what a Bind holds behind the statement's name */
const executions = new Map()

const readBuffer = Buffer.allocUnsafe(64 * 1024)

// Ends with whoever started it, however that ended.
process.on('disconnect', () => process.exit())

process.on('message', (message) => {
  const { answers, port } = /** @type {{ answers: Answer[], port: number }} */ (message)
  for (const answer of answers) {
    if (answer.simple !== undefined) simpleAnswers.set(answer.text, Buffer.from(answer.simple))
    executions.set(
      answer.text,
      new Map(answer.executions.map(({ bind, bytes }) => [bindKey(bind), Buffer.from(bytes)])),
    )
  }
  const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (socket) => new BareSession(socket))
  server.listen(port, '127.0.0.1', () => process.send?.('listening'))
})

function bindKey(bind) {
  const bytes = Buffer.from(bind)
  const { end } = names(bytes, 0)
  return bytes.latin1Slice(end, bytes.length)
}

// What was not recorded before the run has no answer; better to end than to measure it.
function known(answers, key) {
  const answer = answers.get(key)
  if (answer === undefined) throw new Error(`the bare server has no answer to ${JSON.stringify(key)}`)
  return answer
}

// A Bind begins with the portal's name and the statement's, each ended by a zero.
function names(buffer, start) {
  const portalEnd = buffer.indexOf(0, start + 5)
  const end = buffer.indexOf(0, portalEnd + 1)
  return { statement: buffer.latin1Slice(portalEnd + 1, end), end: end + 1 }
}

class BareSession {
  started = false
  /** @type {Map<string, Map<string, Buffer>>} statements by name */
  statements = new Map()
  /** Bytes of an incomplete frame, kept until the rest comes. */
  pending = Buffer.alloc(0)
  /** @type {Buffer[]} */
  replies = []
  /** @type {Buffer | undefined} */
  bound

  constructor(accepted) {
    // An accepted socket takes no `onread`; a socket made anew around its handle does.
    const socket = new net.Socket({
      handle: accepted._handle,
      onread: { buffer: readBuffer, callback: (length, buffer) => this.receive(buffer, length) },
    })
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.resume()
  }

  receive(buffer, length) {
    if (this.pending.length === 0) {
      this.consume(buffer, length)
    } else {
      const joined = Buffer.concat([this.pending, buffer.subarray(0, length)])
      this.pending = Buffer.alloc(0)
      this.consume(joined, joined.length)
    }
    this.flush()
    return true
  }

  consume(buffer, length) {
    let at = 0
    if (!this.started) at = this.startUp(buffer)
    while (at + 5 <= length) {
      const end = at + 1 + buffer.readInt32BE(at + 1)
      if (end > length) break
      this.handle(buffer, at, end)
      at = end
    }
    if (at < length) this.pending = Buffer.from(buffer.subarray(at, length))
  }

  startUp(buffer) {
    this.started = true
    this.replies.push(authenticationOk, backendKeyData, readyForQuery)
    return buffer.readInt32BE(0)
  }

  handle(buffer, at, end) {
    const type = buffer[at]
    if (type === Q) {
      this.replies.push(known(simpleAnswers, buffer.latin1Slice(at + 5, end - 1)))
    } else if (type === B) {
      const bind = names(buffer, at)
      this.bound = known(this.statements.get(bind.statement), buffer.latin1Slice(bind.end, end))
    } else if (type === S) {
      this.replies.push(this.bound ?? readyForQuery)
      this.bound = undefined
    } else if (type === P) {
      this.parse(buffer, at)
    } else if (type === X) {
      this.socket.end()
    }
    // Describe and Execute concern the bound portal, and its reply contains what they ask for.
  }

  parse(buffer, at) {
    const nameEnd = buffer.indexOf(0, at + 5)
    const textEnd = buffer.indexOf(0, nameEnd + 1)
    this.statements.set(buffer.latin1Slice(at + 5, nameEnd), executions.get(buffer.latin1Slice(nameEnd + 1, textEnd)))
    this.replies.push(parseComplete)
  }

  flush() {
    const { replies } = this
    if (replies.length === 0) return
    this.socket.write(replies.length === 1 ? replies[0] : Buffer.concat(replies))
    this.replies = []
  }
}
