// Reads the answers to a batch: passes on what answers the client's frames, drops what answers ours.
//
//   phase   0 … n-1 settings | n our opening | n+1 the client's frames | n+2 ROLLBACK          (a ReadyForQuery ends each)

import { backend, commandCompleteFrame, errorFrame, moveErrorPosition, readFields } from '../wire/index.ts'
import type { ExchangeReader } from './system-connection.ts'
import type { VirtualOutput, VirtualRequest } from './virtual-request.ts'

/** What PostgreSQL says about a name it does not know: function, type or schema, relation. */
const unknownNames: ReadonlySet<string> = new Set(['42883', '42704', '3F000', '42P01'])

export class BatchReader implements ExchangeReader {
  failed = false
  unresolved = false
  #answered = false
  readonly #request: VirtualRequest
  readonly #output: VirtualOutput
  readonly #clientPhase: number
  #phase = 0
  /** The error of our own opening, which stands for whatever the client's frames would say. */
  #openingError: Buffer | undefined
  #parts: Buffer[] = []
  /** Start of the frames to pass on that lie together, or -1. */
  #runStart = -1

  constructor(request: VirtualRequest, settingCount: number, output: VirtualOutput) {
    this.#request = request
    this.#output = output
    this.#clientPhase = settingCount + 1
  }

  frame(type: number, chunk: Buffer, start: number, end: number): void {
    if (type === backend.error) this.#noteError(chunk, start, end)
    if (this.#phase === this.#clientPhase && this.#openingError === undefined && this.#passes(type)) {
      this.#pass(type, chunk, start, end)
    } else this.#endRun(chunk, start)
    if (type === backend.readyForQuery) this.#nextPhase()
  }

  chunkEnd(chunk: Buffer): void | Promise<void> {
    this.#endRun(chunk, chunk.length)
    if (this.#parts.length === 0) return
    const bytes = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts)
    this.#parts = []
    return this.#output(bytes)
  }

  #passes(type: number): boolean {
    if (this.unresolved) return false
    switch (type) {
      case backend.readyForQuery:
      case backend.parameterStatus:
      case backend.notification:
        return false
      case backend.parseComplete:
      case backend.bindComplete:
      case backend.closeComplete:
      case backend.noData:
        return !this.#request.simple
      default:
        return true
    }
  }

  #pass(type: number, chunk: Buffer, start: number, end: number): void {
    this.#answered = true
    if (type === backend.dataRow) this.#request.watch?.(chunk.subarray(start, end))
    const { tag, shift = 0 } = this.#request
    if (type === backend.error && tag === undefined && shift > 0) {
      this.#endRun(chunk, start)
      this.#parts.push(moveErrorPosition(chunk, start, end, (position) => position + shift))
    } else if (tag !== undefined && (type === backend.commandComplete || type === backend.error)) {
      this.#endRun(chunk, start)
      this.#parts.push(type === backend.error ? withoutPosition(chunk, start, end) : commandCompleteFrame(tag))
    } else if (this.#runStart < 0) this.#runStart = start
  }

  #noteError(chunk: Buffer, start: number, end: number): void {
    if (this.#phase === this.#clientPhase) {
      this.failed = true
      const sqlstate = readFields(chunk, start, end).get('C') ?? ''
      this.unresolved = this.#request.mayBeElsewhere === true && !this.#answered && unknownNames.has(sqlstate)
    }
    if (this.#phase !== this.#clientPhase - 1) return
    this.#openingError = Buffer.from(chunk.subarray(start, end))
    this.failed = true
  }

  #nextPhase(): void {
    if (this.#phase === this.#clientPhase - 1 && this.#openingError !== undefined) {
      this.#parts.push(this.#openingError)
    }
    this.#phase++
  }

  #endRun(chunk: Buffer, end: number): void {
    if (this.#runStart >= 0 && end > this.#runStart) this.#parts.push(chunk.subarray(this.#runStart, end))
    this.#runStart = -1
  }
}

/** Positions are those of the text that ran, which is not the one the client sent. */
function withoutPosition(chunk: Buffer, start: number, end: number): Buffer {
  const fields = readFields(chunk, start, end)
  const [severity = 'ERROR', sqlstate = 'XX000', message = ''] = ['S', 'C', 'M'].map((letter) => fields.get(letter))
  return errorFrame({ severity, sqlstate, message, detail: fields.get('D'), hint: fields.get('H') })
}
