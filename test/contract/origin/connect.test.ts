// connectOrigin against real servers, with and without TLS, for every sslmode; and against servers that misbehave, which
// are scripted here. Real ones answer a StartupMessage on the socket we return, so it is proven to be usable.

import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  connectOrigin,
  hasSecondTry,
  OriginConnectionError,
  parseOriginUrl,
  sendCancel,
} from '../../../src/origin/index.ts'
import { availableVersions, openTestPostgres, type TestPostgres } from '../../support/postgres.ts'

const tlsDirectory = join(import.meta.dirname, '../../support/tls')
const authority = join(tlsDirectory, 'authority.crt')
const stranger = join(tlsDirectory, 'stranger.crt')
const tlsFile = (name: string) => readFileSync(join(tlsDirectory, name), 'utf8')

// libpq's default files lie in the home directory; the one of whoever runs the tests must not matter.
const homeBefore = process.env.HOME
let emptyHome = ''
beforeAll(async () => {
  emptyHome = await mkdtemp(join(tmpdir(), 'larder-home-'))
  process.env.HOME = emptyHome
})
afterAll(async () => {
  if (homeBefore === undefined) delete process.env.HOME
  else process.env.HOME = homeBefore
  await rm(emptyHome, { recursive: true })
})

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

/** What came of a connection: how it is protected, or the code of the error. */
async function outcome(url: string, secondTry = false): Promise<string> {
  try {
    const socket = await connectOrigin(parseOriginUrl(url, {}), { timeoutMs: 5000, secondTry })
    sockets.push(socket)
    expect(await firstLetterAfterStartup(socket)).toBe('R')
    return socket instanceof TLSSocket ? 'tls' : 'plain'
  } catch (error) {
    expect(error).toBeInstanceOf(OriginConnectionError)
    return (error as OriginConnectionError).code
  }
}

function firstLetterAfterStartup(socket: Socket): Promise<string> {
  const body = Buffer.from('user\0postgres\0database\0postgres\0\0')
  const message = Buffer.alloc(8 + body.length)
  message.writeInt32BE(message.length, 0)
  message.writeInt32BE(196_608, 4)
  body.copy(message, 8)
  return new Promise((resolve, reject) => {
    socket.once('data', (bytes) => resolve(bytes.toString('latin1', 0, 1)))
    socket.once('close', () => reject(new Error('closed before an answer')))
    socket.write(message)
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function openTcpPostgres(version: 18 | 15, ssl: boolean): Promise<TestPostgres & { port: number }> {
  const port = await freePort()
  const server = await openTestPostgres({
    version,
    files: { 'server.crt': tlsFile('server.crt'), 'server.key': tlsFile('server.key') },
    hba: 'local all all trust\nhost all all 127.0.0.1/32 trust\n',
    parameters: { ssl, listen_addresses: '127.0.0.1', port },
  })
  return { ...server, port }
}

describe.each(await availableVersions())('PostgreSQL %d', (version) => {
  let secure: TestPostgres & { port: number }
  let plain: TestPostgres & { port: number }
  beforeAll(async () => {
    ;[secure, plain] = await Promise.all([openTcpPostgres(version, true), openTcpPostgres(version, false)])
  })
  afterAll(() => Promise.all([secure.close(), plain.close()]))

  const at = (server: { port: number }, query: string, host = '127.0.0.1') =>
    `postgresql://postgres@${host}:${server.port}/postgres?${query}`

  test.each([
    ['sslmode=disable', 'plain', 'plain'],
    ['sslmode=allow', 'plain', 'plain'],
    ['', 'tls', 'plain'],
    ['sslmode=prefer', 'tls', 'plain'],
    ['sslmode=require', 'tls', 'ENOTLS'],
    [`sslmode=verify-ca&sslrootcert=${authority}`, 'tls', 'ENOTLS'],
    [`sslmode=verify-full&sslrootcert=${authority}`, 'tls', 'ENOTLS'],
    // With roots at hand the chain is checked in every mode, and a mode that may do without TLS then does.
    [`sslmode=require&sslrootcert=${stranger}`, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ENOTLS'],
    [`sslmode=prefer&sslrootcert=${stranger}`, 'plain', 'plain'],
    [`sslmode=verify-ca&sslrootcert=${stranger}`, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ENOTLS'],
    ['sslmode=verify-ca&sslrootcert=/nowhere.crt', 'ETLS', 'ENOTLS'],
    ['sslmode=verify-ca', 'ETLS', 'ENOTLS'],
    ['sslmode=verify-full&sslrootcert=system', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ENOTLS'],
  ])('with %s is %s where TLS is on and %s where it is off', async (query, withTls, without) => {
    expect(await outcome(at(secure, query))).toBe(withTls)
    expect(await outcome(at(plain, query))).toBe(without)
  })

  test('verify-full checks the name that was asked for, verify-ca does not', async () => {
    const elsewhere = `hostaddr=127.0.0.1&sslrootcert=${authority}`
    expect(await outcome(at(secure, `${elsewhere}&sslmode=verify-full`, 'localhost'))).toBe('tls')
    expect(await outcome(at(secure, `${elsewhere}&sslmode=verify-ca`, 'db.example'))).toBe('tls')
    expect(await outcome(at(secure, `${elsewhere}&sslmode=verify-full`, 'db.example'))).toBe(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    )
  })

  test('direct negotiation works from PostgreSQL 17 on', async () => {
    const url = at(secure, `sslmode=verify-full&sslrootcert=${authority}&sslnegotiation=direct`)
    const result = await outcome(url)
    if (version >= 17) expect(result).toBe('tls')
    else expect(result).toMatch(/^E/)
  })

  test('the second try of allow is TLS, of prefer plain, and other modes have none', async () => {
    expect(await outcome(at(secure, 'sslmode=allow'), true)).toBe('tls')
    expect(await outcome(at(secure, 'sslmode=prefer'), true)).toBe('plain')
    const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']
    expect(modes.filter((mode) => hasSecondTry(parseOriginUrl(at(secure, `sslmode=${mode}`), {})))).toEqual([
      'allow',
      'prefer',
    ])
  })

  test('a unix socket is never encrypted, whatever the mode', async () => {
    for (const mode of ['prefer', 'require', 'verify-full']) {
      const { host, port } = secure.target
      expect(await outcome(`postgresql://postgres@/postgres?host=${host}&port=${port}&sslmode=${mode}`)).toBe('plain')
    }
  })

  test.each(['over a unix socket', 'over TLS'])('cancels what a backend is doing, %s', async (way) => {
    const client = await secure.connect()
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
    const key = Buffer.alloc(4)
    key.writeInt32BE(secretKey)
    const target = way === 'over TLS' ? parseOriginUrl(at(secure, 'sslmode=require'), {}) : secure.target
    const sleep = client.query('select pg_sleep(100)').then(
      () => 'slept',
      (error: { code: string }) => error.code,
    )
    const watcher = await secure.connect()
    const isAsleep = 'select 1 from pg_stat_activity where pid = $1 and wait_event = $2'
    while ((await watcher.query(isAsleep, [processID, 'PgSleep'])).rowCount === 0);
    await sendCancel(target, processID, key)
    expect(await sleep).toBe('57014')
  })
})

describe('a server that misbehaves', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  /** Listens and hands each connection, counted from 0, to the script. */
  async function scripted(script: (socket: Socket, index: number) => void): Promise<string> {
    let count = 0
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      sockets.push(socket)
      script(socket, count++)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `postgresql://u:s3cret@127.0.0.1:${(server.address() as { port: number }).port}/d`
  }

  const answering = (bytes: string) => (socket: Socket) => void socket.once('data', () => socket.write(bytes, 'latin1'))

  async function failure(url: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
    const error = await connectOrigin(parseOriginUrl(url, {}), { timeoutMs: 5000, ...options }).then(
      () => expect.unreachable('it connected'),
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(OriginConnectionError)
    expect((error as Error).message).not.toContain('s3cret')
    return error as OriginConnectionError
  }

  test.each(['S', 'N'])('and sends bytes after its answer %s is not trusted', async (letter) => {
    const url = await scripted(answering(`${letter}Z`))
    for (const mode of ['prefer', 'require']) {
      expect(await failure(`${url}?sslmode=${mode}`)).toMatchObject({ kind: 'protocol', code: 'EPROTO' })
    }
  })

  test('and answers with an error is not quoted', async () => {
    const error = await failure(await scripted(answering('Esomething to believe')))
    expect(error).toMatchObject({ kind: 'protocol' })
    expect(error.message).not.toContain('believe')
  })

  test('and speaks something else is told apart', async () => {
    expect(await failure(await scripted(answering('HTTP/1.1 400 Bad Request\r\n\r\n')))).toMatchObject({
      kind: 'protocol',
    })
  })

  test('and closes instead of answering is a failed connection', async () => {
    const url = await scripted((socket) => void socket.once('data', () => socket.end()))
    expect(await failure(url)).toMatchObject({ kind: 'network', code: 'ECONNRESET' })
  })

  test('and breaks off the handshake is met in plain text under prefer, and an error under require', async () => {
    const script = (socket: Socket) => {
      socket.once('data', () => {
        socket.write('S')
        socket.once('data', () => socket.end('not TLS'))
      })
    }
    const url = await scripted((socket, index) => (index === 1 ? undefined : script(socket)))
    const socket = await connectOrigin(parseOriginUrl(url, {}), { timeoutMs: 5000 })
    sockets.push(socket)
    expect(socket).not.toBeInstanceOf(TLSSocket)
    expect(await failure(`${url}?sslmode=require`)).toMatchObject({ kind: 'tls' })
  })

  test('and says nothing runs into the limit', async () => {
    const url = await scripted(() => undefined)
    expect(await failure(url, { timeoutMs: 50 })).toMatchObject({ kind: 'timeout', code: 'ETIMEDOUT' })
  })

  test('and says nothing is left when the caller gives up', async () => {
    const controller = new AbortController()
    const url = await scripted((socket) => void socket.once('data', () => controller.abort()))
    expect(await failure(url, { signal: controller.signal })).toMatchObject({ kind: 'aborted', code: 'ABORT_ERR' })
    expect(await failure(url, { signal: AbortSignal.abort() })).toMatchObject({ kind: 'aborted' })
  })

  test('and is not there gives the reason in words', async () => {
    const refused = await failure(`postgresql://u:s3cret@127.0.0.1:${await freePort()}/d`)
    expect(refused).toMatchObject({ kind: 'network', code: 'ECONNREFUSED' })
    expect(refused.message).toMatch(/^"127\.0\.0\.1", port \d+: connection refused$/)
    const nowhere = await failure(`postgresql://u@/d?host=${emptyHome}`)
    expect(nowhere).toMatchObject({ code: 'ENOENT' })
    expect(nowhere.message).toContain('there is no such socket')
  })

  test('gets one connection per attempt, closed when the attempt failed', async () => {
    const closed: Promise<unknown>[] = []
    const url = await scripted((socket) => {
      closed.push(new Promise((resolve) => socket.once('close', resolve)))
      answering('N')(socket)
      socket.resume()
    })
    expect(await failure(`${url}?sslmode=require`)).toMatchObject({ code: 'ENOTLS' })
    expect(closed).toHaveLength(1)
    await closed[0]
  })
})
