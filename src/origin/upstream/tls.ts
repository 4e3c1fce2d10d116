// TLS towards an origin, with the meaning libpq gives to its ssl parameters.
//
//   sslmode                      encrypts        checks the chain                 checks the host name
//   disable                      never           -                                -
//   allow, prefer, require       see connect.ts  if a file of roots exists        no
//   verify-ca                    always          yes; no roots is an error        no
//   verify-full                  always          yes; no roots is an error        yes
//
// "If a file of roots exists" is libpq's rule, surprising as it is: with ~/.postgresql/root.crt in place, `require`
// behaves as verify-ca.
//
// Source: PostgreSQL documentation, "SSL Support"; fe-secure-openssl.c.

import { existsSync, readFileSync } from 'node:fs'
import { isIP, type Socket } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, checkServerIdentity, connect, rootCertificates, type TLSSocket } from 'node:tls'
import { OriginConnectionError } from './connection-error.ts'
import type { OriginTarget } from './target.ts'

/** The name a server must choose when TLS is opened without an SSLRequest, so that no other protocol answers instead. */
const alpnProtocol = 'postgresql'

/** Does the handshake on a connected socket, which belongs to the TLS socket from then on. */
export function startTls(socket: Socket, target: OriginTarget): Promise<TLSSocket> {
  const options = tlsOptions(target)
  return new Promise((resolve, reject) => {
    const secured = connect({ ...options, socket })
    const fail = (error: NodeJS.ErrnoException) => {
      secured.destroy()
      reject(OriginConnectionError.tls(target, error))
    }
    const closed = () => fail(Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' }))
    secured.once('error', fail)
    secured.once('close', closed)
    secured.once('secureConnect', () => {
      if (target.sslNegotiation === 'direct' && secured.alpnProtocol !== alpnProtocol) {
        return fail(new Error('the server does not know direct negotiation'))
      }
      secured.off('error', fail)
      secured.off('close', closed)
      resolve(secured)
    })
  })
}

function tlsOptions(target: OriginTarget): ConnectionOptions {
  const roots = trustedRoots(target)
  const options: ConnectionOptions = {
    minVersion: 'TLSv1.2',
    ALPNProtocols: [alpnProtocol],
    servername: target.sslSni && isIP(target.host) === 0 ? target.host : '',
    rejectUnauthorized: roots !== undefined,
    checkServerIdentity: (_host, certificate) =>
      target.sslMode === 'verify-full' ? checkServerIdentity(target.host, certificate) : undefined,
    ...clientCertificate(target),
  }
  if (roots !== undefined) options.ca = roots
  return options
}

/** What the server's certificate must lead to; undefined is no check. */
function trustedRoots(target: OriginTarget): string | string[] | undefined {
  if (target.sslRootCert === 'system') return [...rootCertificates]
  const path = target.sslRootCert ?? userFile('root.crt')
  if (existsSync(path)) return read(target, 'file of root certificates', path)
  if (!target.sslMode.startsWith('verify-')) return undefined
  throw OriginConnectionError.tls(
    target,
    new Error(`the file of root certificates "${path}" does not exist, which sslmode ${target.sslMode} needs`),
  )
}

function clientCertificate(target: OriginTarget): ConnectionOptions {
  const certificatePath = target.sslCert ?? userFile('postgresql.crt')
  if (!existsSync(certificatePath)) {
    if (target.sslCert === undefined) return {}
    throw OriginConnectionError.tls(target, new Error(`the client certificate "${certificatePath}" does not exist`))
  }
  return {
    cert: read(target, 'client certificate', certificatePath),
    key: read(target, 'client key', target.sslKey ?? userFile('postgresql.key')),
    ...(target.sslPassword === undefined ? {} : { passphrase: target.sslPassword }),
  }
}

function userFile(name: string): string {
  return join(homedir(), '.postgresql', name)
}

function read(target: OriginTarget, what: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw OriginConnectionError.tls(target, new Error(`the ${what} "${path}" cannot be read (${code})`))
  }
}
