// An S3 service of its own process for tests (`s3rver`), on a free port and in a directory that goes away with it.
//
// Its page tokens need a cipher that OpenSSL calls legacy, hence the flag. It looks at no condition of a PUT and aborts no
// upload: both are played by the relay before it (faulty-relay.ts) where a test is about them.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)

const script = `
  const S3rver = require(process.argv[1])
  new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory: process.argv[2], configureBuckets: [{ name: 'larder' }] })
    .run()
    .then((address) => console.log(address.port))
  process.stdin.resume().on('end', () => process.exit())
`

export interface S3Server {
  readonly port: number
  /** Settings with which its only account signs. */
  readonly credentials: { readonly s3AccessKeyId: string; readonly s3SecretAccessKey: string }
  /** Ids of uploads in parts that were begun and not completed. */
  uploads(): Promise<string[]>
  /** Its bucket is empty again. */
  clear(): Promise<void>
  close(): Promise<void>
}

export async function openS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-s3-'))
  const args = ['--openssl-legacy-provider', '--no-warnings', '-e', script, require.resolve('s3rver'), directory]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    port: Number(line.toString()),
    credentials: { s3AccessKeyId: 'S3RVER', s3SecretAccessKey: 'S3RVER' },
    async uploads() {
      const entries = await readdir(join(directory, 'larder'), { recursive: true })
      return entries.flatMap((entry) => /_uploads\/([^/]+)$/.exec(entry)?.[1] ?? [])
    },
    async clear() {
      const bucket = join(directory, 'larder')
      for (const entry of await readdir(bucket)) await rm(join(bucket, entry), { recursive: true })
    },
    async close() {
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
      await rm(directory, { recursive: true })
    },
  }
}
