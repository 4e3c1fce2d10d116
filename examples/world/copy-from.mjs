// Sends rows with COPY … FROM STDIN over a connection of `pg`, which has no COPY of its own.
//
//   copyFrom(client, 'world.cities (id, name)', rows)
//     -> Query "copy … from stdin"   <- CopyInResponse
//     -> CopyData, CopyData, …       one message per 64 kB of text, at the pace the socket takes them
//     -> CopyDone                    <- CommandComplete, ReadyForQuery
//
// Source: PostgreSQL documentation, "COPY Operations" (protocol) and "COPY, Text Format".

const chunkSizeChars = 64 * 1024

/**
 * Copies rows into a table and resolves to their number.
 *
 * @param {import('pg').Client} client
 * @param {string} target table and, in brackets, its columns
 * @param {Iterable<readonly unknown[]>} rows one array of values per row; null and undefined are NULL
 * @returns {Promise<number>}
 */
export function copyFrom(client, target, rows) {
  return new Promise((resolve, reject) => {
    client.query(new CopyFrom(`copy ${target} from stdin`, rows, resolve, reject))
  })
}

// What pg calls a Submittable: it is handed the messages that answer the statement it sent.
class CopyFrom {
  rowCount = 0
  /** @type {Error | undefined} */
  error

  /**
   * @param {string} text
   * @param {Iterable<readonly unknown[]>} rows
   * @param {(rowCount: number) => void} resolve
   * @param {(error: Error) => void} reject
   */
  constructor(text, rows, resolve, reject) {
    this.text = text
    this.rows = rows
    this.resolve = resolve
    this.reject = reject
  }

  submit(connection) {
    connection.query(this.text)
  }

  handleCopyInResponse(connection) {
    this.send(connection).catch((error) => {
      connection.sendCopyFail(error.message)
    })
  }

  async send(connection) {
    const { stream } = connection
    for (const chunk of chunks(this.rows)) {
      // The server refused a row that was sent before: what follows would only be thrown away.
      if (this.error !== undefined) return
      connection.sendCopyFromChunk(Buffer.from(chunk))
      if (stream.writableNeedDrain) await drained(stream)
    }
    connection.endCopyFrom()
  }

  handleCommandComplete(message) {
    this.rowCount = Number(message.text.split(' ')[1])
  }

  // pg calls this for an ErrorResponse, after which ReadyForQuery follows, and for a lost connection, after which nothing does.
  handleError(error, connection) {
    this.error = error
    if (!connection.stream.writable) this.reject(error)
  }

  handleReadyForQuery() {
    if (this.error === undefined) this.resolve(this.rowCount)
    else this.reject(this.error)
  }
}

function drained(stream) {
  return new Promise((resolve, reject) => {
    const done = (error) => {
      stream.off('drain', done)
      stream.off('close', done)
      if (stream.destroyed) reject(error ?? new Error('connection closed during COPY'))
      else resolve(undefined)
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

function* chunks(rows) {
  let chunk = ''
  for (const row of rows) {
    chunk += `${row.map(field).join('\t')}\n`
    if (chunk.length < chunkSizeChars) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}

const escapes = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function field(value) {
  if (value === null || value === undefined) return '\\N'
  const text = Array.isArray(value) ? arrayLiteral(value) : String(value)
  return text.replace(/[\\\t\n\r]/g, (character) => escapes[character])
}

function arrayLiteral(values) {
  return `{${values.map((value) => `"${String(value).replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}
