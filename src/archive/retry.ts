// Tries a request again when the other side was slow or stumbled: five times, after growing, jittered delays (BKE-7).
//
// A delay is between half and the whole of 200 ms, doubled each time, at most 10 s: jitter keeps many clients of one
// troubled service from coming back at the same moment. Only what may pass by itself is tried again; "no such bucket"
// or "forbidden" is said at once.

import type { Clock, Random } from '../base/index.ts'

const retriesMax = 5
const delayMsFirst = 200
const delayMsMax = 10_000

/** Why a request failed, before it becomes an error for a client. */
export class TransferError extends Error {
  override readonly name = 'TransferError'
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined
  /** What the other side or the system calls it: `AccessDenied`, `ECONNRESET`. */
  readonly code: string
  /** True if the same request may succeed later. */
  readonly transient: boolean

  constructor(code: string, fields: { status?: number | undefined; transient?: boolean; cause?: unknown } = {}) {
    const status = fields.status === undefined ? '' : `${fields.status} `
    super(`${status}${code}`, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.code = code
    this.status = fields.status
    this.transient = fields.transient ?? (fields.status !== undefined && isTransientStatus(fields.status))
  }

  /** The same failure after the last try: whoever tries around this one need not try again. */
  final(): TransferError {
    return this.transient ? new TransferError(this.code, { status: this.status, transient: false, cause: this }) : this
  }
}

function isTransientStatus(status: number): boolean {
  return status >= 500 ? status !== 501 && status !== 505 : status === 408 || status === 429
}

const passingCodes = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
])

/** A failure of the connection, as the system or Node names it. */
export function connectionFailure(error: unknown): TransferError {
  if (error instanceof TransferError) return error
  const code = (error as NodeJS.ErrnoException).code ?? (error as Error).name
  return new TransferError(code, { transient: passingCodes.has(code), cause: error })
}

/** What is counted of a store's traffic; the fields are those of the counters archive_… */
interface ArchiveMeter {
  requests: number
  retries: number
  errors: number
}

export interface Patience {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly random: Pick<Random, 'next'>
  /** Resolves after the time, rejects at once when the signal aborts. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>
  readonly meter: ArchiveMeter
}

/** Runs one request, again if it failed for a passing reason. The last failure is thrown. */
export async function withRetries<T>(
  patience: Patience,
  signal: AbortSignal | undefined,
  request: () => Promise<T>,
): Promise<T> {
  for (let retries = 0; ; retries++) {
    signal?.throwIfAborted()
    patience.meter.requests++
    try {
      return await request()
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof TransferError) || !error.transient || retries === retriesMax) {
        patience.meter.errors++
        throw error instanceof TransferError ? error.final() : error
      }
      patience.meter.retries++
      await patience.wait(delayMs(retries, patience.random), signal)
    }
  }
}

export function delayMs(retries: number, random: Pick<Random, 'next'>): number {
  const full = Math.min(delayMsFirst * 2 ** retries, delayMsMax)
  return full / 2 + (full / 2) * random.next()
}
