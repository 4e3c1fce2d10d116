// The manifest as bytes: what comes back, and what is refused.

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fileNames, formatHistory, formatVersion, type Manifest, manifestMagic } from '../../../src/archive/manifest.ts'
import { decodeManifest, encodeManifest, NewerFormatError } from '../../../src/archive/manifest-text.ts'
import { digestOfSegments } from '../../../src/archive/segment-digest.ts'
import { ShapeError } from '../../../src/archive/shape.ts'
import { Random } from '../../../src/base/index.ts'
import { fakeFacts } from '../../support/archive-source.ts'

const megabyte = 1024 * 1024
const random = new Random(7)

function segment(offset: number, length: number, given: object = {}) {
  const sha256 = random.bytes(32).toString('hex')
  return { offset, length, storedLength: length, sha256, holes: undefined, ...given }
}

function fileOf(name: string, segments: ReturnType<typeof segment>[]) {
  return {
    name,
    size: segments.reduce((sum, { length }) => sum + length, 0),
    storedSize: segments.reduce((sum, { storedLength }) => sum + storedLength, 0),
    sha256: digestOfSegments(segments),
    segments,
  }
}

function manifestOf(given: Partial<Manifest> = {}): Manifest {
  const holes = [0, 16_384, 32_768, 16_384]
  return {
    magic: manifestMagic,
    format: formatVersion,
    id: '20261123T021420.123Z-9f3c2a1b',
    createdAt: '2026-11-23T02:14:20.123Z',
    ...fakeFacts(random),
    encryption: undefined,
    files: [
      fileOf('l2.pager', [
        segment(0, 8 * megabyte, { storedLength: 8 * megabyte - 32_768, holes }),
        segment(8 * megabyte, 65_536),
      ]),
      fileOf('l2.ctl', [segment(0, 8192)]),
    ],
    ...given,
  }
}

const encryption = {
  cipher: 'aes-256-gcm',
  kdf: 'scrypt',
  salt: '00'.repeat(32),
  cost: 1 << 15,
  blockSize: 8,
  parallelism: 3,
  check: '11'.repeat(32),
} as const

/** The text with something in it changed and the digest made to fit again: what a forger would do. */
function forged(manifest: Manifest, change: (text: string) => string): Buffer {
  const text = encodeManifest(manifest).toString('utf8')
  const body = change(text.slice(0, text.lastIndexOf(',\n "sha256"')))
  return Buffer.from(`${body},\n "sha256": "${createHash('sha256').update(body).digest('hex')}"\n}\n`)
}

function forgedJson(manifest: Manifest, change: (json: Record<string, never>) => void): Buffer {
  return forged(manifest, (text) => {
    const json = JSON.parse(`${text}\n}`)
    change(json)
    return JSON.stringify(json, null, 1).slice(0, -2)
  })
}

it('comes back as it was, with everything in it (ARC-7)', () => {
  const manifest = manifestOf({ selection: ['pages'] })
  const bytes = encodeManifest(manifest)
  expect(decodeManifest(bytes)).toEqual({ manifest, sealed: undefined })
  const json = JSON.parse(bytes.toString('utf8'))
  expect(Object.keys(json)).toEqual([
    ...['magic', 'format', 'id', 'server_version', 'created_at', 'store', 'key_input_version', 'origin', 'selection'],
    ...['namespaces', 'files', 'sha256'],
  ])
  expect(Object.keys(json.store)).toEqual(['id', 'format_version', 'page_size', 'commit', 'incarnation'])
  expect(Object.keys(json.origin)).toEqual(['system_identifier', 'timeline', 'database', 'lsn'])
  expect(Object.keys(json.namespaces[0])).toEqual(['name', 'id', 'generation', 'entries', 'bytes'])
  expect(Object.keys(json.files[0])).toEqual(['name', 'size', 'stored_size', 'sha256', 'segments'])
  expect(Object.keys(json.files[0].segments[0])).toEqual(['offset', 'length', 'stored_length', 'sha256', 'holes'])
})

it('without an origin, namespaces or pages is a manifest too (ARC-2)', () => {
  const manifest = manifestOf({
    origin: undefined,
    namespaces: [],
    files: [fileOf('l2.pager', []), fileOf('l2.ctl', [])],
  })
  expect(decodeManifest(encodeManifest(manifest)).manifest).toEqual(manifest)
})

it('carries the code of an encrypted backup over all that comes before it (ARC-16)', () => {
  const files = [fileOf('l2.pager', []), fileOf('l2.ctl', [segment(0, 8192, { storedLength: 8192 + 28 })])]
  const manifest = manifestOf({ encryption, files })
  const macs: string[] = []
  const macOf = (covered: Buffer): string => {
    macs.push(covered.toString('utf8'))
    return createHash('sha256').update('key').update(covered).digest('hex')
  }
  const { sealed, manifest: read } = decodeManifest(encodeManifest(manifest, macOf))
  expect(read).toEqual(manifest)
  expect(sealed?.covered.toString('utf8')).toBe(macs[0])
  expect(sealed?.mac).toBe(macOf(sealed?.covered ?? Buffer.alloc(0)))
  expect(() => decodeManifest(encodeManifest(manifest))).toThrow('encryption')
  expect(() => decodeManifest(encodeManifest(manifestOf(), macOf))).toThrow('encryption')
})

describe('is refused', () => {
  it('with any byte changed, taken out or put in (ARC-7)', () => {
    const bytes = encodeManifest(manifestOf())
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      expect(() => decodeManifest(flipped), `byte ${at} flipped`).toThrow()
    }
    for (let length = 0; length < bytes.length; length += 13) {
      expect(() => decodeManifest(bytes.subarray(0, length)), `cut at ${length}`).toThrow(ShapeError)
    }
    expect(() => decodeManifest(Buffer.concat([bytes, Buffer.from('\n')]))).toThrow(ShapeError)
  })

  it('by name when a later format wrote it, whatever else is in it', () => {
    for (const rest of ['', '"new": true', '\0\0\0']) {
      const later = Buffer.from(`{\n "magic": "larder archive",\n "format": 2,\n${rest}`)
      expect(() => decodeManifest(later)).toThrow(NewerFormatError)
    }
    expect(() => decodeManifest(Buffer.from('{\n "magic": "other",\n "format": 2,\n'))).toThrow(ShapeError)
  })

  const forgeries: Record<string, (json: never) => void> = {
    'a field too many': (json: Record<string, unknown>) => (json.more = 1),
    'a field too few': (json: Record<string, unknown>) => delete json.store,
    'a prototype': (json: Record<string, unknown>) =>
      Object.defineProperty(json, '__proto__', { value: { magic: 1 }, enumerable: true }),
    'a text for a number': (json: { store: Record<string, unknown> }) => (json.store.commit = '42'),
    'a fraction': (json: { store: Record<string, unknown> }) => (json.store.commit = 1.5),
    'a number beyond 2^53': (json: { store: Record<string, unknown> }) => (json.store.commit = 2 ** 60),
    'a negative generation': (json: { namespaces: Record<string, unknown>[] }) =>
      Object.assign(json.namespaces[0] as object, { generation: -1 }),
    'null for absence': (json: Record<string, unknown>) => (json.origin = null),
    'a page size that is no power of two': (json: { store: Record<string, unknown> }) => (json.store.page_size = 5000),
    'an id that leads elsewhere': (json: Record<string, unknown>) => (json.id = '../../etc'),
    'one file': (json: { files: unknown[] }) => json.files.pop(),
    'three files': (json: { files: unknown[] }) => json.files.push(json.files[0]),
    'the files the wrong way round': (json: { files: unknown[] }) => json.files.reverse(),
    'a namespace twice': (json: { namespaces: unknown[] }) => json.namespaces.push(json.namespaces[0]),
    'a file of another size': (json: { files: Record<string, unknown>[] }) =>
      Object.assign(json.files[0] as object, { size: 1 }),
    'a digest of no segments': (json: { files: Record<string, unknown>[] }) =>
      Object.assign(json.files[0] as object, { sha256: '00'.repeat(32) }),
    'a segment that is missing': (json: { files: { segments: unknown[] }[] }) => json.files[0]?.segments.pop(),
    'segments that overlap': (json: { files: { segments: { offset: number }[] }[] }) =>
      Object.assign(json.files[0]?.segments[1] as object, { offset: 1 }),
    'a hole behind the end': (json: { files: { segments: object[] }[] }) =>
      Object.assign(json.files[0]?.segments[0] as object, { holes: [8 * megabyte - 1, 16_384] }),
    'holes that overlap': (json: { files: { segments: object[] }[] }) =>
      Object.assign(json.files[0]?.segments[0] as object, { holes: [0, 16_384, 100, 16_384] }),
    'an odd number of holes': (json: { files: { segments: object[] }[] }) =>
      Object.assign(json.files[0]?.segments[0] as object, { holes: [0, 16_384, 32_768] }),
    'a hole of nothing': (json: { files: { segments: object[] }[] }) =>
      Object.assign(json.files[0]?.segments[0] as object, { holes: [0, 0, 0, 32_768] }),
    'a segment stored in another length': (json: { files: { segments: object[] }[] }) =>
      Object.assign(json.files[0]?.segments[1] as object, { stored_length: 65_535 }),
  }

  it.each(Object.keys(forgeries))('with %s, though its digest fits', (name) => {
    const bytes = forgedJson(manifestOf(), forgeries[name] as (json: Record<string, never>) => void)
    expect(() => decodeManifest(bytes)).toThrow(ShapeError)
  })
})

it('a key may cost only so much memory and time (ARC-16)', () => {
  const files = [fileOf('l2.pager', []), fileOf('l2.ctl', [])]
  const asking = (given: object): Buffer =>
    encodeManifest(manifestOf({ files, encryption: { ...encryption, ...given } }))
  expect(() => decodeManifest(asking({ cost: 1 << 20, blockSize: 32 }))).toThrow('more work')
  expect(() => decodeManifest(asking({ cost: 1 << 17, parallelism: 16 }))).toThrow('more work')
  expect(() => decodeManifest(asking({ cost: 1000 }))).toThrow('power of two')
})

it('the history of the format ends with the version that is written', () => {
  expect(formatHistory.at(-1)?.format).toBe(formatVersion)
  expect(formatHistory.map(({ format }) => format)).toEqual(formatHistory.map((_, index) => index + 1))
  expect(fileNames).toEqual(['l2.pager', 'l2.ctl'])
})
