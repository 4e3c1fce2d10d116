// The data of COPY into relations of ours, as the client sends them: CopyData messages up to CopyDone, one COPY at a time.
//
// Sync and Flush are ignored meanwhile, as by PostgreSQL; whatever ends a COPY otherwise is the error that PostgreSQL would answer.

import { conditions, ServerError } from '../errors/index.ts'
import { frameHeaderBytes, frontend } from '../wire/index.ts'

/** All of it is held until its end. */
const copyBytesMax = 256 * 1024 * 1024

interface OpenCopy {
  readonly frames: Buffer[]
  bytes: number
  readonly resolve: (data: Buffer) => void
  readonly reject: (error: ServerError) => void
}

export class OwnCopies {
  /** How many there were. */
  count = 0
  #open: OpenCopy | undefined

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** Resolves with the messages, one behind the other; rejects with a ServerError. */
  open(): Promise<Buffer> {
    this.count++
    return new Promise((resolve, reject) => {
      this.#open = { frames: [], bytes: 0, resolve, reject }
    })
  }

  /** A message, or as much of it as has come of so many bytes; false if the rest has to come first. */
  take(type: number, bytes: Buffer, frameBytes: number): boolean {
    const open = this.#open as OpenCopy
    if (open.bytes + frameBytes > copyBytesMax) {
      this.fail(new ServerError(conditions.copyTooLarge, [copyBytesMax], { hint: 'Copy it in parts.' }))
      return true
    }
    if (bytes.length < frameBytes) return false
    if (type === frontend.copyData) {
      open.bytes += frameBytes
      open.frames.push(Buffer.from(bytes))
    } else if (type === frontend.copyDone) {
      this.#open = undefined
      open.resolve(Buffer.concat(open.frames))
    } else if (type === frontend.copyFail) {
      this.fail(copyFailed(bytes.toString('utf8', frameHeaderBytes, bytes.length - 1)))
    } else if (type !== frontend.sync && type !== frontend.flush) {
      this.fail(copyFailed(`unexpected message type 0x${type.toString(16).toUpperCase()} during COPY from stdin`))
    }
    return true
  }

  fail(error: ServerError): void {
    const open = this.#open
    this.#open = undefined
    open?.reject(error)
  }
}

function copyFailed(reason: string): ServerError {
  return new ServerError(conditions.copyFailed, [reason])
}
