// The calls of S3 that a store needs, through Amazon's client, which is loaded when the first such store is opened.
//
// The client's own retries and checksums are off: trying again is retry.ts's business, and what is stored carries
// SHA-256 digests of ours; checksums in trailers are what compatible services most often fail on. Buckets are addressed
// by path, which every service understands.

import type { S3Client } from '@aws-sdk/client-s3'
import type { S3Location } from './location.ts'
import { connectionFailure, TransferError } from './retry.ts'
import type { ByteRange } from './store.ts'

type Sdk = typeof import('@aws-sdk/client-s3')

export interface S3Options {
  /** Empty: what the usual AWS variables, files and services of the machine say (BKE-9). */
  readonly s3AccessKeyId: string
  readonly s3SecretAccessKey: string
  readonly s3SessionToken: string
  /** Empty: Amazon's own. */
  readonly s3Endpoint: string
  readonly s3Region: string
  readonly archiveTimeout: number
}

/** Of a conditional write. */
interface S3Condition {
  readonly IfMatch?: string
  readonly IfNoneMatch?: string
}

interface S3Page {
  readonly objects: { readonly key: string; readonly atMs: number }[]
  /** Of the next page; undefined on the last. */
  readonly next: string | undefined
}

/** An upload in parts that was begun and not completed. */
interface S3Upload {
  readonly key: string
  readonly id: string
  readonly atMs: number
}

interface S3UploadPage {
  readonly uploads: S3Upload[]
  readonly next: S3UploadMarker | undefined
}

export interface S3UploadMarker {
  readonly KeyMarker: string
  readonly UploadIdMarker: string | undefined
}

interface S3Part {
  readonly ETag: string
  readonly PartNumber: number
}

export class S3Calls {
  readonly #sdk: Sdk
  readonly #client: S3Client
  readonly #bucket: string

  private constructor(sdk: Sdk, client: S3Client, bucket: string) {
    this.#sdk = sdk
    this.#client = client
    this.#bucket = bucket
  }

  static async load(location: S3Location, options: S3Options): Promise<S3Calls> {
    // Which Node this runs on is Larder's business; the client would print a warning into the log about it.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
    const sdk = await import('@aws-sdk/client-s3')
    const endpoint = location.endpoint ?? options.s3Endpoint
    const client = new sdk.S3Client({
      region: location.region ?? options.s3Region,
      forcePathStyle: true,
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      expectContinueHeader: false,
      requestHandler: { connectionTimeout: options.archiveTimeout, socketTimeout: options.archiveTimeout },
      ...(endpoint === '' ? {} : { endpoint }),
      ...credentialsOf(options),
    })
    return new S3Calls(sdk, client, location.bucket)
  }

  async get(key: string, range: ByteRange | undefined, signal: AbortSignal | undefined) {
    const asked =
      range === undefined ? {} : { Range: `bytes=${range.from}-${range.to === undefined ? '' : range.to - 1}` }
    const command = new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: key, ...asked })
    const answer = await this.#call(() => this.#client.send(command, given(signal)))
    const body = answer.Body as AsyncIterable<Uint8Array> & { destroy(): void }
    return { length: answer.ContentLength, version: answer.ETag, range: answer.ContentRange, body }
  }

  async head(key: string, signal: AbortSignal | undefined): Promise<void> {
    const command = new this.#sdk.HeadObjectCommand({ Bucket: this.#bucket, Key: key })
    await this.#call(() => this.#client.send(command, given(signal)))
  }

  async put(key: string, bytes: Uint8Array, condition: S3Condition, signal: AbortSignal | undefined): Promise<void> {
    const command = new this.#sdk.PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes, ...condition })
    await this.#call(() => this.#client.send(command, given(signal)))
  }

  async remove(key: string, signal: AbortSignal | undefined): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: key })
    await this.#call(() => this.#client.send(command, given(signal)))
  }

  async listPage(prefix: string, token: string | undefined, signal: AbortSignal | undefined): Promise<S3Page> {
    const from = token === undefined ? {} : { ContinuationToken: token }
    const command = new this.#sdk.ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, ...from })
    const answer = await this.#call(() => this.#client.send(command, given(signal)))
    const objects = (answer.Contents ?? []).flatMap(({ Key, LastModified }) =>
      Key === undefined ? [] : [{ key: Key, atMs: LastModified?.getTime() ?? Number.NaN }],
    )
    if (answer.IsTruncated !== true) return { objects, next: undefined }
    if (answer.NextContinuationToken === undefined) throw new TransferError('a list without its next page')
    return { objects, next: answer.NextContinuationToken }
  }

  async uploadsPage(
    prefix: string,
    marker: S3UploadMarker | undefined,
    signal: AbortSignal | undefined,
  ): Promise<S3UploadPage> {
    const command = new this.#sdk.ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: prefix, ...marker })
    const answer = await this.#call(() => this.#client.send(command, given(signal)))
    const uploads = (answer.Uploads ?? []).flatMap(({ Key, UploadId, Initiated }) =>
      Key === undefined || UploadId === undefined
        ? []
        : [{ key: Key, id: UploadId, atMs: Initiated?.getTime() ?? Number.NaN }],
    )
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = answer
    if (answer.IsTruncated !== true) return { uploads, next: undefined }
    if (KeyMarker === undefined) throw new TransferError('a list without its next page')
    return { uploads, next: { KeyMarker, UploadIdMarker } }
  }

  async startUpload(key: string, signal: AbortSignal | undefined): Promise<string> {
    const command = new this.#sdk.CreateMultipartUploadCommand({ Bucket: this.#bucket, Key: key })
    const { UploadId } = await this.#call(() => this.#client.send(command, given(signal)))
    if (UploadId === undefined) throw new TransferError('an upload without an id')
    return UploadId
  }

  async putPart(
    upload: { readonly key: string; readonly id: string },
    number: number,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<S3Part> {
    const command = new this.#sdk.UploadPartCommand({
      Bucket: this.#bucket,
      Key: upload.key,
      UploadId: upload.id,
      PartNumber: number,
      Body: bytes,
    })
    const { ETag } = await this.#call(() => this.#client.send(command, given(signal)))
    if (ETag === undefined) throw new TransferError('a part without an ETag')
    return { ETag, PartNumber: number }
  }

  async completeUpload(
    upload: { readonly key: string; readonly id: string },
    parts: readonly S3Part[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const MultipartUpload = { Parts: [...parts].sort((a, b) => a.PartNumber - b.PartNumber) }
    const command = new this.#sdk.CompleteMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: upload.key,
      UploadId: upload.id,
      MultipartUpload,
    })
    await this.#call(() => this.#client.send(command, given(signal)))
  }

  async abortUpload(upload: { readonly key: string; readonly id: string }, signal?: AbortSignal): Promise<void> {
    const command = new this.#sdk.AbortMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: upload.key,
      UploadId: upload.id,
    })
    await this.#call(() => this.#client.send(command, given(signal)))
  }

  close(): void {
    this.#client.destroy()
  }

  async #call<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send()
    } catch (error) {
      throw s3Failure(error)
    }
  }
}

function given(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

function credentialsOf(options: S3Options) {
  if (options.s3AccessKeyId === '') return {}
  const session = options.s3SessionToken === '' ? {} : { sessionToken: options.s3SessionToken }
  return {
    credentials: { accessKeyId: options.s3AccessKeyId, secretAccessKey: options.s3SecretAccessKey, ...session },
  }
}

/** The client's error as ours: its status and S3's code. The error itself holds the request, signature and all. */
function s3Failure(error: unknown): TransferError {
  if (error instanceof TransferError) return error
  const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } }
  const status = $metadata?.httpStatusCode
  if (name === 'TimeoutError') return new TransferError('ETIMEDOUT', { status, transient: true })
  if (status !== undefined) return new TransferError(name, { status })
  return connectionFailure(error)
}
