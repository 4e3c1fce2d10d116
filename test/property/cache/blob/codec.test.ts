// Records and keys of L2: what is written comes back, keys order as their fields do, and garbage is Damage and nothing else.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../../../../src/base/index.ts'
import { Damage } from '../../../../src/cache/blob/damage.ts'
import { aloneInMemory } from '../../../../src/cache/blob/entry-parts.ts'
import { FoundReader, FoundWriter } from '../../../../src/cache/blob/found-pack.ts'
import {
  behind,
  expiryEnd,
  expiryKey,
  keyOfRecordKey,
  labelKey,
  labelPrefix,
  next,
  queueKey,
  readQueueKey,
  recordKey,
  recordKeyOfExpiryKey,
  recordKeyOfLabelKey,
  scopeKey,
  scopeOfRecordKey,
} from '../../../../src/cache/blob/l2-keys.ts'
import {
  bareLength,
  decodeAttributes,
  decodeRecord,
  encodeAttributes,
  encodeRecord,
  type L2Record,
} from '../../../../src/cache/blob/l2-record.ts'
import { admissions } from '../../../../src/cache/blob/policy.ts'
import type { FoundMessage } from '../../../../src/cache/blob/store-messages.ts'

const random = Random.fromEnvironment()
const { seed } = random

const name = (bytesMax: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: bytesMax })
    .map((text) => text.replaceAll(/[\0\r\n]/g, '_'))
    .filter((text) => Buffer.byteLength(text) <= bytesMax)
const ms = fc.integer({ min: 1, max: 2 ** 47 })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const labels = fc.array(name(255), { maxLength: 5 })

const attributes = fc.record({
  contentType: maybe(name(300)),
  metadata: maybe(fc.json({ maxDepth: 1 })),
  tags: labels,
  dependencies: labels,
  proof: maybe(
    fc.record({
      incarnation: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      pairs: fc.array(fc.record({ source: name(100), epoch: fc.maxSafeNat() }), { maxLength: 5 }),
    }),
  ),
})

const inside = fc.record({ attributes, outside: fc.constant(undefined) })
const outside = fc.record({
  attributes: fc.constant(undefined),
  outside: fc.record({ bytes: uint32, crc: uint32 }),
})
const extents = fc.array(fc.record({ page: uint32, pages: uint32 }), { maxLength: 64 })

const record: fc.Arbitrary<L2Record> = fc
  .record({
    codec: fc.integer({ min: 0, max: 255 }),
    rawBytes: uint32,
    storedBytes: uint32,
    rawCrc: uint32,
    storedCrc: uint32,
    version: maybe(fc.maxSafeNat()),
    createdAtMs: ms,
    ttlFromMs: ms,
    lastAccessAtMs: ms,
    queueNumber: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    stamp: fc.maxSafeNat(),
    costUs: uint32,
    policy: fc.record({
      ttlMs: maybe(ms),
      expiresAtMs: maybe(ms),
      bytesMax: maybe(fc.integer({ min: 1, max: 0xffff_ffff })),
      admission: fc.constantFrom(...admissions),
      priority: fc.integer({ min: 0, max: 255 }),
      idleTtlMs: fc.oneof(fc.constant(0), ms),
      staleWindowMs: fc.oneof(fc.constant(0), ms),
      staleIfErrorMs: fc.oneof(fc.constant(0), ms),
      jitterPercent: fc.integer({ min: 0, max: 100 }),
    }),
  })
  .chain((facts) =>
    fc.oneof(
      fc.tuple(inside, fc.uint8Array({ maxLength: 200 })).map(([where, bytes]) => ({
        ...facts,
        ...where,
        storedBytes: bytes.length,
        payload: { kind: 'inline' as const, bytes },
      })),
      fc.tuple(fc.oneof(inside, outside), extents).map(([where, list]) => ({
        ...facts,
        ...where,
        payload: { kind: 'chain' as const, extents: list },
      })),
    ),
  )

function plain(value: L2Record): unknown {
  const { payload } = value
  return payload.kind === 'inline' ? { ...value, payload: Buffer.from(payload.bytes).toString('hex') } : value
}

describe('a record', () => {
  it('comes back with every field, version 0 and flags included (L2-18, L1-25)', () => {
    fc.assert(
      fc.property(record, (value) => {
        expect(plain(decodeRecord(encodeRecord(value)))).toEqual(plain(value))
      }),
      { seed, numRuns: 500 },
    )
  })

  it('has the length that was foretold, so that what is accounted is what is stored (L2-29)', () => {
    fc.assert(
      fc.property(record, (value) => {
        const { attributes, outside, payload } = value
        fc.pre(outside === undefined && payload.kind === 'inline')
        const foretold = bareLength(value, attributes === undefined ? 0 : encodeAttributes(attributes).length)
        expect(encodeRecord(value)).toHaveLength(foretold + value.storedBytes)
      }),
      { seed, numRuns: 300 },
    )
  })

  it('cut anywhere, or with a byte too many, is Damage', () => {
    fc.assert(
      fc.property(record, (value) => {
        const bytes = encodeRecord(value)
        for (let cut = 0; cut < 20; cut++) {
          expect(() => decodeRecord(bytes.subarray(0, random.int(bytes.length)))).toThrow(Damage)
        }
        expect(() => decodeRecord(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(Damage)
      }),
      { seed, numRuns: 200 },
    )
  })

  it('with bytes changed, or of garbage, is Damage or a record, never anything else', () => {
    const tryDecode = (bytes: Uint8Array): void => {
      try {
        decodeRecord(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(Damage)
      }
    }
    fc.assert(
      fc.property(record, (value) => {
        const bytes = encodeRecord(value)
        for (let round = 0; round < 20; round++) {
          const copy = Buffer.from(bytes)
          copy[random.int(copy.length)] = random.int(256)
          tryDecode(copy)
        }
      }),
      { seed, numRuns: 200 },
    )
    for (let round = 0; round < 5000; round++)
      tryDecode(Buffer.concat([Buffer.from([1]), random.bytes(random.int(200))]))
  })

  it('that does not fit its fields is refused before a byte is written (L2-31)', () => {
    const [value] = fc.sample(record, { seed, numRuns: 1 }) as [L2Record]
    for (const wrong of [{ rawBytes: 2 ** 32 }, { createdAtMs: -1 }, { queueNumber: 2 ** 48 }, { version: 1.5 }]) {
      expect(() => encodeRecord({ ...value, ...wrong })).toThrow('fits its field')
    }
    const tags = ['x'.repeat(256)]
    expect(() => encodeAttributes({ ...decodeAttributes(Buffer.alloc(0)), tags })).toThrow('fits its field')
  })
})

describe('what reads found', () => {
  const lengths = fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 16_000, max: 90_000 }))
  /** As decoding gives it, of which a value is part of more memory or has its own. */
  const entry = fc
    .tuple(record, fc.option(lengths, { nil: undefined }), fc.boolean())
    .map(([value, length, isPart]) => {
      const { codec, rawBytes, version, createdAtMs, ttlFromMs, lastAccessAtMs, policy, stamp, costUs } = value
      const bytes = length === undefined ? undefined : Buffer.from(random.bytes(length + (isPart ? 32 : 0)))
      return {
        head: { codec, rawBytes, version, createdAtMs, ttlFromMs, lastAccessAtMs, policy, stamp, costUs },
        attributes: value.attributes ?? decodeAttributes(Buffer.alloc(0)),
        value: bytes?.subarray(isPart ? 32 : 0),
        storedBytes: value.storedBytes,
      }
    })
  const reads = fc.array(fc.tuple(fc.maxSafeNat(), fc.array(fc.option(entry, { nil: undefined }), { maxLength: 5 })))
  const seen = (found: readonly (FoundMessage | undefined)[]): unknown =>
    found.map((each) => each && { ...each, value: each.value && Buffer.from(each.value).toString('base64') })

  it('comes over as it was, every field and every byte of it, and nothing is left behind for the next turn', () => {
    const writer = new FoundWriter()
    fc.assert(
      fc.property(reads, (answers) => {
        const expected = answers.map(([id, found]) => ({ id, found: seen(found) }))
        for (const [id, found] of answers) writer.add(id, found)
        expect(writer.isEmpty).toBe(answers.length === 0)
        const { pack, moved } = writer.take()
        expect(writer.isEmpty).toBe(true)
        const reader = new FoundReader(structuredClone(pack, { transfer: [...moved] }))
        const arrived: unknown[] = []
        while (reader.hasMore) {
          const { id, result } = reader.next()
          arrived.push({ id, found: seen(result) })
        }
        expect(arrived).toEqual(expected)
      }),
      { seed, numRuns: 100 },
    )
  })

  it('shares memory while it is small, up to a bound, and shared memory is left by what stays (MEM-3)', () => {
    const facts = fc.sample(entry, { seed, numRuns: 1 })[0] as FoundMessage
    const writer = new FoundWriter()
    writer.expect(100)
    for (let id = 0; id < 100; id++) writer.add(id, [{ ...facts, value: random.bytes(10_000) }])
    const { pack } = writer.take()
    expect(pack.values.length).toBeGreaterThan(1)
    for (const { length } of pack.values) expect(length).toBeLessThanOrEqual(256 << 10)
    const value = Buffer.from(pack.values[0]?.buffer as ArrayBuffer, 10_000, 10_000)
    const alone = aloneInMemory(value)
    expect(alone.equals(value)).toBe(true)
    expect(alone.buffer.byteLength).toBe(10_000)
    expect(aloneInMemory(alone)).toBe(alone)
  })
})

const scope = fc.record({
  id: fc.integer({ min: 1, max: 0xffff_ffff }),
  generation: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
})
const runs = { seed, numRuns: 1000 }

describe('a key', () => {
  it('gives back what it was made of', () => {
    fc.assert(
      fc.property(scope, name(1024), name(255), ms, (at, key, label, until) => {
        const bytes = recordKey(at, key)
        expect(scopeOfRecordKey(bytes)).toEqual(at)
        expect(keyOfRecordKey(bytes)).toBe(key)
        const prefix = labelPrefix(at, 'tag', label)
        expect(recordKeyOfLabelKey(labelKey(bytes, 'tag', label), prefix.length)).toEqual(bytes)
        expect(Buffer.from(recordKeyOfExpiryKey(expiryKey(until, bytes)))).toEqual(bytes)
      }),
      runs,
    )
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 2 ** 48 - 1 }), (priority, number) => {
        expect(readQueueKey(queueKey(priority, number))).toEqual({ priority, number })
      }),
      runs,
    )
  })

  it('of records orders by namespace, generation, key; of the queue by priority, number', () => {
    const parts = fc.tuple(scope, name(20))
    fc.assert(
      fc.property(parts, parts, ([one, oneKey], [two, twoKey]) => {
        const expected =
          one.id - two.id || one.generation - two.generation || Buffer.compare(Buffer.from(oneKey), Buffer.from(twoKey))
        expect(Math.sign(Buffer.compare(recordKey(one, oneKey), recordKey(two, twoKey)))).toBe(Math.sign(expected))
      }),
      runs,
    )
    const place = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 2 ** 48 - 1 }))
    fc.assert(
      fc.property(place, place, (one, two) => {
        const expected = one[0] - two[0] || one[1] - two[1]
        expect(Math.sign(Buffer.compare(queueKey(...one), queueKey(...two)))).toBe(Math.sign(expected))
      }),
      runs,
    )
  })

  it('of a label lies in the range of that label and of no other', () => {
    fc.assert(
      fc.property(scope, name(20), name(8), name(8), (at, key, one, two) => {
        const bytes = labelKey(recordKey(at, key), 'tag', one)
        const inRange = (prefix: Buffer): boolean =>
          Buffer.compare(bytes, prefix) >= 0 && Buffer.compare(bytes, behind(prefix) as Buffer) < 0
        expect(inRange(labelPrefix(at, 'tag', one))).toBe(true)
        expect(inRange(labelPrefix(at, 'tag', two))).toBe(one === two)
        expect(inRange(labelPrefix(at, 'dependency', one))).toBe(false)
      }),
      runs,
    )
  })

  it('of expiry comes before the end of an instant exactly if it has passed by then (G-1)', () => {
    const instant = fc.integer({ min: 0, max: 50 })
    fc.assert(
      fc.property(scope, name(20), instant, instant, (at, key, until, now) => {
        expect(Buffer.compare(expiryKey(until, recordKey(at, key)), expiryEnd(now)) < 0).toBe(until <= now)
      }),
      runs,
    )
  })

  it('has a first key behind it, and a first one behind all that begin so', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.uint8Array({ maxLength: 3 }), (prefix, rest) => {
        const longer = Buffer.concat([prefix, rest])
        if (rest.length > 0) expect(Buffer.compare(next(prefix), longer)).toBeLessThanOrEqual(0)
        const end = behind(prefix)
        if (end !== undefined) expect(Buffer.compare(longer, end)).toBeLessThan(0)
        else expect(prefix.every((byte) => byte === 0xff)).toBe(true)
      }),
      runs,
    )
    expect(behind(Buffer.from([1, 0xff]))).toEqual(Buffer.from([2]))
    expect(scopeKey({ id: 1, generation: 2 })).toEqual(Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 2]))
  })
})
