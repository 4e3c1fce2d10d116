// Hostile manifests: whatever the bytes, decoding ends with a manifest that describes a pair of files, or with a refusal.
// The digest is made to fit, since anybody can compute it.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { filledLength } from '../../../src/archive/manifest-consistency.ts'
import { decodeManifest, encodeManifest, NewerFormatError } from '../../../src/archive/manifest-text.ts'
import { digestOfSegments } from '../../../src/archive/segment-digest.ts'
import { ShapeError } from '../../../src/archive/shape.ts'
import { Random } from '../../../src/base/index.ts'
import { fakeFacts } from '../../support/archive-source.ts'

const random = Random.fromEnvironment()
const runs = { seed: random.seed, numRuns: 3000 }

function sample(): Record<string, unknown> {
  const segments = [0, 1, 2].map((index) => ({
    offset: index * 8_388_608,
    length: index === 2 ? 32_768 : 8_388_608,
    storedLength: index === 2 ? 16_384 : 8_388_608,
    sha256: random.bytes(32).toString('hex'),
    holes: index === 2 ? [16_384, 16_384] : undefined,
  }))
  const file = { size: 16_809_984, storedSize: 16_793_600, sha256: digestOfSegments(segments), segments }
  const bytes = encodeManifest({
    magic: 'larder archive',
    format: 1,
    id: '20261123T021420.123Z-9f3c2a1b',
    createdAt: '2026-11-23T02:14:20.123Z',
    ...fakeFacts(random),
    selection: ['pages'],
    encryption: undefined,
    files: [
      { name: 'l2.pager', ...file },
      { name: 'l2.ctl', size: 0, storedSize: 0, sha256: digestOfSegments([]), segments: [] },
    ],
  })
  return JSON.parse(bytes.toString('utf8'))
}

function withDigest(body: string): Buffer {
  return Buffer.from(`${body},\n "sha256": "${createHash('sha256').update(body).digest('hex')}"\n}\n`)
}

/** Refused, or consistent: then whoever restores it writes within the sizes it names and nowhere else. */
function mustBeSafe(bytes: Buffer): 'accepted' | 'refused' {
  let manifest: ReturnType<typeof decodeManifest>['manifest']
  try {
    manifest = decodeManifest(bytes).manifest
  } catch (error) {
    if (error instanceof ShapeError || error instanceof NewerFormatError) return 'refused'
    throw error
  }
  expect(manifest.files.map(({ name }) => name)).toEqual(['l2.pager', 'l2.ctl'])
  for (const file of manifest.files) {
    let at = 0
    for (const segment of file.segments) {
      expect(segment.offset).toBe(at)
      expect(filledLength(segment)).toBeGreaterThanOrEqual(0)
      expect(filledLength(segment)).toBeLessThanOrEqual(segment.length)
      at += segment.length
    }
    expect(at).toBe(file.size)
  }
  expect(decodeManifest(encodeManifest(manifest)).manifest).toEqual(manifest)
  return 'accepted'
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1,
    0.5,
    8_388_608,
    2 ** 53,
    1e308,
    '',
    '0',
    [],
    {},
    [[]],
    'l2.pager',
    '__proto__',
  ),
  fc.jsonValue(),
  fc.integer(),
)

it('with one value replaced by another', () => {
  const outcomes = { accepted: 0, refused: 0 }
  fc.assert(
    fc.property(fc.nat(), odd, fc.boolean(), (place, value, remove) => {
      const json = sample()
      delete json.sha256
      const spots: (readonly [object: Record<string, unknown>, key: string])[] = []
      const visit = (item: unknown): void => {
        if (typeof item !== 'object' || item === null) return
        for (const key of Object.keys(item)) {
          spots.push([item as Record<string, unknown>, key])
          visit((item as Record<string, unknown>)[key])
        }
      }
      visit(json)
      const [object, key] = spots[place % spots.length] as (typeof spots)[number]
      if (remove) delete object[key]
      else object[key] = value
      outcomes[mustBeSafe(withDigest(JSON.stringify(json, null, 1).slice(0, -2)))]++
    }),
    runs,
  )
  expect(outcomes.refused).toBeGreaterThan(outcomes.accepted)
})

it('with bytes of the text replaced', () => {
  const text = JSON.stringify(sample(), null, 1).slice(0, -2)
  const body = text.slice(0, text.lastIndexOf(',\n "sha256"'))
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(body.length - 1), fc.integer({ min: 0, max: 127 })), { minLength: 1 }),
      (edits) => {
        const bytes = Buffer.from(body)
        for (const [at, code] of edits) bytes[at] = code
        mustBeSafe(withDigest(bytes.toString('latin1')))
      },
    ),
    runs,
  )
})

it('made of anything', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(mustBeSafe(Buffer.from(bytes))).toBe('refused')
    }),
    runs,
  )
  const head = '{\n "magic": "larder archive",\n "format": 1,\n'
  for (const depth of [10, 10_000, 1_000_000]) {
    expect(mustBeSafe(withDigest(`${head} "files": ${'['.repeat(depth)}`))).toBe('refused')
    expect(mustBeSafe(withDigest(`${head} "files": ${'['.repeat(depth)}${']'.repeat(depth)}`))).toBe('refused')
    expect(mustBeSafe(withDigest(`${head} "files": ${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`))).toBe('refused')
  }
})
