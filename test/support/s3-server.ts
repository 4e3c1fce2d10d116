// An S3 service of its own process for tests (`s3rver`), on a free port and in a directory that goes away with it.
//
// Its page tokens need a cipher that OpenSSL calls legacy, hence the flag. It looks at no condition of a PUT: that is played by the
// relay before it (faulty-relay.ts) where a test is about it. To list uploads and to abort one is beyond it, and added here, two
// uploads a page.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)

const script = `
  const { existsSync, readdirSync, readFileSync, rmSync, statSync } = require('node:fs')
  const { join } = require('node:path')
  const S3rver = require(process.argv[1])
  const directory = process.argv[2]
  const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory, configureBuckets: [{ name: 'larder' }] })
  const folder = join(directory, 'larder', '._S3rver_uploads')
  const listed = (query) => {
    const uploads = (existsSync(folder) ? readdirSync(folder) : [])
      .map((id) => ({ id, key: readFileSync(join(folder, id, 'key'), 'utf8'), at: statSync(join(folder, id, 'key')).mtime }))
      .filter(({ id, key }) => key.startsWith(query.prefix ?? ''))
      .map((upload) => ({ ...upload, rank: upload.key + '\\0' + upload.id }))
      .filter(({ rank }) => rank > (query['key-marker'] ?? '') + '\\0' + (query['upload-id-marker'] ?? ''))
      .sort((one, two) => (one.rank < two.rank ? -1 : 1))
    const page = uploads.slice(0, 2)
    const last = page.at(-1)
    const next = uploads.length > 2
      ? '<NextKeyMarker>' + last.key + '</NextKeyMarker><NextUploadIdMarker>' + last.id + '</NextUploadIdMarker>' : ''
    const rows = page.map(({ id, key, at }) => '<Upload><Key>' + key + '</Key><UploadId>' + id + '</UploadId><Initiated>'
      + at.toISOString() + '</Initiated></Upload>')
    return '<ListMultipartUploadsResult><IsTruncated>' + (next !== '') + '</IsTruncated>' + next + rows.join('')
      + '</ListMultipartUploadsResult>'
  }
  server.middleware.unshift(async (ctx, next) => {
    if (ctx.method === 'GET' && 'uploads' in ctx.query) {
      ctx.type = 'application/xml'
      ctx.body = listed(ctx.query)
    } else if (ctx.method === 'DELETE' && 'uploadId' in ctx.query) {
      const upload = join(folder, ctx.query.uploadId)
      ctx.status = existsSync(upload) ? 204 : 404
      rmSync(upload, { recursive: true, force: true })
    } else await next()
  })
  server.run()
    .then((address) => console.log(address.port))
  process.stdin.resume().on('end', () => process.exit())
`

export interface S3Server {
  readonly port: number
  /** Settings with which its only account signs. */
  readonly credentials: { readonly s3AccessKeyId: string; readonly s3SecretAccessKey: string }
  /** Ids of uploads in parts that were begun and not completed. */
  uploads(): Promise<string[]>
  /** Their keys. */
  uploadKeys(): Promise<string[]>
  /** All that it holds of whose key this is a part was written so long ago. */
  age(partOfKey: string, ms: number): Promise<void>
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
    async uploadKeys() {
      const keys = (await readdir(directory, { recursive: true })).filter((entry) =>
        /_uploads\/[^/]+\/key$/.test(entry),
      )
      return await Promise.all(keys.map((entry) => readFile(join(directory, entry), 'utf8')))
    },
    async age(partOfKey, ms) {
      const bucket = join(directory, 'larder')
      const then = new Date(Date.now() - ms)
      for (const entry of await readdir(bucket, { recursive: true })) {
        const path = join(bucket, entry)
        const key = /_uploads\/[^/]+\/key$/.test(entry) ? await readFile(path, 'utf8') : entry
        if (key.includes(partOfKey)) await utimes(path, then, then)
      }
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
