// The letters and numbers of the frontend/backend protocol, version 3.
//
// Source: PostgreSQL documentation, "Message Formats".

/** Message types a frontend sends, as character codes. */
export const frontend = {
  bind: 0x42, // B
  close: 0x43, // C
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyFail: 0x66, // f
  describe: 0x44, // D
  execute: 0x45, // E
  flush: 0x48, // H
  functionCall: 0x46, // F
  parse: 0x50, // P
  password: 0x70, // p
  query: 0x51, // Q
  sync: 0x53, // S
  terminate: 0x58, // X
} as const

/** Message types a backend sends, as character codes. */
export const backend = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  commandComplete: 0x43, // C
  copyBothResponse: 0x57, // W
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  dataRow: 0x44, // D
  emptyQuery: 0x49, // I
  error: 0x45, // E
  negotiateVersion: 0x76, // v
  noData: 0x6e, // n
  notice: 0x4e, // N
  notification: 0x41, // A
  parameterDescription: 0x74, // t
  parameterStatus: 0x53, // S
  parseComplete: 0x31, // 1
  portalSuspended: 0x73, // s
  readyForQuery: 0x5a, // Z
  rowDescription: 0x54, // T
} as const

/** Transaction status bytes of ReadyForQuery. */
export const status = { idle: 0x49, inBlock: 0x54, failed: 0x45 } as const

/** Bytes of a frame before its payload: the type and the length. */
export const frameHeaderBytes = 5

/** PostgreSQL refuses longer start-up packets (MAX_STARTUP_PACKET_LENGTH). */
export const startupBytesMax = 10_000

/** PostgreSQL's own bound of a message (PQ_LARGE_MESSAGE_LIMIT). */
export const frameBytesMax = 0x3fff_ffff

/** Special "versions" that ask for something else than a session. */
export const requestCodes = { cancel: 80877102, ssl: 80877103, gssEncryption: 80877104 } as const

const frontendTypes = new Uint8Array(256)
for (const code of Object.values(frontend)) frontendTypes[code] = 1

export function isFrontendType(code: number): boolean {
  return frontendTypes[code] === 1
}

/** Types of what ends the answer to an extended message. */
export const answerEnds: ReadonlySet<number> = new Set([
  backend.parseComplete,
  backend.bindComplete,
  backend.closeComplete,
  backend.rowDescription,
  backend.noData,
  backend.commandComplete,
  backend.emptyQuery,
  backend.portalSuspended,
])
