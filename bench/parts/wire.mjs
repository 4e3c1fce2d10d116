// Builds the few frontend messages a benchmark sends, as bytes made once and sent many times, and reads frames back.
//
// Source: PostgreSQL documentation, "Message Formats".

const protocolVersion3 = 196608

/** @param {{ user: string, database: string }} identity */
export function startup({ user, database }) {
  const body = Buffer.from(`${['user', user, 'database', database, 'application_name', 'bench'].join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + body.length, 0)
  head.writeInt32BE(protocolVersion3, 4)
  return Buffer.concat([head, body])
}

/** @param {string} text */
export function query(text) {
  return message('Q', cString(text))
}

/** Parse and Sync of a named statement. */
export function prepare(name, text) {
  return Buffer.concat([message('P', cString(name), cString(text), Buffer.from([0, 0])), sync])
}

/** Bind, Describe, Execute, Sync on a named statement, parameters and results as text. */
export function execute(name, values = []) {
  const parameters = values.flatMap((value) => {
    const bytes = Buffer.from(String(value))
    return [int32(bytes.length), bytes]
  })
  const bind = message('B', cString(''), cString(name), int16(0), int16(values.length), ...parameters, int16(0))
  return Buffer.concat([bind, describePortal, executePortal, sync])
}

const sync = message('S')
const describePortal = message('D', Buffer.from('P\0'))
const executePortal = message('E', cString(''), int32(0))

export const terminate = message('X')

/**
 * Splits bytes that hold whole frames.
 *
 * @param {Buffer} bytes
 * @returns {{ type: string, start: number, end: number }[]}
 */
export function frames(bytes) {
  const found = []
  for (let start = 0; start < bytes.length; ) {
    const end = start + 1 + bytes.readInt32BE(start + 1)
    found.push({ type: String.fromCharCode(bytes[start]), start, end })
    start = end
  }
  return found
}

/** The fields of an ErrorResponse or NoticeResponse frame, by their letter. */
export function errorFields(frame) {
  const fields = frame.subarray(5).toString().split('\0').filter(Boolean)
  return Object.fromEntries(fields.map((field) => [field[0], field.slice(1)]))
}

function message(type, ...parts) {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function cString(text) {
  return Buffer.from(`${text}\0`)
}

function int16(value) {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
