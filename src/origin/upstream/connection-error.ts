// Why an origin could not be reached: a code for programs and a sentence for people, neither with a secret in it.

import type { OriginTarget } from './target.ts'

export class OriginConnectionError extends Error {
  override readonly name = 'OriginConnectionError'
  /** A system code (ECONNREFUSED, ENOTFOUND, ETIMEDOUT …), one of OpenSSL or Node for TLS, or one of ours below. */
  readonly code: string
  /** `network`: nobody answered; `tls`: no agreement on encryption; `protocol`: whoever answered is not Postgres. */
  readonly kind: 'network' | 'timeout' | 'tls' | 'protocol' | 'aborted'

  constructor(
    kind: OriginConnectionError['kind'],
    code: string,
    target: OriginTarget,
    reason: string,
    cause?: unknown,
  ) {
    super(`${placeOf(target)}: ${reason}`, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.code = code
  }

  static network(target: OriginTarget, error: NodeJS.ErrnoException): OriginConnectionError {
    const code = error.code ?? 'EIO'
    return new OriginConnectionError('network', code, target, reasons[code] ?? `the connection failed (${code})`, error)
  }

  static timeout(target: OriginTarget, limitMs: number): OriginConnectionError {
    return new OriginConnectionError('timeout', 'ETIMEDOUT', target, `no connection within ${limitMs} ms`)
  }

  static tls(target: OriginTarget, error: NodeJS.ErrnoException): OriginConnectionError {
    return new OriginConnectionError('tls', error.code ?? 'ETLS', target, `TLS failed: ${error.message}`, error)
  }

  static tlsNotOffered(target: OriginTarget): OriginConnectionError {
    const reason = `the server does not offer TLS, which sslmode ${target.sslMode} needs`
    return new OriginConnectionError('tls', 'ENOTLS', target, reason)
  }

  static protocol(target: OriginTarget, reason: string): OriginConnectionError {
    return new OriginConnectionError('protocol', 'EPROTO', target, reason)
  }

  static aborted(target: OriginTarget): OriginConnectionError {
    return new OriginConnectionError('aborted', 'ABORT_ERR', target, 'the attempt was abandoned')
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the server closed the connection',
  EPIPE: 'the server closed the connection',
  ENOENT: 'there is no such socket',
  EACCES: 'no permission to use the socket',
  ENOTSOCK: 'that is not a socket',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
}

function placeOf(target: OriginTarget): string {
  return target.socketPath === undefined ? `"${target.host}", port ${target.port}` : `socket "${target.socketPath}"`
}
