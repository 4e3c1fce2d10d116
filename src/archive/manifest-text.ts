// A manifest as the bytes of `manifest.json`, and back.
//
//   {
//    "magic": "larder archive",
//    …
//    "mac": "<64 hex digits>",      only of an encrypted backup: HMAC-SHA-256 of everything before this line's comma
//    "sha256": "<64 hex digits>"    SHA-256 of everything before this line's comma
//   }
//
// Both are of the bytes as they lie there, so that no second way of writing the same JSON has to be agreed on. Order of
// reading: magic and format, which open the file in every version; digest, JSON, shape, and whether the parts fit each
// other. The code is checked by whoever has the passphrase (seal.ts).

import { createHash } from 'node:crypto'
import { formatVersion, type Manifest, manifestShape } from './manifest.ts'
import { requireConsistent } from './manifest-consistency.ts'
import { ShapeError } from './shape.ts'

/** A manifest of a later Larder: not damaged, but not for us. */
export class NewerFormatError extends Error {
  override readonly name = 'NewerFormatError'
  readonly format: number

  constructor(format: number) {
    super(`format ${format}`)
    this.format = format
  }
}

export interface ReadManifest {
  readonly manifest: Manifest
  /** The bytes that the code covers, and the code; undefined without encryption. */
  readonly sealed: { readonly covered: Buffer; readonly mac: string } | undefined
}

/** `macOf` makes the code of an encrypted backup. */
export function encodeManifest(manifest: Manifest, macOf?: (covered: Buffer) => string): Buffer {
  const body = JSON.stringify(manifestShape.encode(manifest), null, 1)
  let bytes = Buffer.from(body.slice(0, -'\n}'.length))
  if (macOf !== undefined) bytes = Buffer.concat([bytes, lineOf('mac', macOf(bytes))])
  return Buffer.concat([bytes, lineOf('sha256', digestOf(bytes)), Buffer.from(end)])
}

/** Throws ShapeError or NewerFormatError. */
export function decodeManifest(bytes: Buffer): ReadManifest {
  requireFormat(bytes)
  const digested = cutLine(cutEnd(bytes), 'sha256')
  if (digested === undefined || digestOf(digested.before) !== digested.value) {
    throw new ShapeError('the manifest: does not match its digest')
  }
  const coded = cutLine(digested.before, 'mac')
  const body = coded?.before ?? digested.before
  const json = parse(Buffer.concat([body, Buffer.from('\n}')]))
  const manifest = manifestShape.decode(json, '')
  requireConsistent(manifest)
  if ((manifest.encryption === undefined) !== (coded === undefined)) {
    throw new ShapeError('encryption: is there without a code, or a code without it')
  }
  return { manifest, sealed: coded === undefined ? undefined : { covered: coded.before, mac: coded.value } }
}

const end = '\n}\n'

function lineOf(name: string, value: string): Buffer {
  return Buffer.from(`,\n "${name}": "${value}"`)
}

function cutEnd(bytes: Buffer): Buffer {
  const at = Math.max(0, bytes.length - end.length)
  if (bytes.toString('latin1', at) !== end) throw new ShapeError('the manifest: does not end as one')
  return bytes.subarray(0, at)
}

/** The last line, if it is this one, and what comes before its comma. */
function cutLine(bytes: Buffer, name: string): { readonly before: Buffer; readonly value: string } | undefined {
  const at = bytes.length - lineOf(name, '').length - 64
  if (at < 0) return undefined
  const value = bytes.toString('latin1', bytes.length - 65, bytes.length - 1)
  if (!/^[0-9a-f]{64}$/.test(value) || !bytes.subarray(at).equals(lineOf(name, value))) return undefined
  return { before: bytes.subarray(0, at), value }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new ShapeError('the manifest: is no JSON')
  }
}

function requireFormat(bytes: Buffer): void {
  const head = /^\{\n "magic": "larder archive",\n "format": (\d{1,9}),\n/.exec(bytes.toString('latin1', 0, 80))
  if (head === null) throw new ShapeError('the manifest: does not begin as one')
  const format = Number(head[1])
  if (format > formatVersion) throw new NewerFormatError(format)
}
